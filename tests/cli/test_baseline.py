"""`nextstep export --run` and back: a baseline's file stands for the store it came from, and broken ones are told."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Cli
from tests.cli.gates import flat

OFFLINE = ("--judge", "offline/lexical")
OLD, NEW = "offline/stock", "offline/continue"
CHECK = ("check", "--model", NEW, *OFFLINE, "--no-run")


@pytest.fixture
def exported(project: Cli) -> Cli:
    project("eval", "--model", OLD, "--samples", "2", *OFFLINE, "-q")
    project("calibrate", *OFFLINE, "-q")
    project("export", "--run", "last", "-o", "baseline.json")
    project("eval", "--model", NEW, *OFFLINE, "-q")
    return project


def test_a_check_against_the_file_finds_what_one_against_the_store_finds(exported: Cli) -> None:
    same = (
        "n_moments",
        "n_sessions",
        "difference",
        "ci_low",
        "ci_high",
        "p_value",
        "data_hash",
        "verdict",
        "trust",
        "control",
    )
    (by_file,) = exported.json(*CHECK, "--against", "baseline.json", code=3)["gates"]
    Path("evals.yaml").write_text(f"candidates: [{NEW}, {{model: {OLD}, samples: 2}}]\n")
    (by_store,) = exported.json(*CHECK, "--against", OLD, code=3)["gates"]
    assert {name: by_file[name] for name in same} == {name: by_store[name] for name in same}
    assert by_file["difference"] is not None
    assert (by_file["baseline_file"], by_store["baseline_file"]) == ("baseline.json", None)
    assert by_store["look"] == 2


def test_the_file_has_a_line_for_each_moment_and_no_text_of_any_step(exported: Cli) -> None:
    text = Path("baseline.json").read_text()
    assert sum('"moment_id"' in line for line in text.splitlines()) == 6
    for words in ("lower the rate", "row 17", "loss of"):
        assert words not in text
    document = json.loads(text)
    assert (document["nextstep_baseline"], document["candidate"]) == (1, OLD)
    assert len(document["results"][0]["moments"][0]["scores"]) == 2


def test_exporting_again_changes_nothing_as_long_as_the_store_does_not(exported: Cli) -> None:
    before = Path("baseline.json").read_text()
    exported("export", "--run", json.loads(before)["run_id"], "-o", "again.json")
    assert Path("again.json").read_text() == before


def test_the_card_in_the_file_counts_where_the_store_has_none(exported: Cli) -> None:
    Path("nextstep.duckdb").unlink()
    out = flat(exported("check", "--model", NEW, *OFFLINE, "--against", "baseline.json", "-q", code=3))
    assert "judge offline/lexical is not trusted" in out
    assert "not calibrated" not in out


def test_an_export_without_a_card_says_what_it_will_lack(project: Cli) -> None:
    project("eval", "--model", OLD, *OFFLINE, "-q")
    project("export", "--run", "last", "-o", "b.json")
    assert "`nextstep calibrate` first" in project.err


def test_a_run_with_several_candidates_asks_which(project: Cli) -> None:
    project("eval", "--model", OLD, "--model", NEW, *OFFLINE, "-q")
    project("export", "--run", "last", "-o", "b.json", code=2)
    assert f"say which with --model: {OLD}, {NEW}" in project.err
    project("export", "--run", "last", "--model", NEW, "-o", "b.json")
    assert json.loads(Path("b.json").read_text())["candidate"] == NEW
    project("export", "--run", "last", "--model", "x", "-o", "b.json", code=2)
    assert "has no candidate 'x'" in project.err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--run", "last"), "-o baseline.json"),
        (("--run", "zzz", "-o", "b.json"), "`nextstep runs` lists them"),
        (("--run", "last", "-o", "b.parquet"), "a baseline is a .json file"),
        (("--run", "last", "-o", "no/b.json"), "cannot be written"),
        (("--run", "2", "-o", "b.json"), "runs start with '2'"),
    ],
)
def test_an_export_that_cannot_be_made_says_why(exported: Cli, words: tuple[str, ...], told: str) -> None:
    exported("export", *words, code=2)
    assert told in exported.err


def broken(change: Callable[[dict[str, Any]], object]) -> str:
    document = json.loads(Path("baseline.json").read_text())
    change(document)
    return json.dumps(document)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda d: d.pop("suite_hash"), "suite_hash: Field required"),
        (lambda d: d.update(nextstep_baseline=2), "nextstep_baseline"),
        (lambda d: d["results"][0]["moments"][0].update(scores=[1.5]), "less than or equal to 1"),
        (lambda d: d["results"][0]["moments"].append(d["results"][0]["moments"][0]), "a moment stands twice"),
        (lambda d: d.update(more=1), "more"),
    ],
)
def test_a_file_that_is_no_baseline_is_refused_with_its_name_and_place(
    exported: Cli, change: Callable[[dict[str, Any]], object], told: str
) -> None:
    Path("broken.json").write_text(broken(change))
    exported(*CHECK, "--against", "broken.json", code=2)
    assert "broken.json: " in exported.err
    assert told in exported.err
    assert "nextstep export --run" in exported.err


def test_a_file_that_is_not_there_or_no_json_is_refused(exported: Cli) -> None:
    exported(*CHECK, "--against", "none.json", code=2)
    assert "none.json: cannot be read" in exported.err
    Path("half.json").write_text('{"nextstep_baseline": 1,')
    exported(*CHECK, "--against", "half.json", code=2)
    assert "half.json: is no baseline" in exported.err


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"suite_hash": "other"}, "the suites differ"),
        ({"asked_hash": "other"}, "the candidates' prompts differ"),
    ],
)
def test_a_baseline_that_was_made_otherwise_is_not_compared(exported: Cli, change: dict[str, str], told: str) -> None:
    Path("other.json").write_text(broken(lambda d: d.update(change)))
    out = flat(exported(*CHECK, "--against", "other.json", code=3))
    assert told in out
    (row,) = exported.json(*CHECK, "--against", "other.json", code=3)["gates"]
    assert (row["reason"], row["difference"]) == ("not comparable", None)


def test_a_baseline_of_another_judge_is_not_compared(exported: Cli) -> None:
    out = flat(exported("check", "--model", NEW, "--judge", "claude-x", "--against", "baseline.json", code=3))
    assert "the judges differ" in out
    assert exported.json("sql", "SELECT count(*) AS n FROM replies WHERE model = 'claude-x'")["rows"] == [{"n": 0}]


def test_several_judges_decide_as_a_jury_in_the_store_and_in_the_file(project: Cli) -> None:
    two = "[offline/lexical, {model: offline/lexical, name: second, max_tokens: 4000}]"
    Path("evals.yaml").write_text(f"candidates: [{NEW}, {OLD}]\njudges: {two}\n")
    project("eval", "-q")
    project("calibrate", "-q")
    (evaluated,) = (run["run_id"] for run in project.json("runs")["runs"] if run["command"] == "eval")
    project("export", "--run", evaluated, "--model", OLD, "-o", "jury.json")
    (by_store,) = project.json("check", "--model", NEW, "--against", OLD, "--no-run", code=3)["gates"]
    (by_file,) = project.json("check", "--model", NEW, "--against", "jury.json", "--no-run", code=3)["gates"]
    assert by_store["judge"] == by_file["judge"] == "jury"
    assert by_store["data_hash"] == by_file["data_hash"]
    rows = project.json("compare", NEW, OLD)["comparisons"]
    assert [row["judge"] for row in rows if row["set"] == "detour"] == ["offline/lexical", "second", "jury"]
