"""Whether a statement that a user wrote only reads the store: decided on its syntax tree, before anything of it is run.

DuckDB's own bars (read-only, no external access, settings locked) stand behind this. They let three things through
that are none of a reader's: the store's own file and its log as files, statements that leave something in the
connection, and functions that show what this machine keeps.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

import duckdb

from nextstep.errors import UsageError
from nextstep.store.connecting import Connection, in_memory

TABLE_FUNCTIONS = frozenset(
    {
        *("generate_series", "json_each", "json_tree", "range", "repeat", "repeat_row", "summary", "unnest"),
        *("duckdb_columns", "duckdb_constraints", "duckdb_functions", "duckdb_indexes", "duckdb_keywords"),
        *("duckdb_schemas", "duckdb_tables", "duckdb_types", "duckdb_views"),
        *("pragma_show", "pragma_storage_info", "pragma_table_info", "pragma_version"),
    }
)
"""What may stand in FROM beside tables: nothing of these opens a file, an address or another statement."""

NOT_ALLOWED = frozenset({"getenv", "write_log", "current_setting", "nextval"})
"""Functions that look at or change something beside the store."""

READS = "SELECT, FROM, WITH, VALUES, DESCRIBE, SHOW or SUMMARIZE"
PLACE = frozenset("./\\:*?")
"""What the name of a file or an address has, and none of a table."""

_COMMENTS = re.compile(r"--[^\n]*|/\*.*?\*/", re.DOTALL)


def check_statement(text: str) -> None:
    """Raise UsageError unless the text is one statement that reads tables and views and nothing else."""
    try:
        statements = duckdb.extract_statements(text)
        kinds = [statement.type.name for statement in statements]
    except duckdb.Error as error:
        raise cannot_run(error) from error
    except ValueError:  # a kind of statement that the client has no name for
        kinds = ["UNNAMED"]
    if not kinds:
        raise UsageError("there is no statement in what was given; for example: FROM win_rates")
    if len(kinds) > 1:
        raise UsageError(f"one statement at a time: these are {len(kinds)}; join them with WITH, or ask one by one")
    if kinds != ["SELECT"]:
        word = re.search(r"[A-Za-z]+", _COMMENTS.sub("", text))
        raise UsageError(read_only(word[0].upper() if word else kinds[0]))
    with in_memory() as connection:
        _check(_tree(connection, text))


def read_only(what: str) -> str:
    """Why a statement is refused, and what to do."""
    return (
        f"read-only: {what} is refused; a question starts with {READS}."
        " To change anything, copy the store and open the copy with `duckdb`"
    )


def cannot_run(error: Exception) -> UsageError:
    """DuckDB's own words for what is wrong with a query; one line where it was refused."""
    told = str(error).strip()
    if "read-only mode" in told:
        return UsageError(read_only("what writes"))
    if isinstance(error, duckdb.PermissionException):
        return UsageError(_sealed(told.splitlines()[0].removeprefix("Permission Error: ")))
    return UsageError(f"the query cannot be run: {told}")


def _sealed(what: str) -> str:
    return (
        f"read-only: {what}, and a query reaches nothing but the store's tables and views."
        " To join other data, open the store with `duckdb`"
    )


def _tree(connection: Connection, text: str) -> Any:
    """The syntax tree of a SELECT."""
    ((told,),) = connection.execute("SELECT json_serialize_sql(?)", [text]).fetchall()
    try:
        tree = json.loads(told)
    except RecursionError as error:
        raise UsageError("the query is nested too deeply to be looked through; write parts of it as WITH") from error
    if tree["error"]:
        raise UsageError(f"the query cannot be run: {tree['error_message']}")
    return tree


def _check(tree: Any) -> None:
    for node in _nodes(tree):
        if node.get("type") == "TABLE_FUNCTION":
            name = str(node["function"].get("function_name", "")).lower()
            if name not in TABLE_FUNCTIONS:
                raise UsageError(_sealed(f"{name}() is no table of the store"))
        elif node.get("type") == "BASE_TABLE" and PLACE & set(node["table_name"]):
            raise UsageError(_sealed(f"{node['table_name']!r:.80} is a file or an address"))
        elif node.get("class") == "FUNCTION" and node["function_name"].lower() in NOT_ALLOWED:
            raise UsageError(_sealed(f"{node['function_name'].lower()}() looks or works beside the store"))


def _nodes(tree: Any) -> Iterator[dict[str, Any]]:
    """Every object of the tree, however deep it is."""
    left = [tree]
    while left:
        node = left.pop()
        if isinstance(node, dict):
            yield node
            left += node.values()
        elif isinstance(node, list):
            left += node
