"""`nextstep merge`: the stores of several machines or jobs as one."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nextstep.cli import options
from nextstep.cli.output import console, document, echo, remark
from nextstep.errors import UsageError

if TYPE_CHECKING:
    from nextstep.pipeline.merging import Merge, Watch


def merge(
    stores: Annotated[list[Path], typer.Argument(help="The stores to unite; they stay as they are.", metavar="STORE")],
    output: Annotated[Path | None, options.flag("--output", "-o", help="The new store; never overwritten.")] = None,
    into: Annotated[
        Path | None, options.flag("--into", help="A store that is there, to bring the others into.")
    ] = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Unite stores: every row once, and every win rate, card and agreement worked out anew from all of them.

    A row's id names what produced it, so the same work is one row. Where two stores have one id with other content, the
    row that was made first stands; of runs, the one that ended last; of labels, those of the last run's suite. Replies
    are all kept. The order of the stores does not matter, and merging again changes nothing.

    For example:

        nextstep eval --shard 1/2 --store one.duckdb --model claude-opus-5-5 --judge claude-opus-5-5

        nextstep merge one.duckdb two.duckdb -o all.duckdb

        nextstep merge one.duckdb --into all.duckdb
    """
    from nextstep.pipeline.merging import merge_into, merge_into_new

    watch = _watch(quiet=quiet)
    if output and into is None:
        done = merge_into_new(stores, output, watch)
    elif into and output is None:
        done = merge_into(stores, into, watch)
    else:
        raise UsageError(
            "say where to: -o FILE makes a new store, --into FILE brings the others into one that is there"
        )
    _tell(done, as_json=json, quiet=quiet)


def _watch(*, quiet: bool) -> "Watch":
    from nextstep.cli.progress import counted

    return lambda path, tables: counted(tables, len(tables), quiet=quiet, doing=f"merge {path.name}")


def _tell(done: "Merge", *, as_json: bool, quiet: bool) -> None:
    from nextstep.report.text import RowsTable

    rows = [_row(done, name) for name in (table.table for table in done.tables)]
    if as_json:
        facts = {"store": str(done.store), "sources": [str(path) for path in done.sources], "tables": rows}
        echo(document("merge", facts | {"estimates": done.estimates, "changed": done.changed}))
        return
    console().print(RowsTable([row for row in rows if row["came"]]))
    if not done.changed:
        echo(f"{done.store} holds all of it already; nothing was changed")
        return
    echo(f"merged into {done.store}: {done.estimates} estimates worked out anew")
    remark(_how(rows, done.store), quiet=quiet)


def _row(done: "Merge", name: str) -> dict[str, str | int]:
    (table,) = (table for table in done.tables if table.table == name)
    twice = table.came - table.new - table.differed
    return {"table": name, "came": table.came, "new": table.new, "twice": twice, "differed": table.differed}


def _how(rows: Iterable[dict[str, str | int]], store: Path) -> str:
    """What else there is to say: how rows that differed were settled, and how to look at the whole."""
    odd = [f"{row['differed']} {row['table']}" for row in rows if row["differed"]]
    settled = f"Other content under one id: {', '.join(odd)}. What was made first stands; replies are all kept. "
    settled = settled if odd else ""
    return f"{settled}`nextstep results --store {store}` shows the win rates."
