"""Figures of a judge's bias: position, length, guesses, and the bound that the controls give."""

from math import exp, tanh

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nextstep.core.judging import SCORES, average_score, consensus_score
from nextstep.core.stats import (
    abbott_bound,
    bang_index,
    first_position,
    flip_rate,
    length_controlled,
    rate_figure,
    strict_rate,
)
from tests.core.stats.fixtures import F1, ORDERS, Pairs, ends, known, moments, printed, rated, wins

CHOICES = {score: choice for choice, score in SCORES.items()}
Units = list[tuple[int, tuple[float, float]]]


class TestOrders:
    def test_fixture_of_the_statistics_notes(self) -> None:
        pairs = list(enumerate(ORDERS))
        choices = [(CHOICES[first], CHOICES[second]) for first, second in ORDERS]
        assert sum(average_score(*pair) for pair in choices) / 8 == 0.53125
        assert sum(consensus_score(*pair) for pair in choices) / 8 == 0.5
        assert strict_rate(pairs).value == 0.125
        assert flip_rate(pairs).value == 0.625
        assert flip_rate(pairs, hard=True).value == 0.25
        assert first_position(pairs).value == 0.46875

    def test_a_judge_that_always_takes_the_first_step(self) -> None:
        pairs = [(g, (1.0, 0.0)) for g in range(20)]
        assert first_position(pairs).value == 1
        assert flip_rate(pairs, hard=True).value == 1
        assert known(first_position(pairs).ci_low) > 0.5

    @given(rated())
    @settings(max_examples=60)
    def test_which_side_is_called_the_candidate_does_not_matter_for_the_position(self, pairs: Units) -> None:
        """Seen from the other side a score is its rest, and the step shown first was shown second."""
        mirrored = [(g, (1 - second, 1 - first)) for g, (first, second) in pairs]
        assert known(first_position(mirrored).value) == pytest.approx(known(first_position(pairs).value))
        assert flip_rate(mirrored) == flip_rate(pairs)
        assert flip_rate(mirrored, hard=True) == flip_rate(pairs, hard=True)

    @given(rated())
    @settings(max_examples=60)
    def test_swapping_the_orders_mirrors_the_position_and_leaves_the_flips(self, pairs: Units) -> None:
        swapped = [(g, (second, first)) for g, (first, second) in pairs]
        low, high = ends(first_position(pairs))
        assert known(first_position(swapped).value) == pytest.approx(1 - known(first_position(pairs).value))
        assert ends(first_position(swapped)) == pytest.approx((1 - high, 1 - low), abs=1e-9)
        assert flip_rate(swapped) == flip_rate(pairs)
        assert strict_rate(swapped) == strict_rate(pairs)

    @given(rated(ratings=(0, 0.25, 0.5, 0.75, 1)))
    @settings(max_examples=60)
    def test_a_hard_flip_is_a_flip(self, pairs: Units) -> None:
        assert known(flip_rate(pairs, hard=True).value) <= known(flip_rate(pairs).value)


class TestAbbottBound:
    @pytest.mark.parametrize(("right", "bound"), [(83, 0.556012), (66, 0.391929)])
    def test_figures_of_the_statistics_notes(self, right: int, bound: float) -> None:
        assert abbott_bound(wins(right, 129), wins(25, 127, first_session=129)).value == printed(bound)

    def test_independent_moments_have_about_the_interval_of_the_delta_method(self) -> None:
        """Its standard error is .056015; leaving out one session at a time and Student's t are a little wider."""
        found = abbott_bound(wins(83, 129), wins(25, 127, first_session=129))
        assert (found.n, found.n_sessions, found.status) == (256, 256, "ok")
        assert ends(found) == pytest.approx((0.446224, 0.665799), abs=0.0015)

    def test_sessions_with_moments_of_both_sets_are_left_out_of_both_together(self) -> None:
        shared = abbott_bound(wins(83, 129), wins(25, 127))
        assert shared.n_sessions == 129
        assert known(shared.ci_high) < known(abbott_bound(wins(83, 129), wins(25, 127, first_session=129)).ci_high)

    def test_a_judge_no_better_on_detours_bounds_nothing(self) -> None:
        assert abbott_bound(F1, F1).value == 0

    @pytest.mark.parametrize(("detour", "control"), [(F1, []), ([], F1), (F1, [(0, 1.0), (1, 1.0)])])
    def test_without_a_set_or_with_controls_all_won_there_is_none(self, detour: Pairs, control: Pairs) -> None:
        found = abbott_bound(detour, control)
        assert (found.value, found.ci_low, found.status) == (None, None, "not_estimable")

    def test_nothing_is_empty(self) -> None:
        assert abbott_bound([], []).status == "empty"

    @given(moments(), moments(scores=(0, 0.5)))
    @settings(max_examples=60)
    def test_it_is_never_above_the_judged_rate(self, detour: Pairs, control: Pairs) -> None:
        assert known(abbott_bound(detour, control).value) <= known(rate_figure(detour).value) + 1e-12


