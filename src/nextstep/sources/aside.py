"""A session in a file of its own, not part of the suite yet: written event by event, whole or not at all."""

import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from pathlib import Path

import msgspec

from nextstep.core.ids import ListId
from nextstep.core.records import Event, content_of, decode_event
from nextstep.errors import SuiteError
from nextstep.sources.suite import SESSIONS, Header, header_line

_NUMBER = count()


@dataclass(frozen=True)
class Aside:
    """A whole session in a file that is no part of the suite yet."""

    path: Path
    name: str
    """That it would have in the suite."""
    header: Header
    session_id: str
    events: int
    turns: int
    """Human events that say what to do next."""
    last_at: datetime | None
    """The latest time that any event tells."""
    longest: int
    """Bytes of the longest line of an event."""


def write_aside(folder: Path, name: str, header: Header, events: Iterable[Event]) -> Aside:
    """Write a session's events as they come to a hidden file in the suite folder, to be placed or discarded.

    Nothing is left behind when the events or the disk fail. Raises SuiteError when the file cannot be written.
    """
    path = sessions_folder(folder) / f".{name}.{os.getpid()}.{next(_NUMBER)}.part"
    identity, told, turns, longest = ListId("session"), 0, 0, 0
    last_at: datetime | None = None
    with _whole(path), path.open("wb", buffering=1 << 20) as file:
        file.write(header_line(header))
        for event in events:
            line = event.json()
            identity.add(content_of(line))
            longest = max(longest, file.write(line + b"\n"))
            told += 1
            turns += event.is_choice
            if event.at is not None and (last_at is None or event.at > last_at):
                last_at = event.at
    return Aside(path, name, header, identity.name(), told, turns, last_at, longest)


def retitle(aside: Aside, header: Header) -> Path:
    """A file with the same events under another header, beside the session's own."""
    path = aside.path.with_name(f".{aside.name}.{os.getpid()}.{next(_NUMBER)}.part")
    with _whole(path), aside.path.open("rb") as source, path.open("wb") as file:
        source.readline()
        file.write(header_line(header))
        shutil.copyfileobj(source, file)
    return path


def rewrite_aside(aside: Aside, change: Callable[[str], str]) -> Aside:
    """The same session with `change` applied to every text."""
    events = (
        msgspec.structs.replace(event, text=change(event.text), tool=event.tool and change(event.tool))
        for event in file_events(aside.path)
    )
    changed = write_aside(aside.path.parent.parent, aside.name, aside.header, events)
    aside.path.unlink()
    return changed


def sessions_folder(folder: Path) -> Path:
    """Where a suite's sessions stand; made if it is not there."""
    target = folder / SESSIONS
    try:
        target.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SuiteError([f"{target}: cannot be made ({error.strerror})"]) from error
    return target


@contextmanager
def _whole(path: Path) -> Iterator[None]:
    """The whole file or none of it, also when the disk is full."""
    try:
        yield
    except OSError as error:
        with suppress(OSError):
            path.unlink(missing_ok=True)
        raise SuiteError([f"{path}: cannot be written ({error.strerror})"]) from error
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def file_events(path: Path) -> Iterator[Event]:
    """The events of a session's file, one at a time."""
    with path.open("rb") as file:
        next(file, None)
        yield from (decode_event(line) for line in file if line.strip())
