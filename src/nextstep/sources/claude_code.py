"""Claude Code transcripts -> sessions."""

import hashlib
import re
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from nextstep.core.records import Record, Session
from nextstep.errors import EmptyTranscript, TranscriptError
from nextstep.sources.claude_code_reader import SILENT, SPEAKING, parse, read_lines
from nextstep.sources.claude_code_text import Json, text_of
from nextstep.sources.notes import Note

SOURCE = "claude-code"
AGENT_SOURCE = "claude-code-agent"
"""A transcript of a sub-agent: its prompts come from another agent."""

LONGEST_NAME = 120
"""Characters of a session's name: file systems take about 255 bytes, and an id may be added."""

PEEKED_LINES = 50
PEEKED_BYTES = 16_000_000


class Imported(Record):
    """A session as read from a transcript, and what had to be done to read it."""

    session: Session
    notes: tuple[Note, ...]


def read_claude_code(path: Path) -> Imported:
    """The session in a transcript, with a note on everything that was repaired or left out.

    Raises TranscriptError when the file cannot be opened or is all damage, EmptyTranscript when it holds no event;
    nothing inside a file is fatal otherwise.
    """
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            reading = read_lines(_numbered(file, digest))
    except OSError as error:
        raise TranscriptError(
            f"{path}: cannot be read ({error.strerror or error}); give the path of a Claude Code .jsonl file"
        ) from error
    damaged = next((note for note in reading.notes if note.reason.startswith(("no valid JSON", "no JSON"))), None)
    if not reading.events and damaged:
        raise TranscriptError(f"{path}:{damaged.lines[0]}: {damaged.reason}; nothing else in the file is a message")
    if not reading.events:
        raise EmptyTranscript(
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
    return re.sub(r"[^A-Za-z0-9._-]+", "-", stem).lstrip(".")[:LONGEST_NAME] or "session"


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
    return "sessionId" in record and (
        kind in SILENT or kind == "queue-operation" or (kind in SPEAKING and "uuid" in record)
    )
