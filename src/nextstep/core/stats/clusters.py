"""Scores grouped by session, with the variances of their mean.

The session is the unit of independence. References: Miller 2024 (arXiv:2411.00640) for clustered errors; Carter,
Schnepel and Steigerwald 2017 for the effective number of clusters.
"""

from collections.abc import Hashable, Iterable
from dataclasses import dataclass


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


def cluster(scores: Iterable[tuple[Hashable, float]]) -> Clusters:
    """Group (session, score of one moment) pairs by session."""
    groups: dict[Hashable, list[float]] = {}
    for session, score in scores:
        groups.setdefault(session, []).append(score)
    return Clusters(tuple(map(len, groups.values())), tuple(map(sum, groups.values())))


def leave_one_out_means(clusters: Clusters) -> list[float]:
    """p_(g), the mean without session g, for each session; needs at least two."""
    total, n = sum(clusters.totals), clusters.n
    return [(total - t) / (n - m) for t, m in zip(clusters.totals, clusters.sizes, strict=True)]


def jackknife_variance(clusters: Clusters) -> float:
    """Variance of the mean by leaving out one session at a time; needs at least two sessions.

    v = (G-1)/G * sum_g (p_(g) - mean of p_(g))^2 with p_(g) the mean without session g: close to CR3, and the default.
    """
    without, count = leave_one_out_means(clusters), len(clusters.sizes)
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
