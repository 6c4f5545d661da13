"""`nextstep sql`: forms of the answer, and what is refused, each with exit code 2 and one line."""

import csv
import json
from pathlib import Path

import pytest
from pyarrow import parquet

from tests.cli.conftest import Cli
from tests.store.test_statements import HOSTILE

OFFLINE = ("--model", "offline/continue", "--judge", "offline/lexical")


@pytest.fixture
def asked(project: Cli) -> Cli:
    project("eval", *OFFLINE, "-q")
    return project


def test_everything_hostile_is_refused_with_exit_code_2_and_leaves_the_folder_as_it_is(asked: Cli) -> None:
    (asked.folder / "secret.csv").write_text("word\nsecret\n")
    before = {path: path.read_bytes() for path in asked.folder.iterdir() if path.is_file()}
    assert len(HOSTILE) >= 20
    for name, text in HOSTILE.items():
        out = asked("sql", text.format(folder=asked.folder, store=asked.folder / "nextstep.duckdb"), code=2)
        assert out == ""
        assert asked.err.startswith("nextstep: "), name
        if asked.err.startswith("nextstep: read-only: "):
            assert asked.err.count("\n") == 1, name
    assert {path: path.read_bytes() for path in asked.folder.iterdir() if path.is_file()} == before


ROW = "SELECT '=1+1' AS formula, 'a|b' AS pipe, -0.5::DOUBLE AS number, [1, 2] AS list, chr(27) || '[2J' AS control"


MARKDOWN = """\
| formula | pipe | number | list | control |
| --- | --- | ---: | --- | --- |
| =1+1 | a\\|b | -0.5 | \\[1, 2\\] | \\[2J |
"""


@pytest.mark.parametrize(
    ("form", "told"),
    [
        ("csv", 'formula,pipe,number,list,control\n\'=1+1,a|b,-0.5,"[1, 2]",[2J\n'),
        ("markdown", MARKDOWN),
    ],
)
def test_rows_are_printed_in_the_form_that_is_asked_for(asked: Cli, form: str, told: str) -> None:
    assert asked("sql", ROW, "--format", form) == told
    asked("sql", ROW, "-o", f"x.{'md' if form == 'markdown' else form}")
    assert next(Path().glob("x.*")).read_text() == told


def test_json_and_parquet_hold_texts_as_they_are(asked: Cli) -> None:
    (row,) = json.loads(asked("sql", ROW, "--format", "json"))["rows"]
    assert (row["formula"], row["control"]) == ("=1+1", "\x1b[2J")
    asked("sql", ROW, "-o", "x.parquet")
    assert parquet.read_table("x.parquet").to_pylist() == [row]
    asked("sql", "SELECT moment_id, cut, tags FROM moments LIMIT 0", "-o", "none.parquet")
    assert [str(field.type)[:5] for field in parquet.read_schema("none.parquet")] == ["strin", "int32", "list<"]


def test_a_wrong_form_or_ending_is_told(asked: Cli) -> None:
    asked("sql", "SELECT 1", "--format", "xml", code=2)
    assert "--format is one of table, csv, json, markdown" in asked.err
    asked("sql", "SELECT 1", "-o", "x.docx", code=2)
    assert ".md" in asked.err
    asked("sql", "SELECT 1", "-o", "no/folder/x.parquet", code=2)
    assert "cannot be written" in asked.err


def test_the_named_queries_answer_on_a_filled_store(project: Cli) -> None:
    project("eval", *OFFLINE, "--model", "offline/question", "-q")
    two = [
        row["candidate"] for row in project.json("sql", "SELECT DISTINCT candidate FROM win_rates ORDER BY 1")["rows"]
    ]
    project("compare", *two)
    project("check", "--model", two[0], "--against", two[1], "--judge", "offline/lexical", "--no-run", code=3)
    names = [row["name"] for row in project.json("sql", "--list")["queries"]]
    found = {name: len(project.json("sql", "--named", name)["rows"]) for name in names}
    assert {name for name, count in found.items() if not count} == {"failures", "judges_apart", "flips"}
    for name in names:
        project("sql", "--named", name)


def test_csv_of_a_named_query_reads_back(asked: Cli) -> None:
    asked("sql", "--named", "pairs", "-o", "pairs.csv")
    with Path("pairs.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["moment"] for row in rows} >= {"one:5", "one:8"}
    assert len(rows) == 6
