"""Questions that users put to the store, in SQL of their own or by the name of a documented query."""

from collections import Counter
from importlib import resources
from typing import Any

import duckdb

from nextstep.errors import UsageError
from nextstep.store.connecting import Connection


def ask(connection: Connection, statement: str) -> list[dict[str, Any]]:
    """The rows of one statement. Raises UsageError with DuckDB's own words when it cannot be run."""
    try:
        result = connection.execute(statement)
        columns = _distinct([column[0] for column in result.description or []])
        return [dict(zip(columns, row, strict=True)) for row in result.fetchall()]
    except duckdb.Error as error:
        raise UsageError(f"the query cannot be run: {error}") from error


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
