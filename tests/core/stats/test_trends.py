"""Trends: of these models over new moments, and of new models."""

import numpy as np
import pytest
from scipy.stats import kendalltau, linregress, t

from nextstep.core.stats import cluster, jackknife_variance, slope_weights, trend_over_models, trend_over_moments
from tests.core.stats.fixtures import ends, known

RELEASES = [0.0, 0.4, 0.5, 1.1, 1.2, 1.6, 1.7, 2.2, 2.5]
MEANS = [0.31, 0.33, 0.36, 0.35, 0.42, 0.41, 0.51, 0.5, 0.64]


def scored() -> list[tuple[int, list[float]]]:
    """Scores of nine models at moments in 24 sessions."""
    rng = np.random.default_rng(8)
    places = np.repeat(np.arange(24), rng.integers(1, 6, 24))
    wins = rng.random((len(places), 9)) < np.array(MEANS)
    return list(zip(places.tolist(), wins.astype(float).tolist(), strict=True))


class TestOverMoments:
    def test_is_the_slope_through_the_models_means(self) -> None:
        units = scored()
        means = np.mean([scores for _, scores in units], axis=0)
        assert trend_over_moments(units, RELEASES).value == pytest.approx(linregress(RELEASES, means).slope)

    def test_its_interval_is_that_of_one_contrast_a_moment(self) -> None:
        units = scored()
        weights = slope_weights(RELEASES)
        clusters = cluster((g, float(np.dot(weights, scores))) for g, scores in units)
        half = float(t.ppf(0.975, clusters.effective - 1)) * jackknife_variance(clusters) ** 0.5
        low, high = ends(trend_over_moments(units, RELEASES))
        assert (high - low) / 2 == pytest.approx(half, rel=1e-7)

    def test_what_a_moment_gives_all_models_cancels(self) -> None:
        units = scored()
        lifted = [(g, [score + g for score in scores]) for g, scores in units]
        assert ends(trend_over_moments(lifted, RELEASES)) == pytest.approx(ends(trend_over_moments(units, RELEASES)))

    def test_a_model_without_a_score_is_an_error(self) -> None:
        with pytest.raises(ValueError, match="shorter"):
            trend_over_moments([(0, [1.0, 0.0])], RELEASES)

    def test_models_all_of_one_date_have_no_trend(self) -> None:
        with pytest.raises(ValueError, match="two different"):
            trend_over_moments(scored(), [1.0] * 9)


class TestOverModels:
    def test_agrees_with_scipy(self) -> None:
        found, theirs = trend_over_models(MEANS, RELEASES), linregress(RELEASES, MEANS)
        half = float(t.ppf(0.975, 7)) * theirs.stderr
        assert found.n_models == 9
        assert found.slope == pytest.approx(theirs.slope)
        assert found.p_value == pytest.approx(theirs.pvalue)
        assert (found.ci_low, found.ci_high) == pytest.approx((theirs.slope - half, theirs.slope + half))
        assert (found.tau, found.tau_p) == pytest.approx(tuple(kendalltau(RELEASES, MEANS)))

    def test_kendalls_p_is_exact(self) -> None:
        """Nine models in perfect order: 2 of 9! orders are as far."""
        assert trend_over_models(sorted(MEANS), RELEASES).tau_p == pytest.approx(2 / 362880)

    def test_a_perfect_line_leaves_nothing_open(self) -> None:
        found = trend_over_models([0.0, 0.25, 0.5, 0.75], [0.0, 1.0, 2.0, 3.0])
        assert (found.slope, found.ci_low, found.ci_high) == pytest.approx((0.25, 0.25, 0.25))
        assert found.p_value < 1e-9

    def test_models_all_alike_have_no_order(self) -> None:
        found = trend_over_models([0.5, 0.5, 0.5], [0.0, 1.0, 2.0])
        assert (found.slope, found.p_value, found.tau, found.tau_p) == (0, 1, None, None)

    def test_two_models_are_no_trend(self) -> None:
        with pytest.raises(ValueError, match="at least three"):
            trend_over_models([0.1, 0.2], [0, 1])


def test_the_first_interval_shares_moments_and_is_not_the_second() -> None:
    units = scored()
    means = np.mean([scores for _, scores in units], axis=0).tolist()
    one, other = trend_over_moments(units, RELEASES), trend_over_models(means, RELEASES)
    assert known(one.value) == pytest.approx(other.slope)
    assert ends(one) != pytest.approx((other.ci_low, other.ci_high), rel=0.01)
