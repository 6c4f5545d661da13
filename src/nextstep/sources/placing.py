"""Sessions on their way into a suite folder: written aside, event by event, and put in place whole.

No file is ever written over. A session that is there already is left as it is; of two snapshots of one session, where
one holds the other's events and more, only the longer one is kept, unless moments stand in the shorter one.
"""

import os
import re
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from time import time

import msgspec
from pydantic import ValidationError

from nextstep.core.ids import ListId
from nextstep.core.records import NO_EVENT, decode_event
from nextstep.errors import SuiteError
from nextstep.sources.aside import Aside, file_events, retitle, sessions_folder
from nextstep.sources.suite import MOMENTS, Header

A_WHILE_S = 600
PLACEHOLDER = re.compile(r"\[redacted-[a-z0-9-]+-\d+\]")


@dataclass(frozen=True)
class Placed:
    """Where a session stands in the suite."""

    status: str
    """new, known (it was there), grown (it took the place of its own beginning) or part (a longer one is there)."""
    name: str
    path: Path
    beside: str | None = None
    """Why another session of the same origin stays beside a new one."""


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
        for key in _keys(header):
            self._files.setdefault(key, []).append(path)

    def holds(self, name: str | None, sha256: str, origin: str | None) -> bool:
        """Whether the session of this name is the transcript's, or a longer snapshot of the same origin."""
        header = _header(self._free(name)) if name else None
        return header is not None and (header.sha256 == sha256 or (origin is not None and header.origin == origin))

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
        related = (path for key in _keys(aside.header) for path in self._files.get(key, ()) if path.exists())
        files = dict.fromkeys([*related, self._free(aside.name)])
        for path in files:
            header = _header(path)
            if header is None:
                continue
            seen = _version(path)
            status = _compare(aside, path)
            if status in ("grown", "part") and not (header.origin and header.origin == aside.header.origin):
                continue  # two sessions that begin alike, such as two samples of one log
            if status == "grown" and not self._is_used(path):
                grown = retitle(aside, aside.header.model_copy(update={"title": header.title, "lab": header.lab}))
                if _version(path) != seen:
                    grown.unlink()  # another import has just put a snapshot there
                    return self._there(aside)
                grown.replace(path)
                return Placed("grown", path.stem, path)
            if status in ("known", "part"):
                return Placed(status, path.stem, path)
        return None

    def _beside(self, aside: Aside) -> str | None:
        """Why the suite now has two sessions of one origin, where it has."""
        for path in (path for key in _keys(aside.header) for path in self._files.get(key, ())):
            header = _header(path)
            if header and header.redacted != aside.header.redacted:
                return f"beside {path.stem}, the same session {'' if header.redacted else 'not '}redacted"
            if header and self._is_used(path):
                return f"beside {path.stem}, an earlier snapshot in which moments stand"
        return None

    def _is_used(self, path: Path) -> bool:
        """Whether a moment may stand in the session of a file."""
        return f'"{path.stem}"' in self._moments

    def _free(self, name: str) -> Path:
        return self._folder / f"{name}.jsonl"

    def _new(self, aside: Aside) -> Placed:
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
            return Placed("new", name, path, self._beside(aside))
        raise SuiteError([f"{path}: stands in the way of session {aside.name}; move it away and import again"])


def _keys(header: Header | None) -> list[str]:
    """What two snapshots of one session share: the transcript's digest, or the name that its tool gave it."""
    return [key for key in (header.sha256, header.origin) if key] if header else []


def _clear_away(folder: Path) -> None:
    """Remove what an import left behind that was killed some minutes ago or longer."""
    for path in folder.glob(".*.part"):
        process = path.name.split(".")[-3]
        with suppress(FileNotFoundError):
            if time() - path.stat().st_mtime > A_WHILE_S and not _is_running(process):
                path.unlink()


def _is_running(process: str) -> bool:
    try:
        os.kill(int(process), 0)
    except (ValueError, ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True


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


def _version(path: Path) -> tuple[int, int]:
    """What changes when a file is written anew."""
    status = path.stat()
    return status.st_ino, status.st_mtime_ns


def _compare(aside: Aside, path: Path) -> str:
    """How a session is related to the one in a file: known, part (of it), grown (out of it) or other.

    A session with a secret replaced that stands in the file is grown, even when it is no longer.
    """
    has_secret = False
    with aside.path.open("rb") as ours, path.open("rb") as theirs:
        for skipped in (ours, theirs):
            skipped.readline()
        while (mine := ours.readline().strip()) and (other := theirs.readline().strip()):
            if mine != other and not _is_same_event(mine, other):
                if not _is_redacted_event(mine, other):
                    return "other"
                has_secret = True
        if mine:
            return "grown"
        if theirs.readline().strip():
            return "part"
        return "grown" if has_secret else "known"


def _is_same_event(mine: bytes, other: bytes) -> bool:
    """Whether two lines are one event in two spellings of JSON."""
    try:
        return decode_event(mine) == decode_event(other)
    except NO_EVENT:
        return False


def _is_redacted_event(mine: bytes, other: bytes) -> bool:
    """Whether the first line is the second one with more secrets replaced."""
    try:
        ours, theirs = decode_event(mine), decode_event(other)
    except NO_EVENT:
        return False
    alike = msgspec.structs.replace(ours, text=theirs.text) == theirs
    first, *pieces = PLACEHOLDER.split(ours.text)
    if not alike or not pieces or not theirs.text.startswith(first):
        return False
    at = len(first)
    for piece in pieces[:-1]:
        at = theirs.text.find(piece, at)
        if at < 0:
            return False
        at += len(piece)
    return theirs.text.endswith(pieces[-1]) and len(theirs.text) - len(pieces[-1]) >= at


def _identity(path: Path) -> str | None:
    """The session_id of a session's file; None for a file that holds none."""
    identity = ListId("session")
    try:
        for event in file_events(path):
            identity.add(event.content())
    except (*NO_EVENT, OSError):
        return None
    return identity.name()


def _header(path: Path) -> Header | None:
    """The header of a session's file; None for a file without one, which loading the suite will tell about."""
    try:
        with path.open("rb") as file:
            return Header.model_validate_json(file.readline())
    except (ValidationError, OSError):
        return None


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""
