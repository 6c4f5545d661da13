"""A judged rate with the judge's measured errors -> the true rate.

References: Rogan and Gladen 1978; Lang and Reiczigel 2014 for the interval; Lee et al. 2025 (arXiv:2511.21140) for
judges.
"""

from dataclasses import dataclass
from math import sqrt

from nextstep.core.stats.distributions import normal_quantile

LEAST_YOUDEN, LEAST_CALIBRATION = 0.3, 30


@dataclass(frozen=True)
class Measured:
    """A proportion with the number of cases it was measured on; a clustered rate comes with p(1-p)/v."""

    rate: float
    n: float

    @property
    def variance(self) -> float:
        """p(1-p)/n."""
        return self.rate * (1 - self.rate) / self.n


@dataclass(frozen=True)
class Corrected:
    """A rate without the judge's errors: `value` within [0, 1] with Lang and Reiczigel's interval.

    `unclipped` is the value as computed; `delta_low` and `delta_high` are the plain (delta method) interval around it,
    to compare. `status`: `ok`, or why it is refused and everything is None: `weak_judge` (sensitivity + specificity - 1
    < 0.3), `few_calibrated` (either was measured on fewer than 30).
    """

    value: float | None
    ci_low: float | None
    ci_high: float | None
    status: str
    unclipped: float | None = None
    delta_low: float | None = None
    delta_high: float | None = None


def rogan_gladen(
    judged: Measured, sensitivity: Measured, specificity: Measured, *, confidence: float = 0.95
) -> Corrected:
    """The true rate behind a judged one: (q + Sp - 1)/(Se + Sp - 1).

    Assumes that the judge errs as often on these pairs as on those that `sensitivity` and `specificity` come from.
    """
    if min(sensitivity.n, specificity.n) < LEAST_CALIBRATION:
        return Corrected(None, None, None, "few_calibrated")
    if _youden(sensitivity, specificity) < LEAST_YOUDEN:
        return Corrected(None, None, None, "weak_judge")
    critical = normal_quantile(1 - (1 - confidence) / 2)
    value = _true_rate(judged, sensitivity, specificity)
    half = critical * _standard_error(judged, sensitivity, specificity, value)
    low, high = _lang_reiczigel(judged, sensitivity, specificity, critical)
    clipped = min(1.0, max(0.0, value))
    return Corrected(
        clipped, min(clipped, max(0.0, low)), max(clipped, min(1.0, high)), "ok", value, value - half, value + half
    )


def _youden(sensitivity: Measured, specificity: Measured) -> float:
    return sensitivity.rate + specificity.rate - 1


def _true_rate(judged: Measured, sensitivity: Measured, specificity: Measured) -> float:
    return (judged.rate + specificity.rate - 1) / _youden(sensitivity, specificity)


def _standard_error(judged: Measured, sensitivity: Measured, specificity: Measured, value: float) -> float:
    variance = judged.variance + value**2 * sensitivity.variance + (1 - value) ** 2 * specificity.variance
    return sqrt(variance) / _youden(sensitivity, specificity)


def _lang_reiczigel(
    judged: Measured, sensitivity: Measured, specificity: Measured, critical: float
) -> tuple[float, float]:
    """The delta interval of proportions drawn towards 1/2, with a shift that evens out the two tails."""
    square = critical * critical
    judged, sensitivity, specificity = _drawn(judged, square), _drawn(sensitivity, 2), _drawn(specificity, 2)
    value = _true_rate(judged, sensitivity, specificity)
    shift = 2 * square * (value * sensitivity.variance - (1 - value) * specificity.variance)
    half = critical * _standard_error(judged, sensitivity, specificity, value)
    return value + shift - half, value + shift + half


def _drawn(measured: Measured, added: float) -> Measured:
    """With `added` cases more, half of them successes."""
    n = measured.n + added
    return Measured((measured.rate * measured.n + added / 2) / n, n)
