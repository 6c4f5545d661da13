"""Laws of the Inspect reader."""

import json
import tracemalloc
import zipfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nextstep.errors import EmptyTranscript, TranscriptError
from nextstep.sources import inspect_logs
from nextstep.sources.inspect_logs import archive as inspect_archive
from tests.sources.other_formats import (
    JSON_VALUES,
    OUTCOME,
    Json,
    archive,
    as_zstd,
    has_no_human,
    mutated,
    noted,
    readings,
    survives,
    told,
    written,
)

HEADER: Json = {
    "version": 2,
    "status": "success",
    "eval": {"task": "ctf", "model": "m/1", "created": "2026-01-02T03:04:05+01:00", "dataset": {"name": "d"}},
    "plan": {"steps": []},
    "results": {"scores": [OUTCOME]},
}


def sample(**fields: Any) -> Json:
    """A sample in which a tool was called."""
    messages = [
        {"role": "system", "content": "You are careful."},
        {"role": "user", "content": "Find the flag.", "source": "input"},
        {
            "role": "assistant",
            "content": [{"type": "reasoning", "reasoning": "list first"}, {"type": "text", "text": "I look."}],
            "tool_calls": [
                {"id": "c1", "function": "bash", "arguments": {"cmd": "ls", "all": True}, "type": "function"}
            ],
        },
        {"role": "tool", "content": "a.txt", "tool_call_id": "c1", "function": "bash"},
        {"role": "assistant", "content": "Done."},
    ]
    base = {"id": 7, "epoch": 1, "target": OUTCOME, "output": {"completion": OUTCOME}, "scores": {"match": OUTCOME}}
    return base | {"messages": messages, "attachments": {}, "events": []} | fields


EVENTS = [
    ("system/note", None, "You are careful."),
    ("system/note", None, "Find the flag."),
    ("assistant/thinking", None, "list first"),
    ("assistant/text", None, "I look."),
    ("assistant/tool_use", "bash", "cmd: ls\nall: true"),
    ("tool/tool_result", "bash", "a.txt"),
    ("assistant/text", None, "Done."),
]


def log(path: Path, *samples: Json) -> Path:
    """The path, now of a JSON log with these samples."""
    return written(path / "log.json", HEADER | {"samples": list(samples)})


def packed(path: Path, *samples: Json) -> Path:
    """The path, now of an archive with these samples."""
    members = {f"samples/{one['id']}_epoch_{one['epoch']}.json": one for one in samples}
    return archive(path / "log.eval", members | {"summaries.json": [], "header.json": HEADER})


def test_json_and_archive_of_one_evaluation_are_the_same_sessions(tmp_path: Path) -> None:
    both = [readings(inspect_logs, make(tmp_path, sample())) for make in (log, packed)]
    assert both[0][0][1] == both[1][0][1] == EVENTS
    for ((reading, _),) in both:
        assert (reading.name, reading.title) == ("log-7", "ctf")
        assert str(reading.started_at) == "2026-01-02 02:04:05+00:00"


def test_each_sample_and_epoch_is_a_session_of_its_own_name(tmp_path: Path) -> None:
    samples = [
        sample(),
        sample(epoch=2),
        sample(id="a/b"),
        sample(id="a b"),
        sample(id="x" * 300),
        sample(id="x" * 301),
    ]
    names = [reading.name for reading, _ in readings(inspect_logs, log(tmp_path, *samples))]
    assert names[:4] == ["log-7", "log-7-epoch2", "log-a-b", "log-a-b-2"]
    assert len(set(names)) == len(samples)
    assert max(map(len, names)) <= 120


def test_what_tells_the_outcome_is_no_event_and_is_noted(tmp_path: Path) -> None:
    path = log(tmp_path, sample(error={"message": OUTCOME}, store={"x": OUTCOME}))
    assert OUTCOME not in str(told(inspect_logs, path))
    assert {reason for reason in noted(inspect_logs, path) if "left out" in reason} == {
        f"field that tells how the session ended: left out ({key})"
        for key in ("target", "output", "scores", "store", "error")
    }


def test_evaluation_never_has_a_human(tmp_path: Path) -> None:
    assert has_no_human(inspect_logs, log(tmp_path, sample()))


