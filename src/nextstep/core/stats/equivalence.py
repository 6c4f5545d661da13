"""A figure with a margin -> whether it is as good as a fixed value, and how many moments that takes to show."""

from math import ceil

from nextstep.core.stats.distributions import normal_quantile
from nextstep.core.stats.figures import Figure


def is_equivalent(figure: Figure, *, centre: float, margin: float) -> bool | None:
    """Whether the whole interval lies within `margin` of `centre`; None where there is no interval.

    Two one-sided tests at 5 % are a figure made with confidence 0.90. An interval that holds the centre shows nothing
    without a margin. Schuirmann 1987.
    """
    if figure.ci_low is None or figure.ci_high is None:
        return None
    return centre - margin < figure.ci_low and figure.ci_high < centre + margin


def moments_for_equivalence(sd: float, margin: float, *, alpha: float = 0.05, power: float = 0.8) -> int:
    """Independent moments of this standard deviation needed to show equivalence where the truth is the centre.

    ((z_{1-alpha} + z_{(1+power)/2}) sd / margin)^2, rounded up; moments alike within sessions need more by their design
    effect.
    """
    return ceil(((normal_quantile(1 - alpha) + normal_quantile((1 + power) / 2)) * sd / margin) ** 2)
