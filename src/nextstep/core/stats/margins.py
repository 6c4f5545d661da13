"""Two models on the same moments, and a margin -> whether the first is worse by more than it.

A test of non-inferiority: the bounds at one-sided `alpha` are the ends of a two-sided interval at 1 - 2 alpha.
References: Schuirmann 1987; Piaggio et al. 2012 (CONSORT for non-inferiority); FDA 2016.
"""

from collections.abc import Hashable, Iterable
from dataclasses import dataclass

from nextstep.core.stats.clusters import cluster
from nextstep.core.stats.distributions import t_probability
from nextstep.core.stats.paired import Comparison, compare
from nextstep.core.stats.power import detectable_difference, pass_probability


@dataclass(frozen=True)
class MarginTest:
    """Model A minus model B against a margin.

    `low` and `high` bound the difference, each at one-sided `alpha`; None where one session says nothing of others.
    `p_below` is the p-value of "not worse by more than the margin": small speaks for a regression. `mde` is the true
    difference that a two-sided 5 % test finds with 80 % power, `power` how likely equal models pass; both None where
    too few sessions differ to tell their variance (then the bounds count sessions, see `compare`).
    """

    comparison: Comparison
    low: float | None
    high: float | None
    p_below: float
    effective_sessions: float
    mde: float | None
    power: float | None


def non_inferiority(
    units: Iterable[tuple[Hashable, tuple[float, float]]], *, margin: float, alpha: float, seed: int = 0
) -> MarginTest:
    """Test (session, (score of A, score of B)), one unit for each moment scored for both; needs at least one.

    Student's t with G* - 1 degrees of freedom on the session jackknife, as everywhere.
    """
    pairs = list(units)
    effective = cluster((session, a - b) for session, (a, b) in pairs).effective
    found = compare(pairs, confidence=1 - 2 * alpha, seed=seed)
    if found.bound is not None or found.difference.status == "degenerate":
        # The bounds are one-sided already.
        found = compare(pairs, confidence=1 - alpha, seed=seed)
        figure = found.difference
        below = 1.0 if found.bound is not None else _unseen_p(figure.value, figure.n_sessions, margin)
        return MarginTest(found, figure.ci_low, figure.ci_high, below, effective, None, None)
    figure, se, df = found.difference, found.se, effective - 1
    if not se or figure.value is None:
        return MarginTest(found, None, None, 1.0, effective, None, None)
    below = t_probability((figure.value + margin) / se, df)
    mde = detectable_difference(se, df=df)
    power = pass_probability(se, margin, df=df, alpha=alpha)
    return MarginTest(found, figure.ci_low, figure.ci_high, below, effective, mde, power)


def _unseen_p(value: float | None, sessions: int, margin: float) -> float:
    """The p-value of a true difference of -margin or more where all sessions show the same, lower one.

    Then a share of sessions that was not seen must make up for it, at most 1 each: (1 - share)^G.
    """
    if value is None or value >= -margin:
        return 1.0
    return float((1 - (-margin - value) / (1 - value)) ** sessions)
