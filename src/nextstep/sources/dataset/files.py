"""Which files of a folder or a repository are a dataset's: Parquet in two places, and nothing else.

A dataset's card may name other files, addresses and formats; it is never asked.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from glob import escape
from pathlib import Path

from nextstep.errors import SuiteError, UsageError

SESSIONS, MOMENTS = "sessions", "moments"
_NAME = re.compile(r"\w[\w.=-]*\.parquet", re.ASCII)


@dataclass(frozen=True)
class DatasetFiles:
    """A dataset's Parquet files as the library opens them; `place` is its name for people."""

    place: str
    sessions: tuple[str, ...]
    moments: tuple[str, ...]


def is_dataset(folder: Path) -> bool:
    """Whether a folder holds a table as Parquet. Raises SuiteError when it holds sessions as text too."""
    if not any(any((folder / part).glob("*.parquet")) for part in (SESSIONS, MOMENTS)):
        return False
    if any((folder / SESSIONS).glob("*.jsonl")):
        raise SuiteError([f"{folder}: holds sessions as .jsonl beside .parquet; keep one of the two forms"])
    return True


def text_folder(place: str) -> Path:
    """The transcripts/ folder that a suite's name means. Raises UsageError for a dataset, which is only read."""
    folder = Path(place)
    if place.startswith("hf://") or is_dataset(folder):
        raise UsageError(f"{place} is a dataset, which is only read; give --suite the folder of a suite in text files")
    return folder


def local_files(folder: Path) -> DatasetFiles:
    """The files of a dataset in a folder. Raises SuiteError with every problem."""
    if "::" in str(folder):
        raise SuiteError([f"{folder}: the datasets library cannot open a path with `::` in it; rename the folder"])
    names = [f"{part}/{path.name}" for part in (SESSIONS, MOMENTS) for path in (folder / part).glob("*.parquet")]
    return choose_files(str(folder), escape(str(folder.resolve())), names)


def choose_files(place: str, root: str, names: Iterable[str]) -> DatasetFiles:
    """Those of the names below `root` that are a dataset's, in order. Raises SuiteError with every problem."""
    known = sorted(names)
    problems: list[str] = []
    chosen = {part: _parquet_in(part, known, place, problems) for part in (SESSIONS, MOMENTS)}
    problems += [f"{place}: has no {part}/*.parquet" for part, found in chosen.items() if not found]
    if problems:
        raise SuiteError(problems)
    sessions, moments = (tuple(f"{root}/{name}" for name in chosen[part]) for part in (SESSIONS, MOMENTS))
    return DatasetFiles(place, sessions, moments)


def _parquet_in(part: str, names: Iterable[str], place: str, problems: list[str]) -> list[str]:
    """The Parquet files directly in a folder. A name that the library could take for an address is a problem."""
    found = [name for name in names if re.fullmatch(rf"{part}/[^/]+\.parquet", name, re.DOTALL)]
    odd = [name for name in found if not _NAME.fullmatch(name.removeprefix(f"{part}/"))]
    problems += [f"{place}: {name!r} has a name with other than letters, digits and _.=-; rename it" for name in odd]
    return found
