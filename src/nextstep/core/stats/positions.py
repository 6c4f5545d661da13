"""The candidate's scores in both orders -> what the position did to the verdicts.

A pair is (s_0, s_1): the candidate's score when shown first and when shown second; 1 better, 0.5 tie, 0 worse.
Reference: Zheng et al. 2023 (arXiv:2306.05685) for position bias of judges.
"""

from collections.abc import Hashable, Iterable

from nextstep.core.stats.figures import Figure, rate_figure

Orders = tuple[float, float]


def first_position(pairs: Iterable[tuple[Hashable, Orders]], *, confidence: float = 0.95) -> Figure:
    """How much the judge favours the step shown first: mean (s_0 + 1 - s_1)/2; 0.5 is no preference."""
    scores = ((session, (first + 1 - second) / 2) for session, (first, second) in pairs)
    return rate_figure(scores, confidence=confidence)


def flip_rate(pairs: Iterable[tuple[Hashable, Orders]], *, hard: bool = False, confidence: float = 0.95) -> Figure:
    """The share of pairs whose orders differ; `hard` counts only a win in one order with a loss in the other."""
    flips = ((session, float(_flipped(*orders, hard=hard))) for session, orders in pairs)
    return rate_figure(flips, confidence=confidence)


def strict_rate(pairs: Iterable[tuple[Hashable, Orders]], *, confidence: float = 0.95) -> Figure:
    """The share of pairs that the candidate wins in both orders: not a win rate, as ties and flips count as losses."""
    return rate_figure(((session, float(min(orders) == 1)) for session, orders in pairs), confidence=confidence)


def _flipped(first: float, second: float, *, hard: bool) -> bool:
    return (first - 0.5) * (second - 0.5) < 0 if hard else first != second