def test_operator_who_typed_into_a_running_sample_is_the_human(tmp_path: Path) -> None:
    messages = [*sample()["messages"], {"role": "user", "content": "Try the other file.", "source": "operator"}]
    path = log(tmp_path, sample(messages=messages))
    assert told(inspect_logs, path)[-1] == ("human/text", "Try the other file.")
    assert not has_no_human(inspect_logs, path)


def test_attachments_stand_where_they_are_referred_to(tmp_path: Path) -> None:
    part = {"type": "text", "text": "attachment://b"}
    messages = [{"role": "user", "content": "attachment://a"}, {"role": "user", "content": [part, {"type": "image"}]}]
    path = log(tmp_path, sample(messages=messages, attachments={"a": "long", "b": "longer"}))
    assert [text for _, text in told(inspect_logs, path)] == ["long", "longer\n[image]"]


def test_missing_attachment_is_noted_and_kept_as_its_reference(tmp_path: Path) -> None:
    path = log(tmp_path, sample(messages=[{"role": "user", "content": "attachment://a"}], attachments=[]))
    assert told(inspect_logs, path) == [("system/note", "attachment://a")]
    assert "reference to an attachment that is not there: kept as it is" in noted(inspect_logs, path)


def test_failed_tool_says_its_error(tmp_path: Path) -> None:
    failed = {"role": "tool", "content": "", "function": "bash", "error": {"type": "timeout", "message": "too slow"}}
    assert told(inspect_logs, log(tmp_path, sample(messages=[failed]))) == [("tool/tool_result", "too slow")]


def test_without_messages_the_fullest_model_call_is_read_and_no_scorers(tmp_path: Path) -> None:
    def call(text: str, answer: str) -> Json:
        given = [{"role": "user", "content": text}]
        return {
            "event": "model",
            "input": given,
            "output": {"choices": [{"message": {"role": "assistant", "content": answer}}]},
        }

    scorer = {"event": "span_begin", "type": "scorer", "name": "graded"}
    logged = [call("task", "first"), call("task again", "answer"), scorer, call(OUTCOME, OUTCOME)]
    path = log(tmp_path, sample(messages=[], events=logged))
    assert told(inspect_logs, path) == [("system/note", "task again"), ("assistant/text", "answer")]
    assert "sample without messages: read from its model events" in noted(inspect_logs, path)


def test_unfinished_archive_is_read_by_its_journal(tmp_path: Path) -> None:
    start = {"version": 2, "eval": HEADER["eval"], "plan": {}}
    path = archive(tmp_path / "log.eval", {"_journal/start.json": start, "samples/7_epoch_1.json": sample()})
    assert inspect_logs.looks_like(path)
    ((reading, events),) = readings(inspect_logs, path)
    assert (reading.title, events) == ("ctf", EVENTS)


def test_archive_compressed_with_zstd_reads_the_same(tmp_path: Path) -> None:
    path = as_zstd(packed(tmp_path, sample()))
    with zipfile.ZipFile(path) as file:
        assert {info.compress_type for info in file.infolist()} == {93}
    ((_, events),) = readings(inspect_logs, path)
    assert events == EVENTS


def test_damaged_sample_costs_that_sample_only_and_is_noted(tmp_path: Path) -> None:
    members = {"header.json": HEADER, "samples/1_epoch_1.json": sample(), "samples/2_epoch_1.json": b'{"id": 2, "mess'}
    path = archive(tmp_path / "log.eval", members)
    assert told(inspect_logs, path) == [(kind, text) for kind, _, text in EVENTS]
    assert any("samples/2_epoch_1.json" in reason for reason in noted(inspect_logs, path))


def test_member_that_unpacks_to_more_than_it_may_is_never_held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inspect_archive, "LARGEST_DOCUMENT", 5_000)
    monkeypatch.setattr("nextstep.sources.json_files.LARGEST_DOCUMENT", 5_000)
    bomb = b'{"messages": "' + b" " * 10_000_000 + b'"}'
    members = {"header.json": HEADER, "samples/1_epoch_1.json": sample(), "samples/2_epoch_1.json": bomb}
    path = archive(tmp_path / "log.eval", members)
    for one in (path, as_zstd(path, lie=100)):
        assert len(readings(inspect_logs, one)) == 1
        assert any("larger than 5,000 bytes" in reason for reason in noted(inspect_logs, one))


