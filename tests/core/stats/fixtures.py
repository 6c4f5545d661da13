"""What the tests of the estimators share: fixture F1, drawn moments, and figures as they were printed."""

from collections.abc import Sequence

import pytest
from hypothesis import strategies as st

from nextstep.core.stats import Figure

Pairs = list[tuple[int, float]]

F1_SCORES = [1, 1, 0, 0.5, 0, 0, 1, 1, 0.5, 1, 1, 1, 0, 0.5, 1, 0, 1]
F1_SIZES = (4, 3, 5, 2, 1, 2)
F1: Pairs = list(zip([g for g, size in enumerate(F1_SIZES) for _ in range(size)], F1_SCORES, strict=True))
"""Fixture F1 of the statistics notes: 17 moments in 6 sessions."""

ORDERS = [(1, 1), (1, 0), (0, 0), (0.5, 1), (1, 0.5), (0, 1), (0.5, 0.5), (0, 0.5)]
"""The orders fixture of the statistics notes: scores when shown first and when shown second."""


def printed(value: float, places: int = 6) -> object:
    """A figure as it was printed."""
    return pytest.approx(value, abs=0.5000001 * 10**-places)


def spread_out(count: int, score: float, *, sessions: int) -> Pairs:
    """As many moments of one score, dealt to the sessions in turn."""
    return [(i % sessions, score) for i in range(count)]


def wins(count: int, of: int, *, first_session: int = 0) -> Pairs:
    """So many wins of so many moments, each alone in its session."""
    return [(first_session + i, float(i < count)) for i in range(of)]


def known(value: float | None) -> float:
    """A value that is there."""
    assert value is not None
    return value


def ends(figure: Figure) -> tuple[float, float]:
    """The interval that is there."""
    return known(figure.ci_low), known(figure.ci_high)


@st.composite
def moments(
    draw: st.DrawFn, scores: Sequence[float] = (0, 0.125, 0.25, 0.5, 0.75, 1), least_sessions: int = 2
) -> Pairs:
    """(session, score) pairs, sessions of uneven size."""
    sizes = draw(st.lists(st.integers(1, 9), min_size=least_sessions, max_size=12))
    return [(g, draw(st.sampled_from(scores))) for g, size in enumerate(sizes) for _ in range(size)]


@st.composite
def rated(draw: st.DrawFn, ratings: Sequence[float] = (0, 0.5, 1)) -> list[tuple[int, tuple[float, float]]]:
    """(session, two ratings of one moment) units, sessions of uneven size."""
    rating = st.sampled_from(ratings)
    return [(g, draw(st.tuples(rating, rating))) for g, _ in draw(moments(least_sessions=3))]
