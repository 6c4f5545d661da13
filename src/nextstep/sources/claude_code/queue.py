"""Messages that were typed while Claude Code was at work: what became of each, and where it belongs."""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from itertools import islice
from typing import Generic, NamedTuple, TypeVar

_T = TypeVar("_T")

NEAR = 200
"""Entries that are looked at to find the one that belongs to a message: a hostile file must not make this slow."""


class Via(Enum):
    """How a message reached the session."""

    TYPED = auto()
    DEQUEUED = auto()
    """Written as a user record after it had waited in the queue."""
    ATTACHED = auto()
    """Written as an attachment, into the assistant's turn."""


class Written(NamedTuple):
    """A message that stands in the transcript as a record of its own."""

    line: int
    text: str
    via: Via
    dequeues: tuple[int, ...] = ()
    """Lines of the dequeue operations since the assistant's last record."""


class Operation(NamedTuple):
    """An operation on the queue of messages that were typed while the assistant was at work."""

    line: int
    name: str
    text: str
    is_human: bool
    """Whether the text is a human's words (a queue also holds notifications and commands)."""


class Message(NamedTuple):
    """A message that only the queue holds."""

    text: str
    entered: int
    """Line of the operation that put it in; of the one that took it out, where no other tells of it."""


@dataclass
class Delivery:
    """What became of the queued messages that have no record of their own."""

    messages: dict[int, Message] = field(default_factory=dict)
    """By the line of the operation that delivered them."""
    recalled: list[int] = field(default_factory=list)
    undelivered: list[int] = field(default_factory=list)
    reworded: list[int] = field(default_factory=list)
    """Taken for the record after its dequeue, which says it in other words."""


def deliver(operations: Sequence[Operation], written: Sequence[Written]) -> Delivery:
    """Where the messages were delivered that only the queue holds. Both sequences in line order.

    Operations that take a message out name it only in newer versions, so the others are paired in order.
    """
    return _Queue(operations, written).resolve()


class _Waiting(Generic[_T]):
    """What waits to be paired, by line; each is taken once."""

    def __init__(self, entries: Iterable[tuple[int, _T]]) -> None:
        self.entries = dict(entries)
        self._lines = sorted(self.entries)

    def first(self, after: int, before: int | None, wanted: Callable[[_T], bool]) -> int | None:
        """The first line after `after` (and before `before`) whose entry is wanted, among those near it."""
        start = bisect_right(self._lines, after)
        for line in islice(self._lines, start, start + NEAR):
            if before is not None and line >= before:
                break
            if wanted(self.entries[line]):
                return line
        return None

    def take(self, line: int) -> None:
        """Take an entry out, if it is there."""
        if self.entries.pop(line, None) is not None:
            del self._lines[bisect_left(self._lines, line)]