def test_bomb_is_refused_without_being_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inspect_archive, "LARGEST_DOCUMENT", 5_000)
    monkeypatch.setattr("nextstep.sources.json_files.LARGEST_DOCUMENT", 5_000)
    members = {"header.json": HEADER, "samples/1_epoch_1.json": b" " * 50_000_000}
    path = archive(tmp_path / "log.eval", members)
    del members
    tracemalloc.start()
    try:
        with pytest.raises(EmptyTranscript, match="larger than 5,000 bytes"):
            list(inspect_logs.read(path))
        assert tracemalloc.get_traced_memory()[1] < 5_000_000
    finally:
        tracemalloc.stop()


def test_archive_that_declares_too_much_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inspect_archive, "LARGEST_STREAM", 100)
    with pytest.raises(TranscriptError, match="unpacks to more than 100 bytes"):
        list(inspect_logs.read(packed(tmp_path, sample())))


def test_names_of_members_never_reach_the_disk(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    members = {"header.json": HEADER, "samples/../../out.json": sample(), "samples/x.json": sample()}
    path = archive(folder / "log.eval", members)
    assert len(readings(inspect_logs, path)) == 1
    assert [one.name for one in tmp_path.rglob("*")] == ["in", "log.eval"]


@pytest.mark.parametrize("data", [b"PK\x03\x04 not a zip", b"", b"{}"])
def test_file_that_is_no_log_is_not_recognised(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "log.eval"
    path.write_bytes(data)
    assert not inspect_logs.looks_like(path)
    with pytest.raises(TranscriptError):
        list(inspect_logs.read(path))


def test_log_without_samples_is_empty(tmp_path: Path) -> None:
    with pytest.raises(EmptyTranscript):
        list(inspect_logs.read(log(tmp_path)))


def test_deep_nesting_is_refused_with_the_path(tmp_path: Path) -> None:
    path = tmp_path / "log.json"
    path.write_text('{"version": 2, "samples": ' + "[" * 200_000)
    with pytest.raises(TranscriptError, match="nested too deep"):
        list(inspect_logs.read(path))


@settings(max_examples=60, suppress_health_check=list(HealthCheck), deadline=None)
@given(mutated(HEADER | {"samples": [sample(), sample(id=8)]}), st.booleans())
def test_mutated_logs_never_crash(tmp_path: Path, value: Any, pack: bool) -> None:
    if not pack:
        survives(inspect_logs, written(tmp_path / "log.json", value))
        return
    fields = value if isinstance(value, dict) else {}
    listed = fields.get("samples") if isinstance(fields.get("samples"), list) else []
    members = {f"samples/{i}.json": one for i, one in enumerate(listed or [])} | {"header.json": fields}
    survives(inspect_logs, archive(tmp_path / "log.eval", members))


@settings(max_examples=60, suppress_health_check=list(HealthCheck), deadline=None)
@given(JSON_VALUES, st.sampled_from(["messages", "events", "attachments", "id", "epoch"]))
def test_any_value_in_a_field_never_crashes(tmp_path: Path, value: Any, field: str) -> None:
    survives(inspect_logs, log(tmp_path, sample(**{field: value})))


@settings(max_examples=40, suppress_health_check=list(HealthCheck), deadline=None)
@given(st.integers(0, 10_000), st.binary(max_size=4))
def test_damaged_archives_never_crash(tmp_path: Path, at: int, put: bytes) -> None:
    for path in (packed(tmp_path, sample()), as_zstd(packed(tmp_path / "..", sample()))):
        raw = path.read_bytes()
        at = at % len(raw)
        path.write_bytes(raw[:at] + put + raw[at + len(put) :])
        survives(inspect_logs, path)
        path.write_bytes(raw[:at])
        survives(inspect_logs, path)


def test_large_numbers_and_nan_are_read(tmp_path: Path) -> None:
    text = json.dumps(
        sample(messages=[{"role": "assistant", "tool_calls": [{"function": "f", "arguments": {"x": "N"}}]}])
    )
    path = tmp_path / "log.json"
    path.write_text('{"version": 2, "samples": [' + text.replace('"N"', "NaN") + "]}")
    assert told(inspect_logs, path) == [("assistant/tool_use", "x: NaN")]
    path.write_text('{"version": 2, "samples": [' + text.replace('"N"', "9" * 5000) + "]}")
    with pytest.raises(TranscriptError, match="numbers too long"):
        list(inspect_logs.read(path))
