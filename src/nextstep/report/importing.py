"""What an import did, as text for a terminal."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from rich.console import RenderableType

from nextstep.report.text import RowsTable, plain

Row = Mapping[str, Any]

SHOWN = 40
"""Sessions and reasons listed; the others are counted, and all are in the store and in the JSON."""
FEW = 5
TOLD_LINES = 3


def import_tables(rows: Sequence[Row]) -> Iterator[RenderableType]:
    """The sessions that came, why others did not, and what was repaired, left out and redacted on the way."""
    came = [row for row in rows if row["session_id"]]
    if came:
        names = ("session", "events", "turns", "status")
        yield RowsTable([{name: row[name] for name in names} for row in came[:SHOWN]])
        yield from _more(len(came), "sessions", SHOWN)
    for row in came:
        if row["reason"]:
            yield plain(f"{row['session']} stands {row['reason']}")
    for status, shown in (("refused", SHOWN), ("empty", FEW), ("skipped", FEW)):
        others = [row for row in rows if row["status"] == status]
        for row in others[:shown]:
            yield plain(f"{status}: {row['reason']}")
        yield from _more(len(others), f"{status} files", shown)
    yield from _notes(came)


def _more(count: int, what: str, shown: int) -> Iterator[RenderableType]:
    if count > shown:
        yield plain(f"... and {count - shown} more {what}; --json lists all")


def _notes(rows: Sequence[Row]) -> Iterator[RenderableType]:
    """The notes of all sessions together, by what they are about."""
    for about, heading in (("reading", "Repaired or left out"), ("redaction", "Secrets replaced")):
        told = list(_summed(rows, about))
        if told:
            yield plain("")
            yield plain(heading, style="bold")
            yield RowsTable(told)
    senders = Counter[str]()
    for note in _about(rows, "sender"):
        senders[note["reason"]] += note["count"]
    if senders:
        yield plain("")
        yield plain("User records: " + ", ".join(f"{code} {count:,}" for code, count in senders.most_common()))


def _about(rows: Iterable[Row], about: str) -> Iterator[Row]:
    return (note for row in rows for note in row["notes"] if note["about"] == about)


def _summed(rows: Sequence[Row], about: str) -> Iterator[Row]:
    """Each reason once, with how often and in how many sessions; where it is one session, with the first lines."""
    reasons = dict.fromkeys(note["reason"] for note in _about(rows, about))
    for reason in reasons:
        found = [note for note in _about(rows, about) if note["reason"] == reason]
        row = {"what": reason, "count": sum(note["count"] for note in found), "sessions": len(found)}
        if about == "reading" and len(rows) == 1:
            row["lines"] = _lines(found[0])
        yield row


def _lines(note: Row) -> str:
    return ", ".join(map(str, note["lines"][:TOLD_LINES])) + (", ..." if note["count"] > TOLD_LINES else "")


def import_summary(rows: Sequence[Row], place: str, *, redacted: bool) -> str:
    """An import in a sentence or two."""
    counts = Counter(row["status"] for row in rows)
    told = ", ".join(f"{count} {status}" for status, count in counts.most_common()) or "nothing"
    stored = [row for row in rows if row["status"] in ("new", "grown")]
    if not stored:
        return f"{told}: nothing new in {place}."
    turns = sum(row["turns"] for row in stored)
    care = (
        " Secrets were replaced; look through a session all the same before you share it."
        if redacted
        else " Nothing was redacted: every secret in the transcripts is in there as it was."
    )
    return f"{told}, in {place}; {turns} human turns in what is new.{care}"
