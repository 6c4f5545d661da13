"""The commands that need no key: demo, init, results, show, sql, runs, doctor."""

import csv
import errno
import io
import json
import os
import sys
from pathlib import Path

import duckdb
import pytest
from pyarrow import parquet

from nextstep.cli.app import app
from nextstep.pipeline.probing import RETESTED
from nextstep.store import Store
from tests.builders import PROMPTS
from tests.cli.conftest import Cli

OFFLINE = ("--model", "offline/continue", "--judge", "offline/lexical")
NOTE = "say nothing about any model"
SETS = ("detour", "control")
CALLS = {"propose": 6, "scribe": 6, "judge": 6 * 2}
"""Of an evaluation of the small suite with one candidate and judge."""


def test_demo_ends_with_win_rates_a_warning_and_the_place_of_the_store(cli: Cli) -> None:
    out = cli("demo")
    for word in ("offline/continue", "offline/question", "offline/stock", "detour", "control", "95 % interval"):
        assert word in out
    assert NOTE in out
    assert "nextstep-demo.duckdb" in out
    assert (cli.folder / "nextstep-demo.duckdb").exists()


def test_demo_accounts_for_every_moment_and_a_second_run_sends_nothing(cli: Cli) -> None:
    first = cli.json("demo", "-q")
    detours, controls = (sum(row["due"] for row in first["win_rates"] if row["set"] == name) // 3 for name in SETS)
    moments = detours + controls
    evaluation = 3 * moments + moments + 3 * moments * 2
    made = moments + controls + detours
    # A step against itself is one request in both orders.
    probes = moments + 2 * (3 * moments + 3 * controls + 2 * detours)
    assert first["requests"] == evaluation + made + probes + RETESTED + moments
    for row in first["win_rates"]:
        assert row["wins"] + row["losses"] + row["ties"] + row["flips"] == row["due"] == row["n_moments"]
        assert row["offline"] is True
    second = cli.json("demo")
    assert second["requests"] == 0
    assert "No request was sent" in cli.err

    def figures(document: dict[str, list[dict[str, object]]]) -> list[dict[str, object]]:
        return [{k: v for k, v in row.items() if k != "updated_at"} for row in document["win_rates"]]

    assert figures(first) == figures(second)


def test_init_writes_a_project_that_evaluates_and_never_overwrites(cli: Cli) -> None:
    cli("init")
    assert {path.name for path in cli.folder.iterdir()} == {"evals.yaml", "evals.schema.json", "prompts", "transcripts"}
    (cli.folder / "evals.yaml").write_text((cli.folder / "evals.yaml").read_text() + "# mine\n")
    again = cli.json("init")
    assert again["written"] == []
    assert (cli.folder / "evals.yaml").read_text().endswith("# mine\n")
    assert cli.json("eval")["status"] == "done"
    schema = json.loads((cli.folder / "evals.schema.json").read_text())
    for key in ("candidates", "judges"):
        assert {"type": "string"} in schema["properties"][key]["items"]["anyOf"]


def test_results_show_each_candidate_set_and_judge(project: Cli) -> None:
    project("eval", *OFFLINE)
    rows = project.json("results")["win_rates"]
    assert [(row["candidate"], row["set"]) for row in rows] == [
        ("offline/continue", "detour"),
        ("offline/continue", "control"),
    ]
    assert NOTE in project("results")
    assert {row["set"] for row in project.json("results", "--set", "control")["win_rates"]} == {"control"}


@pytest.mark.parametrize(("by", "groups"), [("session", {"one", "two", "three"}), ("tag", {"loss"})])
def test_results_split_by_group_hold_the_same_pairs(project: Cli, by: str, groups: set[str]) -> None:
    project("eval", *OFFLINE)
    rows = project.json("results", "--by", by)["win_rates"]
    assert {row["group"] for row in rows} == groups
    assert sum(row["due"] for row in rows) == 6
    assert by in project("results", "--by", by) or "group" in project("results", "--by", by)


def test_results_go_to_files_in_the_form_of_their_ending(project: Cli) -> None:
    project("eval", *OFFLINE)
    for name in ("r.csv", "r.json", "r.parquet", "r.txt"):
        project("results", "-o", name)
    with Path("r.csv").open(newline="") as file:
        assert [row["set"] for row in csv.DictReader(file)] == ["detour", "control"]
    assert len(json.loads(Path("r.json").read_text())["win_rates"]) == 2
    assert parquet.read_table("r.parquet").num_rows == 2
    assert NOTE in Path("r.txt").read_text()
    assert "-o r.docx" in fails(project, "results", "-o", "r.docx")


def fails(cli: Cli, *words: str, code: int = 2) -> str:
    """Standard error of a command that ends with this code; it is a message and no traceback."""
    cli(*words, code=code)
    assert "Traceback" not in cli.err
    return cli.err


def test_show_tells_both_steps_the_verdicts_and_what_happened(project: Cli) -> None:
    project("eval", *OFFLINE)
    out = project("show", "one:5")
    for word in ("lower the rate and run one", "go on with this", "loss", "step 1400 loss nan", "row 17", NOTE):
        assert word in out
    (moment_id,) = (row["moment_id"] for row in project.json("sql", "FROM moments WHERE cut = 5 LIMIT 1")["rows"])
    assert project.json("show", moment_id[:8])["moment"]["moment_id"] == moment_id
    assert project.json("show", "one:5", "--model", "other")["moment"]["proposals"] == []


def test_show_of_no_or_several_moments_says_so(project: Cli) -> None:
    project("eval", *OFFLINE)
    assert "no moment is 'zzz'" in fails(project, "show", "zzz")
    assert "6 moments start with ''" in fails(project, "show", "")


def test_sql_answers_in_tables_json_and_files(project: Cli) -> None:
    project("eval", *OFFLINE)
    assert "offline/continue" in project("sql", "FROM win_rates")
    assert project.json("sql", "SELECT 1 AS x")["rows"] == [{"x": 1}]
    assert project.json("sql", "--named", "win_rates")["rows"]
    assert "win_rates" in project("sql", "--list")
    project("sql", "SELECT 1 AS x", "-o", "x.csv")
    assert Path("x.csv").read_text().split() == ["x", "1"]
    assert project("sql", "-", stdin="SELECT 41 + 1 AS y").split() == ["y", "42"]


def test_sql_keeps_columns_of_one_name_apart_and_says_when_there_are_no_rows(project: Cli) -> None:
    project("eval", *OFFLINE)
    assert project.json("sql", "SELECT 1 AS a, 2 AS a, 'nan'::DOUBLE AS b")["rows"] == [{"a": 1, "a_2": 2, "b": None}]
    assert project("sql", "FROM verdicts LIMIT 0") == ""
    assert "no rows" in project.err


def test_sql_cannot_write_or_leave_the_store(project: Cli) -> None:
    project("eval", *OFFLINE)
    for statement in ("DELETE FROM replies", "COPY replies TO 'x.csv'", "SELECT * FROM read_text('evals.yaml')"):
        assert "read-only" in fails(project, "sql", statement)
    assert not Path("x.csv").exists()


def test_sql_with_a_wrong_name_offers_the_nearest(project: Cli) -> None:
    assert "did you mean win_rates" in fails(project, "sql", "--named", "winrates")
    assert "either" in fails(project, "sql")


def test_runs_tell_what_was_done_and_spent(project: Cli) -> None:
    project("eval", *OFFLINE)
    project("eval", *OFFLINE)
    rows = project.json("runs")["runs"]
    assert [(row["calls"], row["status"]) for row in rows] == [(0, "done"), (sum(CALLS.values()), "done")]
    assert "done" in project("runs", "-n", "1")


def test_doctor_finds_nothing_wrong_with_a_fresh_project(cli: Cli) -> None:
    cli("init")
    assert cli.json("doctor")["ok"] is True


def test_doctor_tells_every_fault_and_what_to_do(project: Cli) -> None:
    (project.folder / "nextstep.duckdb").write_text("no store")
    (project.folder / "prompts" / "judge.md").write_text("=== system\nhello $nobody\n")
    document = project.json("doctor", "--model", "nowhere/x", "--judge", "offline/lexical", code=2)
    wrong = {check["name"]: check["detail"] for check in document["checks"] if not check["ok"]}
    assert set(wrong) == {"prompts", "store", "model nowhere/x"}
    assert "judge.md:2: unknown placeholder $nobody" in wrong["prompts"]


@pytest.mark.parametrize("name", sorted(path.stem for path in PROMPTS.glob("*.md")))
def test_doctor_reads_every_prompt_that_the_config_uses(project: Cli, name: str) -> None:
    Path("evals.yaml").write_text(f"judges: [offline/lexical]\njudging: {{same_form: {str(name != 'free').lower()}}}\n")
    path = project.folder / "prompts" / f"{name}.md"
    path.write_text(path.read_text() + "\nHello $nobody\n")
    (wrong,) = (check for check in project.json("doctor", code=2)["checks"] if not check["ok"])
    assert wrong["name"] == "prompts"
    assert f"{name}.md" in wrong["detail"]
    assert "nobody" in wrong["detail"]


def test_doctor_reads_the_prompts_also_where_no_judge_is_named(project: Cli) -> None:
    Path("evals.yaml").write_text("store: s.duckdb\n")
    (project.folder / "prompts" / "guess.md").write_text("=== system\nhello $nobody\n")
    (wrong,) = (check for check in project.json("doctor", code=2)["checks"] if not check["ok"])
    assert "guess.md" in wrong["detail"]


def test_doctor_looks_for_the_scribes_model(project: Cli) -> None:
    Path("evals.yaml").write_text("judges: [offline/lexical]\njudging: {scribe: nowhere/x}\n")
    (wrong,) = (check for check in project.json("doctor", code=2)["checks"] if not check["ok"])
    assert wrong["name"] == "model nowhere/x"


def test_dry_run_prints_calls_and_sends_and_stores_nothing(project: Cli) -> None:
    plan = project.json("eval", "--model", "claude-opus-5-5", "--judge", "claude-haiku-5-5", "--dry-run")["plan"]
    assert {(row["purpose"], row["calls"]) for row in plan} == set(CALLS.items())
    assert all(row["cost_usd"] > 0 for row in plan)
    assert not (project.folder / "nextstep.duckdb").exists()


def test_flags_have_environment_variables(project: Cli) -> None:
    project.monkeypatch.setenv("NEXTSTEP_STORE", "elsewhere.duckdb")
    project.monkeypatch.setenv("NEXTSTEP_LIMIT", "2")
    document = project.json("eval", *OFFLINE)
    assert document["store"] == "elsewhere.duckdb"
    assert sum(row["due"] for row in document["win_rates"]) == 2


def test_hostile_text_reaches_no_terminal_control(project: Cli) -> None:
    path = project.folder / "transcripts" / "sessions" / "one.jsonl"
    hostile = "\\u001b[2J\\u001b]0;owned\\u0007\\u202e[bold]x[/bold]"
    path.write_text(path.read_text().replace("step 1400 loss nan", hostile))
    project("eval", *OFFLINE)
    out = project("show", "one:5")
    assert "[bold]x[/bold]" in out
    assert not set("\x1b\x07\u202e") & set(out)


def test_the_store_opens_in_plain_duckdb(project: Cli) -> None:
    project("eval", *OFFLINE)
    with duckdb.connect("nextstep.duckdb", read_only=True) as connection:
        assert connection.execute('SELECT count(*), count(DISTINCT "set") FROM win_rates').fetchall() == [(2, 2)]


# Bad input: a clear message, the right exit code, nothing stored half


def store_is_empty_or_missing(cli: Cli) -> bool:
    store = Store(cli.folder / "nextstep.duckdb")
    if not store.path.exists():
        return True
    with store.read() as connection:
        return connection.execute("SELECT count(*) FROM replies").fetchall() == [(0,)]


def test_a_broken_config_tells_all_problems_with_lines_and_nearest_keys(project: Cli) -> None:
    Path("evals.yaml").write_text("candidats: [x]\nlimits:\n  max_conections: 3\n  timeout_s: soon\n")
    told = fails(project, "eval")
    assert "evals.yaml:1: unknown key `candidats`; did you mean `candidates`?" in told
    assert "evals.yaml:3: unknown key `limits.max_conections`; did you mean `max_connections`?" in told
    assert "evals.yaml:4: `limits.timeout_s`" in told


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("eval", "-c", "nowhere.yaml", *OFFLINE), "nowhere.yaml: cannot be read"),
        (("eval", "--suite", "nowhere", *OFFLINE), "nowhere: has no sessions/ folder"),
        (("eval", "--judge", "offline/lexical"), "--model"),
        (("eval", "--model", "offline/continue"), "--judge"),
        (("eval", "--model", "offline/nobody", "--judge", "offline/lexical"), "there is no offline/nobody"),
        (("eval", "--model", "nowhere/x", "--judge", "offline/lexical"), "no endpoint is named 'nowhere'"),
        (("eval", *OFFLINE, "--set", "both"), "--set is detour or control"),
        (("eval", *OFFLINE, "--samples", "1000"), "a flag does not fit"),
        (("eval", *OFFLINE, "-n", "0"), "--limit"),
        (("eval", *OFFLINE, "--samples", "0"), "--samples"),
        (("runs", "-n", "-1"), "--limit"),
        (("eval", *OFFLINE, "--max-cost", "-1"), "a flag does not fit"),
        (("results",), "there is no store yet"),
        (("results", "--by", "colour"), "--by is one of tag, session"),
        (("import", "nowhere.jsonl"), "nowhere.jsonl: there is no such file"),
        (("eval", "--model", "my-model", "--judge", "offline/lexical", "--max-cost", "1"), "price of my-model"),
    ],
)
def test_bad_input_is_told_in_words(project: Cli, words: tuple[str, ...], told: str) -> None:
    assert told in fails(project, *words)
    assert store_is_empty_or_missing(project)


