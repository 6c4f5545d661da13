"""Claude Code transcripts -> sessions.

The order of lines is the order of events: timestamps are not monotone, and a walk along `parentUuid` would lose
everything before most compactions.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import BinaryIO, NamedTuple

from nextstep.core.records import Event, Kind, Record, Role, Session
from nextstep.errors import TranscriptError
from nextstep.sources.claude_code_line import Link, Operation, Step, Via, Written, abandoned, deliver
from nextstep.sources.claude_code_text import (
    Json,
    Said,
    blocks_of,
    dict_of,
    is_meta,
    is_sdk_driven,
    prompt_text,
    queued_prompt,
    said_by_assistant,
    said_by_system,
    said_by_user,
    said_in_queue,
    text_of,
)

SOURCE = "claude-code"
AGENT_SOURCE = "claude-code-agent"

SILENT = frozenset(
    "file-history-snapshot file-history-delta summary last-prompt ai-title custom-title agent-name agent-color "
    "agent-setting mode permission-mode pr-link progress worktree-state".split()
)
"""Record types without an event: bookkeeping, much of it about what came later (titles, summaries, last prompts)."""

NOTED_LINES = 20
"""Line numbers that a note keeps."""

PEEKED_LINES = 50
PEEKED_BYTES = 16_000_000

_SNAPSHOT = b'{"type":"file-history-snapshot"'
# Nearly half of a long transcript can be progress: its place in the tree is read without parsing the rest. Only plain
# values may stand before the type, so that it is the record's own.
_PROGRESS = re.compile(
    rb'\{"parentUuid":(?:null|"([^"\\]*)"),(?:"\w+":(?:"[^"\\]*"|true|false|null),)*"type":"progress",'
)
_PROGRESS_END = re.compile(rb'"uuid":"([^"\\]+)","timestamp":"([^"\\]*)"\}\s*$')
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


class Note(Record):
    """Something that the reader repaired, dropped or left out, and where."""

    reason: str
    count: int
    lines: tuple[int, ...] = ()
    """The first lines that it happened on, from 1."""


class Imported(Record):
    """A session as read from a transcript, and what had to be done to read it."""

    session: Session
    notes: tuple[Note, ...]


class Draft(NamedTuple):
    """An event before it is known whether its branch was left."""

    line: int
    uuid: str
    at: datetime | None
    said: Said


class Reading(NamedTuple):
    """What the lines of a transcript hold."""

    events: tuple[Event, ...]
    notes: tuple[Note, ...]
    started_at: datetime | None
    is_agent: bool
    """Whether all of it is a side chain: another agent's work, with no human at the prompt."""


def read_claude_code(path: Path) -> Imported:
    """The session in a transcript, with a note on everything that was repaired or left out.

    Raises TranscriptError when the file cannot be opened or holds no event; nothing inside a file is fatal otherwise.
    """
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            reading = read_lines(_numbered(file, digest))
    except OSError as error:
        raise TranscriptError(
            f"{path}: cannot be read ({error.strerror or error}); give the path of a Claude Code .jsonl file"
        ) from error
    if not reading.events:
        raise TranscriptError(
            f"{path}: holds no message of a Claude Code session{_because(reading.notes)}; "
            "leave it out, or give a session file from ~/.claude/projects"
        )
    session = Session(
        name=safe_name(path.stem),
        source=AGENT_SOURCE if reading.is_agent else SOURCE,
        sha256=digest.hexdigest(),
        started_at=reading.started_at,
        events=reading.events,
    )
    return Imported(session=session, notes=reading.notes)


def _numbered(file: BinaryIO, digest: "hashlib._Hash") -> Iterator[tuple[int, bytes]]:
    """The file's lines from 1, each added to the digest on its way."""
    for number, line in enumerate(file, 1):
        digest.update(line)
        yield number, line


def _because(notes: Iterable[Note]) -> str:
    told = "; ".join(f"{note.reason}: {note.count}" for note in notes)
    return f" ({told})" if told else ""


