"""Laws of the SWE-agent reader."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from nextstep.errors import EmptyTranscript, TranscriptError
from nextstep.sources import swe_agent
from tests.sources.other_formats import OUTCOME, Json, has_no_human, mutated, noted, readings, survives, told, written

SYSTEM = {"role": "system", "content": "You fix issues.", "agent": "main", "message_type": "system_prompt"}
TASK = {"role": "user", "content": "Fix the colon.", "agent": "main", "message_type": "observation"}


def action(thought: str, command: str, **fields: Any) -> Json:
    """A reply with a thought and a command."""
    whole = f"{thought}\n```\n{command}\n```"
    return {"role": "assistant", "content": whole, "thought": thought, "action": command, "agent": "main"} | fields


def called(name: str, arguments: str, **fields: Any) -> Json:
    """A reply that calls a tool."""
    call = {"id": "c1", "type": "function", "function": {"name": name, "arguments": arguments}}
    return action("I look.", "find_file a.py", content="I look.", tool_calls=[call], **fields)


RESULT = {"role": "tool", "content": "Found 1", "agent": "main", "tool_call_ids": ["c1"]}
CALLED: list[Json] = [SYSTEM, TASK, called("find_file", '{"file_name": "a.py"}'), RESULT]
TYPED: list[Json] = [SYSTEM, TASK, action("I look.", "ls\n"), {"role": "user", "content": "a.py", "agent": "main"}]


def trajectory(path: Path, history: list[Json], **fields: Any) -> Path:
    """The path, now of a trajectory with this history."""
    return written(path / "run.traj", {"environment": "e", "history": history} | fields)


def test_tool_calls_and_results_carry_the_tools_name(tmp_path: Path) -> None:
    ((reading, events),) = readings(swe_agent, trajectory(tmp_path, CALLED))
    assert (reading.name, reading.source) == ("run", "swe-agent")
    assert events == [
        ("system/note", None, "You fix issues."),
        ("system/note", None, "Fix the colon."),
        ("assistant/text", None, "I look."),
        ("assistant/tool_use", "find_file", "a.py"),
        ("tool/tool_result", "find_file", "Found 1"),
    ]


def test_older_observations_are_results_of_the_shell_never_a_users_words(tmp_path: Path) -> None:
    ((_, events),) = readings(swe_agent, trajectory(tmp_path, TYPED))
    assert events[2:] == [
        ("assistant/text", None, "I look."),
        ("assistant/tool_use", "bash", "ls"),
        ("tool/tool_result", "bash", "a.py"),
    ]


def test_run_of_an_agent_never_has_a_human(tmp_path: Path) -> None:
    asked_again = {"role": "user", "content": "Your output was not formatted correctly."}
    unreadable = {"role": "assistant", "content": "hm", "action": "", "thought": "hm"}
    path = trajectory(tmp_path, [*TYPED, unreadable, asked_again])
    assert has_no_human(swe_agent, path)
    assert told(swe_agent, path)[-2:] == [("assistant/text", "hm"), ("system/note", asked_again["content"])]


def test_demonstration_is_one_note(tmp_path: Path) -> None:
    demo = {"role": "user", "content": "Here is a demonstration", "is_demo": True, "agent": "main"}
    path = trajectory(tmp_path, [SYSTEM, demo, *TYPED[1:]])
    assert told(swe_agent, path)[1] == ("system/note", "Here is a demonstration")
    assert noted(swe_agent, path)["demonstration of another task: kept as a system note"] == 1


def test_submission_and_exit_status_are_no_events(tmp_path: Path) -> None:
    steps = [{"action": OUTCOME, "observation": OUTCOME, "thought": OUTCOME}]
    path = trajectory(tmp_path, CALLED, info={"submission": OUTCOME, "exit_status": OUTCOME}, trajectory=steps)
    assert OUTCOME not in str(told(swe_agent, path))
    notes = noted(swe_agent, path)
    assert "field that tells how the session ended: left out (info)" in notes
    assert "trajectory repeats the history: left out" in notes


def test_steps_are_read_where_the_history_is_missing(tmp_path: Path) -> None:
    steps = [{"action": "ls\n", "observation": "a.py", "response": "whole", "thought": "I look."}]
    path = written(tmp_path / "run.traj", {"environment": "e", "trajectory": steps, "history": [], "info": {}})
    assert swe_agent.looks_like(path)
    assert told(swe_agent, path) == [
        ("assistant/text", "I look."),
        ("assistant/tool_use", "ls"),
        ("tool/tool_result", "a.py"),
    ]


def test_thinking_blocks_are_thoughts(tmp_path: Path) -> None:
    thinking = [{"type": "thinking", "thinking": "hm", "signature": "x"}]
    path = trajectory(tmp_path, [called("ls", "{}", thinking_blocks=thinking)])
    assert told(swe_agent, path)[:2] == [("assistant/thinking", "hm"), ("assistant/text", "I look.")]


def test_trajectory_without_a_message_is_empty(tmp_path: Path) -> None:
    with pytest.raises(EmptyTranscript):
        list(swe_agent.read(trajectory(tmp_path, [])))


@pytest.mark.parametrize("text", ["[1, 2]", "", '{"history": [', "\x00\xff"])
def test_file_that_is_no_trajectory_is_refused_with_the_path(tmp_path: Path, text: str) -> None:
    path = tmp_path / "run.traj"
    path.write_text(text)
    assert not swe_agent.looks_like(path)
    with pytest.raises(TranscriptError, match=r"run\.traj"):
        list(swe_agent.read(path))


@settings(max_examples=80, suppress_health_check=list(HealthCheck), deadline=None)
@given(mutated({"history": CALLED + TYPED, "trajectory": [{"action": "a", "observation": "b"}], "info": {"x": 1}}))
def test_mutated_trajectories_never_crash(tmp_path: Path, value: Any) -> None:
    survives(swe_agent, written(tmp_path / "run.traj", value))
