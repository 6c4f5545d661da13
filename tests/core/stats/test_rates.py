"""The estimators against the figures of the statistics notes, scipy, and laws that need no figures."""

from collections.abc import Sequence
from math import isfinite, sqrt
from random import Random

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest, t

from nextstep.core.stats import (
    Clusters,
    Estimate,
    cluster,
    cr0_variance,
    cr1_variance,
    estimate,
    jackknife_variance,
    naive_variance,
    normal_quantile,
    t_quantile,
    wilson,
)
from nextstep.core.stats.intervals import score_interval
from tests.core.stats.fixtures import F1, F1_SCORES, F1_SIZES, Pairs, moments, printed, spread_out

Z95 = 1.959963984540054


def interval(pairs: Sequence[tuple[int, float]], confidence: float = 0.95) -> tuple[float, float]:
    found = estimate(pairs, confidence=confidence)
    assert found.ci_low is not None
    assert found.ci_high is not None
    return found.ci_low, found.ci_high


def rate(pairs: Pairs) -> float:
    found = estimate(pairs).win_rate
    assert found is not None
    return found


class TestWilson:
    @pytest.mark.parametrize(
        ("wins", "n", "low", "high"),
        [
            (83, 129, 0.557705, 0.720823),
            (66, 129, 0.426288, 0.596295),
            (25, 127, 0.137041, 0.274460),
            (0, 10, 0, 0.277533),
            (82.5, 129, 0.553752, 0.717247),
        ],
    )
    def test_figures_of_the_statistics_notes(self, wins: float, n: int, low: float, high: float) -> None:
        assert wilson(wins / n, n, Z95) == (printed(low), printed(high))

    @pytest.mark.parametrize(
        ("wins", "n", "low", "high"),
        [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0, 0.1611), (1, 29, 0.0061, 0.1718)],
    )
    def test_figures_of_newcombe_1998(self, wins: int, n: int, low: float, high: float) -> None:
        assert wilson(wins / n, n, Z95) == (printed(low, 4), printed(high, 4))

    @given(st.data(), st.integers(1, 400), st.floats(0.5, 0.999))
    @settings(max_examples=100)
    def test_whole_wins_agree_with_scipy(self, data: st.DataObject, n: int, confidence: float) -> None:
        wins = data.draw(st.integers(0, n))
        theirs = binomtest(wins, n).proportion_ci(confidence, method="wilson")
        ours = wilson(wins / n, n, normal_quantile(1 - (1 - confidence) / 2))
        assert ours == pytest.approx((theirs.low, theirs.high), abs=1e-12)

    @given(st.floats(0, 1), st.floats(0.01, 1e6), st.floats(0.1, 1e200))
    @settings(max_examples=200)
    def test_it_holds_its_own_proportion_and_stays_between_0_and_1(self, p: float, n: float, critical: float) -> None:
        low, high = wilson(p, n, critical)
        assert 0 <= low <= p <= high <= 1

    def test_rounding_never_leaves_out_a_proportion_at_the_edge(self) -> None:
        """Plain arithmetic gives 0.9999999999999998 for 129 of 129."""
        for n in range(1, 200):
            assert wilson(0, n, Z95)[0] == 0
            assert wilson(1, n, Z95)[1] == 1


class TestScoreInterval:
    @given(st.floats(0.01, 0.99), st.floats(0.001, 0.2), st.floats(0.5, 20))
    @settings(max_examples=100)
    def test_without_ties_it_is_wilsons(self, p: float, variance: float, critical: float) -> None:
        spread = p * (1 - p)
        assert score_interval(p, variance, spread, critical) == pytest.approx(
            wilson(p, spread / variance, critical), abs=1e-9
        )

    @given(st.floats(0.01, 0.99), st.floats(0.05, 1), st.floats(0.001, 0.2), st.floats(0.5, 20))
    @settings(max_examples=100)
    def test_its_ends_are_as_far_as_their_own_variance_says(
        self, p: float, share: float, variance: float, critical: float
    ) -> None:
        """The definition: (p-x)^2 = critical^2 variance (x(1-x) - gap) / spread."""
        spread, gap = share * p * (1 - p), (1 - share) * p * (1 - p)
        for x in score_interval(p, variance, spread, critical):
            assert (p - x) ** 2 == pytest.approx(critical**2 * variance * (x * (1 - x) - gap) / spread, abs=1e-6)

    @given(st.floats(0.01, 0.99), st.floats(0.05, 1), st.floats(0.001, 0.2), st.floats(0.5, 20))
    @settings(max_examples=100)
    def test_of_losses_it_is_the_mirror(self, p: float, share: float, variance: float, critical: float) -> None:
        low, high = score_interval(p, variance, share * p * (1 - p), critical)
        mirrored = score_interval(1 - p, variance, share * p * (1 - p), critical)
        assert mirrored == pytest.approx((1 - high, 1 - low), abs=1e-9)


