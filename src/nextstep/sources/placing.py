"""Sessions on their way into a suite folder: written aside, event by event, and put in place whole.

No file is ever written over. A session that is there already is left as it is; of two snapshots of one session, where
one holds the other's events and more, only the longer one is kept, unless moments stand in the shorter one.
"""

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from pathlib import Path
from time import time

from pydantic import ValidationError

from nextstep.core.ids import ListId
from nextstep.core.records import Event
from nextstep.errors import SuiteError
from nextstep.sources.suite import MOMENTS, SESSIONS, Header, event_line, header_line

_NUMBER = count()
A_DAY_S = 86_400


@dataclass(frozen=True)
class Aside:
    """A whole session in a file that is no part of the suite yet."""

    path: Path
    name: str
    """That it would have in the suite."""
    header: Header
    session_id: str
    events: int
    choices: int
    """Human events at which a moment could stand."""
    last_at: datetime | None
    """The latest time that any event tells."""
    longest: int
    """Bytes of the longest line of an event."""


@dataclass(frozen=True)
class Placed:
    """Where a session stands in the suite."""

    status: str
    """new, known (it was there), grown (it took the place of its own beginning) or part (a longer one is there)."""
    name: str
    path: Path
    replaced: Path | None = None
    """Of a session that has grown: the file of its beginning, which is gone."""


def write_aside(folder: Path, name: str, header: Header, events: Iterable[Event]) -> Aside:
    """Write a session's events as they come to a hidden file in the suite folder, to be placed or discarded.

    Nothing is left behind when the events or the disk fail. Raises SuiteError when the file cannot be written.
    """
    path = sessions_folder(folder) / f".{name}.{os.getpid()}.{next(_NUMBER)}.part"
    identity, told, choices, longest = ListId("session"), 0, 0, 0
    last_at: datetime | None = None
    with _whole(path), path.open("wb", buffering=1 << 20) as file:
        file.write(header_line(header))
        for event in events:
            content = event.content()
            identity.add(content)
            longest = max(longest, file.write(event_line(event.idx, content)))
            told += 1
            choices += event.is_choice
            if event.at is not None and (last_at is None or event.at > last_at):
                last_at = event.at
    return Aside(path, name, header, identity.name(), told, choices, last_at, longest)


def rewrite_aside(aside: Aside, change: Callable[[str], str]) -> Aside:
    """The same session with `change` applied to every text."""
    events = (
        event.model_copy(update={"text": change(event.text), "tool": change(event.tool) if event.tool else event.tool})
        for event in _events(aside.path)
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
        path.unlink(missing_ok=True)
        raise SuiteError([f"{path}: cannot be written ({error.strerror})"]) from error
    except BaseException:
        path.unlink(missing_ok=True)
        raise


class Shelf:
    """The sessions of a suite folder, by the transcripts they came from."""

    def __init__(self, folder: Path) -> None:
        self._folder = sessions_folder(folder)
        self._moments = _text(folder / MOMENTS)
        _clear_away(self._folder)
        self._files: dict[str, list[Path]] = {}
        """By the transcript's digest, and by the session's own name in the tool that wrote it."""
        for path in sorted(self._folder.glob("*.jsonl")):
            self._note(path, _header(path))

    def _note(self, path: Path, header: Header | None) -> None:
        for key in (header.sha256, header.origin) if header else ():
            if key:
                self._files.setdefault(key, []).append(path)

    def place(self, aside: Aside) -> Placed:
        """Put a session in its place, or discard it when all of it is there."""
        try:
            placed = self._there(aside) or self._new(aside)
        finally:
            aside.path.unlink(missing_ok=True)
        if placed.status in ("new", "grown"):
            self._note(placed.path, aside.header)
        return placed

    def _there(self, aside: Aside) -> Placed | None:
        """The place of a session that is in the suite, whole or as a part of a longer one."""
        keys = filter(None, (aside.header.sha256, aside.header.origin))
        files = dict.fromkeys([*(path for key in keys for path in self._files.get(key, ())), self._free(aside.name)])
        for path in filter(_header, files):
            status = _compare(aside, path)
            if status == "grown" and not self._is_used(path):
                path.unlink()
                return self._new(aside, replaced=path)
            if status in ("known", "part"):
                return Placed(status, path.stem, path)
        return None

    def _is_used(self, path: Path) -> bool:
        """Whether a moment may stand in the session of a file."""
        return f'"{path.stem}"' in self._moments

    def _free(self, name: str) -> Path:
        return self._folder / f"{name}.jsonl"

    def _new(self, aside: Aside, replaced: Path | None = None) -> Placed:
        for name in (aside.name, f"{aside.name}-{aside.session_id[:8]}"):
            path = self._free(name)
            try:
                _put(aside.path, path)
            except FileExistsError:
                if _identity(path) == aside.session_id:
                    return Placed("known", name, path)
                continue
            except OSError as error:
                raise SuiteError([f"{path}: cannot be written ({error.strerror})"]) from error
            return Placed("grown" if replaced else "new", name, path, replaced)
        raise SuiteError([f"{path}: stands in the way of session {aside.name}; move it away and import again"])


def _clear_away(folder: Path) -> None:
    """Remove what an import that was killed left behind a day ago or longer."""
    for path in folder.glob(".*.part"):
        if time() - path.stat().st_mtime > A_DAY_S:
            path.unlink(missing_ok=True)


def _put(source: Path, target: Path) -> None:
    """Give a file another name; raises FileExistsError when that is taken."""
    try:
        os.link(source, target)  # unlike a renamed file, a link never takes another's place
    except FileExistsError:
        raise
    except OSError:  # a file system without links
        if target.exists():
            raise FileExistsError from None
        source.rename(target)


def _compare(aside: Aside, path: Path) -> str:
    """How a session is related to the one in a file: known, part (of it), grown (out of it) or other."""
    with aside.path.open("rb") as ours, path.open("rb") as theirs:
        for skipped in (ours, theirs):
            skipped.readline()
        while (mine := ours.readline().strip()) and (other := theirs.readline().strip()):
            if mine != other and not _is_same_event(mine, other):
                return "other"
        if mine:
            return "grown"
        return "part" if theirs.readline().strip() else "known"


def _is_same_event(mine: bytes, other: bytes) -> bool:
    """Whether two lines are one event in two spellings of JSON."""
    try:
        return Event.model_validate_json(mine) == Event.model_validate_json(other)
    except ValidationError:
        return False


def _identity(path: Path) -> str | None:
    """The session_id of a session's file; None for a file that holds none."""
    identity = ListId("session")
    try:
        for event in _events(path):
            identity.add(event.content())
    except (ValidationError, OSError, UnicodeDecodeError):
        return None
    return identity.name()


def _events(path: Path) -> Iterator[Event]:
    with path.open(encoding="utf-8", newline="\n") as file:
        next(file, None)
        yield from (Event.model_validate_json(line) for line in file if line.strip())


def _header(path: Path) -> Header | None:
    """The header of a session's file; None for a file without one, which loading the suite will tell about."""
    try:
        with path.open("rb") as file:
            return Header.model_validate_json(file.readline())
    except (ValidationError, OSError):
        return None


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""
