"""`nextstep export --results`: results as Parquet that `datasets` reads, all or nothing, never over anything."""

from pathlib import Path

import pytest
from datasets import load_dataset

from nextstep.report.results_card import TABLES
from tests.cli.conftest import Cli

OFFLINE = ("--model", "offline/continue", "--judge", "offline/lexical")


def test_results_are_tables_that_datasets_reads_and_hold_what_the_store_holds(project: Cli, tmp_path: Path) -> None:
    project("eval", *OFFLINE, "-q")
    told = project.json("export", "--results", "-o", "out")["export"]
    assert told["rows"] == {"win_rates": 2, "outcomes": 6, "verdicts": 12, "moments": 6, "judge_health": 0}
    assert set(told["rows"]) == set(TABLES)
    tables = {
        name: load_dataset("out", name, split="train", cache_dir=str(tmp_path / "cache"))
        for name in TABLES
        if told["rows"][name]
    }
    assert {name: data.num_rows for name, data in tables.items()} == {n: c for n, c in told["rows"].items() if c}
    rates = {row["set"]: row["win_rate"] for row in project.json("results")["win_rates"]}
    assert {row["set"]: row["win_rate"] for row in tables["win_rates"]} == rates
    verdict = tables["verdicts"][0]
    assert verdict["model_step"]
    assert verdict["human_step"]
    assert "say nothing about any model" in Path("out/README.md").read_text()


def test_results_of_another_suite_are_chosen_by_it(project: Cli) -> None:
    project("eval", *OFFLINE, "-q")
    first = project.json("export", "--results", "--suite", "transcripts", "-o", "out")["export"]
    moments = Path("transcripts/moments.jsonl")
    moments.write_text("".join(moments.read_text().splitlines(keepends=True)[:2]))
    project("eval", *OFFLINE, "-q")
    second = project.json("export", "--results", "-o", "out2")["export"]
    assert second["rows"]["moments"] == 2
    assert second["suite_hash"] != first["suite_hash"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("-o", "transcripts"), "transcripts is not empty, and an export never overwrites"),
        (("-o", "evals.yaml"), "is a file; an export needs a folder"),
        ((), "results are written into a folder: -o FOLDER"),
        (("-o", "x.parquet"), "results are written into a folder"),
        (("-o", "out", "--push", "hf://org/name"), "results stay here"),
        (("-o", "out", "--store", "nowhere.duckdb"), "there is no store yet"),
    ],
)
def test_bad_input_is_told_in_words_and_nothing_is_written(project: Cli, words: tuple[str, ...], told: str) -> None:
    Path("evals.yaml").write_text("judges: [offline/lexical]\n")
    project("eval", *OFFLINE, "-q")
    before = sorted(str(path) for path in Path().rglob("*"))
    project("export", "--results", *words, code=2)
    assert told in project.err
    assert sorted(str(path) for path in Path().rglob("*")) == before


def test_a_store_without_results_says_what_makes_them(project: Cli) -> None:
    project("eval", *OFFLINE, "-q", "--shard", "1/1", "--store", "s.duckdb")
    project("import", "transcripts/sessions/one.jsonl", "--store", "empty.duckdb", code=4)
    if Path("empty.duckdb").exists():
        project("export", "--results", "-o", "out", "--store", "empty.duckdb", code=2)
        assert "`nextstep eval` makes them" in project.err
