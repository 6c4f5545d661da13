"""tau-bench results -> sessions without a human: a model plays the customer."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from nextstep.sources.gathering import Spoken, events, left_out, no_human, part_name, sessions
from nextstep.sources.json_files import load, outline
from nextstep.sources.notes import Notes
from nextstep.sources.reading import Reading
from nextstep.sources.saying import Json
from nextstep.sources.tool_text import chat, items

NAME = "tau-bench"


def looks_like(path: Path) -> bool:
    """Whether the file begins as a tau-bench result, or a list of them."""
    return {"task_id", "reward", "traj", "traj.role"} <= outline(path).keys()


def read(path: Path) -> Iterator[Reading]:
    """A session for each task and trial. Raises TranscriptError, or EmptyTranscript for results without a message."""
    damage = Notes()
    document = load(path, damage)
    results = items(document if isinstance(document, list) else [document])
    attempts: list[Callable[[Notes], Reading]] = [partial(_reading, path, result) for result in results]
    return sessions(path, attempts, damage)


def _reading(path: Path, result: Json, notes: Notes) -> Reading:
    no_human(notes, "in tau-bench a model plays the user")
    left_out(notes, result, "reward", "info")
    tools: dict[str, str] = {}
    spoken = (Spoken(said) for message in items(result.get("traj")) for said in chat(message, tools))
    trial = result.get("trial")
    name = part_name(path, f"task{result.get('task_id')}", f"trial{trial}" if trial else "")
    return Reading(name=name, source=NAME, events=events(spoken, notes), notes=notes)
