"""`nextstep merge` and `eval --shard`: several stores as one, and what each wrong use ends with."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import duckdb
import pytest

from nextstep.store import Store
from nextstep.store.merging import ESTIMATES, RECORDS
from tests.builders import write_suite
from tests.cli.conftest import Cli

OFFLINE = ("--model", "offline/continue", "--model", "offline/question", "--judge", "offline/lexical")
BY_RUN = ("run_id", "created_at", "updated_at", "latency_s")


def content(path: str) -> dict[str, list[Any]]:
    """Every table of a store, without what tells when and by which run a row was made."""
    found = {}
    with Store(Path(path)).read() as connection:
        for table in (*RECORDS, *ESTIMATES):
            there = [column for column, *_ in connection.execute(f'FROM "{table.name}" LIMIT 0').description or ()]
            named = ", ".join(f'"{column}"' for column in there if column not in BY_RUN)
            found[table.name] = connection.execute(f'SELECT {named} FROM "{table.name}" ORDER BY ALL').fetchall()
    del found["runs"]
    return found


def fails(cli: Cli, *words: str, code: int = 2) -> str:
    cli(*words, code=code)
    assert "Traceback" not in cli.err
    return cli.err


def test_two_shards_in_parallel_processes_merged_equal_one_whole_run(project: Cli) -> None:
    write_suite(project.folder / "transcripts", ["one", "two", "three", "four", "five"])
    project("eval", *OFFLINE, "--store", "whole.duckdb", "-q")
    program = (sys.executable, "-m", "nextstep", "eval", *OFFLINE, "-q")
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    running = [
        subprocess.Popen([*program, "--shard", f"{i}/2", "--store", f"{i}.duckdb"], env=environment) for i in (1, 2)
    ]
    assert [process.wait(120) for process in running] == [0, 0]
    document = project.json("merge", "1.duckdb", "2.duckdb", "-o", "all.duckdb")["merge"]
    assert document["changed"]
    assert content("all.duckdb") == content("whole.duckdb")
    parts = [len(content(f"{i}.duckdb")["proposals"]) for i in (1, 2)]
    assert min(parts) > 0
    assert sum(parts) == len(content("whole.duckdb")["proposals"]) == 20
    assert project.json("results", "--store", "all.duckdb")["win_rates"]
    assert project.json("eval", *OFFLINE, "--store", "all.duckdb", "-q")["requests"] == 0


def test_merge_tells_its_counts_and_what_is_next(project: Cli) -> None:
    project("eval", *OFFLINE, "--store", "a.duckdb", "-q")
    out = project("merge", "a.duckdb", "-o", "m.duckdb")
    assert "proposals" in out
    assert "merged into m.duckdb: 4 estimates worked out anew" in out
    assert "nextstep results --store m.duckdb" in project.err
    again = project("merge", "a.duckdb", "--into", "m.duckdb")
    assert "nothing was changed" in again
    rows = {row["table"]: row for row in project.json("merge", "a.duckdb", "--into", "m.duckdb")["merge"]["tables"]}
    assert rows["proposals"] == {"table": "proposals", "came": 12, "new": 0, "twice": 12, "differed": 0}
    assert max(map(len, out.splitlines())) <= 80


def test_work_done_twice_is_told_and_counted_once(project: Cli) -> None:
    for name in ("a", "b"):
        project("eval", *OFFLINE, "--store", f"{name}.duckdb", "-q")
    out = project("merge", "a.duckdb", "b.duckdb", "-o", "m.duckdb")
    assert "What was made first stands" in project.err
    assert "replies" in out
    one, both = (project.json("results", "--store", f"{name}.duckdb")["win_rates"] for name in ("a", "m"))
    without = [[{key: row[key] for key in row if key != "updated_at"} for row in rows] for rows in (one, both)]
    assert without[0] == without[1]


def test_merging_never_overwrites_and_leaves_nothing_half(project: Cli) -> None:
    project("eval", *OFFLINE, "--store", "a.duckdb", "-q")
    Path("there.duckdb").write_text("mine")
    Path("broken.duckdb").write_text("no store")
    with duckdb.connect("foreign.duckdb") as connection:
        connection.execute("CREATE TABLE mine (x INTEGER)")
    before = sorted(path.name for path in project.folder.iterdir())
    for words, told in (
        (("a.duckdb", "-o", "there.duckdb"), "there.duckdb is there already"),
        (("a.duckdb", "--into", "new.duckdb"), "-o new.duckdb makes it"),
        (("a.duckdb",), "say where to"),
        (("a.duckdb", "-o", "x.duckdb", "--into", "y.duckdb"), "say where to"),
        (("a.duckdb", "nowhere.duckdb", "-o", "x.duckdb"), "nowhere.duckdb: there is no such store"),
        (("a.duckdb", "broken.duckdb", "-o", "x.duckdb"), "broken.duckdb: is not a DuckDB file"),
        (("a.duckdb", "foreign.duckdb", "-o", "x.duckdb"), "not a store of nextstep"),
        (("a.duckdb", "-o", "no/folder/x.duckdb"), "there is no folder no/folder; make it first"),
        (("a.duckdb", "--into", "broken.duckdb"), "broken.duckdb: is not a DuckDB file"),
        ((), "Missing argument"),
    ):
        assert told in fails(project, "merge", *words), words
    assert Path("there.duckdb").read_text() == "mine"
    assert sorted(path.name for path in project.folder.iterdir()) == before


def test_a_store_of_a_later_nextstep_is_refused(project: Cli) -> None:
    project("eval", *OFFLINE, "--store", "a.duckdb", "-q")
    with duckdb.connect("a.duckdb") as connection:
        connection.execute("INSERT INTO migrations VALUES (99, 'later', '2030-01-01')")
    assert "upgrade nextstep" in fails(project, "merge", "a.duckdb", "-o", "m.duckdb")


@pytest.mark.parametrize(
    ("shard", "told"),
    [("0/2", "they count from 1 to 2"), ("3/2", "no shard 3 of 2"), ("half", "such as 1/3"), ("1/0", "not to 0")],
)
def test_a_wrong_shard_is_told_in_words_and_nothing_is_sent(project: Cli, shard: str, told: str) -> None:
    assert told in fails(project, "eval", *OFFLINE, "--shard", shard)
    assert not Path("nextstep.duckdb").exists()


def test_a_shard_without_a_session_is_no_failure(project: Cli) -> None:
    due = [
        project.json("eval", *OFFLINE, "--shard", f"{i}/40", "--store", f"{i}.duckdb", "-q")["requests"]
        for i in range(1, 41, 13)
    ]
    assert 0 in due
    project("merge", *(f"{i}.duckdb" for i in range(1, 41, 13)), "-o", "m.duckdb")
