"""Open, migrate and write the store, in short transactions.

DuckDB locks a file for one process at a time, so a connection is held only for as long as a read or a write takes, and
opening waits patiently for others to let go.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from datetime import UTC, datetime
from functools import cache
from importlib import resources
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeAlias, TypeVar

import duckdb
from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_random_exponential

from nextstep.errors import StoreBusy, StoreError, StoreFull, StoreTooNew
from nextstep.store import connecting
from nextstep.store.connecting import GIVE_BACK, Connection, in_memory

Row: TypeAlias = Mapping[str, Any]

Opened = TypeVar("Opened")


class AlreadyThere(Exception):
    """A row was taken for new, and its key is in the table."""


FETCHED = 1_000
"""Rows that are fetched together: as tuples they take as much memory as what is made of them."""

PATIENCE_S = 30.0
"""Seconds to wait for another process to release the store's lock."""

FULL = re.compile(r"space left|disk full|quota|File too large|[Cc]ould not write|not enough space")
"""How DuckDB says that the disk takes no more."""


class Store:
    """One DuckDB file. Created and migrated by the first `write`; reading one that is not there is an error."""

    def __init__(self, path: Path, *, patience_s: float = PATIENCE_S) -> None:
        self.path = path
        self.patience_s = patience_s

    @contextmanager
    def write(self, *, settings: Mapping[str, Any] = MappingProxyType({}), settle: bool = True) -> Iterator[Connection]:
        """A connection in one transaction: all of the block is stored, or nothing of it. `settings` are DuckDB's.

        Without `settle`, what is stored may stay in DuckDB's log beside the file until a later `write`.
        """
        with self._open(read_only=False, settings=settings, settle=settle) as connection:
            version = check_version(connection, self.path)
            connection.begin()
            try:
                migrate(connection, version)
                yield connection
                connection.commit()
            except BaseException:
                _roll_back(connection)
                raise

    @contextmanager
    def read(self, *, sealed: bool = False) -> Iterator[Connection]:
        """A read-only connection; with `sealed`, one that can reach nothing but the store."""
        self._must_exist()
        with self._open(read_only=True, sealed=sealed) as connection:
            if check_version(connection, self.path) == len(migrations()):
                yield connection
                return
        with self.write():
            pass  # an older store: writing has migrated it
        with self._open(read_only=True, sealed=sealed) as connection:
            yield connection

    @contextmanager
    def read_or_empty(self) -> Iterator[Connection]:
        """Like `read`, but an empty store in memory where there is none yet."""
        if self.path.exists():
            with self.read() as connection:
                yield connection
        else:
            with in_memory() as connection:
                migrate(connection, version=0)
                yield connection

    @contextmanager
    def as_it_is(self) -> Iterator[Connection]:
        """A read-only connection to a store of whatever version, which stays the one it is."""
        self._must_exist()
        with self._open(read_only=True) as connection:
            yield connection

    @contextmanager
    def lent_to(self, owner: "Store") -> Iterator[str]:
        """The name under which the next connection to another store can read this one, of this program's version."""
        self._must_exist()
        with self._patiently(lambda: connecting.lent(self.path, owner.path)) as name:
            yield name

    def _must_exist(self) -> None:
        if not self.path.exists():
            raise StoreError(f"{self.path}: there is no store yet; `nextstep eval` or `nextstep demo` makes one")

    @contextmanager
    def _open(
        self,
        *,
        read_only: bool,
        sealed: bool = False,
        settings: Mapping[str, Any] = MappingProxyType({}),
        settle: bool = True,
    ) -> Iterator[Connection]:
        def opened() -> AbstractContextManager[Connection]:
            if sealed:
                return connecting.sealed(self.path)
            return connecting.attached(self.path, read_only=read_only, settings=settings, settle=settle)

        with self._patiently(opened) as connection:
            yield connection

    @contextmanager
    def _patiently(self, opened: Callable[[], AbstractContextManager[Opened]]) -> Iterator[Opened]:
        """What is opened, after waiting for others to let go of the file."""
        policy = Retrying(
            stop=stop_after_delay(self.patience_s),
            wait=wait_random_exponential(multiplier=0.02, max=0.5),
            retry=retry_if_exception_type(StoreBusy),
            reraise=True,
        )

        def enter() -> Opened:
            with _errors(self.path):
                return held.enter_context(opened())

        with _errors(self.path), ExitStack() as held:
            yield policy(enter)


