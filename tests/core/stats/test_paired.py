"""Two models on the same moments: the difference, its p-values, and what is left when nothing differs."""

from math import sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import beta, binomtest, pearsonr, permutation_test

from nextstep.core.stats import cluster, compare, holm, jackknife_variance, mcnemar_p, mean_figure, sign_flip_p
from tests.core.stats.fixtures import Pairs, ends, known, moments, printed, rated

Units = list[tuple[int, tuple[float, float]]]


def varied(sessions: int = 30) -> Units:
    """Sessions of 1 to 4 moments in which A is a little better."""
    rng = np.random.default_rng(5)
    sizes = rng.integers(1, 5, sessions)
    places = np.repeat(np.arange(sessions), sizes).tolist()
    scores = rng.choice([0, 0.25, 0.5, 0.75, 1], size=(len(places), 2), p=[0.1, 0.2, 0.3, 0.2, 0.2])
    scores[::3, 0] = np.minimum(1, scores[::3, 1] + 0.25)
    return list(zip(places, map(tuple, scores.tolist()), strict=True))


class TestComparison:
    def test_is_the_mean_difference_with_its_interval(self) -> None:
        units = varied()
        gaps = [(g, a - b) for g, (a, b) in units]
        found = compare(units)
        assert found.difference == mean_figure(gaps, low=-1, high=1)
        assert found.difference.status == "ok"
        assert known(found.se) == sqrt(jackknife_variance(cluster(gaps)))
        assert found.p_value == sign_flip_p(gaps)
        assert found.bound is None

    def test_reports_what_the_two_models_share(self) -> None:
        units = varied()
        ours, theirs = ([pair[i] for _, pair in units] for i in (0, 1))
        found = compare(units)
        assert found.correlation == pytest.approx(pearsonr(ours, theirs).statistic)
        assert found.sd == pytest.approx(np.std(np.subtract(ours, theirs), ddof=1))
        assert found.better == np.mean(np.subtract(ours, theirs) > 0)
        assert found.worse == np.mean(np.subtract(ours, theirs) < 0)
        assert found.better + found.equal + found.worse == pytest.approx(1)

    @given(rated())
    @settings(max_examples=60)
    def test_swapping_the_models_mirrors_everything(self, units: Units) -> None:
        one, other = compare(units), compare([(g, (b, a)) for g, (a, b) in units])
        low, high = ends(one.difference)
        assert known(other.difference.value) == pytest.approx(-known(one.difference.value))
        assert ends(other.difference) == pytest.approx((-high, -low), abs=1e-9)
        assert known(other.p_value) == pytest.approx(known(one.p_value))
        assert (other.better, other.equal, other.worse) == (one.worse, one.equal, one.better)
        assert (other.bound, other.difference.status) == (one.bound, one.difference.status)

    @given(rated())
    @settings(max_examples=60)
    def test_what_both_models_gain_at_a_moment_cancels(self, units: Units) -> None:
        lifted = [(g, (a + g / 8, b + g / 8)) for g, (a, b) in units]
        one, other = compare(units), compare(lifted)
        assert ends(other.difference) == pytest.approx(ends(one.difference), abs=1e-9)
        assert other.p_value == pytest.approx(known(one.p_value))

    @pytest.mark.parametrize(("sessions", "bound"), [(40, 0.0722), (129, 0.0230)])
    def test_models_that_never_differ_are_bounded_by_the_number_of_sessions(self, sessions: int, bound: float) -> None:
        found = compare([(g % sessions, (0.5, 0.5)) for g in range(2 * sessions)])
        assert found.bound == printed(bound, 4)
        assert ends(found.difference) == (printed(-bound, 4), printed(bound, 4))
        assert (found.p_value, found.difference.status, found.correlation) == (1, "degenerate", None)
        assert (found.better, found.equal, found.worse) == (0, 1, 0)

    @pytest.mark.parametrize("different", [1, 2, 3, 4])
    def test_few_sessions_that_differ_are_bounded_by_clopper_and_pearson(self, different: int) -> None:
        found = compare([(g, (1.0, float(g >= different))) for g in range(40)])
        assert known(found.bound) == pytest.approx(beta.ppf(0.95, different + 1, 40 - different))
        assert ends(found.difference) == (-known(found.bound), known(found.bound))
        assert found.difference.value == different / 40

    def test_five_sessions_that_differ_have_the_usual_interval(self) -> None:
        assert compare([(g, (1.0, float(g >= 5))) for g in range(40)]).bound is None

    def test_a_bound_holds_the_difference_and_stays_possible(self) -> None:
        """One session of most moments: its share of the sessions is not its share of the difference."""
        found = compare([(0, (1.0, 0.0))] * 60 + [(g, (1.0, 1.0)) for g in range(1, 21)])
        assert ends(found.difference) == (-0.75, 0.75)
        everywhere = compare([(g, (1.0, 0.0)) for g in range(3)])
        assert ends(everywhere.difference) == (-1, 1)

    def test_one_session_and_none(self) -> None:
        alone = compare([("only", (1.0, 0.5)), ("only", (0.5, 0.5))])
        assert (alone.difference.value, alone.difference.status, alone.se) == (0.25, "single_session", None)
        nothing = compare([])
        assert (nothing.difference.status, nothing.p_value, nothing.sd, nothing.equal) == ("empty", None, None, 0)


