"""`nextstep audit` as a user meets it: its words, its exit codes, and what reaches the terminal."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from nextstep.core import trajectory
from nextstep.core.records import Event
from tests.builders import moment_line, write_session
from tests.cli.conftest import Cli

OFFLINE = ("--model", "offline/continue", "--judge", "offline/lexical")
QUEUED = "print the batch at the first nan and tell me which row it came from"


def break_the_cut(cli: Cli) -> None:
    """Every prefix has the human's words in it."""

    def off_by_one(events: Sequence[Event], cut: int) -> tuple[Event, ...]:
        return tuple(events[: cut + 1])

    cli.monkeypatch.setattr(trajectory, "prefix", off_by_one)


def queue_a_step(cli: Cli, step: str = QUEUED) -> None:
    """A suite of one session, in which a note knows the human's step."""
    folder = cli.folder / "transcripts"
    write_session(folder, "one", ["h: why", f"n: {step}", "a: hm", f"h: {step}", "a: ok", "a: row 17"])
    (folder / "moments.jsonl").write_text(json.dumps(moment_line("one", 3, "detour")) + "\n")


def test_a_good_suite_is_told_with_what_was_proved_and_writes_nothing(project: Cli) -> None:
    out = project("audit")
    assert "No leak at 6 moments" in out
    assert "audit/smallest-window" in out
    assert not (project.folder / "nextstep.duckdb").exists()


def test_what_was_asked_in_past_runs_is_compared(project: Cli) -> None:
    project("eval", *OFFLINE)
    document = project.json("audit")
    assert (document["ok"], document["leaks"]) == (True, 0)
    assert [row["requests"][0]["same"] for row in document["moments"]] == [1] * 6
    assert {row["requests"][0]["candidate"] for row in document["moments"]} == {"offline/continue"}
    assert document["suite_hash"]


def test_candidates_of_the_config_and_of_flags_are_audited(project: Cli) -> None:
    Path("evals.yaml").write_text("candidates: [claude-opus-5-5]\n")
    names = {request["candidate"] for row in project.json("audit")["moments"] for request in row["requests"]}
    assert names == {"claude-opus-5-5", "audit/default-window", "audit/smallest-window"}
    document = project.json("audit", "--model", "claude-haiku-5-5")
    assert document["moments"][0]["requests"][0]["candidate"] == "claude-haiku-5-5"


def test_moments_can_be_chosen(project: Cli) -> None:
    assert {row["set"] for row in project.json("audit", "--set", "control")["moments"]} == {"control"}
    assert len(project.json("audit", "-n", "2")["moments"]) == 2


def test_a_broken_cut_ends_with_1_and_names_moment_event_and_words(project: Cli) -> None:
    break_the_cut(project)
    out = " ".join(project("audit", code=1).split())
    assert "one:5 event 5: it stands in the request, and was not there before the cut" in out
    assert "lower the rate and run one again" in out
    assert "12 leaks at 6 of 6 moments" in out
    document = project.json("audit", "-n", "1", code=1)
    (row,) = document["moments"]
    assert document["ok"] is False
    assert {(leak["event"], leak["check"]) for leak in row["leaks"]} == {(row["cut"], "canary")}


def test_a_note_that_knows_the_step_ends_with_1_and_names_both_events(project: Cli) -> None:
    queue_a_step(project)
    out = " ".join(project("audit", code=1).split())
    assert "one:3 human step (event 3) in event 1: a note of the program held these words" in out
    assert QUEUED in out


def test_hostile_words_of_a_leak_reach_no_terminal_control(project: Cli) -> None:
    queue_a_step(project, "\x1b[2J\x1b]0;owned\x07\u202e [bold]x[/bold] and five words more of it " + "x" * 9000)
    out = project("audit", code=1)
    assert "[bold]x[/bold]" in out
    assert not set("\x1b\x07\u202e") & set(out)
    assert len(out) < 2500


def test_a_suite_without_moments_ends_with_3(project: Cli) -> None:
    (project.folder / "transcripts" / "moments.jsonl").write_text("")
    assert project("audit", code=3) == ""
    assert "no moments to audit" in project.err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--suite", "nowhere"), "nowhere: has no sessions/ folder"),
        (("--set", "both"), "--set is detour or control"),
        (("-n", "0"), "--limit"),
        (("-c", "nowhere.yaml"), "nowhere.yaml: cannot be read"),
    ],
)
def test_bad_input_ends_with_2(project: Cli, words: tuple[str, ...], told: str) -> None:
    project("audit", *words, code=2)
    assert told in project.err
    assert "Traceback" not in project.err


def test_tables_fit_80_columns(project: Cli) -> None:
    project("eval", *OFFLINE)
    assert max(map(len, project("audit").splitlines()[:6])) <= 80


def test_many_leaks_of_a_moment_are_counted_and_not_all_printed(project: Cli) -> None:
    project.monkeypatch.setattr(trajectory, "prefix", lambda events, cut: tuple(events))
    out = project("audit", code=1)
    assert "one:5  and 2 more; --json has all" in out
