"""Connections of DuckDB to a store's file, for as long as a read or a write takes.

Making an instance of DuckDB takes 12 ms, attaching a file to one that is there 2 ms: so the instance stays, without
tables of its own, and the file comes and goes. While it is attached, DuckDB locks it for this process.

A commit is safe once it is in DuckDB's log beside the file, FILE.wal, which whoever attaches the file reads too. To
settle is to bring the log into the file. That takes 5 ms and more: most visits leave it to others.
"""

from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from functools import lru_cache
from itertools import count
from pathlib import Path
from typing import Any, TypeAlias

import duckdb

Connection: TypeAlias = duckdb.DuckDBPyConnection

CLOSED = {"python_enable_replacements": False}
"""DuckDB's settings for all connections: a table that is not there is an error, not a variable of this program."""
SEALED = {"enable_external_access": False, "allow_persistent_secrets": False, "lock_configuration": True}
"""DuckDB's settings for queries that users write: no files, no network, no extensions, no way back."""

LONGEST_LOG = 250_000
"""Bytes of the log that may be left to a later visit: reading it takes a millisecond for each 30,000."""

SHORT: dict[str, str | int] = {
    "default_block_size": 64 * 1024,
    "threads": 1,
    "disabled_compression_methods": "dict_fsst",
}
"""DuckDB's settings for short visits, each of which writes a few rows to each of many columns.

It begins a block for each. Threads take more than they bring. That one way of compressing texts takes five times as
long as the rest of bringing the log into the file; without it, transcripts take 2 % more room, random words 50 %.
"""

GIVE_BACK = "RESET memory_limit"
"""Setting the limit, even to what it is, makes DuckDB return the memory that it no longer uses."""

WORN = 50
"""Visits after which an instance is made anew: it keeps 30 KB from each, whatever it is told to give back."""

_NUMBER = count()


@contextmanager
def attached(path: Path, *, read_only: bool, settings: Mapping[str, Any], settle: bool) -> Iterator[Connection]:
    """A connection whose default database is the file, with some of DuckDB's settings. Raises DuckDB's errors."""
    place = str(path).replace("'", "''")
    number = next(_NUMBER)
    name = f"store_{number}"  # not the file's own, which may be that of something else
    with closing(_instance(path).cursor()) as connection:
        connection.execute(f"ATTACH '{place}' AS {name} ({'READ_ONLY' if read_only else 'READ_WRITE'})")
        try:
            with _set(connection, settings):
                connection.execute(f"USE {name}")
                yield connection
        finally:
            _detach(connection, name, settled=not read_only and _has_log(path, 0 if settle else LONGEST_LOG))
            if number % WORN == WORN - 1:
                _instance.cache_clear()  # it goes with the last connection to it


@contextmanager
def lent(path: Path, owner: Path) -> Iterator[str]:
    """The name under which the next connection to the file `owner` can read another file. Raises DuckDB's errors."""
    place = str(path).replace("'", "''")
    name = f"lent_{next(_NUMBER)}"
    with closing(_instance(owner).cursor()) as connection:
        connection.execute(f"ATTACH '{place}' AS {name} (READ_ONLY)")
        try:
            yield name
        finally:
            connection.execute(f"DETACH {name}")


@contextmanager
def sealed(path: Path) -> Iterator[Connection]:
    """A read-only connection that can reach nothing but the file. Raises DuckDB's errors."""
    with duckdb.connect(str(path), read_only=True, config={**CLOSED, **SEALED}) as connection:
        yield connection


@contextmanager
def in_memory() -> Iterator[Connection]:
    """A connection to an empty database that goes with it."""
    with duckdb.connect(config=dict(CLOSED)) as connection:
        yield connection


@lru_cache(maxsize=1)
def _instance(path: Path) -> Connection:
    """The instance for a store, which has its temporary files beside it, as with a connection to it alone."""
    instance = duckdb.connect(config={**CLOSED, **SHORT, "temp_directory": f"{path}.tmp"})
    instance.execute("PRAGMA disable_checkpoint_on_shutdown")
    return instance


def _has_log(path: Path, longer_than: int) -> bool:
    """Whether there is something to settle."""
    log = path.with_name(f"{path.name}.wal")
    return log.exists() and log.stat().st_size > longer_than


@contextmanager
def _set(connection: Connection, settings: Mapping[str, Any]) -> Iterator[None]:
    for setting, value in settings.items():
        connection.execute(f"SET {setting} = '{value}'")
    try:
        yield
    finally:
        with suppress(duckdb.Error):  # of an instance that is broken
            for setting in settings:
                connection.execute(f"RESET {setting}")


def _detach(connection: Connection, name: str, *, settled: bool) -> None:
    """Let go of the file; with the whole instance when that is broken, as by a full disk."""
    try:
        connection.execute("USE memory")
        if settled:
            connection.execute(f"CHECKPOINT {name}")
        connection.execute(f"DETACH {name}")
        connection.execute(GIVE_BACK)
    except duckdb.Error:
        _instance.cache_clear()
        raise
