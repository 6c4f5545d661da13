"""What could be seen and what would be enough: the table of the literature, and laws between the functions."""

from math import sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nextstep.core.stats import (
    detectable_difference,
    normal_quantile,
    pass_probability,
    required_moments,
    required_samples,
    required_variance,
    sampling_noise,
)

SIZES = {0.58: (832, 208, 93), 0.31: (238, 60, 27)}
"""Moments for a distance of 5, 10 and 15 points, by the standard deviation of a difference."""
POWERS = {0.58: (0.253, 0.623, 0.902), 0.31: (0.574, 0.978, 1.000)}


@pytest.mark.parametrize(
    ("sd", "distance", "n"),
    [(sd, d, n) for sd, sizes in SIZES.items() for d, n in zip((0.05, 0.1, 0.15), sizes, strict=True)],
)
def test_the_sizes_of_the_table(sd: float, distance: float, n: int) -> None:
    assert required_moments(sd * sd, distance) == n


@pytest.mark.parametrize(
    ("sd", "margin", "power"),
    [(sd, m, p) for sd, powers in POWERS.items() for m, p in zip((0.05, 0.1, 0.15), powers, strict=True)],
)
def test_the_powers_of_the_table_at_129_moments(sd: float, margin: float, power: float) -> None:
    assert pass_probability(sd / sqrt(129), margin, df=1e9) == pytest.approx(power, abs=6e-4)


@pytest.mark.parametrize(("sd", "points"), [(0.58, 14.3), (0.31, 7.6)])
def test_the_detectable_differences_of_the_table(sd: float, points: float) -> None:
    assert 100 * detectable_difference(sd / sqrt(129)) == pytest.approx(points, abs=0.05)


def test_few_sessions_detect_less() -> None:
    assert detectable_difference(0.05, df=5) > detectable_difference(0.05, df=50) > detectable_difference(0.05)


positive = st.floats(0.01, 2.0)


@given(positive, st.floats(0.02, 0.5))
def test_the_moments_that_are_required_give_the_power_and_one_fewer_does_not(variance: float, distance: float) -> None:
    n = required_moments(variance, distance)
    assert variance / n <= required_variance(distance) * (1 + 1e-6)
    if n > 1:
        assert variance / (n - 1) > required_variance(distance)


@given(st.floats(0.0001, 0.01), st.floats(0.0, 1.0), st.integers(1, 8), st.floats(0.02, 0.5))
def test_the_samples_that_are_required_bring_the_variance_down_to_what_is_required(
    variance: float, share: float, samples: int, distance: float
) -> None:
    noise = share * variance
    wanted = required_samples(variance, noise, samples, distance)
    if wanted is None:
        most = variance - noise + noise * samples / 16
        assert most > required_variance(distance) * (1 - 1e-6)
    elif wanted:
        assert variance - noise + noise * samples / wanted <= required_variance(distance) * (1 + 1e-6)


def test_noise_is_that_of_the_samples_mean_and_unknown_with_one_sample() -> None:
    assert sampling_noise([(0.0, 1.0), (0.0, 1.0)]) == pytest.approx(0.5 / 2 / 2)
    assert sampling_noise([(0.0, 1.0), (1.0,)]) == pytest.approx(0.5 * (0.5 + 1) / 4)
    assert sampling_noise([(1.0,), (0.0,)]) is None
    assert sampling_noise([]) is None


def test_more_samples_help_by_their_noise_alone() -> None:
    needed = required_variance(0.1)
    assert required_samples(needed * 2, needed * 2, 2, 0.1) == 4
    assert required_samples(needed * 2, needed / 2, 2, 0.1) is None
    assert required_moments(1.0, 0.1, power=0.5) == pytest.approx((normal_quantile(0.95) / 0.1) ** 2, abs=1)
