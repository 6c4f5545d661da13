"""Agreement of raters, juries and equivalence, against published figures and the reference packages."""

from random import Random

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from nextstep.core.stats import (
    Figure,
    agreement_rate,
    cohen_kappa,
    effective_judges,
    gwet_ac1,
    is_equivalent,
    jury_reliability,
    krippendorff_alpha,
    mean_figure,
    moments_for_equivalence,
)
from tests.core.stats.fixtures import ends, known, rated

Units = list[tuple[int, tuple[float, float]]]
Levels = st.sampled_from(["nominal", "ordinal", "interval"])
POINTS = (0, 0.25, 0.5, 0.75, 1)

FIVE_POINTS = [[9, 3, 1, 0, 0], [2, 8, 4, 1, 0], [0, 3, 10, 4, 1], [0, 1, 2, 9, 3], [0, 0, 1, 2, 7]]

EXAMPLE_C: list[list[int | None]] = [
    [1, 1, None, 1],
    [2, 2, 3, 2],
    [3, 3, 3, 3],
    [3, 3, 3, 3],
    [2, 2, 2, 2],
    [1, 2, 3, 4],
    [4, 4, 4, 4],
    [1, 1, 2, 1],
    [2, 2, 2, 2],
    [None, 5, 5, 5],
    [None, None, 1, 1],
    [None, None, 3, None],
]
"""Krippendorff 2011, example C: four observers, missing values."""


def of_table(table: list[list[int]]) -> list[tuple[int, tuple[int, int]]]:
    """Each unit of a contingency table, alone in its session."""
    cells = [(i, j) for i, row in enumerate(table) for j, count in enumerate(row) for _ in range(count)]
    return list(enumerate(cells))


class TestCohenKappa:
    def test_of_two_by_two(self) -> None:
        assert cohen_kappa(of_table([[20, 5], [10, 15]]), categories=(0, 1)).value == pytest.approx(0.4, abs=1e-12)

    def test_five_points_agree_with_statsmodels(self) -> None:
        """`cohens_kappa(wt=None)` and `(wt="quadratic")` of statsmodels 0.15."""
        units = of_table(FIVE_POINTS)
        assert cohen_kappa(units, categories=range(5)).value == pytest.approx(0.5028757189297325, abs=1e-12)
        weighted = cohen_kappa(units, categories=range(5), weights="quadratic")
        assert weighted.value == pytest.approx(0.8217018045903172, abs=1e-12)

    @given(rated())
    @settings(max_examples=60)
    def test_neither_the_raters_nor_the_names_of_categories_matter(self, units: Units) -> None:
        names = {0: "human", 0.5: "tie", 1: "model"}
        one = cohen_kappa([(g, (names[a], names[b])) for g, (a, b) in units], categories=("human", "tie", "model"))
        other = cohen_kappa([(g, (int(2 * b), int(2 * a))) for g, (a, b) in units], categories=(2, 0, 1))
        assert one.value == pytest.approx(other.value)
        assert one.status == other.status

    @pytest.mark.parametrize("weights", [None, "quadratic"])
    def test_perfect_agreement_is_1_and_none_has_no_value(self, weights: None) -> None:
        assert cohen_kappa([(g, (g % 3, g % 3)) for g in range(9)], categories=range(3), weights=weights).value == 1
        same = cohen_kappa([(g, (1, 1)) for g in range(9)], categories=range(3), weights=weights)
        assert same == Figure(None, None, None, 9, 9, "no_variation")
        assert cohen_kappa([], categories=range(3), weights=weights).status == "empty"

    def test_a_rating_that_is_no_category_is_an_error(self) -> None:
        with pytest.raises(ValueError, match="'maybe' is none of the categories"):
            cohen_kappa([(0, ("yes", "maybe"))], categories=("yes", "no"))


class TestGwet:
    def test_is_stable_where_one_category_is_rare(self) -> None:
        """The paradox of Feinstein and Cicchetti 1990: 95 % agreement, kappa near 0. p_e = 2 * 0.975 * 0.025."""
        units = of_table([[95, 2], [3, 0]])
        assert known(cohen_kappa(units, categories=(0, 1)).value) < 0
        assert gwet_ac1(units, categories=(0, 1)).value == pytest.approx((0.95 - 0.04875) / (1 - 0.04875), abs=1e-12)
        assert agreement_rate(units).value == 0.95

    def test_even_categories_make_it_cohens_kappa(self) -> None:
        units = of_table([[20, 5], [5, 20]])
        kappa, gwet = cohen_kappa(units, categories=(0, 1)), gwet_ac1(units, categories=(0, 1))
        assert kappa.value == pytest.approx(gwet.value)

    def test_one_category_used_is_full_agreement(self) -> None:
        assert gwet_ac1([(g, (1, 1)) for g in range(9)], categories=(0, 1)).value == 1