class _Queue:
    """The pairing of messages that went into the queue with what took them out."""

    def __init__(self, operations: Sequence[Operation], written: Sequence[Written]) -> None:
        self.entered = [op for op in operations if op.name == "enqueue" and op.text]
        self.again = _next_lines(self.entered)
        self.removals = _Waiting((op.line, op) for op in operations if op.name == "remove")
        self.recalls = _Waiting((op.line, op) for op in operations if op.name == "popAll")
        self.dequeues = _Waiting((op.line, op.line) for op in operations if op.name == "dequeue")
        self.written = _Waiting((one.line, one) for one in written if one.via is not Via.TYPED)
        self.typed = _Waiting((one.line, one) for one in written if one.via is Via.TYPED)
        self.seen_dequeues = {line for one in written for line in one.dequeues}

    def resolve(self) -> Delivery:
        """Pair everything, the certain pairs first."""
        delivery = Delivery()
        waiting = [op for op in self.entered if not self._is_written(op) and op.is_human]
        for op in waiting:
            self._take(op, delivery)
        entered = {op.text for op in self.entered}
        for line, op in list(self.removals.entries.items()):
            # Its way into the queue was not logged, or its line was damaged.
            if op.text and op.is_human and op.text not in entered and not self._claim_written(op, after=0):
                delivery.messages[line] = Message(op.text, line)
        return delivery

    def _is_written(self, op: Operation) -> bool:
        """Claim the record that holds a queued message, if there is one."""
        again = self.again[op.line]
        if self._claim_written(op, after=op.line, before=again):
            return True
        if again is not None and (self._removal(op, before=again) is not None or self._left_before_a_record(op)):
            return False
        return self._claim_written(op, after=op.line)

    def _left_before_a_record(self, op: Operation) -> bool:
        """Whether a removal took the message out before any record has its words: that record is a later message's."""
        record = self.written.first(op.line, None, lambda one: holds(one.text, op.text))
        if record is None or self.written.entries[record].via is not Via.DEQUEUED:
            return False
        return self._removal(op, before=record) is not None

    def _claim_written(self, op: Operation, *, after: int, before: int | None = None) -> bool:
        line = self.written.first(after, before, lambda one: holds(one.text, op.text))
        if line is None:
            return False
        claimed = self.written.entries[line]
        rest = claimed.text.replace(op.text, "", 1)
        # Several queued messages may have been sent as one.
        self.written.entries[line] = claimed._replace(text=rest)
        if not rest.strip():
            self.written.take(line)
        for dequeue in claimed.dequeues:
            if dequeue in self.dequeues.entries and dequeue > op.line:
                self.dequeues.take(dequeue)
                break
        removal = self._removal(op) if claimed.via is Via.ATTACHED else None
        if removal is not None:
            self.removals.take(removal)
        return True

    def _removal(self, op: Operation, before: int | None = None) -> int | None:
        named = self.removals.first(op.line, before, lambda one: one.text == op.text)
        return named or self.removals.first(op.line, before, lambda one: not one.text)

    def _take(self, op: Operation, delivery: Delivery) -> None:
        """Find how a message without a record left the queue."""
        removal = self._removal(op)
        recall = self.recalls.first(op.line, None, lambda one: _may_recall(one, op))
        if recall is not None and (removal is None or recall < removal):
            delivery.recalled.append(op.line)
        elif removal is not None and not self._is_dequeued_before(op, removal):
            delivery.messages[removal] = Message(op.text, op.line)
            self.removals.take(removal)
        elif (typed := self.typed.first(op.line, None, lambda one: holds(one.text, op.text))) is not None:
            self.typed.take(typed)
        else:
            self._dequeue(op, delivery)

    def _is_dequeued_before(self, op: Operation, removal: int) -> bool:
        """Whether a dequeue that no record explains stands before a removal that names no message."""
        unseen = self.dequeues.first(op.line, removal, lambda line: line not in self.seen_dequeues)
        return unseen is not None and not self.removals.entries[removal].text

    def _dequeue(self, op: Operation, delivery: Delivery) -> None:
        dequeue = self.dequeues.first(op.line, None, lambda _: True)
        if dequeue is None:
            delivery.undelivered.append(op.line)
            return
        self.dequeues.take(dequeue)
        # A dequeue with a record after it is that record in other words (a pasted text spelled out, say).
        if dequeue not in self.seen_dequeues:
            delivery.messages[dequeue] = Message(op.text, op.line)
        else:
            delivery.reworded.append(op.line)


def _next_lines(entered: Sequence[Operation]) -> dict[int, int | None]:
    """For each operation's line, the next line on which the same text entered the queue."""
    following: dict[int, int | None] = {}
    last: dict[str, int] = {}
    for op in reversed(entered):
        following[op.line] = last.get(op.text)
        last[op.text] = op.line
    return following


def _may_recall(recall: Operation, op: Operation) -> bool:
    return not recall.text or holds(recall.text, op.text)


def holds(text: str, part: str) -> bool:
    """Whether a text is the part, or has it as whole lines."""
    return bool(part.strip()) and f"\n{part.strip()}\n" in f"\n{text.strip()}\n"
