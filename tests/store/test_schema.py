"""What scripts rely on: tables and views keep their names and columns, and are valid in plain DuckDB."""

from pathlib import Path

import duckdb
import pytest

from nextstep.store import Store

RELIED_ON = {
    "sessions": "session_id, source, sha256, title, started_at, n_events",
    "events": "session_id, idx, role, kind, tool, text, at",
    "moments": "moment_id, session_id, cut, set, human_step, status, tags",
    "runs": "run_id, started_at, finished_at, status, config, suite_hash, version, cost_usd",
    "replies": "reply_id, purpose, model, request_sha256, body, stop_reason, input_tokens, output_tokens,"
    " cache_read_tokens, cache_write_tokens, cost_usd, latency_s, request_id, created_at",
    "proposals": "proposal_id, moment_id, candidate, sample, text, reply_id",
    "verdicts": "verdict_id, proposal_id, judge, order, choice, strength, reason, reply_id",
    "failures": "failure_id, stage, moment_id, model, kind, message, attempts, created_at",
    "win_rates": "suite_hash, candidate, judge, set, n_moments, n_sessions, wins, losses, ties, flips, failures,"
    " win_rate, ci_low, ci_high, flip_rate, prompt_hash, updated_at",
    "judge_health": "judge, probe, n, value, ci_low, ci_high, expected, ok",
}
"""Columns that may be joined by others and never go."""

OUTCOMES = (
    "moment_id, session_id, set, candidate, sample, judge, outcome, score, average_score, flipped, proposal_id,"
    " proposal_prompt_hash, verdict_prompt_hash, model_first, human_first, n_words, prefix_shortened, judge_shortened,"
    " rewrite_id"
)
VIEWS = {
    "outcomes": OUTCOMES,
    "all_outcomes": f"{OUTCOMES}, proposed_at",
    "open_failures": "failure_id, run_id, stage, moment_id, candidate, sample, proposal_id, judge, order, model, kind,"
    " message, attempts, prompt_hash, reply_id, created_at",
    "costs": "run_id, model, purpose, calls, tokens, cost_usd, unpriced",
}
"""Views with all their columns, in order."""


@pytest.fixture
def plain(tmp_path: Path) -> duckdb.DuckDBPyConnection:
    store = Store(tmp_path / "s.duckdb")
    with store.write():
        pass
    return duckdb.connect(str(store.path), read_only=True)


def columns(connection: duckdb.DuckDBPyConnection, name: str) -> list[str]:
    return [column for column, *_ in connection.execute(f"FROM {name} LIMIT 0").description or ()]


@pytest.mark.parametrize("name", RELIED_ON)
def test_columns_that_scripts_rely_on_are_there(plain: duckdb.DuckDBPyConnection, name: str) -> None:
    assert set(RELIED_ON[name].split(", ")) <= set(columns(plain, name))


@pytest.mark.parametrize("name", VIEWS)
def test_a_view_runs_in_plain_duckdb_and_keeps_its_columns(plain: duckdb.DuckDBPyConnection, name: str) -> None:
    assert columns(plain, name) == VIEWS[name].split(", ")
    assert plain.execute(f"FROM {name}").fetchall() == []


def test_there_is_no_view_that_is_not_pinned(plain: duckdb.DuckDBPyConnection) -> None:
    there = plain.execute("SELECT view_name FROM duckdb_views() WHERE NOT internal").fetchall()
    assert {name for (name,) in there} == set(VIEWS)