class TestKrippendorff:
    @pytest.mark.parametrize(
        ("level", "alpha"),
        [("nominal", 0.743421052631579), ("ordinal", 0.8153875037548814), ("interval", 0.8491071428571428)],
    )
    def test_example_c_agrees_with_the_krippendorff_package(self, level: str, alpha: float) -> None:
        """Version 0.9; nominal .743 and interval .849 are also in Krippendorff 2011."""
        found = krippendorff_alpha(enumerate(EXAMPLE_C), level=level)  # type: ignore[arg-type]
        assert found.value == pytest.approx(alpha, abs=1e-12)
        assert (found.n, found.n_sessions, found.ci_high) == (11, 11, 1)

    @given(rated(ratings=POINTS), st.randoms(use_true_random=False), Levels)
    @settings(max_examples=60, deadline=None)
    def test_neither_the_order_of_raters_nor_missing_ones_matter(
        self, units: Units, random: Random, level: str
    ) -> None:
        shuffled = [(g, random.sample([a, b, None], 3)) for g, (a, b) in units]
        one = krippendorff_alpha(units, level=level)  # type: ignore[arg-type]
        other = krippendorff_alpha(shuffled, level=level)  # type: ignore[arg-type]
        assert one.status == other.status
        assert one.value == pytest.approx(other.value)

    @given(rated(ratings=POINTS))
    @settings(max_examples=60, deadline=None)
    def test_ordinal_looks_at_the_order_only(self, units: Units) -> None:
        stretched = [(g, (a**3 + a, b**3 + b)) for g, (a, b) in units]
        one, other = krippendorff_alpha(units, level="ordinal"), krippendorff_alpha(stretched, level="ordinal")
        assert one.value == pytest.approx(other.value)

    @given(rated(ratings=(0, 1)))
    @settings(max_examples=60, deadline=None)
    def test_two_values_are_the_same_on_every_level(self, units: Units) -> None:
        nominal = krippendorff_alpha(units, level="nominal")
        assume(nominal.value is not None)
        for level in ("ordinal", "interval"):
            assert krippendorff_alpha(units, level=level).value == pytest.approx(nominal.value)

    def test_ratings_that_are_all_the_same_have_no_alpha(self) -> None:
        found = krippendorff_alpha([(g, (0.5, 0.5)) for g in range(5)], level="interval")
        assert found == Figure(None, None, None, 5, 5, "no_variation")

    def test_units_with_one_rating_are_no_pairs(self) -> None:
        assert krippendorff_alpha([(0, (1, None)), (1, (None, None))], level="nominal").status == "empty"


class TestJuries:
    def test_three_judges_that_correlate_by_one_half(self) -> None:
        assert jury_reliability(3, 0.5) == pytest.approx(0.75)
        assert effective_judges(3, 0.5) == pytest.approx(1.5)

    @given(st.integers(1, 20), st.floats(0, 1))
    @settings(max_examples=40)
    def test_more_judges_never_count_for_more_than_their_number(self, judges: int, correlation: float) -> None:
        assert 1 - 1e-12 <= effective_judges(judges, correlation) <= judges + 1e-12
        assert correlation - 1e-12 <= jury_reliability(judges, correlation) <= 1 + 1e-12


class TestEquivalence:
    @pytest.mark.parametrize(
        ("sd", "margin", "needed"), [(0.35, 0.1, 105), (0.5, 0.1, 215), (0.35, 0.05, 420), (0.5, 0.05, 857)]
    )
    def test_moments_needed(self, sd: float, margin: float, needed: int) -> None:
        assert moments_for_equivalence(sd, margin) == needed

    def test_the_whole_interval_must_lie_within_the_margin(self) -> None:
        found = mean_figure([(g, 0.5 + (-1) ** g * 0.2) for g in range(40)], confidence=0.9)
        low, high = ends(found)
        reach = max(high - 0.5, 0.5 - low)
        assert is_equivalent(found, centre=0.5, margin=reach + 0.001) is True
        assert is_equivalent(found, centre=0.5, margin=reach - 0.001) is False
        assert is_equivalent(found, centre=0.45, margin=reach + 0.001) is False
        assert is_equivalent(found, centre=0.55, margin=reach + 0.001) is False

    def test_no_interval_says_neither(self) -> None:
        assert is_equivalent(mean_figure([]), centre=0.5, margin=0.1) is None
