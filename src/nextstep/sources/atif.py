"""Agent Trajectory Interchange Format (ATIF) documents -> sessions.

A step of source `user` is a human's only where the document lets one speak again after the agent began: a document
whose users speak before the agent alone is a task given to an agent, most often by a benchmark's harness.
"""

from collections.abc import Iterator
from pathlib import Path

from nextstep.core.records import Kind
from nextstep.errors import TranscriptError
from nextstep.sources.gathering import Spoken, events, left_out, no_human, one_reading, part_name
from nextstep.sources.json_files import load, outline
from nextstep.sources.notes import Notes
from nextstep.sources.reading import Reading
from nextstep.sources.saying import Json, Said, dict_of, human, note, text_of, timestamp
from nextstep.sources.tool_text import calls, content_text, items, returns, says, thinks

NAME = "atif"

HARNESSES = frozenset({"terminus", "terminus-1", "terminus-2", "mini-swe-agent", "swe-agent", "nop", "oracle"})
"""Agents that nobody sits at: only a benchmark's harness speaks to them."""
SIMULATED = ("simulated", "simulated_user", "user_simulator", "benchmark", "dataset", "task_id", "trial_id")
"""Keys of `extra` with which a document says that no human was there."""


def looks_like(path: Path) -> bool:
    """Whether the file begins as an ATIF document."""
    keys = outline(path)
    return "" not in keys and keys.get("schema_version", "").startswith("ATIF-")


def read(path: Path) -> Iterator[Reading]:
    """The session in a document. Raises TranscriptError, or EmptyTranscript for one in which nothing is said."""
    notes = Notes()
    document = load(path, notes)
    if not isinstance(document, dict) or not isinstance(document.get("steps"), list):
        raise TranscriptError(f"{path}: has no list of steps; give an ATIF trajectory.json")
    steps = items(document["steps"])
    why = _machine_reason(document, steps)
    if why:
        no_human(notes, why)
    left_out(notes, document, "final_metrics", "notes", "extra", "subagent_trajectories")
    spoken = _spoken(steps, notes, with_human=not why)
    reading = Reading(
        name=part_name(path),
        source=NAME,
        events=events(spoken, notes),
        notes=notes,
        started_at=next((at for step in steps if (at := timestamp(step.get("timestamp")))), None),
    )
    return one_reading(reading, path)


def _machine_reason(document: Json, steps: list[Json]) -> str:
    """Why no human speaks in a document; empty when one does."""
    agent = dict_of(document.get("agent"))
    extras = (dict_of(document.get("extra")), dict_of(agent.get("extra")))
    if told := next((key for extra in extras for key in SIMULATED if extra.get(key)), None):
        return f"extra says {told}"
    if text_of(agent.get("name")).lower() in HARNESSES:
        return "an agent that only a benchmark's harness speaks to"
    sources = [step.get("source") for step in steps if not step.get("is_copied_context")]
    first = sources.index("agent") if "agent" in sources else len(sources)
    return "" if "user" in sources[first:] else "the task is given before the agent begins, and nobody speaks after it"


def _spoken(steps: list[Json], notes: Notes, *, with_human: bool) -> Iterator[Spoken]:
    tools: dict[str, str] = {}
    for step in steps:
        if step.get("is_copied_context"):
            notes.remark("step copied from an earlier trajectory: users' words kept as a system note")
        if step.get("metrics"):
            notes.remark("metrics of a step: left out")
        is_human = with_human and not step.get("is_copied_context")
        at = timestamp(step.get("timestamp"))
        yield from (Spoken(said, at) for said in _said(step, tools, notes, is_human=is_human))


def _said(step: Json, tools: dict[str, str], notes: Notes, *, is_human: bool) -> Iterator[Said]:
    """What a step says: reasoning, words, calls, and what came of them."""
    text, source = content_text(step.get("message")), step.get("source")
    if source == "agent":
        if (thought := text_of(step.get("reasoning_content"))).strip():
            yield thinks(thought)
        if text.strip():
            yield says(text)
    elif text.strip():
        yield human(Kind.TEXT, text) if source == "user" and is_human else note(text)
    if source not in ("agent", "user", "system"):
        notes.remark("step of an unknown source: kept as a system note")
    for call in items(step.get("tool_calls")):
        name = text_of(call.get("function_name"))
        tools[text_of(call.get("tool_call_id"))] = name
        yield calls(name, call.get("arguments"))
    yield from _results(step, tools, notes)


def _results(step: Json, tools: dict[str, str], notes: Notes) -> Iterator[Said]:
    """What tools gave back. Trajectories of sub-agents are other documents, and not read."""
    for result in items(dict_of(step.get("observation")).get("results")):
        if result.get("subagent_trajectory_ref"):
            notes.remark("reference to a sub-agent's trajectory: left out")
        text, name = content_text(result.get("content")), tools.get(text_of(result.get("source_call_id")))
        if name is not None or text:
            yield returns(text, name or None) if step.get("source") == "agent" else note(text)
