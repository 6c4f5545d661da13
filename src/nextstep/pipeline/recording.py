"""What became of transcripts -> the store: sessions with their events, notes, and the imports themselves."""

import glob
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from nextstep.core.records import HUMAN_CHOICES
from nextstep.pipeline.preparing import Prepared, Ready
from nextstep.sources.formats import READER
from nextstep.sources.notes import Note
from nextstep.sources.placing import Placed, Shelf
from nextstep.store import Connection
from nextstep.store.database import insert, query, utc_now

SMALLEST_BUFFER = 4_000_000
"""Bytes that DuckDB is to expect of a line at least; it makes its buffers some times as large."""


@dataclass(frozen=True)
class Stored:
    """What became of a transcript: its sessions, where they stand, and what the store tells of it."""

    prepared: Prepared
    placed: tuple[tuple[Ready, Placed], ...]
    path: str
    """For people, without the name in a home folder."""
    redacted: bool

    @property
    def status(self) -> str:
        """That of its sessions, the most telling first."""
        there = [place.status for _, place in self.placed]
        return next((one for one in ("new", "grown", "part", "known") if one in there), self.prepared.status)

    @property
    def here(self) -> list[tuple[Ready, Placed]]:
        """The sessions that stand in the suite as they came."""
        return [(ready, place) for ready, place in self.placed if place.status != "part"]

    def after(self, longer: Placed) -> "Stored":
        """The same after a session was placed that may have taken the place of its own beginning."""
        if longer.status != "grown" or all(place.path != longer.path for _, place in self.placed):
            return self
        part = replace(longer, status="part")
        return replace(self, placed=tuple((r, part if p.path == longer.path else p) for r, p in self.placed))


def store_imports(connection: Connection, imports: Sequence[Stored]) -> None:
    """Bring in what became of some transcripts, with the sessions that stand in the suite now."""
    here = list({pair[0].aside.session_id: pair for one in imports for pair in one.here}.values())
    _forget_snapshots(connection, here)
    query(connection, "forget_notes", session_ids=[ready.aside.session_id for ready, _ in here])
    there = {name for (name,) in connection.execute("SELECT session_id FROM sessions").fetchall()}
    insert(connection, "sessions", [_placed_row(ready, place) for ready, place in here], replace=True)
    _load_events(connection, [pair for pair in here if pair[0].aside.session_id not in there])
    notes = [_note_row(ready.aside.session_id, note) for ready, _ in here for note in ready.notes]
    insert(connection, "import_notes", notes, replace=True)
    insert(connection, "imports", [_import_row(connection, one) for one in imports], replace=True)


def _import_row(connection: Connection, one: Stored) -> dict[str, Any]:
    holding = [place.name for _, place in one.placed if place.status == "part"]
    longer = [row["session_id"] for name in holding for row in query(connection, "session_named", session=name)]
    return {
        "sha256": one.prepared.sha256,
        "path": one.path,
        "bytes": one.prepared.size,
        "status": one.status,
        "reason": one.prepared.reason,
        "session_ids": [*(ready.aside.session_id for ready, _ in one.here), *longer],
        "redacted": one.redacted,
        "complete": one.prepared.complete,
        "reader": READER,
        "imported_at": utc_now(),
    }


def _placed_row(ready: Ready, place: Placed) -> dict[str, Any]:
    aside, header = ready.aside, ready.aside.header
    return {
        "session_id": aside.session_id,
        "name": place.name,
        "source": header.source,
        "sha256": header.sha256,
        "title": header.title,
        "started_at": header.started_at,
        "n_events": aside.events,
        "origin": header.origin,
        "redacted": header.redacted,
    }


def _load_events(connection: Connection, here: Sequence[tuple[Ready, Placed]]) -> None:
    """The events of sessions straight from their files in the suite: of any length, in little memory."""
    paths = [str(place.path.absolute()) for _, place in here]
    if paths:
        query(
            connection,
            "load_events",
            session_ids=[ready.aside.session_id for ready, _ in here],
            paths=paths,
            patterns=[glob.escape(path) for path in paths],
            longest=max(SMALLEST_BUFFER, *(ready.aside.longest + 1 for ready, _ in here)),
        )


def _note_row(session_id: str, note: Note) -> dict[str, Any]:
    return {
        "session_id": session_id,
        "about": str(note.about),
        "reason": note.reason,
        "count": note.count,
        "lines": list(note.lines),
    }


def _forget_snapshots(connection: Connection, here: Sequence[tuple[Ready, Placed]]) -> None:
    """Take out what these sessions have taken the place of, unless moments stand in it."""
    rows = query(
        connection,
        "earlier_snapshots",
        session_ids=[ready.aside.session_id for ready, _ in here],
        names=[place.name for _, place in here],
        origins=[ready.aside.header.origin for ready, _ in here],
    )
    if earlier := [row["session_id"] for row in rows]:
        for forget in ("forget_events", "forget_notes", "forget_sessions"):
            query(connection, forget, session_ids=earlier)


def known_transcripts(connection: Connection, shelf: Shelf, *, redacted: bool) -> dict[str, list[dict[str, Any]]]:
    """By its digest, the sessions of each transcript that is in suite and store whole, read by these readers."""
    kinds = [str(kind) for kind in HUMAN_CHOICES]
    rows = query(connection, "known_transcripts", reader=READER, redacted=redacted, kinds=kinds)
    known: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        known.setdefault(row["sha256"], []).append(row)
    return {
        sha256: sessions
        for sha256, sessions in known.items()
        if all(shelf.holds(row["name"], sha256, row["origin"]) for row in sessions)
    }
