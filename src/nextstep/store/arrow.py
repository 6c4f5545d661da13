"""The answers of query files as Arrow tables, with the types that the store gives their columns."""

from typing import TYPE_CHECKING, Any

from nextstep.store.connecting import Connection
from nextstep.store.database import query_text

if TYPE_CHECKING:
    import pyarrow as pa


def query_arrow(connection: Connection, name: str, **values: Any) -> "pa.Table":
    """The rows of the query in queries/NAME.sql, its parameters bound to `values`."""
    return connection.sql(query_text(name), params=values or None).to_arrow_table()
