"""Few human labels with many judged scores -> the mean that humans would give.

Prediction-powered inference: Angelopoulos et al. 2023 (doi:10.1126/science.adi6000); Angelopoulos, Duchi and Zrnic 2023
(arXiv:2311.01453) for the tuning. Here its variance leaves out sessions, as moments of one session are alike.
"""

from collections.abc import Hashable, Iterable, Sequence

from nextstep.core.stats.figures import Figure, clip, jackknife_figure

Labelled = tuple[float | None, float]


def prediction_powered(units: Iterable[tuple[Hashable, Labelled]], *, confidence: float = 0.95) -> Figure:
    """The mean human score over (session, (human's score or None, judge's score)), scores in [0, 1].

    lam mean_U(F) + mean_L(Y - lam F), with L the labelled moments and U the rest. Label whole sessions drawn by lot:
    then it is right however wrong the judge is. `tuning` is done anew without each session.
    `not_estimable` without a label. Degrees of freedom and status are mostly those of the labelled sessions, which
    carry most of the variance.
    """
    return jackknife_figure(units, _mean_score, low=0.0, high=1.0, confidence=confidence, part=_is_labelled)


def tuning(units: Sequence[Labelled]) -> float:
    """How much weight the judge's scores earn: Cov_L(Y, F) / ((1 + n/N) Var_{L+U}(F)) within [0, 1].

    n labelled, N unlabelled; covariance over n, variance over n + N - 1, as the reference implementation has them.
    """
    labels = [(human, judge) for human, judge in units if human is not None]
    n, rest = len(labels), len(units) - len(labels)
    spread = _spread([judge for _, judge in units])
    if not labels or not rest or spread == 0:
        return 0.0
    centre = sum(judge for _, judge in labels) / n
    covariance = sum(human * (judge - centre) for human, judge in labels) / n
    return clip(covariance / ((1 + n / rest) * spread), 0.0, 1.0)


def _is_labelled(units: Sequence[Labelled]) -> bool:
    return any(human is not None for human, _ in units)


def _spread(values: Sequence[float]) -> float:
    mean = sum(values) / max(1, len(values))
    return sum((value - mean) ** 2 for value in values) / max(1, len(values) - 1)


def _mean_score(units: Sequence[Labelled]) -> float | None:
    labels = [(human, judge) for human, judge in units if human is not None]
    if not labels:
        return None
    rest = [judge for human, judge in units if human is None]
    weight = tuning(units)
    corrected = sum(human - weight * judge for human, judge in labels) / len(labels)
    return corrected + (weight * sum(rest) / len(rest) if rest else 0.0)
