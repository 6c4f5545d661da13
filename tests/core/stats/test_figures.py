"""A figure's interval: the jackknife, its edges, and laws that need no figures."""

from collections.abc import Sequence
from math import sqrt
from random import Random

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.stats import t, ttest_ind

from nextstep.core.stats import (
    Figure,
    cluster,
    estimate,
    jackknife_figure,
    jackknife_variance,
    mean_figure,
    rate_figure,
    unseen_share,
)
from nextstep.core.stats.figures import effective_sessions
from tests.core.stats.fixtures import F1, Pairs, ends, known, moments, printed, spread_out


def mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def same(one: Figure, other: Figure) -> bool:
    """Equal but for rounding."""
    figures = [(one.value, other.value), (one.ci_low, other.ci_low), (one.ci_high, other.ci_high)]
    close = all(a == b if a is None or b is None else a == pytest.approx(b, abs=1e-9) for a, b in figures)
    return close and (one.n, one.n_sessions, one.status) == (other.n, other.n_sessions, other.status)


class TestTheJackknifeFigure:
    def test_fixture_f1(self) -> None:
        """Mean .617647, jackknife standard error .131411, t quantile 2.805244 with 3.898305 degrees of freedom."""
        found = mean_figure(F1)
        assert (found.n, found.n_sessions, found.status) == (17, 6, "tiny")
        assert found.value == printed(0.617647)
        low, high = ends(found)
        assert (high - low) / 2 == pytest.approx(2.805244 * 0.131411, abs=2e-6)
        assert (high + low) / 2 == printed(0.617647)

    @given(moments())
    @settings(max_examples=60)
    def test_of_the_mean_is_the_mean_figure(self, pairs: Pairs) -> None:
        assert same(jackknife_figure(pairs, mean), mean_figure(pairs))

    @given(moments(), st.sampled_from([0.8, 0.95, 0.99]))
    @settings(max_examples=60)
    def test_is_students_t_with_the_effective_number_of_sessions(self, pairs: Pairs, confidence: float) -> None:
        clusters = cluster(pairs)
        found = mean_figure(pairs, confidence=confidence)
        if found.status != "degenerate":
            critical = float(t.ppf((1 + confidence) / 2, clusters.effective - 1))
            half = critical * sqrt(jackknife_variance(clusters))
            assert ends(found) == pytest.approx((known(found.value) - half, known(found.value) + half), rel=1e-6)

    @given(moments(), st.randoms(use_true_random=False))
    @settings(max_examples=60)
    def test_neither_the_order_nor_the_names_of_sessions_matter(self, pairs: Pairs, random: Random) -> None:
        names = [f"s{g}" for g in range(12)]
        random.shuffle(names)
        shuffled = [(names[session], score) for session, score in pairs]
        random.shuffle(shuffled)
        ratio = lambda ys: sum(y * y for y in ys) / (1 + sum(ys))  # noqa: E731
        assert same(jackknife_figure(pairs, ratio), jackknife_figure(shuffled, ratio))

    @given(moments(), st.floats(-3, 3), st.floats(0.1, 5))
    @settings(max_examples=60)
    def test_moves_and_stretches_with_the_values(self, pairs: Pairs, shift: float, scale: float) -> None:
        one, other = mean_figure(pairs), mean_figure((g, shift + scale * y) for g, y in pairs)
        assert known(other.value) == pytest.approx(shift + scale * known(one.value), abs=1e-9)
        if "degenerate" not in {one.status, other.status}:
            assert ends(other) == pytest.approx(tuple(shift + scale * end for end in ends(one)), abs=1e-6)

    def test_is_clipped_to_what_is_possible(self) -> None:
        pairs = [(0, 1.0), (1, 1.0), (2, 0.0)]
        assert ends(jackknife_figure(pairs, mean, low=0, high=1)) == (0, 1)
        low, high = ends(jackknife_figure(pairs, mean))
        assert low < 0
        assert high > 1


