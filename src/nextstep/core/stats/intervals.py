"""Wilson's interval for wins, and the one like it for scores between 0 and 1."""

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


def score_interval(p: float, variance: float, spread: float, critical: float) -> tuple[float, float]:
    """The score interval of a mean of scores between 0 and 1, not only 0 or 1; needs `spread` > 0.

    `spread` is the scores' own variance, `variance` that of their mean `p`. Ties take gap = p(1-p) - spread, which is
    the mean of y(1-y), from the variance of wins and losses, whatever the rate. So at a rate x the mean's variance is
    V(x) = variance (x(1-x) - gap) / spread, and the ends solve (p-x)^2 = critical^2 V(x): Wilson's 1927 argument.
    Without ties it is Wilson's interval with n = p(1-p) / variance.
    """
    pull, gap = spread / variance / critical / critical, max(0.0, p * (1 - p) - spread)
    centre, half = pull * p + 0.5, sqrt(pull * spread + 0.25 - gap)
    return max(0.0, (centre - half) / (1 + pull)), min(1.0, (centre + half) / (1 + pull))
