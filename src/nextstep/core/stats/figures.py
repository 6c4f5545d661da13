"""Any statistic of sessions -> a figure with the interval that leaving out one session at a time gives.

One resampling serves every statistic: deterministic, no random numbers. Reference: Efron and Stein 1981 for the
jackknife; Carter, Schnepel and Steigerwald 2017 for the degrees of freedom.
"""

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, replace
from math import sqrt
from typing import TypeVar

from nextstep.core.stats.clusters import Clusters, cluster, leave_one_out_means
from nextstep.core.stats.distributions import t_quantile
from nextstep.core.stats.rates import NEGLIGIBLE, estimate, size_status

Unit = TypeVar("Unit")


@dataclass(frozen=True)
class Figure:
    """A figure with its interval; `ci_low` and `ci_high` are None where no interval can be given.

    `n` counts units (moments or pairs), `n_sessions` sessions. `status`:

    - `empty`: no unit, no value;
    - `not_estimable`: the statistic has no value for these units; or it has one, but not without each one session, and
      then there is no interval;
    - `no_variation`: agreement of ratings that are all the same is not defined, no value;
    - `single_session`: no interval, one session says nothing about others;
    - `degenerate`: no variance between sessions (the interval, if there is one, counts sessions only);
    - `tiny` (n < 10 or G* < 5), `few_sessions` (G* < 10) and `ok`: value and interval.
    """

    value: float | None
    ci_low: float | None
    ci_high: float | None
    n: int
    n_sessions: int
    status: str


def jackknife_figure(
    units: Iterable[tuple[Hashable, Unit]],
    statistic: Callable[[Sequence[Unit]], float | None],
    *,
    low: float | None = None,
    high: float | None = None,
    confidence: float = 0.95,
    part: Callable[[Sequence[Unit]], Hashable] = lambda _: None,
) -> Figure:
    """A statistic of (session, unit) pairs, with its interval clipped to [`low`, `high`].

    value -+ t_{G*-1} sqrt(v), v = (G-1)/G * sum_g (s_(g) - mean s_(g))^2 with s_(g) the statistic without session g.
    `statistic` gives None where it is not defined, and is asked G + 1 times. It must be smooth: not a median or rank.
    `part` of a session's units says which sessions do the same work, if not all do: see `effective_sessions`.
    """
    groups: dict[Hashable, list[Unit]] = {}
    for session, unit in units:
        groups.setdefault(session, []).append(unit)
    sizes = tuple(map(len, groups.values()))
    everything = [unit for group in groups.values() for unit in group]
    value = statistic(everything) if everything else None
    if value is None or len(sizes) == 1:
        return _without_interval(value, sizes)
    without = [statistic([u for h, group in groups.items() if h != g for u in group]) for g in groups]
    replicates = [replicate for replicate in without if replicate is not None]
    if len(replicates) < len(sizes):
        return _without_interval(value, sizes)
    parts = [part(group) for group in groups.values()]
    return from_replicates(value, replicates, sizes, low=low, high=high, confidence=confidence, parts=parts)


def _without_interval(value: float | None, sizes: Sequence[int]) -> Figure:
    """A figure of no unit, of one session, or of a statistic that is not defined with or without a session."""
    single = len(sizes) == 1 and value is not None
    status = "single_session" if single else "not_estimable" if sizes else "empty"
    return Figure(value, None, None, sum(sizes), len(sizes), status)