def _roll_back(connection: Connection) -> None:
    try:
        connection.rollback()
    except duckdb.Error:
        # A failed commit has ended the transaction already; the error that matters is the first one.
        return


@contextmanager
def _errors(path: Path) -> Iterator[None]:
    """DuckDB's errors about the file as errors of ours; its errors about SQL pass."""
    try:
        yield
    except RuntimeError as error:
        if "Query interrupted" in str(error):
            raise KeyboardInterrupt from error  # DuckDB heard Ctrl-C before Python did
        raise
    except (duckdb.IOException, duckdb.TransactionException, duckdb.ResourceInUseException) as error:
        raise _file_error(path, str(error)) from error
    except (duckdb.FatalException, duckdb.SerializationException, duckdb.InternalException) as error:
        if FULL.search(str(error)):
            raise _file_error(path, str(error)) from error
        raise StoreError(f"{path}: the store is damaged: {_first_line(error)}; restore it from a copy") from error


def _file_error(path: Path, message: str) -> StoreError:
    if "not a valid DuckDB" in message:
        return StoreError(f"{path}: is not a DuckDB file; give another --store, it is left as it is")
    if "already attached" in message:
        return StoreBusy(f"{path}: this process is at work in it already")
    if re.search("Could not set lock|Conflicting lock", message):
        holder = re.search(r"PID (\d+)", message)
        who = f"process {holder[1]}" if holder else "another process"
        return StoreBusy(f"{path}: {who} holds the store; wait for it to end, or give another --store")
    if FULL.search(message):
        return StoreFull(f"{path}: the disk is full ({_first_line(message)}); make room and run again")
    return StoreError(f"{path}: the store cannot be used: {_first_line(message)}")


def _first_line(message: object) -> str:
    return str(message).splitlines()[0].removeprefix("IO Error: ")


@cache
def migrations() -> tuple[tuple[str, str], ...]:
    """The (name, SQL) of every migration, in order; the first one makes version 1."""
    files = sorted((resources.files(__package__) / "migrations").iterdir(), key=lambda file: file.name)
    return tuple((file.name, file.read_text(encoding="utf-8")) for file in files if file.name.endswith(".sql"))


def check_version(connection: Connection, path: Path) -> int:
    """The store's version; 0 when it is new. Refuses a later one, and a DuckDB file that is not ours.

    Outside of a transaction: a table that is not there would end it.
    """
    try:
        version: int = connection.execute("SELECT coalesce(max(version), 0) FROM migrations").fetchall()[0][0]
    except (duckdb.CatalogException, duckdb.BinderException) as error:
        if connection.execute("SELECT 1 FROM duckdb_tables()").fetchall():
            raise StoreError(f"{path}: is a DuckDB file but not a store of nextstep; give another --store") from error
        return 0
    if version > len(migrations()):
        raise StoreTooNew(
            f"{path}: was written by a later nextstep (store version {version}, this one knows {len(migrations())});"
            " upgrade nextstep, or give another --store"
        )
    return version


def migrate(connection: Connection, version: int) -> None:
    """Bring a store of some version to this program's, inside the caller's transaction."""
    if version == 0:
        connection.execute(
            "CREATE TABLE IF NOT EXISTS migrations (version INTEGER PRIMARY KEY, name VARCHAR NOT NULL,"
            " applied_at TIMESTAMP NOT NULL)"
        )
        connection.execute("COMMENT ON TABLE migrations IS 'A change of the schema that this store has had.'")
    for number, (name, sql) in enumerate(migrations()[version:], version + 1):
        connection.execute(sql)
        connection.execute("INSERT INTO migrations VALUES (?, ?, ?)", [number, name, utc_now()])


