"""The store: whole transactions, patient opening, refusal of what is not ours."""

import multiprocessing
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import duckdb
import pytest

from nextstep.errors import StoreBusy, StoreError, StoreTooNew
from nextstep.store import Store, connecting
from nextstep.store.database import AlreadyThere, insert, migrations

SESSION_ROW = {
    "session_id": "s1",
    "name": "one",
    "source": "test",
    "sha256": "0",
    "title": "",
    "started_at": None,
    "n_events": 3,
}


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "s.duckdb", patience_s=0.2)


def count(store: Store, table: str = "sessions") -> int:
    with store.read() as connection:
        (n,) = connection.execute(f"SELECT count(*) FROM {table}").fetchall()[0]
    return int(n)


def test_rows_of_a_transaction_are_all_stored(store: Store) -> None:
    with store.write() as connection:
        insert(connection, "sessions", [SESSION_ROW, SESSION_ROW | {"session_id": "s2"}])
    assert count(store) == 2


def test_an_error_inside_a_transaction_stores_nothing_of_it(store: Store) -> None:
    def fail() -> None:
        with store.write() as connection:
            insert(connection, "sessions", [SESSION_ROW])
            raise ValueError("half way")

    with pytest.raises(ValueError, match="half way"):
        fail()
    with store.write():
        pass
    assert count(store) == 0


def test_a_row_that_is_there_is_kept_unless_replacement_is_asked_for(store: Store) -> None:
    with store.write() as connection:
        insert(connection, "sessions", [SESSION_ROW])
        insert(connection, "sessions", [SESSION_ROW | {"title": "other"}])
        assert connection.execute("SELECT title FROM sessions").fetchall() == [("",)]
        insert(connection, "sessions", [SESSION_ROW | {"title": "other"}], replace=True)
        assert connection.execute("SELECT title FROM sessions").fetchall() == [("other",)]


def test_rows_that_are_not_new_after_all_are_told_and_nothing_of_their_transaction_stays(store: Store) -> None:
    def again(*rows: dict[str, Any]) -> None:
        with store.write(settle=False) as connection:
            insert(connection, "sessions", rows, new=True)

    again(SESSION_ROW)
    with pytest.raises(AlreadyThere):
        again(SESSION_ROW | {"session_id": "s2"}, SESSION_ROW)
    again(SESSION_ROW | {"session_id": "s3"}, SESSION_ROW | {"session_id": "s3"})
    with store.read() as connection:
        assert sorted(connection.execute("SELECT session_id FROM sessions").fetchall()) == [("s1",), ("s3",)]


def test_values_are_bound_and_never_read_as_sql(store: Store) -> None:
    hostile = "x'); DROP TABLE sessions; --"
    with store.write() as connection:
        insert(connection, "sessions", [SESSION_ROW | {"title": hostile}])
        assert connection.execute("SELECT title FROM sessions").fetchall() == [(hostile,)]


def test_times_are_kept_as_utc_whatever_zone_they_came_in(store: Store) -> None:
    at = datetime(2026, 3, 1, 12, 0, tzinfo=timezone(timedelta(hours=5)))
    with store.write() as connection:
        insert(connection, "sessions", [SESSION_ROW | {"started_at": at}])
        rows = connection.execute("SELECT started_at FROM sessions").fetchall()
    assert rows == [(at.astimezone(UTC).replace(tzinfo=None),)]


def test_reading_a_store_that_is_not_there_says_how_to_make_one(store: Store) -> None:
    with pytest.raises(StoreError, match="nextstep eval"), store.read():
        pass
    assert not store.path.exists()


def test_a_file_that_is_not_duckdb_is_refused_and_left_as_it_is(store: Store) -> None:
    store.path.write_bytes(b"my precious notes" * 500)
    for way in (store.read, store.write):
        with pytest.raises(StoreError, match="not a DuckDB file"), way():
            pass
    assert store.path.read_bytes() == b"my precious notes" * 500


def test_a_path_that_speaks_of_locks_is_not_taken_for_a_lock(tmp_path: Path) -> None:
    (tmp_path / "lock").mkdir()
    path = tmp_path / "lock" / "block.duckdb"
    path.write_text("no store")
    with pytest.raises(StoreError, match="not a DuckDB file"), Store(path, patience_s=60).read():
        pass


def test_a_duckdb_file_of_another_program_is_refused_and_left_as_it_is(store: Store) -> None:
    with duckdb.connect(str(store.path)) as connection:
        connection.execute("CREATE TABLE mine (x INTEGER)")
    for way in (store.read, store.write):
        with pytest.raises(StoreError, match="not a store of nextstep"), way():
            pass
    with duckdb.connect(str(store.path)) as connection:
        assert connection.execute("SELECT table_name FROM duckdb_tables()").fetchall() == [("mine",)]


