"""What was said in another tool's transcript -> its sessions."""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from itertools import chain
from pathlib import Path
from typing import NamedTuple

from nextstep.core.records import Event
from nextstep.errors import EmptyTranscript
from nextstep.sources.notes import Notes
from nextstep.sources.reading import LONGEST_NAME, Reading, safe_name
from nextstep.sources.saying import Json, Said, is_storable, storable

NOTHING: tuple[object, ...] = (None, "", [], {})
"""What a field holds that says nothing; a score of 0 says something."""


class Spoken(NamedTuple):
    """Something said, with its time where the source tells it."""

    said: Said
    at: datetime | None = None


def events(spoken: Iterable[Spoken], notes: Notes) -> Iterator[Event]:
    """The events that what was said makes, counted from 0."""
    for idx, (said, at) in enumerate(spoken):
        if not is_storable(said.text):
            notes.remark("characters that cannot be stored: replaced")
        tool = storable(said.tool) if said.tool else None
        yield Event(idx=idx, role=said.role, kind=said.kind, text=storable(said.text), tool=tool, at=at)


def opened(reading: Reading) -> Reading | None:
    """The reading when it holds an event, None otherwise."""
    first = next(reading.events, None)
    if first is None:
        return None
    reading.events = chain([first], reading.events)
    return reading


def one_reading(reading: Reading, path: Path) -> Iterator[Reading]:
    """The only session of a transcript. Raises EmptyTranscript when it holds no event."""
    return sessions(path, [lambda _: reading])


def sessions(
    path: Path, attempts: Iterable[Callable[[Notes], Reading | None]], damage: Notes | None = None
) -> Iterator[Reading]:
    """The sessions of a transcript that hold an event, each under a name of its own.

    An attempt is given the notes to write into; those of one that came to nothing go to the session after it, or to
    the last. `damage` has notes on the whole file. Raises EmptyTranscript when none came.
    """
    held: Reading | None = None
    notes, names = damage or Notes(), set[str]()
    for attempt in attempts:
        reading = attempt(notes)
        if reading is None or opened(reading) is None:
            continue
        if held:
            yield held
        reading.name = _free(reading.name, names)
        held, notes = reading, Notes()
    if held is None:
        told = "; ".join(note.reason for note in notes.all())
        raise EmptyTranscript(f"{path}: holds no message{f' ({told})' if told else ''}; leave it out")
    for one in notes.all():
        if one.lines:
            held.notes.add(one.reason, *one.lines)
        else:
            held.notes.remark(one.reason, one.count)
    yield held


def _free(name: str, names: set[str]) -> str:
    """The name, numbered when an earlier session of the file has it."""
    free, number = name, 1
    while free in names:
        number += 1
        free = f"{name[: LONGEST_NAME - 8]}-{number}"
    names.add(free)
    return free


def part_name(path: Path, *parts: str) -> str:
    """The name of one of a file's sessions, from the file's name and the session's own."""
    return safe_name("-".join(filter(None, (path.stem, *parts))))


def no_human(notes: Notes, why: str) -> None:
    """Note that nothing in the session is a human's choice."""
    notes.remark(f"no human in this source: {why}")


def left_out(notes: Notes, document: Json, *keys: str) -> None:
    """Note which fields were there and left out because they tell how the session ended."""
    for key in keys:
        if document.get(key) not in NOTHING:
            notes.remark(f"field that tells how the session ended: left out ({key})")
