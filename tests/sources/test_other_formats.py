"""Laws of all readers of other formats together: which file is whose, and that every sample comes in."""

import json
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from nextstep.sources import atif, claude_code, codex, inspect_logs, openhands, swe_agent, tau_bench
from tests.sources.other_formats import DATA, JSON_VALUES, READERS, SAMPLES, has_no_human, readings, survives, written

WITHOUT_DATA = pytest.mark.skipif(not SAMPLES, reason="real transcripts are not here")

FOLDERS = {"inspect_ai": inspect_logs, "swe_agent": swe_agent, "openhands": openhands, "atif": atif}
OWNERS: dict[str, ModuleType] = {"sample_log.eval": inspect_logs, "tb_airline.json": tau_bench}


def owner(path: Path) -> ModuleType | None:
    """The reader that a sample belongs to; None for a text about a format."""
    return None if path.suffix == ".md" else OWNERS.get(path.name) or FOLDERS.get(path.parent.name)


def recognised(path: Path) -> list[str]:
    """The formats that a file looks like."""
    return [reader.NAME for reader in (*READERS, claude_code) if reader.looks_like(path)]


@WITHOUT_DATA
@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.name)
def test_sample_is_recognised_as_its_own_format_alone_and_comes_in(path: Path) -> None:
    reader = owner(path)
    assert recognised(path) == ([reader.NAME] if reader else [])
    if reader:
        sessions = readings(reader, path)
        assert sessions
        assert all(events for _, events in sessions)
        assert has_no_human(reader, path) == (".events." not in path.name)


@WITHOUT_DATA
@pytest.mark.parametrize("reader", READERS, ids=lambda reader: reader.NAME)
def test_no_claude_code_transcript_looks_like_another_format(reader: ModuleType) -> None:
    paths = sorted((DATA / "claude_code").rglob("*.jsonl"))
    assert [path.name for path in paths if reader.looks_like(path)] == []


SUITE_LINES = [
    {"type": "session", "format": 1, "source": "codex", "title": "", "sha256": "0"},
    {"idx": 0, "role": "human", "kind": "text", "text": "hello"},
]


@pytest.mark.parametrize(
    "text",
    [
        '{"name": "x", "version": "1.0.0", "scripts": {"test": "y"}, "dependencies": {}}',
        "[1, 2, 3]",
        '{"version": 2, "eval": "2+2"}',
        '{"history": [1, 2], "trajectory": [[0, 1]]}',
        '{"session": {"id": 1}, "items": []}',
        '{"steps": [{"source": "user", "message": "x"}]}',
        '[{"action": "click", "args": {}, "source": "web"}]',
        '{"type": "event_msg", "payload": "x"}',
        "\n".join(json.dumps(line) for line in SUITE_LINES),
        "PK\x03\x04",
        "",
        "{",
    ],
)
@pytest.mark.parametrize("ending", [".json", ".jsonl", ".traj", ".eval"])
def test_other_json_is_no_transcript(tmp_path: Path, text: str, ending: str) -> None:
    path = tmp_path / f"a{ending}"
    path.write_text(text)
    assert recognised(path) == []


def test_what_cannot_be_opened_is_not_recognised(tmp_path: Path) -> None:
    assert recognised(tmp_path / "gone.json") == []
    assert recognised(tmp_path) == []


@pytest.mark.parametrize("reader", READERS, ids=lambda reader: reader.NAME)
@settings(max_examples=80, suppress_health_check=list(HealthCheck), deadline=None)
@given(value=JSON_VALUES)
def test_any_json_is_read_or_refused(tmp_path: Path, reader: ModuleType, value: Any) -> None:
    survives(reader, written(tmp_path / "a.json", value))


@WITHOUT_DATA
@pytest.mark.parametrize("path", [p for p in SAMPLES if owner(p)], ids=lambda path: path.name)
def test_sample_that_is_cut_off_or_damaged_is_read_or_refused(path: Path, tmp_path: Path) -> None:
    reader, data = owner(path), path.read_bytes()
    assert reader is not None
    copy = tmp_path / path.name
    for part in range(1, 8):
        at = len(data) * part // 8
        copy.write_bytes(data[:at])
        survives(reader, copy)
        copy.write_bytes(data[:at] + b'\xff{"' + data[at + 3 :])
        survives(reader, copy)


def test_codex_is_not_the_format_of_its_own_output_for_scripts(tmp_path: Path) -> None:
    """`codex exec --json` prints another format, which names no rollout."""
    path = tmp_path / "out.jsonl"
    path.write_text('{"type":"thread.started","thread_id":"x"}\n{"type":"item.completed","item":{}}\n')
    assert not codex.looks_like(path)
