"""Connections of DuckDB to a store's file, for as long as a read or a write takes.

Making an instance of DuckDB takes 12 ms, attaching a file to one that is there 2 ms: so the instance stays, without
tables of its own, and the file comes and goes. While it is attached, DuckDB locks it for this process.
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

_NUMBER = count()


@contextmanager
def attached(path: Path, *, read_only: bool, settings: Mapping[str, Any]) -> Iterator[Connection]:
    """A connection whose default database is the file, with some of DuckDB's settings. Raises DuckDB's errors."""
    place = str(path).replace("'", "''")
    name = f"store_{next(_NUMBER)}"  # not the file's own, which may be that of something else
    with closing(_instance(path).cursor()) as connection:
        connection.execute(f"ATTACH '{place}' AS {name} ({'READ_ONLY' if read_only else 'READ_WRITE'})")
        try:
            with _set(connection, settings):
                connection.execute(f"USE {name}")
                yield connection
        finally:
            _detach(connection, name)


@contextmanager
def lent(path: Path, owner: Path) -> Iterator[str]:
    """The name under which connections to the file `owner` can read another file. Raises DuckDB's errors."""
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
    return duckdb.connect(config={**CLOSED, "temp_directory": f"{path}.tmp"})


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


def _detach(connection: Connection, name: str) -> None:
    """Let go of the file; with the whole instance when that is broken, as by a full disk."""
    try:
        connection.execute("USE memory")
        connection.execute(f"DETACH {name}")
    except duckdb.Error:
        _instance.cache_clear()
        raise
