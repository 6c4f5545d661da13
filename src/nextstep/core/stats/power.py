"""The variance of a paired difference -> what could be seen with it, and how many moments or samples would be enough.

References: Bloom 1995 for the minimum detectable effect; Miller 2024 (arXiv:2411.00640), section 5, for paired
evaluations; Julious 2004 for the sizes of non-inferiority trials.
"""

from collections.abc import Iterable, Sequence
from math import ceil

from nextstep.core.stats.distributions import normal_probability, normal_quantile, t_quantile

POWER = 0.8
MOST_SAMPLES = 16
"""More samples than this lower no error that is worth their price: moments are what is missing."""

Samples = Sequence[float]


def detectable_difference(se: float, *, df: float | None = None, alpha: float = 0.05, power: float = POWER) -> float:
    """The smallest true difference that a two-sided test finds with this power: (t_{1-alpha/2} + z_power) se.

    Student's t with `df`; the normal quantile without.
    """
    critical = normal_quantile(1 - alpha / 2) if df is None else t_quantile(1 - alpha / 2, df)
    return (critical + normal_quantile(power)) * se


def pass_probability(se: float, margin: float, *, df: float, alpha: float = 0.05) -> float:
    """How likely a non-inferiority test passes when there is no difference: Phi(margin/se - t_{1-alpha})."""
    return normal_probability(margin / se - t_quantile(1 - alpha, df))


def required_variance(distance: float, *, alpha: float = 0.05, power: float = POWER) -> float:
    """The variance of a mean with which a one-sided test sees this distance with this power.

    (distance / (z_{1-alpha} + z_power))^2. For a gate the distance is that of the true difference from -margin.
    """
    return (distance / (normal_quantile(1 - alpha) + normal_quantile(power))) ** 2


def required_moments(variance: float, distance: float, *, alpha: float = 0.05, power: float = POWER) -> int:
    """Deff w^2 (z_{1-alpha} + z_power)^2 / distance^2, rounded up; `variance` is deff w^2, of one moment's difference.

    n moments whose mean difference has the variance v are of n v each, if further ones are like them.
    """
    return ceil(variance / required_variance(distance, alpha=alpha, power=power) - 1e-9)


def sampling_noise(moments: Iterable[Samples]) -> float | None:
    """The part of the variance of a mean over moments that is due to drawing each moment's samples.

    (s_w^2 / n^2) sum_m 1/k_m with s_w^2 the mean variance of one moment's samples; None unless one has two.
    """
    samples = list(moments)
    spreads = [_variance(scores) for scores in samples if len(scores) > 1]
    if not spreads:
        return None
    within = sum(spreads) / len(spreads)
    return within * sum(1 / len(scores) for scores in samples) / len(samples) ** 2


def required_samples(
    variance: float, noise: float, samples: float, distance: float, *, alpha: float = 0.05, power: float = POWER
) -> int | None:
    """Samples a moment, where `samples` are now, with which a one-sided test sees this distance with this power.

    `noise` is the part of the variance of the mean that they lower: v(k') = v - noise + noise k / k'. None where
    that would take more than 16, or where no number is enough.
    """
    room = required_variance(distance, alpha=alpha, power=power) - (variance - noise)
    if room <= 0:
        return None
    wanted = ceil(samples * noise / room - 1e-9)
    return wanted if wanted <= MOST_SAMPLES else None


def _variance(values: Samples) -> float:
    mean = sum(values) / len(values)
    return sum((value - mean) ** 2 for value in values) / (len(values) - 1)
