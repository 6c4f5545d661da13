"""Parts of the variance: recovered where they are known, and what follows for samples and moments."""

from math import sqrt

import numpy as np
import pytest

from nextstep.core.stats import VarianceSplit, rerun_error, session_correlation, variance_split
from tests.core.stats.fixtures import known

NOTES = VarianceSplit(session=0.015, moment=0.06, within=0.175, judge=0.075, n=129, size_moment=4.87)
"""The parts that the statistics notes work out."""

SESSION, MOMENT, PROPOSAL, JUDGE = 0.4, 0.9, 1.2, 0.5


def drawn(samples: int, *, sessions: int = 900, size: int = 3) -> list[tuple[int, list[float]]]:
    """Normal scores with these variances."""
    rng = np.random.default_rng(11)
    places = np.repeat(np.arange(sessions), size)
    of_session = rng.normal(0, sqrt(SESSION), sessions)[places]
    of_moment = rng.normal(0, sqrt(MOMENT), len(places))
    noise = rng.normal(0, sqrt(PROPOSAL + JUDGE), (samples, len(places)))
    return list(zip(places.tolist(), (of_session + of_moment + noise).T.tolist(), strict=True))


def repeated() -> list[list[float]]:
    rng = np.random.default_rng(12)
    twice: list[list[float]] = rng.normal(0, sqrt(JUDGE), (3000, 2)).tolist()
    return twice


class TestSplit:
    def test_recovers_the_parts_that_scores_were_made_from(self) -> None:
        found = variance_split(drawn(4), repeats=repeated())
        assert found is not None
        assert found.session == pytest.approx(SESSION, rel=0.15)
        assert found.moment == pytest.approx(MOMENT, rel=0.1)
        assert found.within == pytest.approx(PROPOSAL + JUDGE, rel=0.05)
        assert known(found.judge) == pytest.approx(JUDGE, rel=0.08)
        assert known(found.proposal) == pytest.approx(PROPOSAL, rel=0.1)
        assert (found.n, found.size_moment, found.zeroed) == (2700, 3, ())

    def test_its_standard_error_is_that_of_the_mean(self) -> None:
        """Equal sessions: the variance of the mean is that of the session means over their number."""
        units = drawn(4)
        means = np.array([np.mean(scores) for _, scores in units]).reshape(900, 3).mean(axis=1)
        found = variance_split(units)
        assert found is not None
        assert found.standard_error(4) == pytest.approx(means.std(ddof=1) / sqrt(900), rel=0.02)

    def test_by_hand(self) -> None:
        """Within 1/12 (variances .5, 0, 0, 0, 0, 0); means .5, 0, 1, 1, 0, 0 of variance 0.24166667."""
        samples = [[0.0, 1.0], [0.0, 0.0], [1.0, 1.0], [1.0, 1.0], [0.0, 0.0], [0.0, 0.0]]
        found = variance_split(zip([0, 0, 1, 1, 2, 2], samples, strict=True))
        assert found is not None
        assert found.within == pytest.approx(1 / 12)
        assert found.between == pytest.approx(29 / 120 - 1 / 24)
        assert found.judge is None
        assert found.proposal is None

    def test_negative_parts_are_0_and_said(self) -> None:
        opposite = [(g, scores) for g in range(6) for scores in ([0.0, 0.1], [1.0, 0.9])]
        found = variance_split(opposite)
        assert found is not None
        assert (found.session, found.zeroed) == (0, ("session",))
        alike = variance_split([(g, [0.0, 1.0]) for g in range(6)], repeats=[[0.0, 2.0]])
        assert alike is not None
        assert (alike.between, alike.proposal, alike.zeroed) == (0, 0, ("moment", "proposal"))

    def test_sessions_never_have_more_than_moments_have_in_all(self) -> None:
        """Means 0, 0, 1, 1 are of their session only, but most of their variance is the samples' own."""
        found = variance_split([(0, [-0.5, 0.5]), (0, [0.5, -0.5]), (1, [0.5, 1.5]), (1, [1.5, 0.5])])
        assert found is not None
        assert found.session == found.between == pytest.approx(1 / 3 - 0.5 / 2)
        assert found.moment == 0

    def test_without_two_samples_of_a_moment_there_is_none(self) -> None:
        assert variance_split([(0, [1.0]), (1, [0.0])]) is None
        assert variance_split([(0, [1.0, 0.0])]) is None
        assert variance_split([]) is None

    def test_moments_that_lost_a_sample_count_with_what_they_have(self) -> None:
        found = variance_split([(0, [0.0, 1.0]), (1, [1.0]), (2, [0.0])])
        assert found is not None
        assert found.within == 0.5
        assert found.between == 0
        assert found.n == 3


