"""OpenHands event lists, and evaluations' output.jsonl -> sessions.

In an event list the user is the human at the prompt; in an evaluation a program plays the user.
"""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from nextstep.sources.gathering import Spoken, events, left_out, no_human, part_name, sessions
from nextstep.sources.json_files import decode_line, load, numbered_lines, outline
from nextstep.sources.notes import Notes
from nextstep.sources.openhands.reader import Events
from nextstep.sources.reading import Reading
from nextstep.sources.saying import Json, text_of, timestamp
from nextstep.sources.tool_text import items

NAME = "openhands"

OUTCOMES = ("test_result", "metrics", "error", "report", "llm_completions")
SENDERS = frozenset({"user", "agent", "environment"})


def looks_like(path: Path) -> bool:
    """Whether the file begins as a list of OpenHands events, or as an evaluation's instances."""
    keys = outline(path)
    if "" in keys:
        done = {"action", "args"} <= keys.keys() or {"observation", "content"} <= keys.keys()
        return done and keys.get("source") in SENDERS
    return "instance_id" in keys and ("history" in keys or {"instance", "test_result", "metadata"} <= keys.keys())


def read(path: Path) -> Iterator[Reading]:
    """The session of an event list, or one for each instance of an evaluation.

    Raises TranscriptError, or EmptyTranscript for a file without a message.
    """
    if "" in outline(path):
        damage = Notes()
        listed = items(load(path, damage))
        return sessions(path, [partial(_reading, part_name(path), listed, with_human=True)], damage)
    return sessions(path, _instances(path))


def _instances(path: Path) -> Iterator[Callable[[Notes], Reading | None]]:
    """An attempt for each line, made while the file is read."""
    for number, line in numbered_lines(path):
        yield partial(_instance, path, number, line)


def _instance(path: Path, number: int, line: bytes, notes: Notes) -> Reading | None:
    value = decode_line(number, line, notes)
    if not isinstance(value, dict):
        return None
    history = items(_flat(value.get("history")))
    if not history:
        notes.add("instance without a history: left out", number)
        return None
    no_human(notes, "an OpenHands evaluation, a program plays the user")
    left_out(notes, value, *OUTCOMES)
    name = part_name(path, text_of(value.get("instance_id")))
    return _reading(name, history, notes, with_human=False)


def _flat(history: object) -> object:
    """The events one by one: older evaluations kept them as pairs of action and observation."""
    if not isinstance(history, list):
        return None
    return [event for entry in history for event in (entry if isinstance(entry, list) else [entry])]


def _reading(name: str, listed: list[Json], notes: Notes, *, with_human: bool) -> Reading:
    said = Events(notes, with_human=with_human)
    spoken = (Spoken(one, timestamp(event.get("timestamp"))) for event in listed for one in said.of(event))
    started = next((at for event in listed if (at := timestamp(event.get("timestamp")))), None)
    return Reading(name=name, source=NAME, events=events(spoken, notes), notes=notes, started_at=started)