def safe_name(stem: str) -> str:
    """A file's stem as a session's name: letters, digits, dot, dash and underscore, never hidden or empty."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", stem).lstrip(".") or "session"


def looks_like_claude_code(path: Path) -> bool:
    """Whether the first lines that can be parsed are a Claude Code transcript's; False for what cannot be opened."""
    try:
        with path.open("rb") as file:
            lines = islice(iter(lambda: file.readline(PEEKED_BYTES), b""), PEEKED_LINES)
            return any(_is_own(record) for line in lines if (record := parse(line)[0]) is not None)
    except OSError:
        return False


def _is_own(record: Json) -> bool:
    """Whether a record has the fields that only Claude Code writes together."""
    kind = text_of(record.get("type"))
    if kind == "summary":
        return "leafUuid" in record
    if kind.startswith("file-history-"):
        return "messageId" in record or "snapshot" in record
    if kind in _READERS:
        return "sessionId" in record and (kind == "queue-operation" or "uuid" in record)
    return kind in SILENT and "sessionId" in record


def read_lines(lines: Iterable[tuple[int, bytes]]) -> Reading:
    """The events that numbered lines hold, on one line, with notes."""
    reader = _Reader()
    for number, line in lines:
        reader.add(number, line)
    return reader.finish()


def parse(line: bytes) -> tuple[Json | None, str]:
    """The record on a line and what was wrong with the line, if anything; None for what is no record."""
    problem = ""
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError:
        text, problem = line.decode("utf-8", "replace"), "bytes that are not UTF-8: replaced"
    try:
        record = json.loads(text.lstrip("\ufeff"))
    except (ValueError, RecursionError):
        return None, "no valid JSON: line left out"
    return (record, problem) if isinstance(record, dict) else (None, "no JSON object: line left out")


def timestamp(value: object) -> datetime | None:
    """A point in time as the program wrote it, UTC where it names no zone; None for anything else."""
    try:
        at = datetime.fromisoformat(text_of(value))
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


class _Track:
    """The records of one line of work: the session's own, or its side chains."""

    def __init__(self) -> None:
        self.drafts: list[Draft] = []
        self.links: list[Link] = []
        self.contents: dict[str, int] = {}
        self.talked = 0

    def last_uuid(self) -> str:
        return self.links[-1].uuid if self.links else ""


class _Notes:
    """Counts of what was repaired or left out, by reason."""

    def __init__(self) -> None:
        self.counts: dict[str, int] = {}
        self.lines: dict[str, list[int]] = {}

    def add(self, reason: str, line: int) -> None:
        self.counts[reason] = self.counts.get(reason, 0) + 1
        lines = self.lines.setdefault(reason, [])
        if len(lines) < NOTED_LINES:
            lines.append(line)

    def all(self) -> tuple[Note, ...]:
        return tuple(Note(reason=reason, count=n, lines=tuple(self.lines[reason])) for reason, n in self.counts.items())


