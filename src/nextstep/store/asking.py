"""Questions that users put to the store, in SQL of their own or by the name of a documented query."""

from collections import Counter
from difflib import get_close_matches
from importlib import resources
from typing import TYPE_CHECKING, Any

import duckdb

from nextstep.errors import UsageError
from nextstep.store.connecting import Connection
from nextstep.store.statements import cannot_run, check_statement

if TYPE_CHECKING:
    import pyarrow as pa


def ask(connection: Connection, statement: str) -> list[dict[str, Any]]:
    """The rows of one statement that only reads. Raises UsageError when it does more, or cannot be run."""
    check_statement(statement)
    try:
        asked = connection.sql(statement)
        if any("WITH TIME ZONE" in str(kind) for kind in asked.types):
            rows: list[dict[str, Any]] = _named(asked.to_arrow_table()).to_pylist()  # DuckDB's own way needs pytz
            return rows
        columns = _distinct(asked.columns)
        return [dict(zip(columns, row, strict=True)) for row in asked.fetchall()]
    except duckdb.Error as error:
        raise cannot_run(error) from error


def ask_arrow(connection: Connection, statement: str) -> "pa.Table":
    """The same as an Arrow table, with the columns' types also where there is no row."""
    check_statement(statement)
    try:
        return _named(connection.sql(statement).to_arrow_table())
    except duckdb.Error as error:
        raise cannot_run(error) from error


def _named(table: "pa.Table") -> "pa.Table":
    return _narrow(table.rename_columns(_distinct(table.column_names)))


def _narrow(table: "pa.Table") -> "pa.Table":
    """With ordinary whole numbers for DuckDB's widest ones, which sums have, wherever they fit."""
    import pyarrow as pa

    for at, field in enumerate(table.schema):
        if pa.types.is_decimal(field.type) and field.type.scale == 0:
            try:
                table = table.set_column(at, field.name, table.column(at).cast(pa.int64()))
            except pa.ArrowInvalid:
                continue
    return table


def _distinct(names: list[str]) -> list[str]:
    """The names of columns, a repeated one with its number."""
    seen: Counter[str] = Counter()
    told = []
    for name in names:
        seen[name] += 1
        told.append(name if seen[name] == 1 else f"{name}_{seen[name]}")
    return told


def named_queries() -> dict[str, tuple[str, str]]:
    """Every documented query: its name, the question that it answers, its SQL."""
    folder = resources.files(__package__) / "queries" / "named"
    files = sorted((file for file in folder.iterdir() if file.name.endswith(".sql")), key=lambda file: file.name)
    texts = {file.name.removesuffix(".sql"): file.read_text(encoding="utf-8") for file in files}
    return {name: (text.splitlines()[0].removeprefix("-- "), text) for name, text in texts.items()}


def named_query(name: str) -> str:
    """The SQL of a documented query. Raises UsageError with the nearest name."""
    queries = named_queries()
    if name not in queries:
        close = get_close_matches(name, queries, n=1)
        hint = f"did you mean {close[0]}?" if close else f"there are: {', '.join(queries)}"
        raise UsageError(f"no query is named {name!r}; {hint}")
    return queries[name][1]
