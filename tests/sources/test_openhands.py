"""Laws of the OpenHands reader."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from nextstep.errors import EmptyTranscript, TranscriptError
from nextstep.sources import openhands
from tests.sources.other_formats import (
    OUTCOME,
    Json,
    cut,
    has_no_human,
    lines,
    mutated,
    noted,
    readings,
    survives,
    told,
    written,
)


def acts(source: str, action: str, number: int = 1, /, **args: Any) -> Json:
    """An action."""
    stamp = f"2026-01-01T00:00:{number:02}.000001"
    return {"id": number, "timestamp": stamp, "source": source, "action": action, "message": "shown", "args": args}


def observes(observation: str, cause: int, content: str, source: str = "agent") -> Json:
    """An observation."""
    return {"id": 99, "source": source, "observation": observation, "cause": cause, "content": content, "extras": {}}


def by_model(event: Json, name: str, arguments: str, thought: str = "") -> Json:
    """The event with the model's call that it came from."""
    call = {"id": "t1", "type": "function", "function": {"name": name, "arguments": arguments}}
    message = {"role": "assistant", "tool_calls": [call], "reasoning_content": thought}
    response = {"model_response": {"choices": [{"message": message}]}}
    return event | {"tool_call_metadata": {"function_name": name, "tool_call_id": "t1"} | response}


SYSTEM = acts("agent", "system", 0, content="You are OpenHands.", tools=[])
TASK = acts("user", "message", 1, content="Fix it.", image_urls=None)
RUN = acts("agent", "run", 3, command="ls", thought="I look.", hidden=False, confirmation_state="confirmed")
RAN = observes("run", 3, "a.py")
AGAIN = acts("user", "message", 5, content="Now the tests.", image_urls=["u"])
EVENTS = [SYSTEM, TASK, acts("user", "recall", 2, query="Fix it."), RUN, RAN, AGAIN]


def instance(name: str, history: Any, **fields: Any) -> Json:
    """A line of an evaluation."""
    outcome = {"git_patch": OUTCOME, "resolved": OUTCOME}
    return {"instance_id": name, "test_result": outcome, "metrics": {"x": OUTCOME}, "history": history} | fields


def test_event_list_is_a_session_with_its_human(tmp_path: Path) -> None:
    ((reading, events),) = readings(openhands, written(tmp_path / "a.json", EVENTS))
    assert str(reading.started_at) == "2026-01-01 00:00:00.000001+00:00"
    assert events == [
        ("system/note", None, "You are OpenHands."),
        ("human/text", None, "Fix it."),
        ("assistant/text", None, "I look."),
        ("assistant/tool_use", "run", "ls"),
        ("tool/tool_result", "run", "a.py"),
        ("human/text", None, "Now the tests.\n[image]"),
    ]


def test_call_is_told_as_the_model_made_it(tmp_path: Path) -> None:
    called = by_model(RUN, "execute_bash", '{"command": "ls", "security_risk": "LOW"}', "hm")
    path = written(tmp_path / "a.json", [TASK, called, RAN])
    ((_, events),) = readings(openhands, path)
    assert events[1:] == [
        ("assistant/thinking", None, "hm"),
        ("assistant/text", None, "I look."),
        ("assistant/tool_use", "execute_bash", "command: ls\nsecurity_risk: LOW"),
        ("tool/tool_result", "execute_bash", "a.py"),
    ]


def test_evaluation_is_a_session_for_each_instance_and_never_has_a_human(tmp_path: Path) -> None:
    path = lines(tmp_path / "output.jsonl", [instance("a__b-1", EVENTS), instance("a__b-2", EVENTS)])
    assert [reading.name for reading, _ in readings(openhands, path)] == ["output-a__b-1", "output-a__b-2"]
    assert has_no_human(openhands, path)


def test_test_results_are_no_events(tmp_path: Path) -> None:
    path = lines(tmp_path / "output.jsonl", [instance("a", EVENTS, error=OUTCOME, instruction="Fix it.")])
    assert OUTCOME not in str(told(openhands, path))
    assert "field that tells how the session ended: left out (test_result)" in noted(openhands, path)


