"""The columns of a dataset's two tables, and whether a file has them.

Times are texts as a session spells them (ISO 8601 with the offset), because ids are made from that spelling.
"""

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa


class Column(StrEnum):
    """What a column holds, in words of errors."""

    TEXT = "a text"
    WHOLE = "a whole number"
    TEXTS = "a list of texts"
    EVENTS = "a list of events"


Columns = Mapping[str, Column]

EVENT_COLUMNS: Columns = {
    "idx": Column.WHOLE,
    "role": Column.TEXT,
    "kind": Column.TEXT,
    "text": Column.TEXT,
    "tool": Column.TEXT,
    "at": Column.TEXT,
}
SESSION_COLUMNS: Columns = {
    "session_id": Column.TEXT,
    "name": Column.TEXT,
    "title": Column.TEXT,
    "source": Column.TEXT,
    "sha256": Column.TEXT,
    "started_at": Column.TEXT,
    "events": Column.EVENTS,
}
MOMENT_COLUMNS: Columns = {
    "moment_id": Column.TEXT,
    "session_id": Column.TEXT,
    "session": Column.TEXT,
    "cut": Column.WHOLE,
    "set": Column.TEXT,
    "human_step": Column.TEXT,
    "why": Column.TEXT,
    "recovered_at": Column.WHOLE,
    "resolution": Column.TEXT,
    "tags": Column.TEXTS,
}


def arrow_schema(columns: Columns) -> "pa.Schema":
    """The Arrow schema of a table with these columns."""
    import pyarrow as pa

    return pa.schema([pa.field(name, _arrow_type(column)) for name, column in columns.items()])


def _arrow_type(column: Column) -> "pa.DataType":
    import pyarrow as pa

    types = {Column.TEXT: pa.string(), Column.WHOLE: pa.int64(), Column.TEXTS: pa.list_(pa.string())}
    if column is Column.EVENTS:
        return pa.list_(pa.struct(list(arrow_schema(EVENT_COLUMNS))))
    return types[column]


def card_features(columns: Columns) -> list[dict[str, object]]:
    """The columns in the words of a dataset card."""
    names: dict[Column, dict[str, object]] = {
        Column.TEXT: {"dtype": "string"},
        Column.WHOLE: {"dtype": "int64"},
        Column.TEXTS: {"list": "string"},
    }
    return [
        {"name": name, **(names.get(column) or {"list": card_features(EVENT_COLUMNS)})}
        for name, column in columns.items()
    ]


def column_problems(where: str, schema: "pa.Schema", columns: Columns) -> Iterator[str]:
    """Every column that is missing or holds something else. Columns that nobody asked for do not matter."""
    for name, column in columns.items():
        if schema.get_field_index(name) < 0:
            yield f"{where} has no column `{name}` ({column})"
            continue
        found = schema.field(name).type
        if inner := _struct_in(found) if column is Column.EVENTS else None:
            yield from column_problems(f"{where}.{name}", inner, EVENT_COLUMNS)
        elif not _fits(found, column):
            yield f"{where}: column `{name}` is {found!s:.60}, not {column}"


def _struct_in(found: "pa.DataType") -> "pa.Schema | None":
    """The fields of the records in a list, None for any other type."""
    import pyarrow as pa

    if not _is_list(found) or not pa.types.is_struct(found.value_type):
        return None
    return pa.schema(list(found.value_type))


def _is_list(found: "pa.DataType") -> bool:
    import pyarrow as pa

    return bool(pa.types.is_list(found) or pa.types.is_large_list(found))


def _fits(found: "pa.DataType", column: Column) -> bool:
    """Whether values of an Arrow type can be read as a column; a column of nothing but nulls has no type."""
    import pyarrow as pa

    if column is Column.TEXTS and _is_list(found):
        return _fits(found.value_type, Column.TEXT)
    if column is Column.TEXT:
        return bool(pa.types.is_string(found) or pa.types.is_large_string(found) or pa.types.is_null(found))
    return column is Column.WHOLE and bool(pa.types.is_integer(found))
