"""Suites -> sessions, events and moments in the store."""

from collections import deque
from typing import Any

from nextstep.core.records import Moment, Session
from nextstep.sources.suite import Suite
from nextstep.store import Connection, Store
from nextstep.store.database import insert

AT_ONCE = 1_000
"""Events, about, that are inserted together."""
A_VISIT = 2_000_000
"""Characters of new events, about, that one visit to the store brings in: DuckDB keeps them in memory until its end."""


def store_suite(store: Store, suite: Suite) -> None:
    """Bring a suite's sessions and moments into the store; labels and notes of known moments are renewed."""
    waiting = deque(suite.sessions.values())
    while True:
        with store.write() as connection:
            _store_sessions(connection, waiting)
            if not waiting:
                _store_moments(connection, suite)
                return


def _store_sessions(connection: Connection, waiting: deque[Session]) -> None:
    """Take in the first sessions with their events, for a visit; the name and title of a known one are renewed."""
    there = {name for (name,) in connection.execute("SELECT session_id FROM sessions").fetchall()}
    taken: list[Session] = []
    rows: list[dict[str, Any]] = []
    characters = 0
    while waiting and characters < A_VISIT:
        session = waiting.popleft()
        taken.append(session)
        if session.session_id not in there:
            rows += [_event_row(session, i) for i in range(len(session.events))]
            characters += sum(len(event.text) for event in session.events)
        if len(rows) >= AT_ONCE:
            insert(connection, "events", rows)
            rows = []
    insert(connection, "events", rows)
    insert(connection, "sessions", [_session_row(session) for session in taken], replace=True)


def _store_moments(connection: Connection, suite: Suite) -> None:
    insert(connection, "moments", [_moment_row(suite, moment) for moment in suite.moments], replace=True)
    members = [{"suite_hash": suite.suite_hash, "moment_id": moment.moment_id} for moment in suite.moments]
    insert(connection, "suites", members)


def _session_row(session: Session) -> dict[str, Any]:
    return {
        "session_id": session.session_id,
        "name": session.name,
        "source": session.source,
        "sha256": session.sha256,
        "title": session.title,
        "started_at": session.started_at,
        "n_events": len(session.events),
    }


def _event_row(session: Session, i: int) -> dict[str, Any]:
    event = session.events[i]
    return {
        "session_id": session.session_id,
        "idx": event.idx,
        "role": str(event.role),
        "kind": str(event.kind),
        "tool": event.tool,
        "text": event.text,
        "at": event.at,
    }


def _moment_row(suite: Suite, moment: Moment) -> dict[str, Any]:
    return {
        "moment_id": moment.moment_id,
        "session_id": moment.session_id,
        "cut": moment.cut,
        "set": str(moment.set),
        "human_step": moment.human_step,
        "kind": str(suite.events_of(moment)[moment.cut].kind),
        "status": "accepted",
        "tags": list(moment.tags),
        "why": moment.why,
        "recovered_at": moment.recovered_at,
        "resolution": moment.resolution,
    }