class TestNearTheEdges:
    """Rates below 0.2 or above 0.8."""

    @staticmethod
    def wilsons(pairs: Pairs) -> tuple[float, float]:
        clusters = cluster(pairs)
        n = clusters.mean * (1 - clusters.mean) / jackknife_variance(clusters)
        return wilson(clusters.mean, n, t_quantile(0.975, clusters.effective - 1))

    @given(moments())
    @settings(max_examples=200)
    def test_no_interval_is_shorter_than_wilsons_and_others_are_wilsons(self, pairs: Pairs) -> None:
        found = estimate(pairs)
        assume(found.status != "degenerate" and found.deff != 1)
        (low, high), (wilson_low, wilson_high), p = interval(pairs), self.wilsons(pairs), rate(pairs)
        if 0.2 <= p <= 0.8:
            assert (low, high) == (wilson_low, wilson_high)
        assert 0 <= low <= wilson_low
        assert wilson_high <= high <= 1

    def test_wins_and_ties_reach_further_down_and_no_further_up(self) -> None:
        pairs = [(g, 0.5 if i < 1 + g % 3 else 1.0) for g in range(10) for i in range(13)]
        (low, high), (wilson_low, wilson_high) = interval(pairs), self.wilsons(pairs)
        assert rate(pairs) == pytest.approx(0.926923)
        assert (low, wilson_low) == (printed(0.894015), printed(0.899035))
        assert high == wilson_high

    def test_wins_and_losses_have_wilsons(self) -> None:
        pairs = [(g, float(i + g > 2)) for g in range(10) for i in range(4)]
        assert rate(pairs) > 0.8
        assert interval(pairs) == pytest.approx(self.wilsons(pairs), abs=1e-12)

    @given(moments(scores=(0.5, 0.875, 1)))
    @settings(max_examples=100)
    def test_swapped_labels_mirror_the_interval(self, pairs: Pairs) -> None:
        low, high = interval(pairs)
        assert interval([(g, 1 - y) for g, y in pairs]) == pytest.approx((1 - high, 1 - low), abs=1e-9)


class TestFixtureF1:
    clusters = cluster(F1)

    def test_sizes(self) -> None:
        assert self.clusters.n == 17
        assert self.clusters.sizes == F1_SIZES
        assert self.clusters.effective == printed(4.898305)
        assert self.clusters.mean == printed(0.617647)

    def test_standard_errors(self) -> None:
        assert sqrt(naive_variance(F1_SCORES)) == printed(0.109556)
        assert sqrt(cr0_variance(self.clusters)) == printed(0.109476)
        assert sqrt(cr1_variance(self.clusters)) == printed(0.119925)
        assert sqrt(jackknife_variance(self.clusters)) == printed(0.131411)

    def test_quantile_and_effective_size(self) -> None:
        p = self.clusters.mean
        assert t_quantile(0.975, self.clusters.effective - 1) == printed(2.805244)
        assert p * (1 - p) / jackknife_variance(self.clusters) == printed(13.675380)

    def test_estimate(self) -> None:
        found = estimate(F1)
        assert (found.n_moments, found.n_sessions, found.status) == (17, 6, "tiny")
        assert found.win_rate == printed(0.617647)
        assert found.deff == printed(1.438766)
        assert found.effective_sessions == printed(4.898305)
        assert interval(F1) == (printed(0.277850), printed(0.871501))


