"""The same figures in plain SQL: an analyst with the file gets what the program gets."""

import duckdb
import pytest
from hypothesis import given, settings

from nextstep.core.stats import cluster, cr1_variance, jackknife_variance
from tests.core.stats.fixtures import F1, Pairs, moments

JACKKNIFE = """
WITH sessions AS (SELECT session, count(*) AS m, sum(score) AS t FROM scores GROUP BY session),
whole AS (SELECT sum(m) AS n, sum(t) AS total, count(*) AS g, sum(m * m) AS squares FROM sessions),
without AS (SELECT (total - t) / (n - m) AS p FROM sessions, whole)
SELECT total / n AS mean,
       (SELECT (g - 1) * var_pop(p) FROM without) AS jackknife,
       n * n / squares AS effective_sessions,
       (SELECT sum((t - m * total / n) ** 2) FROM sessions) / n ** 2 * g / (g - 1) AS cr1
FROM whole
"""


def from_sql(pairs: Pairs) -> tuple[float, ...]:
    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE scores (session INTEGER, score DOUBLE)")
        connection.executemany("INSERT INTO scores VALUES (?, ?)", pairs)
        row = connection.execute(JACKKNIFE).fetchone()
    assert row is not None
    return tuple(map(float, row))


def from_python(pairs: Pairs) -> tuple[float, ...]:
    clusters = cluster(pairs)
    return clusters.mean, jackknife_variance(clusters), clusters.effective, cr1_variance(clusters)


def test_sql_is_python_on_fixture_f1() -> None:
    assert from_sql(F1) == pytest.approx(from_python(F1), abs=1e-12)


def test_both_are_statsmodels_on_fixture_f1() -> None:
    """OLS on a constant, cov_type="cluster", of statsmodels 0.15: standard error .11992503."""
    assert from_sql(F1)[3] ** 0.5 == pytest.approx(0.11992503, abs=1e-8)


@given(moments())
@settings(max_examples=15, deadline=None)
def test_sql_is_python_on_any_moments(pairs: Pairs) -> None:
    assert from_sql(pairs) == pytest.approx(from_python(pairs), abs=1e-12)
