"""Transcripts on disk -> sessions in the suite folder and the store."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from nextstep.core.records import Session
from nextstep.errors import EmptyTranscript, TranscriptError, UsageError
from nextstep.pipeline.ingest import store_sessions
from nextstep.sources.claude_code import read_claude_code
from nextstep.sources.notes import Note
from nextstep.sources.suite import add_sessions
from nextstep.store import Store


@dataclass(frozen=True)
class Import:
    """What became of one transcript. `refused` says why it gave no session."""

    path: Path
    status: str
    """new, known (it was there), empty (it holds no message) or refused (it cannot be read)."""
    name: str = ""
    session_id: str | None = None
    events: int = 0
    choices: int = 0
    """Human events at which a moment could stand."""
    notes: tuple[Note, ...] = ()
    refused: str | None = None


def import_transcripts(paths: Iterable[Path], suite: Path, store: Store) -> Iterator[Import]:
    """Bring transcripts into the suite folder and the store; what cannot be read is told and the others come in."""
    for path in paths:
        try:
            imported = read_claude_code(path)
        except TranscriptError as error:
            status = "empty" if isinstance(error, EmptyTranscript) else "refused"
            yield Import(path, status, refused=str(error))
            continue
        ((session, _, new),) = add_sessions(suite, [imported.session])
        with store.write() as connection:
            store_sessions(connection, [session])
        yield _import(path, session, imported.notes, new=new)


def _import(path: Path, session: Session, notes: tuple[Note, ...], *, new: bool) -> Import:
    return Import(
        path,
        "new" if new else "known",
        session.name,
        session.session_id,
        len(session.events),
        sum(event.is_choice for event in session.events),
        notes,
    )


def find_transcripts(paths: Iterable[Path]) -> list[Path]:
    """The files named, and every .jsonl below the folders named, each once, in order."""
    found: dict[Path, None] = {}
    for path in paths:
        if not path.exists():
            raise UsageError(f"{path}: there is no such file or folder")
        below = sorted(path.rglob("*.jsonl")) if path.is_dir() else [path]
        if not below:
            raise UsageError(f"{path}: holds no .jsonl transcript")
        found.update(dict.fromkeys(below))
    return list(found)