class TestEdgeCases:
    def test_no_moment_is_empty(self) -> None:
        assert estimate([]) == Estimate(0, 0, None, None, None, "empty")

    @pytest.mark.parametrize("scores", [[1.0], [0, 0.5, 1], [1, 1, 1, 1]])
    def test_one_session_says_nothing_of_others(self, scores: list[float]) -> None:
        found = estimate([("only", score) for score in scores])
        assert (found.n_moments, found.n_sessions, found.status) == (len(scores), 1, "single_session")
        assert found.win_rate == pytest.approx(sum(scores) / len(scores))
        assert found.ci_low is None
        assert found.ci_high is None

    @pytest.mark.parametrize(
        ("pairs", "low", "high"),
        [
            (spread_out(6, 0, sessions=3), 0, 0.561497),
            (spread_out(6, 0.5, sessions=3), 0.125334, 0.874666),
            (spread_out(6, 1, sessions=6), 0.609666, 1),
            (spread_out(13, 1, sessions=6), 0.609666, 1),
            (spread_out(40, 0, sessions=40), 0, 0.087622),
            (spread_out(129, 0, sessions=40), 0, 0.087622),
        ],
    )
    def test_without_variance_sessions_are_the_sample(self, pairs: Pairs, low: float, high: float) -> None:
        assert interval(pairs) == (printed(low), printed(high))

    def test_sessions_that_all_have_the_same_mean_have_no_variance_either(self) -> None:
        pairs = [(g, score) for g in range(12) for score in (0.0, 1.0)]
        assert estimate(pairs).status == "degenerate"
        assert interval(pairs) == wilson(0.5, 12, normal_quantile(0.975))

    @pytest.mark.parametrize("wins", [0, 1, 7, 20])
    def test_one_moment_a_session_without_ties_is_the_textbook_interval(self, wins: int) -> None:
        pairs = [(g, float(g < wins)) for g in range(20)]
        theirs = binomtest(wins, 20).proportion_ci(0.95, method="wilson")
        assert interval(pairs) == pytest.approx((theirs.low, theirs.high), abs=1e-12)
        assert (estimate(pairs).deff, estimate(pairs).status) == (1, "ok")
        wider = binomtest(wins, 20).proportion_ci(0.99, method="wilson")
        assert interval(pairs, 0.99) == pytest.approx((wider.low, wider.high), abs=1e-12)

    def test_one_tie_among_single_moments_is_no_textbook_case(self) -> None:
        pairs = [(g, float(g < 9)) for g in range(19)] + [(19, 0.5)]
        p, variance = 9.5 / 20, naive_variance(score for _, score in pairs)
        assert interval(pairs) == pytest.approx(wilson(p, p * (1 - p) / variance, float(t.ppf(0.975, 19))), abs=1e-9)

    @pytest.mark.parametrize(
        ("sizes", "status"),
        [
            ([1] * 9, "tiny"),
            ([1] * 10, "ok"),
            ([2] * 4, "tiny"),
            ([9] * 4, "tiny"),
            ([2] * 5, "few_sessions"),
            ([50] * 9, "few_sessions"),
            ([50] * 10, "ok"),
            ([90] + [1] * 30, "tiny"),
        ],
    )
    @pytest.mark.parametrize("tie", [True, False])
    def test_few_moments_or_few_effective_sessions_are_said(self, sizes: list[int], status: str, tie: bool) -> None:
        pairs = [(g, float(g % 2)) for g, size in enumerate(sizes) for _ in range(size)]
        pairs[0] = (0, 0.5 if tie else 0.0)
        assert estimate(pairs).status == status

    def test_two_very_uneven_sessions_leave_everything_open(self) -> None:
        pairs = [(0, float(i < 700)) for i in range(1000)] + [(1, 1.0)]
        assert interval(pairs) == (0, 1)

    def test_a_few_more_ties_than_wins_may_vary_less_than_independent_moments(self) -> None:
        """The design effect is kept below 1: no floor."""
        pairs = [(g, score) for g in range(20) for score in (0.0, 1.0)]
        pairs[0] = (0, 0.5)
        deff = estimate(pairs).deff
        assert deff is not None
        assert deff < 0.1


