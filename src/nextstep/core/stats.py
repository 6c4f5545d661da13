"""Scores of moments -> a win rate with an interval that knows moments of one session are alike.

The unit of analysis is the moment (one score in [0, 1]: the mean over its samples), the unit of independence is the
session. n counts moments, G sessions; orders, samples and judges are never n. References: Wilson 1927; Miller 2024
(arXiv:2411.00640) for clustered errors; Carter, Schnepel and Steigerwald 2017 for the effective number of clusters;
Franco, Little, Louis and Slud 2019 for Wilson intervals with an effective sample size.
"""

from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from math import sqrt

NEGLIGIBLE = 1e-12
TINY_MOMENTS, TINY_SESSIONS, FEW_SESSIONS = 10, 5.0, 10.0


@dataclass(frozen=True)
class Clusters:
    """Per session: the number of moments and the sum of their scores. The same order in both."""

    sizes: tuple[int, ...]
    totals: tuple[float, ...]

    @property
    def n(self) -> int:
        """Moments."""
        return sum(self.sizes)

    @property
    def mean(self) -> float:
        """Mean score over moments, each moment with weight 1."""
        return sum(self.totals) / self.n

    @property
    def effective(self) -> float:
        """G* = n^2 / sum m_g^2: as many equal sessions would weigh as much as these uneven ones."""
        return self.n**2 / sum(size * size for size in self.sizes)


@dataclass(frozen=True)
class Estimate:
    """A win rate over moments. `ci_low` and `ci_high` are None where no interval can be given.

    `status`: `ok`, `empty` (no moment), `single_session` (no interval: one session says nothing about others),
    `degenerate` (no variance between sessions: Wilson with n = sessions), `tiny` (n < 10 or G* < 5) or `few_sessions`
    (G* < 10). `deff` is the variance over that of independent moments.
    """

    n_moments: int
    n_sessions: int
    win_rate: float | None
    ci_low: float | None
    ci_high: float | None
    status: str
    effective_sessions: float | None = None
    deff: float | None = None


def cluster(scores: Iterable[tuple[Hashable, float]]) -> Clusters:
    """Group (session, score of one moment) pairs by session."""
    groups: dict[Hashable, list[float]] = {}
    for session, score in scores:
        groups.setdefault(session, []).append(score)
    return Clusters(tuple(map(len, groups.values())), tuple(map(sum, groups.values())))


def jackknife_variance(clusters: Clusters) -> float:
    """Variance of the mean by leaving out one session at a time; needs at least two sessions.

    v = (G-1)/G * sum_g (p_(g) - mean of p_(g))^2 with p_(g) the mean without session g: close to CR3, and the default.
    """
    total, n, count = sum(clusters.totals), clusters.n, len(clusters.sizes)
    without = [(total - t) / (n - m) for t, m in zip(clusters.totals, clusters.sizes, strict=True)]
    centre = sum(without) / count
    return (count - 1) / count * sum((p - centre) ** 2 for p in without)


def cr0_variance(clusters: Clusters) -> float:
    """Cluster-robust variance of the mean without small-sample correction (Miller 2024, appendix A)."""
    residuals = (t - m * clusters.mean for t, m in zip(clusters.totals, clusters.sizes, strict=True))
    return sum(r * r for r in residuals) / clusters.n**2


def cr1_variance(clusters: Clusters) -> float:
    """`cr0_variance` times G/(G-1)."""
    count = len(clusters.sizes)
    return cr0_variance(clusters) * count / (count - 1)


def naive_variance(scores: Iterable[float]) -> float:
    """Variance of the mean if all moments were independent: s^2/n with the n-1 divisor; needs two scores."""
    values = list(scores)
    mean = sum(values) / len(values)
    return sum((y - mean) ** 2 for y in values) / (len(values) - 1) / len(values)


def wilson(p: float, n: float, critical: float) -> tuple[float, float]:
    """Wilson's score interval for a proportion `p` of `n` (fractional wins and effective sizes are welcome).

    It always holds `p` itself, also where rounding would leave it out.
    """
    square = critical * critical
    centre = p + square / (2 * n)
    half = critical * sqrt(p * (1 - p) / n + square / (4 * n * n))
    scale = 1 + square / n
    return min(p, max(0.0, (centre - half) / scale)), max(p, min(1.0, (centre + half) / scale))


def normal_quantile(probability: float) -> float:
    """The standard normal quantile."""
    from scipy.special import ndtri

    return float(ndtri(probability))


def t_quantile(probability: float, df: float) -> float:
    """Student's t quantile; `df` may be fractional."""
    from scipy.special import stdtrit

    return float(stdtrit(df, probability))


def estimate(scores: Iterable[tuple[Hashable, float]], *, confidence: float = 0.95) -> Estimate:
    """The win rate over (session, score of one moment) pairs, with the cluster Wilson-t interval.

    Wilson's interval with n_eff = p(1-p)/v, v the session jackknife, and Student's t with G* - 1 degrees of freedom.
    Plain Wilson in the textbook case: one moment a session and every score 0 or 1.
    """
    pairs = list(scores)
    if not pairs:
        return Estimate(0, 0, None, None, None, "empty")
    clusters = cluster(pairs)
    n, sessions, p = clusters.n, len(clusters.sizes), clusters.mean
    if sessions == 1:
        return Estimate(n, 1, p, None, None, "single_session", 1.0)
    tail = 1 - (1 - confidence) / 2
    if n == sessions and all(score in (0, 1) for _, score in pairs):
        low, high = wilson(p, n, normal_quantile(tail))
        return Estimate(n, sessions, p, low, high, _size_status(n, n), n, 1.0)
    variance, spread, effective = jackknife_variance(clusters), p * (1 - p), clusters.effective
    if variance < NEGLIGIBLE or spread < NEGLIGIBLE:
        low, high = wilson(p, sessions, normal_quantile(tail))
        return Estimate(n, sessions, p, low, high, "degenerate", effective)
    low, high = wilson(p, spread / variance, t_quantile(tail, effective - 1))
    deff = variance / naive_variance(score for _, score in pairs)
    return Estimate(n, sessions, p, low, high, _size_status(n, effective), effective, deff)


def _size_status(n: int, effective: float) -> str:
    if n < TINY_MOMENTS or effective < TINY_SESSIONS:
        return "tiny"
    return "few_sessions" if effective < FEW_SESSIONS else "ok"