class TestSignFlip:
    @given(moments(scores=(-1, -0.5, -0.125, 0, 0.25, 0.5, 1)))
    @settings(max_examples=25, deadline=None)
    def test_agrees_with_scipys_exact_test_of_session_sums(self, pairs: Pairs) -> None:
        sums = np.array(cluster(pairs).totals)
        theirs = permutation_test((sums,), np.sum, permutation_type="samples", n_resamples=np.inf, axis=0)
        assert sign_flip_p(pairs) == pytest.approx(min(1.0, theirs.pvalue), abs=1e-12)

    @given(moments(scores=(-1, -0.5, 0, 1 / 3, 0.25, 1)))
    @settings(max_examples=40)
    def test_a_unit_without_a_common_fraction_changes_nothing(self, pairs: Pairs) -> None:
        """Irrational differences are enumerated; rational ones are tabled."""
        odd = [(g, y * sqrt(2)) for g, y in pairs]
        assert sign_flip_p(odd) == pytest.approx(sign_flip_p(pairs), abs=1e-12)

    def test_many_sessions_without_a_common_fraction_are_drawn_from_the_seed(self) -> None:
        pairs = [(g, 1.0 if g < 21 else -1.0) for g in range(33)]
        odd = [(g, y * sqrt(2)) for g, y in pairs]
        exact = sign_flip_p(pairs)
        assert sign_flip_p(odd, seed=3) == pytest.approx(exact, abs=4 * sqrt(exact / 100_000))
        assert sign_flip_p(odd, seed=3) == sign_flip_p(odd, seed=3) != sign_flip_p(odd, seed=4)

    def test_drawn_p_values_are_never_0(self) -> None:
        """What was seen is itself one of the flips: at least 1 of 100 000."""
        assert sign_flip_p([(g, sqrt(2)) for g in range(40)]) == 1 / 100_000

    def test_one_value_a_session_is_the_sign_test(self) -> None:
        pairs = [(g, 1.0 if g < 150 else -1.0) for g in range(236)]
        assert sign_flip_p(pairs) == pytest.approx(binomtest(150, 236).pvalue, rel=1e-9)

    @pytest.mark.parametrize(("sessions", "least"), [(1, 1), (2, 0.5), (5, 0.0625), (6, 0.03125)])
    def test_few_sessions_cannot_give_a_small_p(self, sessions: int, least: float) -> None:
        assert sign_flip_p([(g % sessions, 1.0) for g in range(60)]) == least

    def test_no_difference_is_1(self) -> None:
        assert sign_flip_p([(g, 0.0) for g in range(9)]) == 1
        assert sign_flip_p([]) == 1

    def test_sessions_without_a_difference_do_not_matter(self) -> None:
        pairs = [(g, 0.5) for g in range(7)]
        assert sign_flip_p([*pairs, *((g, 0.0) for g in range(7, 40))]) == sign_flip_p(pairs)


class TestMcNemar:
    def test_the_approval_ratings_of_agresti(self) -> None:
        """794 and 570 agree, 150 and 86 changed; the same figure as statsmodels 0.15."""
        assert mcnemar_p(150, 86) == pytest.approx(3.7159361395713866e-05, rel=1e-9)

    @pytest.mark.parametrize(
        ("won", "n", "p"), [(83, 129, 0.00142923), (66, 129, 0.860311), (25, 127, 3.12e-12), (0, 10, 0.00195312)]
    )
    def test_exact_p_against_one_half(self, won: int, n: int, p: float) -> None:
        assert mcnemar_p(won, n - won) == pytest.approx(p, rel=1e-3)

    @given(st.integers(0, 300), st.integers(0, 300))
    @settings(max_examples=60)
    def test_is_the_binomial_test(self, only_a: int, only_b: int) -> None:
        theirs = binomtest(only_a, only_a + only_b).pvalue if only_a + only_b else 1.0
        assert mcnemar_p(only_a, only_b) == pytest.approx(theirs, rel=1e-9)


class TestHolm:
    def test_agrees_with_statsmodels(self) -> None:
        """`multipletests(method="holm")` of statsmodels 0.15."""
        assert holm([0.001, 0.02, 0.04, 0.03, 0.9]) == pytest.approx([0.005, 0.08, 0.09, 0.09, 0.9])

    @given(st.lists(st.floats(0, 1), max_size=12))
    @settings(max_examples=60)
    def test_keeps_the_order_and_lies_between_each_p_and_bonferroni(self, p_values: list[float]) -> None:
        adjusted = holm(p_values)
        assert len(adjusted) == len(p_values)
        for p, corrected in zip(p_values, adjusted, strict=True):
            assert p <= corrected <= min(1, len(p_values) * max(p_values))
        for (p, a), (q, b) in zip(*[sorted(zip(p_values, adjusted, strict=True))] * 2, strict=True):
            assert (p, a) == (q, b)
        assert [a for _, a in sorted(zip(p_values, adjusted, strict=True))] == sorted(adjusted)

    def test_one_test_needs_no_correction(self) -> None:
        assert holm([0.03]) == [0.03]
        assert holm([]) == []