class TestLaws:
    @given(moments(), st.sampled_from([0.8, 0.9, 0.95, 0.99]))
    @settings(max_examples=100)
    def test_the_interval_is_finite_and_holds_the_rate(self, pairs: Pairs, confidence: float) -> None:
        low, high = interval(pairs, confidence)
        assert 0 <= low <= rate(pairs) <= high <= 1
        assert all(map(isfinite, (low, high)))

    @given(moments(), st.sampled_from([(0.8, 0.9), (0.9, 0.95), (0.95, 0.99)]))
    @settings(max_examples=60)
    def test_more_confidence_is_a_wider_interval(self, pairs: Pairs, levels: tuple[float, float]) -> None:
        (low, high), (lower, higher) = (interval(pairs, level) for level in levels)
        assert lower <= low + 1e-12
        assert high - 1e-12 <= higher

    @given(moments())
    @settings(max_examples=100)
    def test_swapping_model_and_human_mirrors_rate_and_interval(self, pairs: Pairs) -> None:
        mirrored = [(session, 1 - score) for session, score in pairs]
        low, high = interval(pairs)
        assert rate(mirrored) == pytest.approx(1 - rate(pairs), abs=1e-12)
        assert interval(mirrored) == pytest.approx((1 - high, 1 - low), abs=1e-9)
        assert estimate(mirrored).status == estimate(pairs).status

    @given(moments(), st.randoms(use_true_random=False))
    @settings(max_examples=100)
    def test_neither_the_order_nor_the_names_of_sessions_matter(self, pairs: Pairs, random: Random) -> None:
        names = [f"s{g}" for g in range(12)]
        random.shuffle(names)
        shuffled = [(names[session], score) for session, score in pairs]
        random.shuffle(shuffled)
        one, other = estimate(pairs), estimate(shuffled)
        assert (one.n_moments, one.n_sessions, one.status) == (other.n_moments, other.n_sessions, other.status)
        for name in ("win_rate", "ci_low", "ci_high", "effective_sessions", "deff"):
            assert getattr(one, name) == pytest.approx(getattr(other, name), abs=1e-9)

    @given(st.lists(st.sampled_from([0, 0.25, 1 / 3, 0.5, 1]), min_size=2, max_size=40))
    @settings(max_examples=60)
    def test_moments_alone_in_their_session_have_the_variance_of_independent_ones(self, scores: list[float]) -> None:
        pairs = list(enumerate(scores))
        assert jackknife_variance(cluster(pairs)) == pytest.approx(naive_variance(scores), abs=1e-15)
        found = estimate(pairs)
        assert found.effective_sessions == pytest.approx(len(scores))
        assert found.deff is None or found.deff == pytest.approx(1)

    @given(st.lists(st.lists(st.sampled_from([0.0, 0.5, 1.0]), min_size=3, max_size=3), min_size=2, max_size=12))
    @settings(max_examples=60)
    def test_sessions_of_one_size_make_the_jackknife_the_cr1_variance(self, sessions: list[list[float]]) -> None:
        clusters = cluster((g, score) for g, scores in enumerate(sessions) for score in scores)
        assert jackknife_variance(clusters) == pytest.approx(cr1_variance(clusters), abs=1e-15)
        assert clusters.effective == pytest.approx(len(sessions))

    @given(moments())
    @settings(max_examples=60)
    def test_cr0_is_never_above_cr1_and_uneven_sessions_count_for_fewer(self, pairs: Pairs) -> None:
        clusters = cluster(pairs)
        count = len(clusters.sizes)
        assert cr1_variance(clusters) == pytest.approx(cr0_variance(clusters) * count / (count - 1))
        assert 1 < clusters.effective <= count + 1e-9

    @given(moments(scores=(0.5,)))
    @settings(max_examples=40)
    def test_nothing_but_ties_is_one_half_between_equal_arms(self, pairs: Pairs) -> None:
        found = estimate(pairs)
        low, high = interval(pairs)
        assert (found.win_rate, found.status) == (0.5, "degenerate")
        assert 0.5 - low == pytest.approx(high - 0.5)

    @given(moments(scores=(0, 1)), st.integers(2, 4))
    @settings(max_examples=60)
    def test_repeating_every_moment_inside_its_session_is_no_new_evidence(self, pairs: Pairs, times: int) -> None:
        """Copies inside a session leave the jackknife as it is; only the textbook case reads single moments."""
        assume(len({session for session, _ in pairs}) < len(pairs))
        assert interval(pairs * times) == pytest.approx(interval(pairs), abs=1e-9)


def test_moments_are_grouped_by_session_wherever_they_stand() -> None:
    grouped = cluster([("b", 1), ("a", 0.5), ("b", 0), ("a", 0.25)])
    assert grouped == Clusters((2, 2), (1, 0.75))
