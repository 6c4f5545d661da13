"""Claude Code records -> events.

The order of lines is the order of events: timestamps are not monotone, and a walk along `parentUuid` would lose
everything before most compactions.
"""

import json
import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from nextstep.core.records import Event, Kind, Role
from nextstep.sources.claude_code_line import Link, Operation, Step, Via, Written, abandoned, deliver
from nextstep.sources.claude_code_messages import said_by_assistant, said_by_user, tool_names, user_step
from nextstep.sources.claude_code_text import (
    Json,
    Said,
    content_text,
    dict_of,
    is_meta,
    is_sdk_driven,
    prompt_text,
    queued_prompt,
    said_by_system,
    said_in_queue,
    storable,
    text_of,
)
from nextstep.sources.notes import Note, Notes

SILENT = frozenset(
    {
        "progress",
        "file-history-snapshot",
        "file-history-delta",
        "summary",
        "last-prompt",
        "ai-title",
        "custom-title",
        "agent-name",
        "agent-color",
        "agent-setting",
        "mode",
        "permission-mode",
        "pr-link",
        "worktree-state",
    }
)
"""Record types without an event: bookkeeping, much of it about what came later (titles, summaries, last prompts)."""

SPEAKING = frozenset({"user", "assistant", "system", "attachment"})
"""Record types that may hold an event."""

# Control characters inside strings are no reason to lose a line.
_DECODER = json.JSONDecoder(strict=False)
_DAMAGED_PROMPT = "no valid JSON where a human may have spoken: line left out"
_PROMPT_START = re.compile(rb'"role": ?"user", ?"content": ?(?:"|\[\{"type": ?"text")')
_SNAPSHOT = b'{"type":"file-history-snapshot"'
# Nearly half of a long transcript can be progress: its place in the tree is read without parsing the rest. Only plain
# values may stand before the type, so that it is the record's own.
_PROGRESS = re.compile(
    rb'\{"parentUuid":(?:null|"([^"\\]*)"),(?:"\w+":(?:"[^"\\]*"|true|false|null),)*"type":"progress",'
)
_PROGRESS_END = re.compile(rb'"uuid":"([^"\\]+)","timestamp":"([^"\\]*)"\}\s*$')


class Draft(NamedTuple):
    """An event before it is known whether its branch was left."""

    line: int
    name: str
    """The uuid of its record, made unique; empty where the record has none."""
    at: datetime | None
    said: Said


class Reading(NamedTuple):
    """What the lines of a transcript hold."""

    events: tuple[Event, ...]
    notes: tuple[Note, ...]
    started_at: datetime | None
    is_agent: bool
    """Whether all of it is a side chain: another agent's work, with no human at the prompt."""


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
        record = _DECODER.decode(text.lstrip("\ufeff"))
    except (ValueError, RecursionError):
        return None, _DAMAGED_PROMPT if _PROMPT_START.search(line) else "no valid JSON: line left out"
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
        self.seen: dict[str, int | None] = {}
        """Each uuid with a digest of what its record says."""
        self.talks: list[int] = []
        """Lines of user and assistant records."""

    def place(self, link: Link, said: Sequence[Said]) -> str | None:
        """The name under which a record's events stand; None for a record that is here already."""
        content = hash(tuple(said)) if said else None
        if not link.uuid or link.uuid not in self.seen:
            if link.uuid:
                self.seen[link.uuid] = content
                self.links.append(link)
            return link.uuid
        if content == self.seen[link.uuid] or content is None:
            return None
        # Another record under a name that is taken: keep both.
        self.links.append(link._replace(uuid=f"{link.uuid}#{link.line}"))
        return self.links[-1].uuid


