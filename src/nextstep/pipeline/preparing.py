"""A transcript -> its sessions, redacted and written aside: the part of an import that runs in every process."""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from fnmatch import fnmatchcase
from itertools import tee
from pathlib import Path

import msgspec

from nextstep.core.records import Event
from nextstep.errors import EmptyTranscript, SuiteError, TranscriptError, UnknownFormat, UsageError
from nextstep.sources.aside import Aside, rewrite_aside, write_aside
from nextstep.sources.formats import AUTO, format_of, read_transcript
from nextstep.sources.notes import Note, Notes
from nextstep.sources.reading import Reading, safe_name
from nextstep.sources.redaction import Redactor
from nextstep.sources.saying import storable
from nextstep.sources.suite import FORMAT, Header

LONGEST_ORIGIN = 200


@dataclass(frozen=True)
class Wanted:
    """Which sessions an import takes; days are UTC, both included."""

    since: date | None = None
    until: date | None = None
    project: str | None = None
    """A pattern for the folder that the session worked in; without a wildcard, a part of it."""
    min_turns: int = 0
    """Human events that say what to do next, at least."""

    def __post_init__(self) -> None:
        """Refuse days that no session can fit."""
        if self.since and self.until and self.since > self.until:
            raise UsageError("--since is after --until, so no session can fit")

    def is_too_old(self, path: Path) -> bool:
        """Whether a file was last written before the first day."""
        return self.since is not None and _day(datetime.fromtimestamp(path.stat().st_mtime, UTC)) < self.since

    def before_reading(self, reading: Reading) -> str | None:
        """Why a session is not wanted, as far as its beginning tells."""
        if self.project is not None and not self._is_of_project(reading.project):
            return f"works in {reading.project or 'no folder that is told'}, which is not --project {self.project}"
        if self.until and reading.started_at and _day(reading.started_at) > self.until:
            return f"began on {_day(reading.started_at)}, after --until {self.until}"
        return None

    def after_reading(self, aside: Aside) -> str | None:
        """Why a session is not wanted, now that all of it was read."""
        if self.since and aside.last_at and _day(aside.last_at) < self.since:
            return f"ended on {_day(aside.last_at)}, before --since {self.since}"
        if aside.turns < self.min_turns:
            return f"has {aside.turns} human turns, fewer than --min-turns {self.min_turns}"
        return None

    def _is_of_project(self, project: str) -> bool:
        pattern = self.project or ""
        return fnmatchcase(project, pattern) if set(pattern) & set("*?[") else pattern in project


def _day(at: datetime) -> date:
    return at.astimezone(UTC).date()


@dataclass(frozen=True)
class Task:
    """A transcript to be prepared, and how."""

    path: Path
    suite: Path
    format_name: str = AUTO
    redact: bool = True
    wanted: Wanted = Wanted()
    known: frozenset[str] = frozenset()
    """Digests of transcripts that need not be read again."""
    was_named: bool = True
    """By the user, rather than found in a folder: then a file of no known format is refused, not skipped."""


@dataclass(frozen=True)
class Ready:
    """A session written aside, and what there is to say of its reading."""

    aside: Aside
    notes: tuple[Note, ...]


@dataclass(frozen=True)
class Prepared:
    """What became of one transcript so far."""

    path: Path
    sha256: str = ""
    size: int = 0
    status: str = "ready"
    """ready, known, empty, refused or skipped."""
    reason: str | None = None
    ready: tuple[Ready, ...] = ()
    complete: bool = True
    """Whether no filter left out any of its sessions."""


