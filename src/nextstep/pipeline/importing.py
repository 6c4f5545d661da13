"""Transcripts on disk -> sessions in the suite folder and the store."""

import os
from collections.abc import Generator, Iterable, Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from types import TracebackType
from typing import Any, Self

from nextstep.errors import NextstepError, UsageError
from nextstep.pipeline.preparing import Prepared, Ready, Task, Wanted, prepare
from nextstep.pipeline.processes import prepare_side_by_side
from nextstep.pipeline.recording import Stored, known_transcripts, store_imports
from nextstep.sources.formats import AUTO, ENDINGS
from nextstep.sources.notes import Note
from nextstep.sources.placing import Placed, Shelf
from nextstep.sources.redaction import Redactor
from nextstep.store import Store

STORED_EACH_S = 1.0
STORE_MEMORY = 160_000_000
"""Bytes that DuckDB may take, beside some times the longest line: past them it uses the disk."""
WORTH_A_PROCESS = 2_000_000
"""Bytes of transcripts below which starting other processes costs more than it saves."""


@dataclass(frozen=True)
class Settings:
    """How transcripts are imported."""

    format_name: str = AUTO
    redact: bool = True
    wanted: Wanted = field(default_factory=Wanted)
    jobs: int = 1


@dataclass(frozen=True)
class Import:
    """What became of one session of a transcript, or of a transcript that gave none. `reason` says why it gave none."""

    path: Path
    status: str
    """As in the store's table `imports`."""
    name: str = ""
    session_id: str | None = None
    events: int = 0
    turns: int = 0
    """Human events that say what to do next."""
    notes: tuple[Note, ...] = ()
    reason: str | None = None


def import_transcripts(
    found: Sequence[tuple[Path, bool]], suite: Path, store: Store, settings: Settings = Settings()
) -> Generator[list[Import]]:
    """Bring transcripts into the suite folder and the store: for each, as it is done, its imports.

    What cannot be read is told and the others come in. Each transcript is stored whole when it is done, so that an
    import that was stopped goes on where it was; one that is there already is not read again.
    """
    for place in (suite, store.path):
        if "\ufffd" in os.fsencode(place).decode("utf-8", "replace"):
            raise UsageError(f"{place!r}: has a name that is no UTF-8 text; give another place")
    if not store.path.exists():
        with store.write():
            pass  # a place that cannot be written to is told before the work
    shelf = Shelf(suite)
    with store.read() as connection:
        known = known_transcripts(connection, shelf, redacted=settings.redact)
    tasks = (
        Task(path, suite, settings.format_name, settings.redact, settings.wanted, frozenset(known), was_named)
        for path, was_named in found
    )
    size = sum(path.stat().st_size for path, _ in found if path.exists())
    jobs = min(settings.jobs, len(found)) if size > WORTH_A_PROCESS else 1
    with _Desk(shelf, store, jobs) as desk:
        for prepared in map(prepare, tasks) if jobs < 2 else prepare_side_by_side(tasks, jobs):
            if prepared.status == "known":
                yield [_known(prepared.path, row) for row in known[prepared.sha256]]
            else:
                yield desk.take_in(prepared, redacted=settings.redact)


class _Desk:
    """Puts sessions in their place at once, and into the store some at a time: opening it costs more than a session."""

    def __init__(self, shelf: Shelf, store: Store, jobs: int) -> None:
        self._shelf, self._store, self._jobs = shelf, store, jobs
        self._waiting: list[Stored] = []
        self._since = monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        with suppress(NextstepError) if error else nullcontext():
            self.clear()

    def take_in(self, prepared: Prepared, *, redacted: bool) -> list[Import]:
        """A transcript's sessions in their place; what was placed and not yet stored is found by the next import."""
        placed = tuple((ready, self._shelf.place(ready.aside)) for ready in prepared.ready)
        for _, place in placed:
            self._waiting = [one.after(place) for one in self._waiting]
        self._waiting.append(Stored(prepared, placed, _shown(prepared.path), redacted))
        if monotonic() - self._since > STORED_EACH_S:
            self.clear()
        imports = [_import(prepared, ready, place) for ready, place in placed]
        return imports or [Import(prepared.path, prepared.status, reason=prepared.reason)]

    def clear(self) -> None:
        """Store what waits."""
        if self._waiting:
            longest = max((ready.aside.longest for one in self._waiting for ready, _ in one.placed), default=0)
            with self._store.write(settings=_frugal(longest, self._jobs)) as connection:
                store_imports(connection, self._waiting)
        self._waiting, self._since = [], monotonic()


def _frugal(longest: int, jobs: int) -> dict[str, Any]:
    """Settings with which DuckDB takes in much text in little memory and writes it once, not to its log first."""
    return {
        "threads": jobs,
        "memory_limit": f"{jobs * (STORE_MEMORY + 8 * longest)} bytes",
        "wal_autocheckpoint": "1KB",
    }


def _known(path: Path, row: dict[str, Any]) -> Import:
    return Import(path, "known", row["name"], row["session_id"], row["n_events"], row["turns"])


def _import(prepared: Prepared, ready: Ready, place: Placed) -> Import:
    aside = ready.aside
    return Import(
        prepared.path,
        place.status,
        place.name,
        aside.session_id,
        aside.events,
        aside.turns,
        ready.notes,
        reason=place.beside,
    )


def _shown(path: Path) -> str:
    """A path for the store, without the name in a home folder, and with bytes that are no text spelled out."""
    return Redactor().redact(os.fsencode(path.absolute()).decode("utf-8", "backslashreplace"))


def find_transcripts(paths: Iterable[Path], suite: Path | None = None) -> list[tuple[Path, bool]]:
    """The files named, and every file below the folders named that may be a transcript, each once, in order.

    With each, whether it was named itself. What is the suite's own is passed over. Raises UsageError for a path that is
    not there or a folder without any.
    """
    found: dict[Path, bool] = {}
    for path in paths:
        if not path.exists():
            raise UsageError(f"{path}: there is no such file or folder")
        if not path.is_dir():
            found[path] = True
            continue
        below = sorted(one for one in path.rglob("*") if one.name.lower().endswith(ENDINGS) and not one.is_dir())
        if not below:
            raise UsageError(f"{path}: holds no transcript ({', '.join(ENDINGS)})")
        for one in below:
            if suite is None or not _is_inside(one, suite):
                found.setdefault(one, False)
    return list(found.items())


def _is_inside(path: Path, folder: Path) -> bool:
    return folder.absolute() in path.absolute().parents


def claude_projects() -> Path:
    """The folder in which Claude Code keeps its transcripts. Raises UsageError when it is not there."""
    home = os.environ.get("CLAUDE_CONFIG_DIR")
    folder = (Path(home) if home else Path.home() / ".claude") / "projects"
    if not folder.is_dir():
        raise UsageError(
            f"{folder}: is not there, so Claude Code keeps no transcripts in it; "
            "name a transcript or a folder, or set CLAUDE_CONFIG_DIR"
        )
    return folder
