"""Merged stores: what one run over everything would have left, whatever the parts were."""

import asyncio
import hashlib
from pathlib import Path
from typing import Any

import duckdb
import pytest

from nextstep.core.records import Request
from nextstep.core.shards import Shard
from nextstep.errors import ModelError, StoreError, StoreTooNew, UsageError
from nextstep.models.scripted import ScriptedModel
from nextstep.pipeline.evaluate import choose_moments, evaluate
from nextstep.pipeline.merging import merge_into, merge_into_new
from nextstep.pipeline.watching import Watcher
from nextstep.store import Store
from nextstep.store.database import migrations
from nextstep.store.merging import ESTIMATES, RECORDS
from tests.builders import MODEL_STEP, World, judgement, step

BY_RUN = ("run_id", "created_at", "updated_at", "latency_s", "started_at", "finished_at", "imported_at")
"""What tells when and by which run something was done."""


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def rows(path: Path, table: str, *, without: tuple[str, ...] = ()) -> list[Any]:
    with Store(path).read() as connection:
        there = [column for column, *_ in connection.execute(f'FROM "{table}" LIMIT 0').description or ()]
        named = ", ".join(f'"{column}"' for column in there if column not in without)
        return connection.execute(f'SELECT {named} FROM "{table}" ORDER BY ALL').fetchall()


def everything(path: Path, *, without: tuple[str, ...] = ()) -> dict[str, list[Any]]:
    return {table.name: rows(path, table.name, without=without) for table in (*RECORDS, *ESTIMATES)}


def run_in(world: World, path: Path, **more: Any) -> Path:
    asyncio.run(evaluate(world.job(**more), Store(path), Watcher(), opener=world.open))
    return path


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def mixed(request: Request) -> str:
    """A judge that prefers the first step at some moments and the model's at others."""
    return judgement("A" if len(request.content[-1]) % 2 else "B")


def test_a_store_merged_alone_is_itself_cards_and_juries_too(world: World, tmp_path: Path) -> None:
    world.config |= {
        "candidates": ["claude-opus-5-5", {"model": "other", "name": "named"}],
        "judges": ["claude-haiku-5-5", {"model": "judge-2", "name": "second"}],
        "cutoffs": {"other": "2030-01-01"},
        "control": {"band": [0.3, 0.7]},
    }
    world.judge = ScriptedModel(mixed)
    world.run()
    world.calibrate()
    assert rows(world.store.path, "judge_health")
    assert rows(world.store.path, "agreement")
    assert world.rows("SELECT DISTINCT candidate FROM win_rates WHERE own_family") == [("claude-opus-5-5",)]
    merged = merge_into_new([world.store.path], tmp_path / "m.duckdb")
    assert merged.changed
    without = ("updated_at",)
    assert everything(tmp_path / "m.duckdb", without=without) == everything(world.store.path, without=without)


@pytest.mark.parametrize("total", [2, 3])
def test_shards_merged_equal_one_whole_run(world: World, tmp_path: Path, total: int) -> None:
    world.config |= {"candidates": [{"model": "cand", "samples": 2}, "other"], "judges": ["judge", "judge-2"]}
    world.judge = ScriptedModel(mixed)
    whole = run_in(world, tmp_path / "whole.duckdb")
    parts = [run_in(world, tmp_path / f"{i}.duckdb", shard=Shard(i, total)) for i in range(1, total + 1)]
    merge_into_new(parts, tmp_path / "m.duckdb")
    one, other = (everything(path, without=BY_RUN) for path in (whole, tmp_path / "m.duckdb"))
    del one["runs"], other["runs"]
    assert one == other
    assert one["win_rates"]
    assert one["agreement"]


def test_every_session_is_in_one_shard_whatever_else_the_suite_holds(world: World) -> None:
    suite = world.suite
    for total in (1, 2, 5):
        dealt = [choose_moments(suite, shard=Shard(i, total)) for i in range(1, total + 1)]
        assert sorted(m.moment_id for part in dealt for m in part) == sorted(m.moment_id for m in suite.moments)
        homes = [{moment.session_id for moment in part} for part in dealt]
        assert sum(map(len, homes)) == len(set().union(*homes))
    assert Shard(1, 1).holds("any")


def test_shards_of_a_limited_choice_are_that_choice(world: World) -> None:
    chosen = choose_moments(world.suite, limit=3, seed=4)
    parts = [choose_moments(world.suite, limit=3, seed=4, shard=Shard(i, 2)) for i in (1, 2)]
    assert {moment.moment_id for part in parts for moment in part} == {moment.moment_id for moment in chosen}


def test_the_same_work_of_two_machines_counts_once_and_is_all_kept(world: World, tmp_path: Path) -> None:
    one = run_in(world, tmp_path / "1.duckdb")
    world.candidate = ScriptedModel(lambda _: step(f"{MODEL_STEP} again"))
    two = run_in(world, tmp_path / "2.duckdb")
    merge_into_new([two, one], tmp_path / "m.duckdb")
    m = tmp_path / "m.duckdb"
    assert [row[:5] for row in rows(m, "outcomes")] == [row[:5] for row in rows(one, "outcomes")]
    columns = ("suite_hash", "updated_at")
    assert rows(m, "win_rates", without=columns) == rows(one, "win_rates", without=columns)
    assert len(rows(m, "proposals")) == 12
    assert len(rows(m, "replies")) == len(rows(one, "replies")) + len(rows(two, "replies"))
    world.store = Store(m)
    asked = world.asked_of_all
    assert world.run().spend.calls == 0
    assert world.asked_of_all == asked


