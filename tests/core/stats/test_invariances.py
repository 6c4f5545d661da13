"""Laws that every figure keeps: what repeats, renames or reorders the same evidence changes nothing."""

from collections.abc import Callable, Sequence
from functools import partial
from random import Random

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from nextstep.core.judging import SCORES, average_score, consensus_score
from nextstep.core.records import Choice
from nextstep.core.stats import (
    Figure,
    abbott_bound,
    cohen_kappa,
    compare,
    estimate,
    first_position,
    flip_rate,
    gwet_ac1,
    krippendorff_alpha,
    length_controlled,
    prediction_powered,
    trend_over_moments,
)
from tests.core.stats.fixtures import Pairs, rated

Units = list[tuple[str | int, tuple[float, float]]]
CODES = {0: 0, 0.5: 1, 1: 2}


def _coded(units: Units) -> list[tuple[str | int, tuple[int, int]]]:
    return [(g, (CODES[a], CODES[b])) for g, (a, b) in units]


FIGURES: dict[str, Callable[[Units], Figure]] = {
    "first_position": first_position,
    "flip_rate": flip_rate,
    "compare": lambda units: compare(units).difference,
    "kappa": lambda units: cohen_kappa(_coded(units), categories=range(3), weights="quadratic"),
    "ac1": lambda units: gwet_ac1(_coded(units), categories=range(3)),
    "bound": lambda units: abbott_bound([(g, a) for g, (a, _) in units], [(g, b) for g, (_, b) in units]),
    "trend": lambda units: trend_over_moments(units, [0.0, 1.5]),
    "length": lambda units: length_controlled([(g, (a, 2 * b - 1)) for g, (a, b) in units]),
}
CORRECTED_FOR_N: dict[str, Callable[[Units], Figure]] = {
    "alpha": partial(krippendorff_alpha, level="interval"),
    "powered": lambda units: prediction_powered([(g, (a if a != b else None, b)) for g, (a, b) in units]),
}
"""Defined with n - 1: repeated rows are new evidence to them, so that only the first law holds."""


def agree(one: Figure, other: Figure) -> None:
    """Same value and interval, but for rounding."""
    assert one.value == pytest.approx(other.value, abs=1e-7)
    assert one.ci_low == pytest.approx(other.ci_low, abs=1e-6)
    assert one.ci_high == pytest.approx(other.ci_high, abs=1e-6)


@pytest.mark.parametrize("figure", [*FIGURES.values(), *CORRECTED_FOR_N.values()], ids=[*FIGURES, *CORRECTED_FOR_N])
@given(units=rated(), random=st.randoms(use_true_random=False))
@settings(max_examples=25, deadline=None)
def test_neither_the_order_of_rows_nor_the_names_of_sessions_matter(
    figure: Callable[[Units], Figure], units: Units, random: Random
) -> None:
    shuffled: Units = [(f"s{session}", pair) for session, pair in units]
    random.shuffle(shuffled)
    one, other = figure(units), figure(shuffled)
    agree(one, other)
    assert (one.n, one.n_sessions, one.status) == (other.n, other.n_sessions, other.status)


@pytest.mark.parametrize("figure", FIGURES.values(), ids=FIGURES)
@given(units=rated(), times=st.integers(2, 3))
@settings(max_examples=25, deadline=None)
def test_repeating_every_row_inside_its_session_is_no_new_evidence(
    figure: Callable[[Units], Figure], units: Units, times: int
) -> None:
    """Only the textbook interval reads single moments, so that some session has two."""
    assume(len({session for session, _ in units}) < len(units))
    agree(figure(units * times), figure(units))


choices = st.sampled_from(list(SCORES))
proposals = st.lists(st.tuples(choices, choices), min_size=1, max_size=4)
evaluations = st.lists(st.tuples(st.integers(0, 5), proposals), min_size=2, max_size=20)

Judged = Sequence[tuple[int, Sequence[tuple[Choice, Choice]]]]


def folded(moments: Judged, fold: Callable[[Choice, Choice], float]) -> Pairs:
    """(session, score) of each moment: the mean over its proposals of both orders folded."""
    return [(session, sum(fold(*orders) for orders in tried) / len(tried)) for session, tried in moments]


@pytest.mark.parametrize("fold", [consensus_score, average_score])
@given(moments=evaluations)
@settings(max_examples=40)
def test_every_proposal_twice_is_the_same_win_rate_and_interval(
    fold: Callable[[Choice, Choice], float], moments: Judged
) -> None:
    twice = [(session, [*tried, *tried]) for session, tried in moments]
    assert estimate(folded(twice, fold)) == estimate(folded(moments, fold))


@pytest.mark.parametrize("fold", [consensus_score, average_score])
@given(moments=evaluations)
@settings(max_examples=40)
def test_which_order_was_judged_first_does_not_matter(fold: Callable[[Choice, Choice], float], moments: Judged) -> None:
    swapped = [(session, [(second, first) for first, second in tried]) for session, tried in moments]
    assert estimate(folded(swapped, fold)) == estimate(folded(moments, fold))
