"""Scores of moments -> a win rate with an interval that knows moments of one session are alike.

The unit of analysis is the moment (one score in [0, 1]: the mean over its samples), the unit of independence is the
session. n counts moments, G sessions; orders, samples and judges are never n. References: Wilson 1927; Franco, Little,
Louis and Slud 2019 for Wilson intervals with an effective sample size; Brown, Cai and DasGupta 2001, who change
Wilson's interval near 0 and 1 only.
"""

from collections.abc import Hashable, Iterable
from dataclasses import dataclass

from nextstep.core.stats.clusters import cluster, jackknife_variance, naive_variance
from nextstep.core.stats.distributions import normal_quantile, t_quantile
from nextstep.core.stats.intervals import score_interval, wilson

NEGLIGIBLE = 1e-12
EXTREME = 0.2
TINY_MOMENTS, TINY_SESSIONS, FEW_SESSIONS = 10, 5.0, 10.0


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


def estimate(scores: Iterable[tuple[Hashable, float]], *, confidence: float = 0.95) -> Estimate:
    """The win rate over (session, score of one moment) pairs, with the cluster Wilson-t interval.

    Wilson's interval with n_eff = p(1-p)/v, v the session jackknife, and Student's t with G* - 1 degrees of freedom.
    Plain Wilson in the textbook case: one moment a session and every score 0 or 1. Below 0.2 and above 0.8 it reaches
    further towards 0.5 if scores lie between 0 and 1: see `clustered_interval`.
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
        return Estimate(n, sessions, p, low, high, size_status(n, n), n, 1.0)
    variance, effective = jackknife_variance(clusters), clusters.effective
    if variance < NEGLIGIBLE or p * (1 - p) < NEGLIGIBLE:
        low, high = wilson(p, sessions, normal_quantile(tail))
        return Estimate(n, sessions, p, low, high, "degenerate", effective)
    naive = naive_variance(score for _, score in pairs)
    low, high = clustered_interval(p, variance, naive * (n - 1), t_quantile(tail, effective - 1))
    return Estimate(n, sessions, p, low, high, size_status(n, effective), effective, variance / naive)


def clustered_interval(p: float, variance: float, spread: float, critical: float) -> tuple[float, float]:
    """Wilson's interval with n = p(1-p) / variance, and near 0 and 1 no end nearer than that of `score_interval`.

    Wilson lets the variance grow with x(1-x) towards 0.5. Where most scores are wins and the others ties, it grows
    faster: what is seen is the variance of the ties, and losses have one of their own. `spread` is the scores' own
    variance. The other end stays Wilson's: how many ties there are is known too badly to pull it in.
    """
    low, high = wilson(p, p * (1 - p) / variance, critical)
    if min(p, 1 - p) > EXTREME - NEGLIGIBLE:
        return low, high
    nearest, furthest = score_interval(p, variance, spread, critical)
    return min(low, nearest), max(high, furthest)


def size_status(n: int, effective: float) -> str:
    """`tiny`, `few_sessions` or `ok`, from the number of units and G*."""
    if n < TINY_MOMENTS or effective < TINY_SESSIONS:
        return "tiny"
    return "few_sessions" if effective < FEW_SESSIONS else "ok"
