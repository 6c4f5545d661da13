"""Differences between two models -> p-values that assume no distribution, and their correction for many tests."""

from collections.abc import Hashable, Iterable, Sequence
from fractions import Fraction
from math import comb, lcm

from nextstep.core.stats.clusters import cluster

ENUMERABLE = 20
DRAWS, DRAWS_AT_ONCE = 99_999, 10_000
LARGEST_TABLE = 50_000_000
SAME = 1e-9


def sign_flip_p(differences: Iterable[tuple[Hashable, float]], *, seed: int = 0) -> float:
    """The two-sided p-value of no difference over (session, difference at one moment), flipping whole sessions.

    P(|sum e_g S_g| >= |sum S_g|) with S_g the sum of session g and e_g = +-1 by lot. Exact where scores are multiples
    of a common fraction or at most 20 sessions differ; otherwise (1 + count)/(1 + 99 999) over draws from `seed`. 1
    where no session differs; never below 2/2^(sessions that differ). Assumes that without a difference the two models'
    labels could be swapped within a session. Canay, Romano and Shaikh 2017.
    """
    totals = cluster(differences).totals
    sums, observed = [abs(total) for total in totals if abs(total) > SAME], abs(sum(totals))
    if not sums:
        return 1.0
    *whole, whole_observed = _whole_numbers([*sums, observed]) or [0]
    if whole and len(sums) * sum(whole) <= LARGEST_TABLE:
        return _by_table(whole, whole_observed)
    return _by_enumeration(sums, observed) if len(sums) <= ENUMERABLE else _by_draws(sums, observed, seed)


def _whole_numbers(values: Sequence[float]) -> list[int] | None:
    """The values in units of their largest common fraction; None where they have none with a denominator to 1000."""
    fractions = [Fraction(value).limit_denominator(1000) for value in values]
    if any(abs(float(fraction) - value) > SAME for fraction, value in zip(fractions, values, strict=True)):
        return None
    unit = lcm(*(fraction.denominator for fraction in fractions))
    return [int(fraction * unit) for fraction in fractions]


def _by_table(sums: Sequence[int], observed: int) -> float:
    """Exact: the distribution of the sum of the sessions with a minus, one session after the other."""
    import numpy as np

    total = sum(sums)
    chance = np.zeros(total + 1)
    chance[0] = 1.0
    for value in sums:
        moved = np.zeros_like(chance)
        moved[value:] = chance[: total + 1 - value]
        chance = (chance + moved) / 2
    far = np.abs(total - 2 * np.arange(total + 1)) >= observed
    return min(1.0, float(chance[far].sum()))


def _by_enumeration(sums: Sequence[float], observed: float) -> float:
    import numpy as np

    reached = np.zeros(1)
    for value in sums:
        reached = np.concatenate([reached + value, reached - value])
    return float(np.mean(np.abs(reached) >= observed - SAME))


def _by_draws(sums: Sequence[float], observed: float, seed: int) -> float:
    import numpy as np

    generator, values, count = np.random.default_rng(seed), np.asarray(sums), 0
    for start in range(0, DRAWS, DRAWS_AT_ONCE):
        drawn = min(DRAWS_AT_ONCE, DRAWS - start)
        flips = generator.integers(0, 2, size=(drawn, len(sums))) * 2 - 1
        count += int((np.abs(flips @ values) >= observed - SAME).sum())
    return (1 + count) / (1 + DRAWS)


def mcnemar_p(only_a: int, only_b: int) -> float:
    """The exact two-sided McNemar p-value: the binomial test of `only_a` wins against `only_b` at 1/2.

    For single moments without ties, one a session: a footnote otherwise. 1 where nothing is discordant. McNemar 1947.
    """
    n = only_a + only_b
    return min(1.0, 2 * sum(comb(n, wins) for wins in range(min(only_a, only_b) + 1)) / (1 << n))


def holm(p_values: Sequence[float]) -> list[float]:
    """The p-values adjusted for testing them all, in the order given: max over smaller ones of (m - rank) p.

    Controls the chance of any false alarm in the family. Holm 1979.
    """
    adjusted, largest = [0.0] * len(p_values), 0.0
    for rank, place in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[place]))
        adjusted[place] = largest
    return adjusted
