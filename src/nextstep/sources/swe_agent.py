"""SWE-agent trajectories (.traj) -> sessions without a human.

`history` is read: it is what was said, in full. `trajectory` repeats its actions and observations step by step, and is
read only where the history is missing.
"""

from collections.abc import Iterator
from pathlib import Path

from nextstep.errors import TranscriptError
from nextstep.sources.gathering import Spoken, events, left_out, no_human, one_reading, part_name
from nextstep.sources.json_files import load, outline
from nextstep.sources.notes import Notes
from nextstep.sources.reading import Reading
from nextstep.sources.saying import Json, Said, note, text_of
from nextstep.sources.tool_text import calls, chat, items, returns, says

NAME = "swe-agent"

SHELL = "bash"
"""The tool of an action that is a line for the agent's shell."""


def looks_like(path: Path) -> bool:
    """Whether the file begins as a SWE-agent trajectory: steps of action and observation, or messages of an agent."""
    keys = outline(path).keys()
    history = "history.role" in keys and ("history.agent" in keys or "history.message_type" in keys)
    return history or {"trajectory.action", "trajectory.observation"} <= keys


def read(path: Path) -> Iterator[Reading]:
    """The session in a trajectory. Raises TranscriptError, or EmptyTranscript for one without a message."""
    notes = Notes()
    document = load(path, notes)
    if not isinstance(document, dict):
        raise TranscriptError(f"{path}: is no object with a history; give a .traj file of SWE-agent")
    no_human(notes, "a SWE-agent run, its task given once")
    left_out(notes, document, "info", "replay_config")
    history, steps = items(document.get("history")), items(document.get("trajectory"))
    if history and steps:
        notes.remark("trajectory repeats the history: left out")
    said = _history(history, notes) if history else _steps(steps)
    spoken = map(Spoken, said)
    return one_reading(Reading(name=part_name(path), source=NAME, events=events(spoken, notes), notes=notes), path)


def _history(history: list[Json], notes: Notes) -> Iterator[Said]:
    """What the messages say. In older versions an observation is a user's message that follows an action."""
    tools: dict[str, str] = {}
    acted = False
    for message in history:
        if message.get("is_demo"):
            notes.remark("demonstration of another task: kept as a system note")
            yield from chat({**message, "role": "system", "tool_calls": None}, tools)
        elif message.get("role") == "assistant":
            acted = bool(text_of(message.get("action")).strip())
            yield from _turn(message, tools)
        else:
            yield from chat(message, tools, user=_observed if acted else note)
            acted = False


def _turn(message: Json, tools: dict[str, str]) -> Iterator[Said]:
    """The agent's thought and action; a reply that could not be read as both is its text alone."""
    action = text_of(message.get("action")).strip()
    thought = text_of(message.get("thought"))
    content = thought if thought.strip() and (action or message.get("tool_calls")) else message.get("content")
    yield from chat({**message, "content": content}, tools)
    if action and not items(message.get("tool_calls")):
        yield calls(SHELL, action)


def _observed(text: str) -> Said:
    return returns(text, SHELL)


def _steps(steps: list[Json]) -> Iterator[Said]:
    """What the steps of a trajectory say."""
    for step in steps:
        thought = text_of(step.get("thought")) or text_of(step.get("response"))
        if thought.strip():
            yield says(thought)
        if action := text_of(step.get("action")).strip():
            yield calls(SHELL, action)
            yield _observed(text_of(step.get("observation")))