def test_a_store_of_a_later_nextstep_is_refused(store: Store) -> None:
    with store.write() as connection:
        connection.execute("INSERT INTO migrations VALUES (99, 'later', '2030-01-01')")
    for way in (store.read, store.write):
        with pytest.raises(StoreTooNew, match="upgrade nextstep"), way():
            pass


def test_every_migration_is_applied_once_and_named(store: Store) -> None:
    for _ in range(2):
        with store.write():
            pass
    with store.read() as connection:
        rows = connection.execute("SELECT version, name FROM migrations ORDER BY version").fetchall()
    assert rows == [(i, name) for i, (name, _) in enumerate(migrations(), 1)]


def test_a_broken_migration_leaves_no_half_store(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = [*migrations(), ("0099_broken.sql", "CREATE TABLE half (x INTEGER); SELECT no_such_column FROM half")]
    monkeypatch.setattr("nextstep.store.database.migrations", lambda: broken)
    with pytest.raises(duckdb.Error), store.write():
        pass
    monkeypatch.undo()
    with store.write():
        pass
    with store.read() as connection:
        names = {name for (name,) in connection.execute("SELECT table_name FROM duckdb_tables()").fetchall()}
    assert "half" not in names


def hold(path: str, seconds: float, ready: "multiprocessing.synchronize.Event") -> None:
    with duckdb.connect(path):
        ready.set()
        time.sleep(seconds)


def held(store: Store, seconds: float) -> "multiprocessing.context.SpawnProcess":
    context = multiprocessing.get_context("spawn")
    ready = context.Event()
    process = context.Process(target=hold, args=(str(store.path), seconds, ready))
    process.start()
    assert ready.wait(30)
    return process


def test_a_store_that_another_process_lets_go_of_is_waited_for(store: Store) -> None:
    with store.write():
        pass
    process = held(store, 0.3)
    store.patience_s = 30
    assert count(store) == 0
    process.join()


def test_a_store_that_another_process_keeps_is_an_error_that_names_it(store: Store) -> None:
    with store.write():
        pass
    process = held(store, 60)
    try:
        with pytest.raises(StoreBusy, match=str(process.pid)), store.write():
            pass
    finally:
        process.terminate()
        process.join()


def test_duckdbs_instance_is_made_anew_once_it_is_worn(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connecting, "WORN", 3)
    with store.write():
        before = connecting._instance(store.path)
    for _ in range(3):
        with store.write():
            pass
    assert connecting._instance(store.path) is not before


def test_a_store_that_this_process_writes_is_not_written_by_another_instance(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connecting, "WORN", 1)
    store.patience_s = 0
    with store.write() as connection:
        for _ in range(3):
            with pytest.raises(StoreBusy, match="at work in it already"), store.write():
                pass
            connecting._instance.cache_clear()
        insert(connection, "sessions", [SESSION_ROW])
    assert count(store) == 1


def test_threads_that_visit_a_store_at_once_lose_nothing(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connecting, "WORN", 2)
    store.patience_s = 60

    def visit(number: int) -> None:
        with store.write(settle=number % 3 == 0) as connection:
            insert(connection, "sessions", [SESSION_ROW | {"session_id": str(number)}])

    with store.write():
        pass
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(visit, range(60)))
    assert count(store) == 60


@pytest.mark.parametrize(
    "statement",
    [
        "COPY sessions TO '{outside}'",
        "FROM read_text('{inside}')",
        "ATTACH '{outside}'",
        "INSTALL httpfs",
        "LOAD httpfs",
        "DELETE FROM sessions",
        "CREATE TABLE x (y INTEGER)",
        "SET enable_external_access = true",
        "EXPORT DATABASE '{outside}'",
    ],
)
def test_a_sealed_reading_reaches_nothing_but_the_store(store: Store, tmp_path: Path, statement: str) -> None:
    with store.write():
        pass
    (tmp_path / "inside.txt").write_text("secret")
    outside = tmp_path / "outside"
    text = statement.format(outside=outside, inside=tmp_path / "inside.txt")
    with store.read(sealed=True) as connection, pytest.raises(duckdb.Error):
        connection.execute(text)
    assert not outside.exists()


def test_a_plain_duckdb_reads_the_store_without_nextstep(store: Store) -> None:
    with store.write() as connection:
        insert(connection, "sessions", [SESSION_ROW])
    with duckdb.connect(str(store.path), read_only=True) as connection:
        assert connection.execute("FROM win_rates").fetchall() == []
        assert connection.execute("SELECT name FROM sessions").fetchall() == [("one",)]


def test_a_store_of_a_time_with_larger_blocks_is_gone_on_with(store: Store) -> None:
    with duckdb.connect(str(store.path), config={"default_block_size": 262_144}):
        pass
    with store.write() as connection:
        insert(connection, "sessions", [SESSION_ROW])
        ((size, *_),) = connection.execute(
            "SELECT block_size FROM pragma_database_size() WHERE block_size > 0"
        ).fetchall()
    assert (size, count(store)) == (262_144, 1)