def test_a_sample_that_came_twice_is_not_judged_twice(world: World, tmp_path: Path) -> None:
    one = run_in(world, tmp_path / "1.duckdb")
    world.candidate = ScriptedModel(lambda _: step(f"{MODEL_STEP} again"))
    two = run_in(world, tmp_path / "2.duckdb")
    for path, gone in ((one, "true"), (two, "false")):
        with Store(path).write() as connection:
            connection.execute(f"DELETE FROM verdicts WHERE {gone}")
            connection.execute(f"DELETE FROM replies WHERE purpose = 'judge' AND {gone}")
    merge_into_new([one, two], tmp_path / "m.duckdb")
    world.store = Store(tmp_path / "m.duckdb")
    result = world.run()
    assert result.spend.calls == 0
    assert [(row["n_moments"], row["pending"]) for row in result.win_rates] == [(3, 0), (3, 0)]


def test_failures_that_the_other_store_cures_count_no_longer(world: World, tmp_path: Path) -> None:
    good = run_in(world, tmp_path / "good.duckdb")
    job = world.job()
    broken = ScriptedModel(lambda _: ModelError("server", "down"))
    asyncio.run(evaluate(job, Store(tmp_path / "bad.duckdb"), Watcher(), opener=lambda _: broken))
    merge_into_new([tmp_path / "bad.duckdb", good], tmp_path / "m.duckdb")
    m = tmp_path / "m.duckdb"
    assert len(rows(m, "failures")) == 6
    assert rows(m, "open_failures") == []
    without = ("updated_at",)
    assert rows(m, "win_rates", without=without) == rows(good, "win_rates", without=without)
    assert len(rows(m, "runs")) == 2


def test_merging_into_a_store_that_holds_it_changes_nothing_not_even_a_time(world: World, tmp_path: Path) -> None:
    one = run_in(world, tmp_path / "1.duckdb", shard=Shard(1, 2))
    two = run_in(world, tmp_path / "2.duckdb", shard=Shard(2, 2))
    assert merge_into([two], one).changed
    before = everything(one)
    assert not merge_into([two], one).changed
    assert not merge_into([one, two, one], one).changed
    assert everything(one) == before
    assert sorted(path.name for path in tmp_path.iterdir() if path.name.startswith(".")) == []


def test_the_sources_stay_as_they_are_to_the_byte(world: World, tmp_path: Path) -> None:
    one, two = (run_in(world, tmp_path / f"{i}.duckdb", shard=Shard(i, 2)) for i in (1, 2))
    before = [digest(path) for path in (one, two)]
    merge_into_new([one, two], tmp_path / "m.duckdb")
    assert [digest(path) for path in (one, two)] == before


def older(path: Path) -> Path:
    """An empty store as the nextstep of three migrations left it, with a run in it."""
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE TABLE migrations (version INTEGER PRIMARY KEY, name VARCHAR, applied_at TIMESTAMP)")
        for number, (name, sql) in enumerate(migrations()[:3], 1):
            connection.execute(sql)
            connection.execute("INSERT INTO migrations VALUES (?, ?, now()::TIMESTAMP)", [number, name])
        connection.execute(
            "INSERT INTO runs (run_id, command, started_at, status, config, suite_hash, version, calls, failed)"
            " VALUES ('old', 'eval', '2025-01-01', 'done', '{}', 's', '0', 0, 0)"
        )
    return path


def test_a_store_of_an_earlier_nextstep_is_migrated_in_a_copy(world: World, tmp_path: Path) -> None:
    old, new = older(tmp_path / "old.duckdb"), run_in(world, tmp_path / "new.duckdb")
    before = digest(old)
    merge_into_new([old, new], tmp_path / "m.duckdb")
    assert len(rows(tmp_path / "m.duckdb", "runs")) == 2
    assert digest(old) == before
    with duckdb.connect(str(old), read_only=True) as connection:
        assert connection.execute("SELECT max(version) FROM migrations").fetchall() == [(3,)]


def test_a_store_of_a_later_nextstep_is_refused_and_nothing_is_left(world: World, tmp_path: Path) -> None:
    good, later = run_in(world, tmp_path / "good.duckdb"), Store(tmp_path / "later.duckdb")
    with later.write() as connection:
        connection.execute("INSERT INTO migrations VALUES (99, 'later', '2030-01-01')")
    there = sorted(tmp_path.iterdir())
    with pytest.raises(StoreTooNew, match=r"later\.duckdb"):
        merge_into_new([good, later.path], tmp_path / "m.duckdb")
    assert sorted(tmp_path.iterdir()) == there
    before = everything(good)
    with pytest.raises(StoreTooNew):
        merge_into([later.path], good)
    assert everything(good) == before


def test_what_is_no_store_or_in_the_way_is_told_and_left(world: World, tmp_path: Path) -> None:
    good, text = run_in(world, tmp_path / "good.duckdb"), tmp_path / "text.duckdb"
    text.write_text("mine")
    for sources, target, told in (
        ([good, text], tmp_path / "m.duckdb", "not a DuckDB file"),
        ([good, tmp_path / "nowhere.duckdb"], tmp_path / "m.duckdb", "there is no such store"),
    ):
        with pytest.raises(StoreError, match=told):
            merge_into_new(sources, target)
        assert not target.exists()
    with pytest.raises(UsageError, match="is there already"):
        merge_into_new([good], text)
    with pytest.raises(UsageError, match=r"-o .* makes it"):
        merge_into([good], tmp_path / "m.duckdb")
    assert text.read_text() == "mine"
