"""Laws of the ATIF reader."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from nextstep.errors import EmptyTranscript, TranscriptError
from nextstep.sources import atif
from tests.sources.other_formats import OUTCOME, Json, has_no_human, mutated, noted, readings, survives, told, written

CALL = {"tool_call_id": "c1", "function_name": "search", "arguments": {"q": "x", "n": 2}}
STEPS: list[Json] = [
    {"step_id": 1, "source": "system", "message": "You are careful."},
    {"step_id": 2, "source": "user", "message": "Find x.", "timestamp": "2026-01-01T00:00:00Z"},
    {
        "step_id": 3,
        "source": "agent",
        "timestamp": "2026-01-01T00:00:05+02:00",
        "message": "I search.",
        "reasoning_content": "first search",
        "tool_calls": [CALL],
        "observation": {"results": [{"source_call_id": "c1", "content": "found"}, {"content": "and more"}]},
        "metrics": {"cost_usd": 1},
    },
]
AGAIN: Json = {"step_id": 4, "source": "user", "message": "Now y."}


def document(path: Path, steps: list[Json], **fields: Any) -> Path:
    """The path, now of a document with these steps."""
    base = {"schema_version": "ATIF-v1.4", "session_id": "s", "agent": {"name": "a", "version": "1"}}
    return written(path / "trajectory.json", base | {"steps": steps} | fields)


def test_steps_are_told_in_order_with_reasoning_calls_and_results(tmp_path: Path) -> None:
    ((reading, events),) = readings(atif, document(tmp_path, [*STEPS, AGAIN]))
    assert str(reading.started_at) == "2026-01-01 00:00:00+00:00"
    assert events == [
        ("system/note", None, "You are careful."),
        ("human/text", None, "Find x."),
        ("assistant/thinking", None, "first search"),
        ("assistant/text", None, "I search."),
        ("assistant/tool_use", "search", "q: x\nn: 2"),
        ("tool/tool_result", "search", "found"),
        ("tool/tool_result", None, "and more"),
        ("human/text", None, "Now y."),
    ]


def test_times_are_utc(tmp_path: Path) -> None:
    (reading,) = atif.read(document(tmp_path, STEPS))
    assert {str(event.at) for event in reading.events if event.role == "assistant"} == {"2025-12-31 22:00:05+00:00"}


def test_user_who_speaks_only_before_the_agent_is_no_human(tmp_path: Path) -> None:
    assert has_no_human(atif, document(tmp_path, STEPS))
    assert not has_no_human(atif, document(tmp_path, [*STEPS, AGAIN]))


@pytest.mark.parametrize(
    "fields",
    [
        {"agent": {"name": "terminus-2", "version": "2"}},
        {"agent": {"name": "a", "extra": {"simulated_user": True}}},
        {"extra": {"benchmark": "b"}},
        {"extra": {"task_id": "t"}},
    ],
)
def test_user_of_a_benchmark_is_no_human(tmp_path: Path, fields: Json) -> None:
    assert has_no_human(atif, document(tmp_path, [*STEPS, AGAIN], **fields))


def test_copied_context_is_no_humans_choice(tmp_path: Path) -> None:
    copied = {"source": "user", "message": "Summary so far.", "is_copied_context": True}
    path = document(tmp_path, [STEPS[1], STEPS[2], copied, AGAIN])
    assert ("system/note", "Summary so far.") in told(atif, path)
    assert told(atif, path)[-1] == ("human/text", "Now y.")


def test_what_tells_the_outcome_is_no_event(tmp_path: Path) -> None:
    step = STEPS[2] | {"metrics": {"reward": OUTCOME}, "extra": {"x": OUTCOME}}
    ref = {"observation": {"results": [{"subagent_trajectory_ref": [{"extra": {"summary": OUTCOME}}]}]}}
    path = document(
        tmp_path,
        [*STEPS[:2], step, {"source": "system", "message": "handed over"} | ref],
        final_metrics={"extra": {"verdict": OUTCOME}},
        notes=OUTCOME,
        extra={"x": OUTCOME},
    )
    assert OUTCOME not in str(told(atif, path))
    assert noted(atif, path).keys() >= {
        "field that tells how the session ended: left out (final_metrics)",
        "field that tells how the session ended: left out (notes)",
        "field that tells how the session ended: left out (extra)",
        "metrics of a step: left out",
        "reference to a sub-agent's trajectory: left out",
    }


def test_pictures_leave_marks(tmp_path: Path) -> None:
    parts = [{"type": "text", "text": "see"}, {"type": "image", "source": {"path": "a.png"}}]
    path = document(tmp_path, [{"source": "agent", "message": parts}])
    assert told(atif, path) == [("assistant/text", "see\n[image]")]


def test_document_in_which_nothing_is_said_is_empty(tmp_path: Path) -> None:
    with pytest.raises(EmptyTranscript):
        list(atif.read(document(tmp_path, [])))


def test_document_without_steps_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TranscriptError, match="no list of steps"):
        list(atif.read(written(tmp_path / "a.json", {"schema_version": "ATIF-v1.4"})))


def test_bytes_that_are_no_utf8_are_replaced_and_noted(tmp_path: Path) -> None:
    path = document(tmp_path, STEPS)
    path.write_bytes(path.read_bytes().replace(b"Find x.", b"Find \xff."))
    assert told(atif, path)[1] == ("system/note", "Find \ufffd.")
    assert noted(atif, path)["bytes that are not UTF-8: replaced"] == 1


def test_lone_surrogates_and_nul_are_replaced_and_noted(tmp_path: Path) -> None:
    path = document(tmp_path, [{"source": "agent", "message": "a\ud800b\x00c"}])
    assert told(atif, path) == [("assistant/text", "a\ufffdb\ufffdc")]
    assert noted(atif, path)["characters that cannot be stored: replaced"] == 1


@settings(max_examples=100, suppress_health_check=list(HealthCheck), deadline=None)
@given(mutated({"schema_version": "ATIF-v1.7", "agent": {"name": "a", "extra": {}}, "steps": [*STEPS, AGAIN]}))
def test_mutated_documents_never_crash(tmp_path: Path, value: Any) -> None:
    survives(atif, written(tmp_path / "a.json", value))