def prepare(task: Task) -> Prepared:
    """Read, redact and write aside the sessions of one transcript; what cannot be read is told, not raised."""
    done = Prepared(task.path)
    ready: list[Ready] = []
    if not task.path.is_file():
        status = "refused" if task.was_named else "skipped"
        return replace(done, status=status, reason=f"{_name(task.path)}: is no regular file; copy it to one first")
    try:
        if task.wanted.is_too_old(task.path):
            too_old = _of(task.path, f"last written before --since {task.wanted.since}")
            return replace(done, status="skipped", reason=too_old)
        done = replace(done, sha256=_digest(task.path), size=task.path.stat().st_size)
        if done.sha256 in task.known:
            return replace(done, status="known")
        reason: str | None = None
        for reading in read_transcript(task.path, task.format_name):
            one = _session(task, reading, done.sha256)
            reason = _of(task.path, one) if isinstance(one, str) else reason
            if isinstance(one, Ready):
                ready.append(one)
        status = "ready" if ready else "skipped"
        return replace(done, status=status, reason=reason, ready=tuple(ready), complete=reason is None)
    except (TranscriptError, OSError) as error:
        discard(ready)
        return replace(done, status=_status(error, task), reason=_of(None, _told(error, task)))
    except SuiteError:
        discard(ready)
        raise
    except Exception as error:  # a bug, and no reason to lose the other transcripts
        discard(ready)
        told = f"could not be read because of a bug in nextstep ({type(error).__name__}); please report it"
        return replace(done, status="refused", reason=_of(task.path, told))


def _status(error: Exception, task: Task) -> str:
    if isinstance(error, EmptyTranscript):
        return "empty" if task.format_name == AUTO else "refused"
    return "skipped" if isinstance(error, UnknownFormat) and not task.was_named else "refused"


def _told(error: Exception, task: Task) -> str:
    if isinstance(error, OSError):
        return f"{task.path}: cannot be read ({error.strerror or error}); make it readable, or leave it out"
    other = format_of(task.path) if task.format_name != AUTO else None
    hint = f" (it looks like {other}, not {task.format_name})" if other not in (None, task.format_name) else ""
    return f"{error}{hint}"


def _of(path: Path | None, reason: str) -> str:
    """A reason with the file's name, for people and for the store: no secret in it, and nothing that is no text."""
    whole = f"{path}: {reason}" if path else reason
    return Redactor().redact(whole.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace"))


def _name(path: Path) -> str:
    return _of(None, str(path))


def discard(ready: Iterable[Ready]) -> None:
    """Take away the files of sessions that will not be placed."""
    for one in ready:
        one.aside.path.unlink(missing_ok=True)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _session(task: Task, reading: Reading, sha256: str) -> Ready | str:
    """One session written aside, or why it is not wanted."""
    if reason := task.wanted.before_reading(reading):
        return reason
    redactor = Redactor() if task.redact else None
    header = Header(
        type="session",
        format=FORMAT,
        source=reading.source,
        title=_clean(redactor, storable(reading.title)),
        started_at=reading.started_at,
        sha256=sha256,
        origin=_clean(redactor, storable(reading.origin))[:LONGEST_ORIGIN] or None,
        redacted=task.redact,
    )
    name = safe_name(_clean(redactor, reading.name))
    aside = write_aside(task.suite, name, header, _cleaned(redactor, reading.events))
    if redactor and redactor.needs_sweep:
        aside = _swept(aside, redactor, reading.notes)
    if reason := task.wanted.after_reading(aside):
        aside.path.unlink()
        return reason
    for kind, count in redactor.counts.items() if redactor else ():
        reading.notes.redacted(kind, count)
    notes = reading.notes.all()
    # A reason may name what stood in the transcript, such as an unknown type of record.
    return Ready(aside, tuple(note.model_copy(update={"reason": _clean(redactor, note.reason)}) for note in notes))


def _swept(aside: Aside, redactor: Redactor, notes: Notes) -> Aside:
    """The session with what later texts gave away replaced in the earlier ones too."""
    before = redactor.counts.total()
    swept = rewrite_aside(aside, redactor.sweep)
    if found := redactor.counts.total() - before:
        notes.remark("secret that only a later text gave away: replaced before it too", found)
    return swept


def _clean(redactor: Redactor | None, text: str) -> str:
    return redactor.redact(text) if redactor else text


def _cleaned(redactor: Redactor | None, events: Iterator[Event]) -> Iterator[Event]:
    """The events without secrets."""
    if redactor is None:
        yield from events
        return
    events, ahead = tee(events)
    texts = redactor.redact_all(event.text for event in ahead)
    tools: dict[str | None, str | None] = {None: None}
    for event in events:
        if event.tool not in tools:
            tools[event.tool] = redactor.redact(event.tool or "")
        text, tool = next(texts), tools[event.tool]
        is_clean = text is event.text and tool == event.tool
        yield event if is_clean else msgspec.structs.replace(event, text=text, tool=tool)
