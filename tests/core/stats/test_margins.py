"""Whether a model is worse by more than a margin: the interval's ends decide, also where nothing varies."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nextstep.core.stats import compare, non_inferiority
from nextstep.core.stats.paired import FEW_DIFFERENT

Units = list[tuple[int, tuple[float, float]]]
score = st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0])
units = st.lists(st.tuples(st.integers(0, 12), st.tuples(score, score)), min_size=2, max_size=60)


@given(units)
def test_the_bounds_are_the_ends_of_the_interval_at_one_minus_two_alpha(pairs: Units) -> None:
    found = non_inferiority(pairs, margin=0.1, alpha=0.05)
    whole = compare(pairs, confidence=0.9)
    if whole.bound is None and whole.difference.status != "degenerate":
        assert (found.low, found.high) == (whole.difference.ci_low, whole.difference.ci_high)


@given(units, st.floats(0.01, 0.9))
def test_the_p_value_and_the_upper_bound_say_the_same(pairs: Units, margin: float) -> None:
    found = non_inferiority(pairs, margin=margin, alpha=0.05)
    if found.high is not None and abs(found.high + margin) > 1e-6 and (found.comparison.difference.value or 0) > -1:
        below = found.high < -margin
        assert below == (found.p_below < 0.05) or found.comparison.bound is not None


@given(units)
def test_swapping_the_models_mirrors_the_bounds(pairs: Units) -> None:
    one = non_inferiority(pairs, margin=0.1, alpha=0.05)
    other = non_inferiority([(s, (b, a)) for s, (a, b) in pairs], margin=0.1, alpha=0.05)
    if one.low is not None:
        assert (one.low, one.high) == pytest.approx((-(other.high or 0), -(other.low or 0)))


def test_the_same_loss_in_every_session_is_below_the_margin_only_with_enough_sessions() -> None:
    def lost(sessions: int) -> float:
        return non_inferiority([(s, (0.0, 1.0)) for s in range(sessions)], margin=0.1, alpha=0.05).p_below

    assert lost(40) < 0.001
    assert lost(4) > 0.05 or FEW_DIFFERENT > 4
    assert non_inferiority([(s, (0.5, 0.55)) for s in range(40)], margin=0.1, alpha=0.05).p_below == 1.0


def test_equal_scores_are_bounded_by_the_number_of_sessions_at_one_sided_alpha() -> None:
    found = non_inferiority([(s, (1.0, 1.0)) for s in range(40)], margin=0.1, alpha=0.05)
    assert (found.low, found.high) == pytest.approx((-(1 - 0.05 ** (1 / 40)), 1 - 0.05 ** (1 / 40)))
    assert (found.mde, found.power, found.p_below) == (None, None, 1.0)


def test_one_session_says_nothing_of_others() -> None:
    found = non_inferiority([(0, (0.0, 1.0)), (0, (0.0, 0.5))], margin=0.1, alpha=0.05)
    assert (found.low, found.p_below) == (None, 1.0)
