"""Codex rollouts (.jsonl, .jsonl.zst, and the .json of the first versions) -> sessions.

The first versions wrote one document, the next ones items without a wrapper; all are read as the newest write them.
"""

import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from nextstep.errors import TranscriptError
from nextstep.sources.codex.session import Session
from nextstep.sources.gathering import Spoken, events, one_reading
from nextstep.sources.json_files import decode_line, load, numbered_lines, outline
from nextstep.sources.notes import Notes
from nextstep.sources.reading import Reading, safe_name
from nextstep.sources.saying import Json, dict_of
from nextstep.sources.tool_text import items

NAME = "codex"

WRAPPERS = frozenset({"session_meta", "response_item", "event_msg", "turn_context", "compacted"})
PEEKED_LINES = 20
_SUFFIXES = re.compile(r"(\.jsonl|\.json|\.zst)+$")


def looks_like(path: Path) -> bool:
    """Whether the first lines that can be parsed are a rollout's, of this or an older form."""
    if {"session.id", "session.instructions", "items"} <= outline(path).keys():
        return True
    try:
        peeked = [decode_line(number, line, Notes()) for number, line in islice(numbered_lines(path), PEEKED_LINES)]
    except TranscriptError:
        return False
    records = [record for record in peeked if isinstance(record, dict)]
    return any(_is_own(record) for record in records) or _is_flat(records)


def _is_own(record: Json) -> bool:
    kind = record.get("type")
    return isinstance(kind, str) and kind in WRAPPERS and isinstance(record.get("payload"), dict)


def _is_flat(records: list[Json]) -> bool:
    """Whether the lines are items without a wrapper, after a header with the user's instructions."""
    return bool(records) and {"id", "timestamp", "instructions"} <= records[0].keys() and "type" not in records[0]


def read(path: Path) -> Iterator[Reading]:
    """The session in a rollout. Raises TranscriptError, or EmptyTranscript for one without a message."""
    session = Session()
    for number, record in _records(path, session.notes):
        session.add(number, record)
    session.finish()
    reading = Reading(
        name=safe_name(_SUFFIXES.sub("", path.name)),
        source=NAME,
        events=events((Spoken(draft.said, draft.at) for draft in session.drafts), session.notes),
        notes=session.notes,
        started_at=session.started_at,
        origin=session.origin,
        project=session.project,
    )
    return one_reading(reading, path)


def _records(path: Path, notes: Notes) -> Iterator[tuple[int, Json]]:
    """The records of a rollout, numbered, each in the wrapper of the newer versions."""
    if "session.id" in outline(path):
        document = dict_of(load(path, notes))
        yield 1, {"type": "session_meta", "payload": dict_of(document.get("session"))}
        for number, item in enumerate(items(document.get("items")), 1):
            yield number, {"type": "response_item", "payload": item}
        return
    for number, line in numbered_lines(path):
        record = decode_line(number, line, notes)
        if isinstance(record, dict):
            yield number, record if "payload" in record else _wrapped(record)
        elif record is not None:
            notes.add("no JSON object: line left out", number)


def _wrapped(record: Json) -> Json:
    kind = "state" if "record_type" in record else "response_item" if "type" in record else "session_meta"
    return {"type": kind, "timestamp": record.get("timestamp"), "payload": record}