LENGTHS = [30, -12, 5, 44, -8, -20, 11, 60, -3, -41, 22, -15, 7, -9, 18, 25, -30, 3, 9, -6]
LENGTH_SCORES = [1, 0, 0.5, 1, 1, 0, 0, 1, 0.5, 0, 1, 1, 0, 0, 1, 0.5, 1, 0, 1, 1]


class TestLengthControlled:
    points = tuple(zip(LENGTH_SCORES, LENGTHS, strict=True))

    def test_agrees_with_statsmodels(self) -> None:
        """GLM of statsmodels 0.15 with the binomial family: intercept .23309425."""
        found = length_controlled(enumerate(self.points))
        assert found.value == pytest.approx(0.5580111409568005, abs=1e-9)
        assert found.status == "ok"
        low, high = ends(found)
        assert 0 < low < 0.558 < high < 1

    @given(st.data())
    @settings(max_examples=40, deadline=None)
    def test_seen_from_the_other_side_it_is_the_rest(self, data: st.DataObject) -> None:
        places = data.draw(st.lists(st.integers(0, 9), min_size=20, max_size=20))
        mirrored = [(g, (1 - y, -d)) for g, (y, d) in zip(places, self.points, strict=True)]
        one, other = length_controlled(zip(places, self.points, strict=True)), length_controlled(mirrored)
        assert known(one.value) == pytest.approx(1 - known(other.value), abs=1e-7)
        assert one.status == other.status
        if one.ci_low is not None:
            low, high = ends(one)
            assert ends(other) == pytest.approx((1 - high, 1 - low), abs=1e-6)

    @given(st.floats(0.01, 1000))
    @settings(max_examples=30, deadline=None)
    def test_the_unit_of_length_does_not_matter(self, scale: float) -> None:
        found = length_controlled((g % 7, (y, d * scale)) for g, (y, d) in enumerate(self.points))
        assert known(found.value) == pytest.approx(0.5580111409568005, abs=1e-7)

    def test_a_win_rate_that_is_only_length_becomes_one_half(self) -> None:
        """Scores that are exactly a curve through one half at equal length, with steps mostly longer."""
        lengths = [-60, -40, -20, -10, 10, 20, 30, 40, 60, 70, 80, 90]
        mean = sum(lengths) / 12
        sd = (sum((d - mean) ** 2 for d in lengths) / 12) ** 0.5
        points = [(1 / (1 + exp(-2 * tanh(d / sd))), d) for d in lengths]
        assert known(length_controlled(enumerate(points)).value) == pytest.approx(0.5, abs=1e-9)
        assert sum(y for y, _ in points) / 12 > 0.55

    @pytest.mark.parametrize(("shorter", "status"), [(3, "ok"), (2, "not_estimable"), (0, "not_estimable")])
    def test_fewer_than_15_percent_on_a_side_is_not_estimable(self, shorter: int, status: str) -> None:
        for sign in (1, -1):
            units = [(i, (float(i % 3 == 0), sign * (-(i + 1.0) if i < shorter else i + 1.0))) for i in range(20)]
            found = length_controlled(units)
            assert found.status == status or found.value is not None
            assert (found.value is None) == (status == "not_estimable")

    @pytest.mark.parametrize("points", [[(float(d > 0), d) for d in LENGTHS], [(1.0, d) for d in LENGTHS]])
    def test_a_fit_without_a_finite_maximum_is_not_estimable(self, points: list[tuple[float, float]]) -> None:
        found = length_controlled(enumerate(points))
        assert (found.value, found.n, found.n_sessions, found.status) == (None, 20, 20, "not_estimable")

    def test_nothing_is_empty(self) -> None:
        assert length_controlled([]).status == "empty"


class TestBangIndex:
    @pytest.mark.parametrize(
        ("right", "wrong", "undecided"), [(10, 10, 0), (15, 5, 0), (12, 3, 5), (0, 9, 11), (0, 0, 20), (20, 0, 0)]
    )
    def test_is_the_excess_of_right_guesses_over_all(self, right: int, wrong: int, undecided: int) -> None:
        guesses = [1] * right + [-1] * wrong + [0] * undecided
        decided = right + wrong
        expected = (2 * right / decided - 1) * decided / 20 if decided else 0
        assert known(bang_index(enumerate(guesses)).value) == pytest.approx(expected)

    def test_all_right_has_an_interval_that_counts_sessions(self) -> None:
        found = bang_index([(i % 20, 1) for i in range(60)])
        assert (found.value, found.status, found.ci_high) == (1, "degenerate", 1)
        assert known(found.ci_low) == pytest.approx(2 * 0.05 ** (1 / 20) - 1)
