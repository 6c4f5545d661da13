"""What a reader repaired, dropped or left out, and who wrote what: counted by reason, with the lines it happened on."""

from array import array
from collections import defaultdict
from enum import StrEnum

from nextstep.core.records import Record

NOTED_LINES = 200
"""Line numbers that a note keeps."""
MOST_REASONS = 300
"""Reasons that are told apart: some name what a hostile file may hold any number of."""


class About(StrEnum):
    """What a note tells."""

    READING = "reading"
    """Something that was repaired, dropped or left out."""
    SENDER = "sender"
    """Why user records count as the human's words, or do not: the reason is a code."""
    REDACTION = "redaction"
    """Places at which a kind of secret was replaced; the reason is the kind."""


class Note(Record):
    """Something that the reader has to say of a transcript, and where."""

    about: About = About.READING
    reason: str
    count: int
    lines: tuple[int, ...] = ()
    """The first lines that it happened on, from 1; none where the format has no lines."""


class Notes:
    """Counts of what there is to say, by reason."""

    def __init__(self) -> None:
        self._counts: dict[tuple[About, str], int] = {}
        self._lines: dict[tuple[About, str], list[int]] = {}
        self._senders: dict[str, array[int]] = defaultdict(lambda: array("l"))

    def add(self, reason: str, *lines: int) -> None:
        """Count what was done to a transcript, once for each line."""
        if lines:
            self._count(About.READING, reason, len(lines), lines)

    def remark(self, reason: str, count: int = 1) -> None:
        """Count what was done to a transcript and has no line."""
        self._count(About.READING, reason, count, ())

    def sender(self, code: str, line: int) -> None:
        """Count a user record by the reason for which it is the human's, or is not."""
        self._senders[code].append(line)

    def redacted(self, kind: str, count: int) -> None:
        """Count the places at which a kind of secret was replaced."""
        self._count(About.REDACTION, kind, count, ())

    def _count(self, about: About, reason: str, count: int, lines: tuple[int, ...]) -> None:
        key = about, reason
        if key not in self._counts and len(self._counts) >= MOST_REASONS:
            key = about, "reasons past the first hundreds: not told apart"
        self._counts[key] = self._counts.get(key, 0) + count
        kept = self._lines.setdefault(key, [])
        if lines and len(kept) < NOTED_LINES:
            kept.extend(lines[: NOTED_LINES - len(kept)])

    def all(self) -> tuple[Note, ...]:
        """The notes in the order in which their reasons came up."""
        told = [
            Note(about=key[0], reason=key[1], count=count, lines=tuple(self._lines[key]))
            for key, count in self._counts.items()
        ]
        for code, lines in self._senders.items():
            told.append(Note(about=About.SENDER, reason=code, count=len(lines), lines=tuple(lines[:NOTED_LINES])))
        return tuple(told)