def test_older_histories_of_pairs_are_read(tmp_path: Path) -> None:
    path = lines(tmp_path / "output.jsonl", [instance("a", [[TASK, {}], [RUN, RAN]])])
    assert [kind for kind, _ in told(openhands, path)] == [
        "system/note",
        "assistant/text",
        "assistant/tool_use",
        "tool/tool_result",
    ]


def test_damaged_line_costs_that_instance_only_and_is_noted(tmp_path: Path) -> None:
    path = lines(tmp_path / "output.jsonl", [b"{bad", instance("a", EVENTS), b'{"instance_id": "b", "hist'])
    ((reading, _),) = readings(openhands, path)
    (note,) = [note for note in reading.notes.all() if note.reason == "no valid JSON: line left out"]
    assert (note.count, note.lines) == (2, (1, 3))


def test_command_that_the_user_ran_is_theirs_and_its_output_a_note(tmp_path: Path) -> None:
    path = written(tmp_path / "a.json", [acts("user", "run", 3, command="git status"), RAN])
    assert told(openhands, path) == [("human/command", "! git status"), ("system/note", "a.py")]


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ("user_confirmed", [("human/approval", "Confirmed the action.")]),
        ("user_rejected", [("system/note", "The user rejected it.")]),
        ("paused", []),
    ],
)
def test_confirmations_are_the_humans_and_no_choice(tmp_path: Path, state: str, expected: Any) -> None:
    path = written(tmp_path / "a.json", [SYSTEM, acts("user", "change_agent_state", 2, agent_state=state)])
    assert told(openhands, path)[1:] == expected


def test_thoughts_are_thoughts_and_the_end_is_the_agents_words(tmp_path: Path) -> None:
    events = [
        acts("agent", "think", 1, thought="hm"),
        observes("think", 1, "Your thought has been logged."),
        acts("agent", "finish", 2, thought="", final_thought="All done.", task_completed="true"),
    ]
    assert told(openhands, written(tmp_path / "a.json", events)) == [
        ("assistant/thinking", "hm"),
        ("assistant/text", "All done."),
    ]


def test_bookkeeping_gives_no_event(tmp_path: Path) -> None:
    events = [TASK, acts("user", "recall"), acts("agent", "pause"), observes("agent_state_changed", 1, "running")]
    assert told(openhands, written(tmp_path / "a.json", events)) == [("human/text", "Fix it.")]


def test_answer_to_a_call_that_was_not_understood_is_a_result(tmp_path: Path) -> None:
    error = {"id": 5, "source": "agent", "observation": "error", "content": "unknown parameter", "extras": {}}
    assert told(openhands, written(tmp_path / "a.json", [TASK, error]))[-1] == ("tool/tool_result", "unknown parameter")


def test_file_without_an_event_is_empty(tmp_path: Path) -> None:
    with pytest.raises(EmptyTranscript):
        list(openhands.read(lines(tmp_path / "output.jsonl", [instance("a", None)])))


@settings(max_examples=100, suppress_health_check=list(HealthCheck), deadline=None)
@given(mutated([*EVENTS, by_model(RUN, "execute_bash", "{}", "x")]))
def test_mutated_event_lists_never_crash(tmp_path: Path, value: Any) -> None:
    survives(openhands, written(tmp_path / "a.json", value))
    survives(openhands, lines(tmp_path / "output.jsonl", [instance("a", value), value]))


@pytest.mark.parametrize("at", [0.1, 0.5, 0.9])
def test_file_that_is_cut_off_is_refused_with_its_line(tmp_path: Path, at: float) -> None:
    path = written(tmp_path / "a.json", EVENTS)
    path.write_bytes(cut(path.read_bytes(), at))
    with pytest.raises(TranscriptError, match=r"a\.json:1: is no valid JSON"):
        list(openhands.read(path))
