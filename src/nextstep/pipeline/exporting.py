"""A suite, or the results over one -> a folder that `datasets` reads."""

import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from nextstep.core.records import Session
from nextstep.errors import SuiteError, UsageError
from nextstep.pipeline.results import suite_of
from nextstep.report.results_card import TABLES, results_card
from nextstep.sources.dataset import read_dataset
from nextstep.sources.dataset.files import local_files
from nextstep.sources.dataset.writing import card, write_dataset
from nextstep.sources.suite import Suite
from nextstep.store import Connection
from nextstep.store.arrow import query_arrow

if TYPE_CHECKING:
    import pyarrow as pa

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
    with _whole(folder) as part:
        write_dataset(part, watch(suite.sessions.values()), suite.moments)
        text = card(suite.suite_hash, len(suite.sessions), suite.moments)
        (part / "README.md").write_text(text, encoding="utf-8")


@contextmanager
def _whole(folder: Path) -> Iterator[Path]:
    """A place to write at, which becomes the folder when all is written, and is gone otherwise."""
    part = folder.with_name(f".{folder.name}.{os.getpid()}.part")
    try:
        part.mkdir(parents=True)
        yield part
        if folder.exists():
            folder.rmdir()
        part.rename(folder)
    except OSError as error:
        raise UsageError(f"{folder}: cannot be written ({error.strerror or error})") from error
    finally:
        shutil.rmtree(part, ignore_errors=True)


@dataclass(frozen=True)
class ResultsExport:
    """What stands in a folder of results."""

    folder: Path
    suite_hash: str
    rows: dict[str, int]
    """By table."""
    bytes: int


def export_results(connection: Connection, suite_hash: str | None, folder: Path) -> ResultsExport:
    """Write the results over a suite (the one scored last when None) as Parquet files with a card: all or nothing.

    Raises UsageError where there are none, or where the folder holds anything.
    """
    suite_hash = suite_of(connection, suite_hash)
    tables = {name: query_arrow(connection, f"results/{name}", suite_hash=suite_hash) for name in TABLES}
    if suite_hash is None or not tables["win_rates"].num_rows:
        raise UsageError("there are no results of this suite yet; `nextstep eval` makes them")
    if _holds_something(folder):
        raise UsageError(f"{folder} is not empty, and an export never overwrites; give another folder with -o")
    offline = any(tables["win_rates"].column("offline").to_pylist())
    rows = {name: table.num_rows for name, table in tables.items()}
    with _whole(folder) as part:
        for name, table in tables.items():
            _write_table(part / name / "00000.parquet", table)
        (part / "README.md").write_text(results_card(suite_hash, rows, offline=offline), encoding="utf-8")
    size = sum(path.stat().st_size for path in folder.rglob("*.parquet"))
    return ResultsExport(folder, suite_hash, rows, size)


def _write_table(path: Path, table: "pa.Table") -> None:
    """Without a group of rows where there is none: some readers stumble over an empty one."""
    from pyarrow import parquet

    path.parent.mkdir()
    with parquet.ParquetWriter(path, table.schema, compression="zstd") as writer:
        if table.num_rows:
            writer.write_table(table)