def test_a_corrupt_session_names_file_and_line(project: Cli) -> None:
    path = project.folder / "transcripts" / "sessions" / "two.jsonl"
    path.write_text(path.read_text().replace('"idx": 3', '"idx": "x"'))
    assert "two.jsonl:5: Expected `int`" in fails(project, "eval", *OFFLINE)
    assert store_is_empty_or_missing(project)


def test_a_moment_that_points_at_no_human_event_is_named(project: Cli) -> None:
    path = project.folder / "transcripts" / "moments.jsonl"
    path.write_text(path.read_text().replace('"cut": 8', '"cut": 7'))
    told = fails(project, "eval", *OFFLINE)
    assert "moments.jsonl:2: session one: cut 7 is not a human's choice" in told
    assert "moments.jsonl:4" in told


def test_a_prompt_with_an_unknown_placeholder_names_file_and_line(project: Cli) -> None:
    path = project.folder / "prompts" / "candidate.md"
    path.write_text(path.read_text() + "\nHello $nobody\n")
    assert "unknown placeholder $nobody" in fails(project, "eval", *OFFLINE)
    assert store_is_empty_or_missing(project)


def test_a_store_that_is_no_store_is_left_as_it_is(project: Cli) -> None:
    Path("nextstep.duckdb").write_text("mine")
    assert "not a DuckDB file" in fails(project, "eval", *OFFLINE)
    assert Path("nextstep.duckdb").read_text() == "mine"


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_an_output_that_has_no_room_left_is_told_in_words(
    project: Cli, capsys: pytest.CaptureFixture[str], number: int
) -> None:
    class Full(io.StringIO):
        def write(self, _: str) -> int:
            raise OSError(number, os.strerror(number))

    project("eval", *OFFLINE)
    project.monkeypatch.setattr(sys, "stdout", Full())
    with pytest.raises(SystemExit) as ended:
        app(["runs", "--json"])
    assert ended.value.code == 2
    told = capsys.readouterr().err
    assert f"no room to write: {os.strerror(number)}" in told
    assert "Traceback" not in told