class TestEffectiveSessions:
    SIZES, SQUARES = (4, 3, 5, 2, 1, 2), (0.2, 0.1, 0.3, 0.05, 0.01, 0.02)

    @pytest.mark.parametrize("parts", [(), "aaaaaa"])
    def test_of_one_part_is_g_star(self, parts: str) -> None:
        assert effective_sessions(self.SIZES, self.SQUARES, parts) == printed(4.898305)

    def test_of_equal_sessions_is_welchs(self) -> None:
        """Against scipy: jackknife squares of a two-sample mean difference are (y - mean)^2 / (n-1)^2."""
        one, other = [1.0, 4.0, 2.0, 7.0], [0.0, 0.5, 0.2, 0.9, 1.4, 0.1, 0.3]
        squares = [(y - mean(ys)) ** 2 / (len(ys) - 1) ** 2 * (1 - 1 / len(ys)) for ys in (one, other) for y in ys]
        found = effective_sessions([1] * 11, squares, "aaaabbbbbbb")
        assert found - 1 == pytest.approx(ttest_ind(one, other, equal_var=False).df)

    def test_the_part_that_carries_the_variance_decides(self) -> None:
        sizes, parts = [1] * 12, "aaabbbbbbbbb"
        assert effective_sessions(sizes, [1.0] * 3 + [0.0] * 9, parts) == pytest.approx(3)
        assert effective_sessions(sizes, [0.0] * 3 + [1.0] * 9, parts) == pytest.approx(9)

    def test_a_part_of_one_session_is_taken_for_two(self) -> None:
        assert effective_sessions([1] * 5, [1.0, 0.0, 0.0, 0.0, 0.0], "abbbb") == pytest.approx(2)

    @given(moments(least_sessions=4), st.integers(2, 10))
    @settings(max_examples=60)
    def test_between_two_and_as_many_as_there_are(self, pairs: Pairs, first: int) -> None:
        sizes = cluster(pairs).sizes
        assume(first <= len(sizes) - 2)
        found = effective_sessions(sizes, [float(size) for size in sizes], [g < first for g in range(len(sizes))])
        assert 2 - 1e-9 <= found <= len(sizes) - 1 + 1e-9


class TestEdges:
    def test_nothing_is_empty(self) -> None:
        nothing = Figure(None, None, None, 0, 0, "empty")
        assert jackknife_figure([], mean) == nothing
        assert mean_figure([]) == nothing
        assert rate_figure([]) == nothing

    def test_one_session_has_a_value_without_an_interval(self) -> None:
        alone = Figure(0.25, None, None, 2, 1, "single_session")
        pairs = [("only", 0.0), ("only", 0.5)]
        assert jackknife_figure(pairs, mean) == alone
        assert mean_figure(pairs) == alone
        assert rate_figure(pairs) == alone

    def test_a_statistic_without_a_value_is_not_estimable(self) -> None:
        assert jackknife_figure(F1, lambda _: None) == Figure(None, None, None, 17, 6, "not_estimable")
        assert jackknife_figure([(0, 1.0)], lambda _: None).status == "not_estimable"

    def test_a_statistic_that_needs_one_session_has_no_interval(self) -> None:
        """Its spread without that session is unknown: no interval is better than one that leaves it out."""
        pairs = [(0, 1.0), (1, 0.0), (2, 0.0)]
        found = jackknife_figure(pairs, lambda ys: mean(ys) if sum(ys) else None)
        assert found == Figure(1 / 3, None, None, 3, 3, "not_estimable")

    def test_no_variance_has_no_interval_unless_values_are_bounded(self) -> None:
        pairs = spread_out(80, 0.0, sessions=40)
        assert mean_figure(pairs) == Figure(0.0, None, None, 80, 40, "degenerate")
        assert jackknife_figure(pairs, mean, low=-1, high=1).ci_low is None
        low, high = ends(mean_figure(pairs, low=-1, high=1))
        assert -low == high == printed(0.0722, 4)

    def test_sessions_not_seen_may_be_at_either_bound(self) -> None:
        found = mean_figure(spread_out(40, 1.0, sessions=40), low=-1, high=1)
        assert (found.value, found.status) == (1, "degenerate")
        assert ends(found) == pytest.approx((1 - 2 * unseen_share(40), 1))

    @pytest.mark.parametrize(("sessions", "share"), [(40, 0.0722), (129, 0.0230), (1, 0.95)])
    def test_the_share_of_sessions_not_seen(self, sessions: int, share: float) -> None:
        assert unseen_share(sessions) == printed(share, 4)

    @pytest.mark.parametrize(
        ("sizes", "status"), [([1] * 9, "tiny"), ([1] * 10, "ok"), ([2] * 5, "few_sessions"), ([90] + [1] * 30, "tiny")]
    )
    def test_few_moments_or_few_effective_sessions_are_said(self, sizes: list[int], status: str) -> None:
        pairs = [(g, float(g % 2) + i / 8) for g, size in enumerate(sizes) for i in range(size)]
        assert mean_figure(pairs).status == status


@given(moments(least_sessions=1), st.sampled_from([0.9, 0.95]))
@settings(max_examples=60)
def test_a_rate_figure_is_the_estimate(pairs: Pairs, confidence: float) -> None:
    figure, found = rate_figure(pairs, confidence=confidence), estimate(pairs, confidence=confidence)
    assert (figure.value, figure.ci_low, figure.ci_high) == (found.win_rate, found.ci_low, found.ci_high)
    assert (figure.n, figure.n_sessions, figure.status) == (found.n_moments, found.n_sessions, found.status)
