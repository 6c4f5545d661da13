"""Claude Code records -> events.

The order of lines is the order of events: timestamps are not monotone, and a walk along `parentUuid` would lose
everything before most compactions.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from heapq import merge

from nextstep.core.records import Event, Kind, Role
from nextstep.sources.claude_code.messages import said_by_assistant, said_by_user, user_step
from nextstep.sources.claude_code.queue import NEAR, Delivery, Operation, Via, Written, deliver
from nextstep.sources.claude_code.record import UNDECODABLE, Line, decode, parse
from nextstep.sources.claude_code.text import (
    content_text,
    is_sdk_driven,
    meta_reason,
    prompt_text,
    queued_prompt,
    said_by_system,
    said_in_queue,
)
from nextstep.sources.claude_code.track import Draft, Track
from nextstep.sources.claude_code.tree import COMPACTION, OTHER, PROMPT, REPLY, RESULT, Step
from nextstep.sources.notes import Notes
from nextstep.sources.saying import LONGEST_LINE, TOO_LONG, Said, dict_of, is_storable, storable, timestamp

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

TALKS = frozenset({"user", "assistant"})
SPEAKING = frozenset({"user", "assistant", "system", "attachment"})
"""Record types that may hold an event."""

BY_PROGRAM = "prompt sent by a program through the SDK: kept as a system note"


class Reader:
    """Goes over a transcript's lines once; `finish` then decides what was on the session's line."""

    def __init__(self) -> None:
        self.notes = Notes()
        self.main, self.side = Track(), Track()
        self.started_at: datetime | None = None
        self.session_id = self.agent_id = self.project = ""
        self._lines = 0
        self._has_begun = False
        self._entrypoint: str | None = None
        self._tools: dict[str, str] = {}
        self._operations: list[Operation] = []
        self._places: dict[int, tuple[int, datetime | None]] = {}
        """Node and time for what the operation on a line delivers."""
        self._written: list[Written] = []
        self._dequeues: deque[int] = deque(maxlen=NEAR)
        self._left: set[int] = set()
        self._delivered: list[Draft] = []
        self._entered: dict[int, int] = {}
        """Line on which a message went into the queue, by the line on which it was delivered."""

    @property
    def is_agent(self) -> bool:
        """Whether all of it is a side chain: another agent's work, with no human at the prompt."""
        return bool(self.side.drafts) and not self.main.talks

    def add(self, lines: Iterable[bytes]) -> None:
        """Take in the next lines."""
        take, number = self._take, self._lines
        for line in lines:
            number += 1
            try:
                record = decode(line)
            except UNDECODABLE:
                if (odd := self._odd(number, line)) is None:
                    continue
                record = odd
            take(number, record)
        self._lines = number

    def _odd(self, number: int, line: bytes) -> Line | None:
        """What can be saved of a line that is not as it should be."""
        if len(line) > LONGEST_LINE:
            self.notes.add(TOO_LONG, number)
            return None
        if not line or line.isspace():
            return None
        record, problem = parse(line)
        if problem:
            self.notes.add(problem, number)
        return record

    def _begin(self, record: Line) -> None:
        self.started_at = self.started_at or timestamp(record.timestamp)
        self.session_id = self.session_id or record.session_id or ""
        self.agent_id = self.agent_id or record.agent_id or ""
        self.project = self.project or record.cwd or ""
        self._has_begun = bool(self.started_at and self.session_id and self.project)

    def _take(self, number: int, record: Line) -> None:
        if not self._has_begun:
            self._begin(record)
        kind, track = record.type, self.main
        if record.is_sidechain:
            track = self.side
        if kind in TALKS:
            track.talks.append(number)
        if track is self.side and self.main.talks:
            # Only a file without a line of its own is read for its side chains.
            if kind == "user":
                self.notes.sender("side-chain", number)
            return
        (_BY_TYPE.get(kind) or Reader._unknown)(self, track, number, record)

    def _system(self, track: Track, number: int, record: Line) -> None:
        step = COMPACTION if record.subtype == "compact_boundary" else OTHER
        self._draft(track, number, record, said_by_system(record), step)

    def _silent(self, track: Track, _: int, record: Line) -> None:
        if record.uuid:
            track.place(record, (), OTHER)

    def _unknown(self, _: Track, number: int, record: Line) -> None:
        self.notes.add(storable(f"unknown record type {(record.type or '')[:40]!r}: left out"), number)

    def _user(self, track: Track, number: int, record: Line) -> None:
        said = said_by_user(record, self._tools, agent=track is self.side)
        step = user_step(record, said)
        self._draft(track, number, record, said, step)
        if len(said) == 1:
            self.notes.sender(said[0].why, number)
        else:
            for code in dict.fromkeys(one.why for one in said) or ("empty",):
                self.notes.sender(code, number)
        if step is RESULT:
            self._dequeues.clear()
            return
        if is_sdk_driven(record) and any(one.kind is Kind.NOTE for one in said):
            self.notes.add(BY_PROGRAM, number)
        self._entrypoint = record.entrypoint or self._entrypoint
        if self._operations and not meta_reason(record):
            if self._dequeues and step is PROMPT and len(track.talks) == 1:
                self.notes.add("first prompt came through the queue, as from a script: kept as the human's", number)
            via = Via.DEQUEUED if self._dequeues else Via.TYPED
            self._written.append(Written(number, prompt_text(record), via, tuple(self._dequeues)))

    def _assistant(self, track: Track, number: int, record: Line) -> None:
        self._draft(track, number, record, said_by_assistant(record, self._tools), REPLY)
        self._dequeues.clear()

    def _attachment(self, track: Track, number: int, record: Line) -> None:
        prompt = queued_prompt(record)
        given = dict_of(record.attachment)
        is_side = track is self.side
        said = said_in_queue(prompt, given, agent=is_side, entrypoint=record.entrypoint) if prompt else []
        self._draft(track, number, record, said, OTHER)
        if prompt:
            self._written.append(Written(number, prompt, Via.ATTACHED, tuple(self._dequeues)))

    def _queue_operation(self, _: Track, number: int, record: Line) -> None:
        name, text = record.operation or "", content_text(record.content).strip()
        is_human = any(one.role is Role.HUMAN for one in said_in_queue(text, {}))
        self._operations.append(Operation(number, name, text, is_human))
        # It has no place in the tree of its own: it goes where the record before it goes.
        self._places[number] = (len(self.main.tree) - 1, timestamp(record.timestamp))
        if name == "dequeue":
            self._dequeues.append(number)

    def _draft(self, track: Track, number: int, record: Line, said: Sequence[Said], step: Step) -> None:
        node = track.place(record, said, step)
        if node is None:
            self.notes.add("record written a second time: left out", number)
            return
        if said:
            at, append = timestamp(record.timestamp), track.drafts.append
            for one in said:
                append(self._drafted(number, node, at, one), len(one.text))

    def _drafted(self, number: int, node: int, at: datetime | None, said: Said) -> Draft:
        text, tool = said.text, said.tool
        if "\0" in text or not (text.isascii() or is_storable(text)) or (tool and not is_storable(tool)):
            self.notes.add("characters that cannot be stored: replaced", number)
            text, tool = storable(text), storable(tool or "") or None
        return Draft(number, node, at, said.role, said.kind, text, tool)

    def finish(self) -> None:
        """Decide what was on the session's line."""
        if not self.is_agent:
            self.notes.add("record of a side chain: not on the session's line", *self.side.talks)
            delivery = deliver(self._operations, self._written)
            self.notes.add("queued message taken back into the editor: left out there", *delivery.recalled)
            self.notes.add("queued message that was never delivered: left out", *delivery.undelivered)
            self.notes.add("queued message in other words after its dequeue: left out", *delivery.reworded)
            self.notes.add("message that only the queue holds: put where it was delivered", *delivery.messages)
            self._delivered = self._deliver(delivery)
            self._entered = {line: message.entered for line, message in delivery.messages.items()}
        else:
            self.notes.add("event beside an agent's side chain: left out", *(draft.line for draft in self.main.drafts))
            entered = (op.line for op in self._operations if op.is_human and op.name == "enqueue")
            self.notes.add("queued message beside an agent's side chain: left out", *entered)
        self._left = self._track.tree.abandoned()
        if self._left:
            self.notes.add(
                "event on a branch that the human went back from: left out",
                *(draft.line for draft in self._track.drafts if draft.node in self._left),
            )
            self.notes.add(
                "queued message on a branch that the human went back from: left out",
                *sorted(self._entered[draft.line] for draft in self._delivered if draft.node in self._left),
            )

    @property
    def _track(self) -> Track:
        return self.side if self.is_agent else self.main

    def _drafts(self) -> Iterator[Draft]:
        """Everything that was said, in the order of the lines."""
        drafts = iter(self._track.drafts)
        return merge(drafts, self._delivered, key=lambda draft: draft.line) if self._delivered else drafts

    def _deliver(self, delivery: Delivery) -> list[Draft]:
        """The messages that only the queue holds, where they were delivered."""
        drafts = []
        for line, message in sorted(delivery.messages.items()):
            said = said_in_queue(message.text, {}, entrypoint=self._entrypoint)
            if any(one.why == "sdk" for one in said):
                self.notes.add(BY_PROGRAM, line)
            drafts += [self._drafted(line, *self._places[line], one) for one in said]
        return drafts

    def events(self) -> Iterator[Event]:
        """The events on the session's line, in order. Only after `finish`."""
        left = self._left
        live = (draft for draft in self._drafts() if draft.node not in left) if left else self._drafts()
        for idx, draft in enumerate(live):
            if draft.at is None:
                self.notes.add("no usable timestamp: kept without one", draft.line)
            yield Event(idx=idx, role=draft.role, kind=draft.kind, text=draft.text, tool=draft.tool, at=draft.at)


_BY_TYPE: dict[str | None, Callable[[Reader, Track, int, Line], None]] = {
    **dict.fromkeys(SILENT, Reader._silent),
    "user": Reader._user,
    "assistant": Reader._assistant,
    "system": Reader._system,
    "attachment": Reader._attachment,
    "queue-operation": Reader._queue_operation,
}
"""Not bound to a reader: one that refers to itself keeps its temporary file until the next garbage collection."""
