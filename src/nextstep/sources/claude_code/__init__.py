"""Claude Code transcripts -> sessions."""

from collections.abc import Iterable, Iterator
from itertools import chain, islice
from pathlib import Path

from nextstep.errors import EmptyTranscript, TranscriptError
from nextstep.sources.claude_code.reader import SILENT, SPEAKING, Reader
from nextstep.sources.claude_code.record import Line, parse
from nextstep.sources.json_files import bounded_lines
from nextstep.sources.notes import About, Note, Notes
from nextstep.sources.reading import Reading, safe_name

NAME = "claude-code"
AGENT = "claude-code-agent"
"""A transcript of a sub-agent: its prompts come from another agent."""

BUFFER = 1 << 20
PEEKED_LINES = 50
PEEKED_BYTES = 16_000_000


def read(path: Path) -> Iterator[Reading]:
    """The session in a transcript, with a note on everything that was repaired or left out.

    Memory is flat: texts past some megabytes wait in a temporary file. Raises TranscriptError when the file cannot be
    opened or is all damage, EmptyTranscript when it holds no event; nothing inside a file is fatal otherwise.
    """
    reader = Reader()
    try:
        with path.open("rb", buffering=BUFFER) as file:
            reader.add(bounded_lines(file))
    except OSError as error:
        raise TranscriptError(
            f"{path}: cannot be read ({error.strerror or error}); give the path of a Claude Code .jsonl file"
        ) from error
    reader.finish()
    events = reader.events()
    first = next(events, None)
    if first is None:
        raise _no_events(path, reader.notes)
    yield Reading(
        name=safe_name(path.stem),
        source=AGENT if reader.is_agent else NAME,
        events=chain([first], events),
        notes=reader.notes,
        started_at=reader.started_at,
        origin="/".join(filter(None, (reader.session_id, reader.agent_id if reader.is_agent else ""))),
        project=reader.project or path.parent.name,
    )


def _no_events(path: Path, notes: Notes) -> TranscriptError:
    told = [note for note in notes.all() if note.about is About.READING]
    damaged = next((note for note in told if note.reason.endswith("line left out")), None)
    if damaged:
        return TranscriptError(f"{path}:{damaged.lines[0]}: {damaged.reason}; nothing else in the file is a message")
    return EmptyTranscript(
        f"{path}: holds no message of a Claude Code session{_because(told)}; "
        "leave it out, or give a session file from ~/.claude/projects"
    )


def _because(notes: Iterable[Note]) -> str:
    told = "; ".join(f"{note.reason}: {note.count}" for note in notes)
    return f" ({told})" if told else ""


def looks_like(path: Path) -> bool:
    """Whether the first lines that can be parsed are a Claude Code transcript's; False for what cannot be opened."""
    try:
        with path.open("rb") as file:
            lines = islice(iter(lambda: file.readline(PEEKED_BYTES), b""), PEEKED_LINES)
            return any(_is_own(record) for line in lines if (record := parse(line)[0]) is not None)
    except OSError:
        return False


def _is_own(record: Line) -> bool:
    """Whether a record has the fields that only Claude Code writes together."""
    kind = record.type or ""
    if kind == "summary":
        return record.leaf_uuid is not None
    if kind.startswith("file-history-"):
        return record.message_id is not None or bool(bytes(record.snapshot))
    return record.session_id is not None and (
        kind in SILENT or kind == "queue-operation" or (kind in SPEAKING and record.uuid is not None)
    )
