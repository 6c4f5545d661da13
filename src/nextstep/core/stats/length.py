"""Scores with length differences -> the win rate at equal length.

A sensitivity figure: length may carry content. After the length-controlled AlpacaEval (Dubois et al. 2024,
arXiv:2404.04475), without its difficulty term; the interval refits the curve without each one session.
"""

from collections.abc import Hashable, Iterable, Sequence
from math import exp, log1p, sqrt, tanh

from nextstep.core.stats.figures import Figure, jackknife_figure

LEAST_SHARE = 0.15
"""At least this share of pairs must be longer, and shorter, than the human's step: else equal length is a guess."""

STEPS, TOLERANCE = 60, 1e-10

Point = tuple[float, float]


def length_controlled(units: Iterable[tuple[Hashable, Point]], *, confidence: float = 0.95) -> Figure:
    """The win rate that a candidate's steps of the human's length would have: expit(a).

    Units are (session, (score in [0, 1], length of the candidate's step minus the human's)). Fits
    logit P = a + f tanh(dlen / sd(dlen)) by maximum likelihood, sd over n so that repeated rows change
    nothing. `not_estimable` where fewer than 15 % of the pairs lie on either side of equal length, or the fit has no
    finite maximum.
    """
    pairs = list(units)
    if pairs and not _overlap([difference for _, (_, difference) in pairs]):
        return Figure(None, None, None, len(pairs), len({session for session, _ in pairs}), "not_estimable")
    return jackknife_figure(pairs, _win_rate_at_equal_length, low=0.0, high=1.0, confidence=confidence)


def _overlap(differences: Sequence[float]) -> bool:
    least = LEAST_SHARE * len(differences)
    return sum(d > 0 for d in differences) >= least and sum(d < 0 for d in differences) >= least


def _win_rate_at_equal_length(points: Sequence[Point]) -> float | None:
    fitted = _fit(_scaled(sorted(points)))  # in one order: rounding decides where the data hardly have a maximum
    return None if fitted is None else _expit(fitted[0])


def _scaled(points: Sequence[Point]) -> list[Point]:
    """(tanh of the standardised difference, score) for each point; all 0 where differences do not vary."""
    differences = [difference for _, difference in points]
    mean = sum(differences) / len(points)
    sd = sqrt(sum((d - mean) ** 2 for d in differences) / len(points))
    return [(tanh(difference / sd) if sd else 0.0, score) for score, difference in points]


def _fit(points: Sequence[Point]) -> tuple[float, float] | None:
    """Intercept and slope of greatest likelihood by Newton's method with halved steps; None without a maximum."""
    a = f = 0.0
    likelihood = _log_likelihood(points, a, f)
    for _ in range(STEPS):
        step = _newton_step(points, a, f)
        if step is None:
            return None
        if max(map(abs, step)) < TOLERANCE:
            return a, f
        scale = 1.0
        while (reached := _log_likelihood(points, a + scale * step[0], f + scale * step[1])) < likelihood - 1e-9:
            scale /= 2
        a, f, likelihood = a + scale * step[0], f + scale * step[1], reached
    return None


def _newton_step(points: Sequence[Point], a: float, f: float) -> tuple[float, float] | None:
    gradient_a = gradient_f = aa = af = ff = 0.0
    for x, y in points:
        p = _expit(a + f * x)
        weight = p * (1 - p)
        gradient_a += y - p
        gradient_f += (y - p) * x
        aa, af, ff = aa + weight, af + weight * x, ff + weight * x * x
    determinant = aa * ff - af * af
    if determinant <= 1e-12 * len(points) ** 2:
        return None
    return (ff * gradient_a - af * gradient_f) / determinant, (aa * gradient_f - af * gradient_a) / determinant


def _log_likelihood(points: Sequence[Point], a: float, f: float) -> float:
    return sum(y * (a + f * x) - _softplus(a + f * x) for x, y in points)


def _softplus(eta: float) -> float:
    return max(eta, 0.0) + log1p(exp(-abs(eta)))


def _expit(eta: float) -> float:
    return 1 / (1 + exp(-eta)) if eta >= 0 else exp(eta) / (1 + exp(eta))
