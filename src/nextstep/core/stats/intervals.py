"""Wilson's interval with the quantiles that intervals are made from."""

from math import sqrt


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


def normal_probability(quantile: float) -> float:
    """The standard normal distribution function."""
    from scipy.special import ndtr

    return float(ndtr(quantile))


def t_probability(quantile: float, df: float) -> float:
    """Student's t distribution function; `df` may be fractional."""
    from scipy.special import stdtr

    return float(stdtr(df, quantile))


def t_quantile(probability: float, df: float) -> float:
    """Student's t quantile; `df` may be fractional."""
    from scipy.special import stdtrit

    return float(stdtrit(df, probability))
