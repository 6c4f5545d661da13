"""Two models on the same moments -> how much better one is.

The difference is formed per moment first, so that what the models share cancels. References: Miller 2024
(arXiv:2411.00640), section 4; Clopper and Pearson 1934 for the bound where few sessions differ.
"""

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, replace
from math import sqrt

from nextstep.core.stats.clusters import cluster, jackknife_variance
from nextstep.core.stats.figures import Figure, mean_figure
from nextstep.core.stats.signs import sign_flip_p

FEW_DIFFERENT = 5
"""With fewer sessions that differ, a sign flip never goes below p = 0.125 and the jackknife sees too little vary."""


@dataclass(frozen=True)
class Comparison:
    """Model A minus model B over the moments scored for both.

    `difference` in [-1, 1]; `se` its standard error (None with fewer than two sessions); `p_value` of the session sign
    flip; `correlation` of the two models' scores (None where one does not vary) and `sd` of the differences over
    moments (None for one moment); the shares of moments where A is `better`, `equal`, `worse`; `bound` on |difference|
    where fewer than 5 sessions differ, and then also the interval, as there is too little variance for another.
    """

    difference: Figure
    se: float | None
    p_value: float | None
    correlation: float | None
    sd: float | None
    better: float
    equal: float
    worse: float
    bound: float | None


def compare(
    units: Iterable[tuple[Hashable, tuple[float, float]]], *, confidence: float = 0.95, seed: int = 0
) -> Comparison:
    """Compare two models over (session, (score of A, score of B)), one unit for each moment scored for both.

    `seed` is used only where the sign flip must draw. No unit gives an `empty` difference and shares of 0.
    """
    pairs = list(units)
    gaps = [(session, a - b) for session, (a, b) in pairs]
    clusters = cluster(gaps)
    count = len(clusters.sizes)
    bound = _bound(clusters.totals, confidence)
    difference = mean_figure(gaps, low=-1.0, high=1.0, confidence=confidence)
    return Comparison(
        _bounded(difference, bound),
        sqrt(jackknife_variance(clusters)) if count > 1 else None,
        sign_flip_p(gaps, seed=seed) if gaps else None,
        correlation([a for _, (a, _) in pairs], [b for _, (_, b) in pairs]),
        standard_deviation([gap for _, gap in gaps]),
        *_shares([gap for _, gap in gaps]),
        bound,
    )


def _bound(totals: Sequence[float], confidence: float) -> float | None:
    """The upper Clopper-Pearson limit on the share of sessions that differ, if fewer than 5 do; None otherwise.

    With none that differs it is 1 - (1 - confidence)^(1/G). Approximate where sessions are of uneven size.
    """
    from scipy.special import betaincinv

    different = sum(abs(total) > 1e-9 for total in totals)
    if len(totals) <= 1 or different >= FEW_DIFFERENT:
        return None
    if different == len(totals):
        return 1.0
    return float(betaincinv(different + 1, len(totals) - different, confidence))


def _bounded(difference: Figure, bound: float | None) -> Figure:
    if bound is None or difference.value is None:
        return difference
    widest = max(bound, abs(difference.value))
    return replace(difference, ci_low=-widest, ci_high=widest, status="degenerate")


def _shares(gaps: Sequence[float]) -> tuple[float, float, float]:
    count = max(1, len(gaps))
    better, worse = sum(gap > 1e-9 for gap in gaps), sum(gap < -1e-9 for gap in gaps)
    return better / count, (len(gaps) - better - worse) / count, worse / count


def standard_deviation(values: Sequence[float]) -> float | None:
    """The sample standard deviation (n - 1); None for fewer than two values."""
    if len(values) < 2:
        return None
    mean = sum(values) / len(values)
    return sqrt(sum((value - mean) ** 2 for value in values) / (len(values) - 1))


def correlation(ones: Sequence[float], others: Sequence[float]) -> float | None:
    """Pearson's correlation; None where either side does not vary."""
    sd_one, sd_other = standard_deviation(ones), standard_deviation(others)
    if not sd_one or not sd_other:
        return None
    mean_one, mean_other = sum(ones) / len(ones), sum(others) / len(others)
    products = sum((a - mean_one) * (b - mean_other) for a, b in zip(ones, others, strict=True))
    return max(-1.0, min(1.0, products / (len(ones) - 1) / (sd_one * sd_other)))
