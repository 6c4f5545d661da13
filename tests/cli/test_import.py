"""`nextstep import` as a user meets it: what it says, what it leaves, and how it ends."""

import json
import os
from pathlib import Path

import pytest

from tests.cli.conftest import Cli


def transcript(path: Path, *texts: str, day: str = "2026-05-01") -> Path:
    """A Claude Code file of a human and an assistant in turns."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = []
    for number, text in enumerate(texts):
        kind = ("user", "assistant")[number % 2]
        record = {
            "type": kind,
            "uuid": f"u{number}",
            "parentUuid": f"u{number - 1}" if number else None,
            "sessionId": path.stem,
            "cwd": str(path.parent),
            "timestamp": f"{day}T10:00:0{number}Z",
            "message": {"role": kind, "content": text},
        }
        lines.append(json.dumps(record) + "\n")
    path.write_text("".join(lines), encoding="utf-8")
    return path


def test_sessions_repairs_and_secrets_are_told_and_stored(cli: Cli, tmp_path: Path) -> None:
    path = transcript(tmp_path / "a.jsonl", "mail dora.k@nordlab.io", "ok", "why", "so")
    path.write_bytes(path.read_bytes() + b"{ broken\n")
    said = cli("import", str(path))
    assert "a        4       2      new" in said
    assert "no valid JSON: line left out  1      1         5" in said
    assert "email  1      1" in said
    assert "dora.k" not in said + cli.err
    assert "1 new, in transcripts/sessions and nextstep.duckdb; 2 human turns" in cli.err
    rows = cli.json("sql", "SELECT about, reason, count FROM import_notes ORDER BY ALL")["rows"]
    assert rows == [
        {"about": "reading", "reason": "no valid JSON: line left out", "count": 1},
        {"about": "redaction", "reason": "email", "count": 1},
        {"about": "sender", "reason": "typed", "count": 2},
    ]


def test_without_a_path_all_that_claude_code_keeps_comes_in(cli: Cli, tmp_path: Path) -> None:
    transcript(tmp_path / "home" / ".claude" / "projects" / "-srv-lab" / "a.jsonl", "why", "so")
    transcript(tmp_path / "elsewhere" / "projects" / "-srv-lab" / "b.jsonl", "how", "so")
    assert [one["session"] for one in cli.json("import")["imports"]] == ["a"]
    cli.monkeypatch.setenv("CLAUDE_CONFIG_DIR", str(tmp_path / "elsewhere"))
    assert [one["session"] for one in cli.json("import")["imports"]] == ["b"]


def test_where_claude_code_keeps_nothing_the_message_says_where_it_looked(cli: Cli) -> None:
    cli("import", code=2)
    assert ".claude/projects: is not there" in cli.err
    assert "set CLAUDE_CONFIG_DIR" in cli.err


def test_filters_tell_why_a_session_was_left_out(cli: Cli, tmp_path: Path) -> None:
    transcript(tmp_path / "p" / "old.jsonl", "why", "so", day="2026-01-01")
    transcript(tmp_path / "p" / "new.jsonl", "why", "so")
    told = cli.json("import", str(tmp_path / "p"), "--since", "2026-04-01", "--min-turns", "1")
    assert told["totals"] == {"new": 1, "skipped": 1}
    (skipped,) = [one for one in told["imports"] if one["status"] == "skipped"]
    assert skipped["reason"].endswith("p/old.jsonl: ended on 2026-01-01, before --since 2026-04-01")


def test_a_refused_transcript_is_exit_4_and_the_others_are_in(cli: Cli, tmp_path: Path) -> None:
    good = transcript(tmp_path / "good.jsonl", "why", "so")
    odd = tmp_path / "odd.jsonl"
    odd.write_bytes(b"\x89PNG\n")
    said = cli("import", str(good), str(odd), code=4)
    assert "looks like none of the formats" in " ".join(said.split())
    assert (cli.folder / "transcripts" / "sessions" / "good.jsonl").exists()
    rows = cli.json("sql", "SELECT status, len(session_ids) AS n FROM imports ORDER BY ALL")["rows"]
    assert rows == [{"status": "new", "n": 1}, {"status": "refused", "n": 0}]


def test_an_empty_transcript_is_no_failure(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "titles.jsonl"
    path.write_text('{"type":"summary","summary":"x","leafUuid":"y"}\n')
    assert "empty: " in cli("import", str(path))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--format", "codx"), "did you mean 'codex'?"),
        (("--since", "yesterday"), "--since"),
        (("--suite", "hf://org/name@v1"), "hf://org/name@v1"),
    ],
)
def test_what_does_not_fit_is_exit_2_and_writes_nothing(
    cli: Cli, tmp_path: Path, words: tuple[str, ...], message: str
) -> None:
    cli("import", str(transcript(tmp_path / "a.jsonl", "why", "so")), *words, code=2)
    assert message in " ".join(cli.err.split())
    assert not list(cli.folder.iterdir())


def test_without_redaction_the_remark_says_what_that_means(cli: Cli, tmp_path: Path) -> None:
    cli("import", str(transcript(tmp_path / "a.jsonl", "mail dora.k@nordlab.io", "ok")), "--no-redact")
    assert "Nothing was redacted: every secret in the transcripts is in there as it was." in cli.err
    assert "dora.k@nordlab.io" in (cli.folder / "transcripts" / "sessions" / "a.jsonl").read_text()


def test_imported_sessions_can_be_marked_audited_and_evaluated(cli: Cli, tmp_path: Path) -> None:
    cli("init")
    cli("import", str(transcript(tmp_path / "a.jsonl", "why is it slow", "it reads twice", "cache it then", "done")))
    moment = {"session": "a", "cut": 2, "set": "control", "why": "w", "recovered_at": 3, "resolution": "r"}
    (cli.folder / "transcripts" / "moments.jsonl").write_text(json.dumps(moment) + "\n")
    assert "No leak at 1 moments" in cli("audit")
    cli("eval", "--model", "offline/continue", "--judge", "offline/lexical", "-q")
    assert cli.json("sql", "SELECT kind FROM moments")["rows"] == [{"kind": "text"}]


def test_what_is_no_regular_file_is_refused_at_once(cli: Cli, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jsonl")
    assert "is no regular file" in " ".join(cli("import", str(tmp_path / "pipe.jsonl"), code=4).split())
    transcript(tmp_path / "p" / "a.jsonl", "why", "so")
    (tmp_path / "p" / "gone.jsonl").symlink_to("nowhere")
    assert cli.json("import", str(tmp_path / "p"))["totals"] == {"new": 1, "skipped": 1}


def test_a_file_name_that_is_no_text_does_not_stop_the_others(cli: Cli, tmp_path: Path) -> None:
    transcript(tmp_path / "p" / "a.jsonl", "why", "so")
    os.rename(transcript(tmp_path / "b.jsonl", "how", "so"), os.fsencode(tmp_path / "p") + b"/b\xff.jsonl")
    assert cli.json("import", str(tmp_path / "p"))["totals"] == {"new": 2}
    paths = [row["path"] for row in cli.json("sql", "SELECT path FROM imports ORDER BY path")["rows"]]
    assert paths[1].endswith("p/b\\xff.jsonl")


def test_no_secret_in_a_name_or_type_reaches_screen_or_store(cli: Cli, tmp_path: Path) -> None:
    token = "ghp_" + "aB3dE5fG7hJ9kL1mN3pQ5rS7tU9vW1xY3zA5"
    path = transcript(tmp_path / f"{token}.jsonl", "why", "so")
    path.write_bytes(path.read_bytes() + json.dumps({"type": token}).encode() + b"\n")
    (tmp_path / f"x-{token}.json").write_text("{}")
    said = cli("import", str(path), str(tmp_path / f"x-{token}.json"), code=4)
    stored = b"".join(file.read_bytes() for file in cli.folder.rglob("*") if file.is_file())
    assert token not in said + cli.err
    assert token.encode() not in stored


def test_a_wrong_format_is_told_with_the_right_one(cli: Cli, tmp_path: Path) -> None:
    path = transcript(tmp_path / "a.jsonl", "why", "so")
    said = cli("import", str(path), "--format", "codex", code=4)
    assert "it looks like claude-code, not codex" in " ".join(said.split())


def test_a_redacted_session_takes_the_place_of_itself_with_its_secrets_and_never_the_other_way(
    cli: Cli, tmp_path: Path
) -> None:
    path = transcript(tmp_path / "a.jsonl", "mail dora.k@nordlab.io", "ok")
    cli("import", str(path), "--no-redact")
    assert cli.json("import", str(path))["totals"] == {"grown": 1}
    file = cli.folder / "transcripts" / "sessions" / "a.jsonl"
    assert "dora.k" not in file.read_text()
    assert "stands beside a, the same session redacted" in cli("import", str(path), "--no-redact")
    assert "dora.k" not in file.read_text()


def test_the_suites_own_sessions_are_no_transcripts(cli: Cli, tmp_path: Path) -> None:
    cli("init")
    cli("import", str(transcript(cli.folder / "logs" / "a.jsonl", "why", "so")))
    assert not [one["path"] for one in cli.json("import", ".")["imports"] if one["path"].startswith("transcripts")]
