"""Scores of several models over a quantity such as their release date -> a trend."""

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from math import sqrt

from nextstep.core.stats.distributions import t_probability, t_quantile
from nextstep.core.stats.figures import Figure, mean_figure


@dataclass(frozen=True)
class ModelTrend:
    """A line through one mean per model, as if the models were drawn from many ("new models").

    `slope` per unit of x with its interval (Student's t, models - 2 degrees of freedom) and `p_value`; Kendall's `tau`
    with its `tau_p` (exact without equal values), both None where all means are the same.
    """

    slope: float
    ci_low: float
    ci_high: float
    p_value: float
    tau: float | None
    tau_p: float | None
    n_models: int


def slope_weights(x: Sequence[float]) -> list[float]:
    """w_i = (x_i - mean x) / sum (x - mean x)^2: the weights that make a line's least-squares slope of values at x.

    A ValueError where all x are the same.
    """
    mean = sum(x) / len(x)
    spread = sum((value - mean) ** 2 for value in x)
    if spread == 0:
        raise ValueError("a trend needs at least two different places")
    return [(value - mean) / spread for value in x]


def trend_over_moments(
    units: Iterable[tuple[Hashable, Sequence[float]]], x: Sequence[float], *, confidence: float = 0.95
) -> Figure:
    """The slope of the models' win rates over `x`, for these models and new moments.

    Units are (session, the models' scores at one moment, in the order of `x`). b_m = sum_i w_i y_mi is one contrast per
    moment and its mean is the slope, so what models share at a moment stays in the interval.
    """
    weights = slope_weights(x)
    contrasts = ((session, sum(w * y for w, y in zip(weights, scores, strict=True))) for session, scores in units)
    return mean_figure(contrasts, confidence=confidence)


def trend_over_models(means: Sequence[float], x: Sequence[float], *, confidence: float = 0.95) -> ModelTrend:
    """The slope of one mean per model over `x`, for new models; at least three models, else a ValueError."""
    from scipy.stats import kendalltau

    if len(means) < 3:
        raise ValueError("a trend over models needs at least three of them")
    slope = sum(w * y for w, y in zip(slope_weights(x), means, strict=True))
    se, df = _slope_error(means, x, slope), len(means) - 2
    half = t_quantile(1 - (1 - confidence) / 2, df) * se
    p_value = 2 * t_probability(-abs(slope / se), df) if se else float(slope == 0)
    rank = kendalltau(x, means) if len(set(means)) > 1 else None
    tau, tau_p = (float(rank.statistic), float(rank.pvalue)) if rank else (None, None)
    return ModelTrend(slope, slope - half, slope + half, p_value, tau, tau_p, len(means))


def _slope_error(means: Sequence[float], x: Sequence[float], slope: float) -> float:
    count = len(means)
    mean_x, mean_y = sum(x) / count, sum(means) / count
    residuals = [y - mean_y - slope * (place - mean_x) for place, y in zip(x, means, strict=True)]
    return sqrt(sum(r * r for r in residuals) / (count - 2) / sum((place - mean_x) ** 2 for place in x))
