"""A suite -> a folder that `datasets` reads, and from there to the Hub."""

import os
import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from nextstep.core.records import Session
from nextstep.errors import SuiteError, UsageError
from nextstep.sources.dataset import read_dataset
from nextstep.sources.dataset.files import local_files
from nextstep.sources.dataset.writing import card, write_dataset
from nextstep.sources.suite import Suite

Watch = Callable[[Iterable[Session]], Iterable[Session]]
"""Sees the sessions go by, to draw a bar."""


@dataclass(frozen=True)
class Export:
    """What stands in a folder after an export. `new` is False when it was there already."""

    folder: Path
    new: bool
    suite_hash: str
    sessions: int
    moments: int
    bytes: int


def export_suite(suite: Suite, folder: Path, watch: Watch = iter) -> Export:
    """Write a suite as Parquet files with a card into a folder that is new or empty: all of it or nothing.

    A folder that holds this suite already is left as it is, with a card that may have been edited. UsageError when
    it holds anything else.
    """
    new = not _holds_something(folder)
    if new:
        _write(suite, folder, watch)
    elif problem := _difference(suite, folder):
        raise UsageError(f"{folder} is not empty, and {problem}; give another folder with -o")
    size = sum(path.stat().st_size for path in folder.rglob("*.parquet"))
    return Export(folder, new, suite.suite_hash, len(suite.sessions), len(suite.moments), size)


def _holds_something(folder: Path) -> bool:
    if folder.is_dir():
        return any(folder.iterdir())
    if folder.exists():
        raise UsageError(f"{folder} is a file; an export needs a folder")
    return False


def _difference(suite: Suite, folder: Path) -> str | None:
    """How what a folder holds differs from a suite, None when it is an export of it."""
    try:
        there = read_dataset(local_files(folder), every=True)
    except SuiteError as error:
        return f"holds no whole export ({error.problems[0]})"
    if there.suite_hash != suite.suite_hash:
        return f"holds the suite {there.suite_hash}, not {suite.suite_hash}"
    if (there.sessions, there.moments) != (suite.sessions, suite.moments):
        return "holds the same moments among other sessions or under other titles"
    return None


def _write(suite: Suite, folder: Path, watch: Watch) -> None:
    part = folder.with_name(f".{folder.name}.{os.getpid()}.part")
    try:
        part.mkdir(parents=True)
        write_dataset(part, watch(suite.sessions.values()), suite.moments)
        text = card(suite.suite_hash, len(suite.sessions), suite.moments)
        (part / "README.md").write_text(text, encoding="utf-8")
        if folder.exists():
            folder.rmdir()
        part.rename(folder)
    except OSError as error:
        raise UsageError(f"{folder}: cannot be written ({error.strerror or error})") from error
    finally:
        shutil.rmtree(part, ignore_errors=True)
