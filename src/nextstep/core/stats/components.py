"""Samples of moments -> where the variance of a win rate comes from, and what would lower it.

Model: y = theta + session + moment + proposal + judge's repeat, each an independent share of the variance. References:
Miller 2024 (arXiv:2411.00640), section 3; Cochran 1977, chapter 10 for the number of samples.
"""

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from math import ceil, sqrt
from typing import Literal

from nextstep.core.stats.clusters import cluster

MOMENT_SHARE = 4
"""Samples are enough when they add at most a quarter of the moments' own variance: more would save < 11 % of the SE."""

ALIKE = 1e-9
"""A variance of scores in [0, 1] that is as good as none: what rounding leaves of equal ones."""

Samples = Sequence[float]


@dataclass(frozen=True)
class VarianceSplit:
    """Variances of one score: `session` and `moment` are of moments' true scores, `within` of samples of one moment.

    `judge` is the part of `within` that a repeat of the same verdict would show, None unless repeats were given.
    `size_moment` is sum m_g^2 / n, the size of a random moment's session. `zeroed` names the parts whose estimate was
    negative and is given as 0: too little data to tell them from nothing.
    """

    session: float
    moment: float
    within: float
    judge: float | None
    n: int
    size_moment: float
    zeroed: tuple[str, ...] = ()

    @property
    def between(self) -> float:
        """Variance of moments' true scores: session and moment together."""
        return self.session + self.moment

    @property
    def proposal(self) -> float | None:
        """`within` without the judge's own part; None where that is not known."""
        return None if self.judge is None else max(0.0, self.within - self.judge)

    def standard_error(self, samples: float, repeats: float = 1) -> float:
        """Of the win rate over as many moments with `samples` each, every verdict asked for `repeats` times.

        sqrt(session sum m^2/n^2 + (moment + proposal/k + judge/(k R))/n); an unknown `judge` is not divided by R.
        """
        judge = self.judge or 0.0
        noise = max(0.0, self.within - judge) / samples + judge / (samples * repeats)
        return sqrt((self.session * self.size_moment + self.moment + noise) / self.n)

    def enough_samples(self) -> int | None:
        """The smallest number of samples that adds at most a quarter of the moments' own variance.

        None where moments do not differ: then only more samples or more moments alike help.
        """
        return max(1, ceil(MOMENT_SHARE * self.within / self.between - 1e-9)) if self.between > ALIKE else None

    def advice(self, samples: float) -> Literal["more samples", "more moments"]:
        """What lowers the standard error from `samples` a moment."""
        enough = self.enough_samples()
        return "more samples" if enough is None or samples < enough else "more moments"

    def best_samples(self, moment_cost: float, sample_cost: float) -> float | None:
        """sqrt((c_m/c_s) within/moment): samples a moment for the least error at a price; None if moments are alike."""
        return sqrt(moment_cost / sample_cost * self.within / self.moment) if self.moment > 0 else None


def variance_split(
    units: Iterable[tuple[Hashable, Samples]], *, repeats: Iterable[Samples] = ()
) -> VarianceSplit | None:
    """Split the variance over (session, scores of one moment's samples); None without two samples of one moment.

    `repeats` are the scores of one proposal judged again in the same order (in the other, the position would count as
    noise). within = mean over moments of the samples' variance; between = variance of moments' means - within *
    mean(1/k); its session part by the intraclass correlation of a one-way analysis of variance.
    """
    pairs = list(units)
    spreads = [_variance(samples) for _, samples in pairs if len(samples) > 1]
    if not spreads or len(pairs) < 2:
        return None
    within = _mean(spreads)
    means = [(session, _mean(samples)) for session, samples in pairs]
    total = _variance([mean for _, mean in means])
    between = total - within * _mean([1 / len(samples) for _, samples in pairs])
    correlation = session_correlation(means)
    session = min(max(0.0, correlation * total), max(0.0, between))
    noise = [_variance(scores) for scores in repeats if len(scores) > 1]
    judge = _mean(noise) if noise else None
    zeroed = {"session": correlation < 0, "moment": between < 0, "proposal": judge is not None and judge > within}
    return VarianceSplit(
        session,
        max(0.0, between) - session,
        within,
        judge,
        len(pairs),
        _size_moment(means),
        tuple(name for name, negative in zeroed.items() if negative),
    )


def session_correlation(scores: Iterable[tuple[Hashable, float]]) -> float:
    """The correlation of two moments of one session, from (session, score): (MSB - MSW)/(MSB + (m_0 - 1) MSW).

    One-way analysis of variance with m_0 = (n - sum m_g^2/n)/(G - 1). May be negative; 0 where it cannot be told: one
    session, no session with two moments, or no variance. Donner 1986.
    """
    pairs = list(scores)
    groups = cluster(pairs)
    n, count = groups.n, len(groups.sizes)
    if count < 2 or n == count:
        return 0.0
    between = sum(m * (t / m - groups.mean) ** 2 for m, t in zip(groups.sizes, groups.totals, strict=True))
    within = (sum((y - groups.mean) ** 2 for _, y in pairs) - between) / (n - count)
    between /= count - 1
    typical = (n - sum(m * m for m in groups.sizes) / n) / (count - 1)
    whole = between + (typical - 1) * within
    return (between - within) / whole if whole > 0 else 0.0


def rerun_error(units: Iterable[tuple[Hashable, Samples]]) -> float | None:
    """The standard error of the win rate if these same moments were sampled again: sqrt(sum_m s_m^2/k_m)/n.

    It says nothing about other moments: label it `rerun`, never as the interval. None unless each has two samples.
    """
    samples = [scores for _, scores in units]
    if not samples or min(map(len, samples)) < 2:
        return None
    return sqrt(sum(_variance(scores) / len(scores) for scores in samples)) / len(samples)


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _variance(values: Sequence[float]) -> float:
    mean = _mean(values)
    return sum((value - mean) ** 2 for value in values) / (len(values) - 1)


def _size_moment(means: Sequence[tuple[Hashable, float]]) -> float:
    sizes = cluster(means).sizes
    return sum(size * size for size in sizes) / sum(sizes)
