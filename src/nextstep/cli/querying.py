"""`nextstep sql`: questions to the store in SQL, read only."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nextstep.cli import options
from nextstep.cli.output import print_as, print_rows, remark
from nextstep.cli.settings import set_up
from nextstep.errors import UsageError

if TYPE_CHECKING:
    from nextstep.store import Connection

FORMATS = ("table", "csv", "json", "markdown")


def sql(
    statement: Annotated[str | None, typer.Argument(help="A SELECT, or - to read it from standard input.")] = None,
    named: Annotated[str | None, options.flag("--named", help="Run a documented query by its name.")] = None,
    list_named: Annotated[bool, options.flag("--list", help="List the documented queries.")] = False,
    form: Annotated[
        str, options.flag("--format", help=f"How rows are printed: {', '.join(FORMATS[:-1])} or {FORMATS[-1]}.")
    ] = "table",
    config: options.Config = None,
    store: options.StoreFile = None,
    json: options.Json = False,
    output: options.Output = None,
) -> None:
    """Ask the store in SQL. It is opened read-only and sealed: no files, no network, no settings.

    In CSV and Markdown, texts are kept from acting: one that a spreadsheet would take for a formula gets an apostrophe,
    Markdown's marks are escaped. JSON and Parquet hold them as they are.

    For example:

        nextstep sql "FROM win_rates"

        nextstep sql --named failures --format markdown

        nextstep sql --list
    """
    from nextstep.report.text import RowsTable
    from nextstep.store import Store
    from nextstep.store.asking import ask, named_queries

    if form not in FORMATS:
        raise UsageError(f"--format is one of {', '.join(FORMATS)}, not {form!r}; -o FILE.parquet writes Parquet")
    if list_named:
        name, rows = "queries", [{"name": name, "question": told} for name, (told, _) in named_queries().items()]
    else:
        text = _statement(statement, named)
        with Store(set_up(config, store=store).store).read(sealed=True) as connection:
            if output and output.suffix == ".parquet":
                _write_parquet(connection, text, output)
                return
            name, rows = "rows", ask(connection, text)
    if form == "table" or json or output:
        print_rows(name, rows, RowsTable(rows), as_json=json, output=output)
    else:
        print_as(form, name, rows)


def _write_parquet(connection: "Connection", text: str, path: Path) -> None:
    """With the columns' own types, also where there is no row."""
    from pyarrow import ArrowException, parquet

    from nextstep.store.asking import ask_arrow

    try:
        parquet.write_table(ask_arrow(connection, text), path)
    except (OSError, ArrowException) as error:
        raise UsageError(f"-o {path}: cannot be written ({error})") from error
    remark(f"wrote {path}")


def _statement(statement: str | None, named: str | None) -> str:
    from nextstep.store.asking import named_query

    if (statement is None) == (named is None):
        raise UsageError("give either a SELECT or --named; `nextstep sql --list` shows the named queries")
    if named is None:
        return typer.get_text_stream("stdin").read() if statement == "-" else str(statement)
    return named_query(named)
