"""The distributions against SciPy's, and laws that need no figures."""

from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm, t

from nextstep.core.stats import normal_probability, normal_quantile, t_probability, t_quantile

PROBABILITIES = st.floats(0.0001, 0.9999)
DEGREES = st.floats(0.05, 100_000)


@given(PROBABILITIES)
def test_the_normal_quantile_is_scipys(probability: float) -> None:
    assert normal_quantile(probability) == pytest.approx(norm.ppf(probability), rel=1e-12, abs=1e-12)


@given(st.floats(-8, 8))
def test_the_normal_probability_is_scipys(quantile: float) -> None:
    assert normal_probability(quantile) == pytest.approx(norm.cdf(quantile), abs=1e-14)


@given(PROBABILITIES, DEGREES)
def test_students_quantile_is_scipys_for_fractions_of_a_degree(probability: float, df: float) -> None:
    assert t_quantile(probability, df) == pytest.approx(t.ppf(probability, df), rel=1e-8, abs=1e-8)


@given(st.floats(-50, 50), DEGREES)
def test_students_probability_is_scipys_for_fractions_of_a_degree(quantile: float, df: float) -> None:
    assert t_probability(quantile, df) == pytest.approx(t.cdf(quantile, df), rel=1e-8, abs=1e-15)


@given(PROBABILITIES, DEGREES)
def test_the_probability_of_students_quantile_is_the_one_asked_for(probability: float, df: float) -> None:
    assert t_probability(t_quantile(probability, df), df) == pytest.approx(probability, rel=1e-8)


@given(PROBABILITIES, DEGREES)
def test_student_is_symmetric_and_wider_than_normal(probability: float, df: float) -> None:
    assert t_quantile(1 - probability, df) == pytest.approx(-t_quantile(probability, df), rel=1e-8, abs=1e-8)
    assert abs(t_quantile(probability, df)) >= abs(normal_quantile(probability)) * (1 - 1e-8)


@pytest.mark.parametrize(("probability", "expected"), [(0.975, inf), (0.5, 0.0), (0.025, -inf)])
def test_a_quantile_that_no_float_holds_is_infinite(probability: float, expected: float) -> None:
    assert t_quantile(probability, 0.001) == expected


def test_with_one_and_two_degrees_it_is_a_formula() -> None:
    assert t_quantile(0.75, 1) == pytest.approx(1, rel=1e-14)
    assert t_quantile(0.975, 2) == pytest.approx(0.95 * (2 / (4 * 0.975 * 0.025)) ** 0.5, rel=1e-14)