def utc_now() -> datetime:
    """The time now as the store keeps times: UTC without a zone, so that any DuckDB client reads it without help."""
    return datetime.now(UTC).replace(tzinfo=None)


def query(connection: Connection, name: str, **values: Any) -> list[dict[str, Any]]:
    """The rows of the query in queries/NAME.sql, its parameters bound to `values`."""
    result = connection.execute(query_text(name), values or None)
    columns = [column[0] for column in result.description or []]
    return [dict(zip(columns, row, strict=True)) for row in _fetched(result)]


def _fetched(result: Connection) -> Iterator[tuple[Any, ...]]:
    """The rows of what was executed last, some at a time."""
    some = result.fetchmany(FETCHED)
    if len(some) == FETCHED:
        result.cursor().execute(GIVE_BACK)  # what it took to find so many, before they are made
    while some:
        yield from some
        some = result.fetchmany(FETCHED)


def query_column(connection: Connection, name: str, **values: Any) -> Iterator[Any]:
    """The values of the query's only column, some at a time."""
    return (value for (value,) in _fetched(connection.execute(query_text(name), values or None)))


@cache
def query_text(name: str) -> str:
    """The SQL of a query file."""
    return (resources.files(__package__) / "queries" / f"{name}.sql").read_text(encoding="utf-8")


_KEYS: dict[str, dict[str, str]] = {}
"""The columns of a table's key, with their types; all stores that are open have this program's tables."""


def insert(
    connection: Connection, table: str, rows: Sequence[Row], *, replace: bool = False, new: bool = False
) -> set[tuple[Any, ...]]:
    """Add rows, all with the same columns; one whose key is there already is kept as it is, or replaced.

    Gives the keys of those that were kept. To look first and append the others takes a quarter of INSERT OR IGNORE.
    For `new` rows nobody looks: raises AlreadyThere where one is not, and the transaction is over.
    """
    there: set[tuple[Any, ...]] = set()
    if rows and not replace:
        key = _KEYS.get(table) or _KEYS.setdefault(table, _key(connection, table))
        by_key = {tuple(row[column] for column in key): row for row in reversed(rows)}
        there = set() if new else _there(connection, table, key, list(by_key))
        rows = [row for name, row in reversed(by_key.items()) if name not in there]
    if rows:
        columns = list(rows[0])
        appender = connection.appender(table, columns=columns, action="upsert" if replace else "insert")
        try:
            appender.append_rows([[_storable(row[column]) for column in columns] for row in rows])
            appender.flush()
        except duckdb.ConstraintException as error:
            if new:
                raise AlreadyThere(table) from error
            raise
    return there


def _key(connection: Connection, table: str) -> dict[str, str]:
    return {row["name"]: row["type"] for row in query(connection, "key_of", table=table)}


def _there(
    connection: Connection, table: str, key: Mapping[str, str], wanted: Sequence[tuple[Any, ...]]
) -> set[tuple[Any, ...]]:
    """Those of the wanted keys that the table has."""
    names = ", ".join(f'"{column}"' for column in key)
    lists = ", ".join(f'unnest(CAST(${column} AS {kind}[])) AS "{column}"' for column, kind in key.items())
    values = dict(zip(key, map(list, zip(*wanted, strict=True)), strict=True))
    found = connection.execute(f'FROM "{table}" SEMI JOIN (SELECT {lists}) USING ({names}) SELECT {names}', values)
    return set(found.fetchall())


def _storable(value: Any) -> Any:
    """A value as the store keeps it: times with a zone become UTC without one."""
    if isinstance(value, datetime) and value.tzinfo:
        return value.astimezone(UTC).replace(tzinfo=None)
    return value
