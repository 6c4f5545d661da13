"""`nextstep sql`: questions to the store in SQL, read only."""

from typing import Annotated

import typer

from nextstep.cli import options
from nextstep.cli.output import print_rows
from nextstep.cli.settings import set_up
from nextstep.errors import UsageError


def sql(
    statement: Annotated[str | None, typer.Argument(help="A SELECT, or - to read it from standard input.")] = None,
    named: Annotated[str | None, options.flag("--named", help="Run a documented query by its name.")] = None,
    list_named: Annotated[bool, options.flag("--list", help="List the documented queries.")] = False,
    config: options.Config = None,
    store: options.StoreFile = None,
    json: options.Json = False,
    output: options.Output = None,
) -> None:
    """Ask the store in SQL. It is opened read-only and sealed: no files, no network, no settings.

    For example:

        nextstep sql "FROM win_rates"

        nextstep sql --named failures

        nextstep sql --list
    """
    from nextstep.report.text import RowsTable
    from nextstep.store import Store
    from nextstep.store.asking import ask, named_queries

    if list_named:
        rows = [{"name": name, "question": question} for name, (question, _) in named_queries().items()]
        print_rows("queries", rows, RowsTable(rows), as_json=json, output=output)
        return
    text = _statement(statement, named)
    with Store(set_up(config, store=store).store).read(sealed=True) as connection:
        rows = ask(connection, text)
    print_rows("rows", rows, RowsTable(rows), as_json=json, output=output)


def _statement(statement: str | None, named: str | None) -> str:
    from difflib import get_close_matches

    from nextstep.store.asking import named_queries

    if (statement is None) == (named is None):
        raise UsageError("give either a SELECT or --named; `nextstep sql --list` shows the named queries")
    if named is None:
        return typer.get_text_stream("stdin").read() if statement == "-" else str(statement)
    queries = named_queries()
    if named not in queries:
        close = get_close_matches(named, queries, n=1)
        hint = f"did you mean {close[0]}?" if close else f"there are: {', '.join(queries)}"
        raise UsageError(f"no query is named {named!r}; {hint}")
    return queries[named][1]