class TestPlanning:
    @pytest.mark.parametrize(
        ("samples", "repeats", "error"),
        [
            (1, 1, 0.0489),
            (2, 1, 0.0413),
            (4, 1, 0.0370),
            (8, 1, 0.0347),
            (16, 1, 0.0334),
            (2, 2, 0.0396),
            (1, 4, 0.0442),
        ],
    )
    def test_standard_errors_of_the_statistics_notes(self, samples: int, repeats: int, error: float) -> None:
        assert NOTES.standard_error(samples, repeats) == pytest.approx(error, abs=0.00006)

    def test_enough_samples_add_a_quarter_of_the_moments_own_variance(self) -> None:
        enough = known(NOTES.enough_samples())
        assert enough == 10
        assert NOTES.within / enough <= NOTES.between / 4 < NOTES.within / (enough - 1)
        assert NOTES.advice(enough - 1) == "more samples"
        assert NOTES.advice(enough) == "more moments"

    def test_samples_without_noise_need_no_repeat(self) -> None:
        assert VarianceSplit(0.1, 0.1, 0, None, 50, 2).enough_samples() == 1

    def test_no_number_of_samples_is_enough_where_moments_differ_by_rounding_alone(self) -> None:
        assert VarianceSplit(0, 2e-17, 0.25, None, 50, 2).enough_samples() is None

    def test_moments_that_do_not_differ_leave_only_samples(self) -> None:
        alike = VarianceSplit(0, 0, 0.2, None, 50, 2)
        assert alike.enough_samples() is None
        assert alike.advice(8) == "more samples"
        assert alike.best_samples(10, 1) is None

    def test_dear_moments_deserve_more_samples(self) -> None:
        assert known(NOTES.best_samples(1, 1)) == pytest.approx(sqrt(0.175 / 0.06))
        assert known(NOTES.best_samples(4, 1)) == pytest.approx(2 * sqrt(0.175 / 0.06))

    def test_an_unknown_judge_is_not_divided(self) -> None:
        unknown = VarianceSplit(0.015, 0.06, 0.175, None, 129, 4.87)
        assert unknown.standard_error(2, 4) == unknown.standard_error(2) == NOTES.standard_error(2)


class TestSessionCorrelation:
    def test_sessions_alike_inside_are_1_and_mirrored_ones_negative(self) -> None:
        assert session_correlation([(g, float(g)) for g in range(4) for _ in range(3)]) == 1
        assert session_correlation([(g, y) for g in range(4) for y in (0.0, 1.0)]) == -1

    def test_where_it_cannot_be_told_it_is_0(self) -> None:
        assert session_correlation([(0, 1.0), (0, 0.0)]) == 0
        assert session_correlation([(0, 1.0), (1, 0.0)]) == 0
        assert session_correlation([(g, 0.5) for g in range(3) for _ in range(2)]) == 0
        assert session_correlation([]) == 0


def test_a_rerun_is_uncertain_by_its_samples_only() -> None:
    units = [(0, [0.0, 1.0]), (0, [1.0, 1.0]), (1, [0.5, 0.5, 1.0])]
    assert rerun_error(units) == pytest.approx(sqrt(0.5 / 2 + 0 + (1 / 12) / 3) / 3)
    assert rerun_error([(0, [1.0, 1.0]), (1, [0.0])]) is None
    assert rerun_error([]) is None