def from_replicates(
    value: float,
    replicates: Sequence[float],
    sizes: Sequence[int],
    *,
    low: float | None = None,
    high: float | None = None,
    confidence: float = 0.95,
    parts: Sequence[Hashable] = (),
) -> Figure:
    """The figure of a value and its values without each one session; `sizes` are the sessions' numbers of units.

    Needs at least two sessions, in the same order in all; `parts` as in `effective_sessions`, none if all are one.
    """
    n, count = sum(sizes), len(sizes)
    centre = sum(replicates) / count
    squares = [(replicate - centre) ** 2 for replicate in replicates]
    variance = (count - 1) / count * sum(squares)
    if variance < NEGLIGIBLE:
        return Figure(value, None, None, n, count, "degenerate")
    effective = effective_sessions(sizes, squares, parts)
    half = t_quantile(1 - (1 - confidence) / 2, effective - 1) * sqrt(variance)
    ends = clip(value - half, low, high), clip(value + half, low, high)
    return Figure(value, *ends, n, count, size_status(n, effective))


def effective_sessions(sizes: Sequence[int], squares: Sequence[float], parts: Sequence[Hashable]) -> float:
    """G*, or where sessions of several parts do different work, one more than Welch's degrees of freedom.

    df = (sum_h v_h)^2 / sum_h v_h^2 / (G*_h - 1), with v_h the part's share of the variance (its sum of `squares`) and
    G*_h its own effective number of sessions, taken for at least 2. The part that carries the variance decides: Welch
    1947, Satterthwaite 1946.
    """
    if len(set(parts)) <= 1:
        return _kish(sizes)
    rows = list(zip(parts, sizes, squares, strict=True))
    work = [[(size, square) for other, size, square in rows if other == part] for part in set(parts)]
    freedom = [max(1.0, _kish([size for size, _ in done]) - 1) for done in work]
    shares = [sum(square for _, square in done) for done in work]
    return 1 + sum(shares) ** 2 / sum(share**2 / df for share, df in zip(shares, freedom, strict=True))


def _kish(sizes: Sequence[int]) -> float:
    """(sum m)^2 / sum m^2."""
    return sum(sizes) ** 2 / sum(size * size for size in sizes)


def clip(value: float, low: float | None, high: float | None) -> float:
    """`value`, or the bound that it passes."""
    value = value if low is None else max(value, float(low))
    return value if high is None else min(value, float(high))


def mean_figure(
    values: Iterable[tuple[Hashable, float]],
    *,
    low: float | None = None,
    high: float | None = None,
    confidence: float = 0.95,
) -> Figure:
    """The mean of one signed or unbounded value per moment: a paired difference, a difference of differences.

    Without variance between sessions there is an interval only if values lie in [`low`, `high`]: see `unseen_share`.
    """
    clusters = cluster(values)
    sizes = clusters.sizes
    if len(sizes) <= 1:
        return _without_interval(clusters.mean if sizes else None, sizes)
    replicates = leave_one_out_means(clusters)
    found = from_replicates(clusters.mean, replicates, sizes, low=low, high=high, confidence=confidence)
    if found.status != "degenerate" or low is None or high is None:
        return found
    return _bounded_without_variance(found, clusters, low, high, confidence)


def _bounded_without_variance(found: Figure, clusters: Clusters, low: float, high: float, confidence: float) -> Figure:
    share, value = unseen_share(len(clusters.sizes), confidence=confidence), clusters.mean
    return replace(found, ci_low=value - share * (value - low), ci_high=value + share * (high - value))


def unseen_share(sessions: int, *, confidence: float = 0.95) -> float:
    """The largest share of sessions unlike those seen, all alike, that is still compatible with seeing none of them.

    1 - (1 - confidence)^(1/G), the exact form of the rule of three (Hanley and Lippman-Hand 1983). A mean over [-1, 1]
    that is 0 in every session has this bound for its size; approximate where sessions are of uneven size.
    """
    return float(1 - (1 - confidence) ** (1 / sessions))


def rate_figure(scores: Iterable[tuple[Hashable, float]], *, confidence: float = 0.95) -> Figure:
    """The mean of one score in [0, 1] per moment, with the cluster Wilson-t interval: `estimate` as a figure."""
    found = estimate(scores, confidence=confidence)
    return Figure(found.win_rate, found.ci_low, found.ci_high, found.n_moments, found.n_sessions, found.status)
