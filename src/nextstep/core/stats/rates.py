"""Scores of moments -> a win rate with an interval that knows moments of one session are alike.

The unit of analysis is the moment (one score in [0, 1]: the mean over its samples), the unit of independence is the
session. n counts moments, G sessions; orders, samples and judges are never n. References: Wilson 1927; Franco, Little,
Louis and Slud 2019 for Wilson intervals with an effective sample size.
"""

from collections.abc import Hashable, Iterable
from dataclasses import dataclass

from nextstep.core.stats.clusters import cluster, jackknife_variance, naive_variance
from nextstep.core.stats.intervals import normal_quantile, t_quantile, wilson

NEGLIGIBLE = 1e-12
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
        return Estimate(n, sessions, p, low, high, size_status(n, n), n, 1.0)
    variance, spread, effective = jackknife_variance(clusters), p * (1 - p), clusters.effective
    if variance < NEGLIGIBLE or spread < NEGLIGIBLE:
        low, high = wilson(p, sessions, normal_quantile(tail))
        return Estimate(n, sessions, p, low, high, "degenerate", effective)
    low, high = wilson(p, spread / variance, t_quantile(tail, effective - 1))
    deff = variance / naive_variance(score for _, score in pairs)
    return Estimate(n, sessions, p, low, high, size_status(n, effective), effective, deff)


def size_status(n: int, effective: float) -> str:
    """`tiny`, `few_sessions` or `ok`, from the number of units and G*."""
    if n < TINY_MOMENTS or effective < TINY_SESSIONS:
        return "tiny"
    return "few_sessions" if effective < FEW_SESSIONS else "ok"