class _Reader:
    """Goes over the lines once; `finish` then decides what was on the session's line."""

    def __init__(self) -> None:
        self.notes = _Notes()
        self.main, self.side = _Track(), _Track()
        self.tools: dict[str, str] = {}
        self.operations: list[Operation] = []
        self.queue_places: dict[int, tuple[str, datetime | None]] = {}
        self.written: list[Written] = []
        self.dequeues: list[int] = []
        self.side_lines: list[int] = []
        self.started_at: datetime | None = None

    # one line

    def add(self, number: int, line: bytes) -> None:
        """Take in a line."""
        if self.started_at is not None and self._skip(number, line):
            return
        if not line.strip():
            return
        record, problem = parse(line)
        if problem:
            self.notes.add(problem, number)
        if record is None:
            return
        if self.started_at is None:
            self.started_at = timestamp(record.get("timestamp"))
        self._take(number, record)

    def _skip(self, number: int, line: bytes) -> bool:
        """Whether the line needs no parsing; a progress record still gets its place in the tree."""
        if line.startswith(_SNAPSHOT):
            return line.rstrip().endswith(b"}")
        head = _PROGRESS.match(line)
        end = _PROGRESS_END.search(line, max(0, len(line) - 200)) if head else None
        if head is None or end is None:
            return False
        if b'"isSidechain":true' not in head[0]:
            parent = head[1].decode("utf-8", "replace") if head[1] is not None else None
            uuid, stamp = (end[group].decode("utf-8", "replace") for group in (1, 2))
            self.main.links.append(Link(number, uuid, parent, Step.OTHER, stamp))
        return True

    def _take(self, number: int, record: Json) -> None:
        kind = text_of(record.get("type"))
        read = _READERS.get(kind)
        if read is not None:
            read(self, number, record)
        elif kind in SILENT:
            self._link(self._track(number, record), number, record, Step.OTHER)
        else:
            self.notes.add(f"unknown record type {kind[:40]!r}: left out" if kind else "record without a type", number)

    # one record

    def _user(self, number: int, record: Json) -> None:
        track = self._track(number, record, talks=True)
        said = said_by_user(record, self.tools, agent=track is self.side)
        step = _user_step(record, said)
        self._draft(track, number, record, said, step)
        if track is self.side:
            return
        if is_sdk_driven(record) and any(one.kind is Kind.NOTE for one in said):
            self.notes.add("prompt sent by a program through the SDK: kept as a system note", number)
        if step is Step.RESULT:
            self.dequeues.clear()
        elif not is_meta(record):
            via = Via.DEQUEUED if self.dequeues else Via.TYPED
            self.written.append(Written(number, prompt_text(record), via, tuple(self.dequeues)))

    def _assistant(self, number: int, record: Json) -> None:
        track = self._track(number, record, talks=True)
        for block in blocks_of(dict_of(record.get("message")).get("content")):
            if text_of(block.get("type")).endswith("tool_use") and text_of(block.get("name")):
                self.tools[text_of(block.get("id"))] = block["name"]
        self._draft(track, number, record, said_by_assistant(record), Step.REPLY)
        if track is self.main:
            self.dequeues.clear()

    def _system(self, number: int, record: Json) -> None:
        said = said_by_system(record)
        step = Step.COMPACTION if record.get("subtype") == "compact_boundary" else Step.OTHER
        self._draft(self._track(number, record), number, record, said, step)

    def _attachment(self, number: int, record: Json) -> None:
        track = self._track(number, record)
        prompt = queued_prompt(record)
        said = said_in_queue(prompt, dict_of(record.get("attachment"))) if prompt else []
        self._draft(track, number, record, said, Step.OTHER)
        if prompt and track is self.main:
            self.written.append(Written(number, prompt, Via.ATTACHED, tuple(self.dequeues)))

    def _queue_operation(self, number: int, record: Json) -> None:
        name, text = text_of(record.get("operation")), text_of(record.get("content"))
        said = said_in_queue(text, {})
        is_human = any(one.kind is Kind.QUEUED for one in said)
        self.operations.append(Operation(number, name, text, is_human))
        self.queue_places[number] = (self.main.last_uuid(), timestamp(record.get("timestamp")))
        if name == "dequeue":
            self.dequeues.append(number)

    def _track(self, number: int, record: Json, *, talks: bool = False) -> _Track:
        """Where a record belongs. What a side chain says is kept only until the main line says something."""
        if record.get("isSidechain") is not True:
            self.main.talked += talks
            if self.main.talked and self.side.drafts:
                self.side = _Track()
            return self.main
        if talks:
            self.side_lines.append(number)
        return self.side

    def _draft(self, track: _Track, number: int, record: Json, said: list[Said], step: Step) -> None:
        """Put what a record says on its track, unless the same record stood there before."""
        uuid = text_of(record.get("uuid"))
        content = hash(tuple(said))
        if said and uuid and track.contents.setdefault(uuid, content) == content and self._seen(track, uuid, number):
            self.notes.add("record written twice: the second left out", number)
            return
        self._link(track, number, record, step)
        if track is self.side and self.main.talked:
            return
        at = timestamp(record.get("timestamp"))
        if said and at is None:
            self.notes.add("no usable timestamp", number)
        track.drafts.extend(Draft(number, track.last_uuid() if uuid else "", at, one) for one in said)