class _Reader:
    """Goes over the lines once; `finish` then decides what was on the session's line."""

    def __init__(self) -> None:
        self.notes = Notes()
        self.main, self.side = _Track(), _Track()
        self.tools: dict[str, str] = {}
        self.operations: list[Operation] = []
        self.places: dict[int, tuple[str, datetime | None]] = {}
        """Name and time for what the operation on a line delivers."""
        self.written: list[Written] = []
        self.dequeues: list[int] = []
        self.started_at: datetime | None = None

    def add(self, number: int, line: bytes) -> None:
        """Take in a line."""
        if (self.started_at is not None and self._skip(number, line)) or not line.strip():
            return
        record, problem = parse(line)
        if problem:
            self.notes.add(problem, number)
        if record is not None:
            self.started_at = self.started_at or timestamp(record.get("timestamp"))
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
            parent, uuid, stamp = ((part or b"").decode("utf-8", "replace") for part in (head[1], end[1], end[2]))
            self.main.place(Link(number, uuid, parent, Step.OTHER, stamp), [])
        return True

    def _take(self, number: int, record: Json) -> None:
        kind = text_of(record.get("type"))
        is_side = record.get("isSidechain") is True
        if kind in ("user", "assistant"):
            (self.side if is_side else self.main).talks.append(number)
        if is_side and self.main.talks:
            # Only a file without a line of its own is read for its side chains.
            return
        track = self.side if is_side else self.main
        match kind:
            case "user":
                self._user(track, number, record)
            case "assistant":
                self._assistant(track, number, record)
            case "system":
                is_boundary = record.get("subtype") == "compact_boundary"
                step = Step.COMPACTION if is_boundary else Step.OTHER
                self._draft(track, number, record, said_by_system(record), step)
            case "attachment":
                self._attachment(track, number, record)
            case "queue-operation":
                self._queue_operation(number, record)
            case _ if kind in SILENT:
                track.place(_link(number, record, Step.OTHER), [])
            case _:
                self.notes.add(storable(f"unknown record type {kind[:40]!r}: left out"), number)

    def _user(self, track: _Track, number: int, record: Json) -> None:
        said = said_by_user(record, self.tools, agent=track is self.side)
        step = user_step(record, said)
        self._draft(track, number, record, said, step)
        if is_sdk_driven(record) and any(one.kind is Kind.NOTE for one in said):
            self.notes.add("prompt sent by a program through the SDK: kept as a system note", number)
        if step is Step.RESULT:
            self.dequeues.clear()
        elif not is_meta(record):
            if self.dequeues and step is Step.PROMPT and len(track.talks) == 1:
                self.notes.add("first prompt came through the queue, as from a script: kept as the human's", number)
            via = Via.DEQUEUED if self.dequeues else Via.TYPED
            self.written.append(Written(number, prompt_text(record), via, tuple(self.dequeues)))

    def _assistant(self, track: _Track, number: int, record: Json) -> None:
        self.tools.update(tool_names(record))
        self._draft(track, number, record, said_by_assistant(record), Step.REPLY)
        self.dequeues.clear()

    def _attachment(self, track: _Track, number: int, record: Json) -> None:
        prompt = queued_prompt(record)
        said = said_in_queue(prompt, dict_of(record.get("attachment"))) if prompt else []
        self._draft(track, number, record, said, Step.OTHER)
        if prompt:
            self.written.append(Written(number, prompt, Via.ATTACHED, tuple(self.dequeues)))

    def _queue_operation(self, number: int, record: Json) -> None:
        name, text = text_of(record.get("operation")), content_text(record.get("content")).strip()
        is_human = any(one.role is Role.HUMAN for one in said_in_queue(text, {}))
        self.operations.append(Operation(number, name, text, is_human))
        # It has no place in the tree of its own: it goes where the record before it goes.
        before = self.main.links[-1].uuid if self.main.links else ""
        self.places[number] = (before, timestamp(record.get("timestamp")))
        if name == "dequeue":
            self.dequeues.append(number)

    def _draft(self, track: _Track, number: int, record: Json, said: Sequence[Said], step: Step) -> None:
        name = track.place(_link(number, record, step), said)
        if name is None:
            self.notes.add("record written a second time: left out", number)
            return
        at = timestamp(record.get("timestamp"))
        if said and at is None:
            self.notes.add("no usable timestamp: kept without one", number)
        track.drafts.extend(Draft(number, name, at, one) for one in said)

    def finish(self) -> Reading:
        """The events on the session's line."""
        is_agent = bool(self.side.drafts) and not self.main.talks
        track = self.side if is_agent else self.main
        if not is_agent:
            self.notes.add("record of a side chain: not on the session's line", *self.side.talks)
        drafts = track.drafts if is_agent else sorted([*track.drafts, *self._delivered()], key=lambda one: one.line)
        left = abandoned(track.links)
        self.notes.add(
            "event on a branch that the human went back from: left out", *(d.line for d in drafts if d.name in left)
        )
        events = self._events([draft for draft in drafts if draft.name not in left])
        return Reading(events, self.notes.all(), self.started_at, is_agent)

    def _delivered(self) -> list[Draft]:
        """The messages that only the queue holds, where they were delivered."""
        delivery = deliver(self.operations, self.written)
        self.notes.add("queued message taken back into the editor: left out there", *delivery.recalled)
        self.notes.add("queued message that was never delivered: left out", *delivery.undelivered)
        self.notes.add("message that only the queue holds: put where it was delivered", *delivery.messages)
        return [
            Draft(line, *self.places[line], said)
            for line, text in delivery.messages.items()
            for said in said_in_queue(text, {})
        ]

    def _events(self, drafts: Sequence[Draft]) -> tuple[Event, ...]:
        events = []
        for idx, (line, _, at, said) in enumerate(drafts):
            text = storable(said.text)
            if text is not said.text:
                self.notes.add("characters that cannot be stored: replaced", line)
            tool = storable(said.tool) if said.tool else None
            events.append(Event(idx=idx, role=said.role, kind=said.kind, text=text, tool=tool, at=at))
        return tuple(events)


def _link(number: int, record: Json, step: Step) -> Link:
    uuid, parent, stamp = (text_of(record.get(key)) for key in ("uuid", "parentUuid", "timestamp"))
    return Link(number, uuid, parent, step, stamp)
