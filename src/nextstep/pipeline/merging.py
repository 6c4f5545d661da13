"""Several stores -> one, with every estimate worked out anew from all that the one then holds."""

import os
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from nextstep.errors import StoreError, UsageError
from nextstep.pipeline.rescoring import rescore
from nextstep.store import Store
from nextstep.store.merging import ESTIMATES, RECORDS, Merged, Table, readable, unite

Watch = Callable[[Path, Sequence[Table]], Iterable[Table]]
"""Sees a store's tables go by, to draw a bar."""


def _unseen(_path: Path, tables: Sequence[Table]) -> Iterable[Table]:
    return tables


@dataclass(frozen=True)
class Merge:
    """What became of a merge: rows by table, what differed between stores, and whether the store is another now."""

    store: Path
    sources: tuple[Path, ...]
    tables: tuple[Merged, ...]
    """Of all sources together; the tables of estimates, which are worked out anew, are not among them."""
    estimates: int
    changed: bool


def merge_into_new(sources: Sequence[Path], target: Path, watch: Watch = _unseen) -> Merge:
    """Unite stores in a file that must not be there: all of it or nothing. The sources stay as they are."""
    if target.exists():
        raise UsageError(f"{target} is there already; give another -o, or --into {target} to merge into it")
    if not target.parent.is_dir():
        raise UsageError(f"{target}: there is no folder {target.parent}; make it first, or give another -o")
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        tables = _gather(_different(sources), Store(part), watch)
        with Store(part).write() as connection:
            estimates = rescore(connection)
        os.link(part, target)
    except FileExistsError as error:
        raise UsageError(f"{target} is there already, made just now; give another -o") from error
    except OSError as error:
        raise UsageError(f"{target}: cannot be written ({error.strerror or error})") from error
    finally:
        _remove(part)
    return Merge(target, tuple(sources), tuple(tables), estimates, changed=True)


def merge_into(sources: Sequence[Path], target: Path, watch: Watch = _unseen) -> Merge:
    """Unite stores in one that is there, in one transaction. What it holds already changes nothing, not even a time."""
    if not target.exists():
        raise UsageError(f"--into {target}: there is no such store; -o {target} makes it")
    others = [path for path in _different(sources) if not path.samefile(target)]
    store = Store(target)
    with TemporaryDirectory(dir=target.absolute().parent, prefix=f".{target.name}.") as folder:
        gathered = Store(Path(folder) / "gathered.duckdb")
        _gather(others, gathered, watch)
        with store.write():
            pass  # migrated first: the rows of both are of one form
        with gathered.lent_to(store) as name, store.write() as connection:
            tables = unite(connection, name, lambda tables: watch(target, tables))
            changed = any(table.new or table.changed for table in tables)
            estimates = rescore(connection) if changed else 0
    return Merge(target, tuple(sources), tuple(_records(tables)), estimates, changed)


def _different(sources: Sequence[Path]) -> list[Path]:
    """The files, each once. Raises StoreError for one that is not there."""
    for path in sources:
        if not path.exists():
            raise StoreError(f"{path}: there is no such store; give the stores that are to be merged")
    return list({path.resolve(): path for path in sources}.values())


def _gather(sources: Sequence[Path], target: Store, watch: Watch) -> list[Merged]:
    """Unite the sources in a new store, one after the other, without working out anything."""
    with target.write():
        pass
    tables = {table.name: Merged(table.name) for table in RECORDS}
    for path in sources:
        with TemporaryDirectory(dir=target.path.absolute().parent, prefix=".merge.") as folder:
            for merged in _unite_one(path, Path(folder), target, watch):
                tables[merged.table].add(merged)
    return list(tables.values())


def _unite_one(path: Path, folder: Path, target: Store, watch: Watch) -> list[Merged]:
    with readable(Store(path), folder) as source, source.lent_to(target) as name, target.write() as connection:
        return _records(unite(connection, name, lambda tables: watch(path, tables)))


def _records(tables: Iterable[Merged]) -> list[Merged]:
    estimates = {table.name for table in ESTIMATES}
    return [merged for merged in tables if merged.table not in estimates]


def _remove(part: Path) -> None:
    for path in (part, part.with_name(f"{part.name}.wal")):
        with suppress(FileNotFoundError):
            path.unlink()
