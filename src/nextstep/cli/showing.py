"""`nextstep results`, `nextstep show` and `nextstep runs`: what the store has, read only."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nextstep.cli import options
from nextstep.cli.output import console, document, print_rows
from nextstep.cli.settings import moment_set, set_up
from nextstep.errors import UsageError

if TYPE_CHECKING:
    from nextstep.store import Store

BEFORE, AFTER = 4, 8
"""Events that `show` prints before and after a moment."""


def results(
    model: options.Models = None,
    judge: options.Judges = None,
    set_name: options.SetName = None,
    by: Annotated[str | None, options.flag("--by", help="Split by tag, session, window or cutoff.")] = None,
    config: options.Config = None,
    store: options.StoreFile = None,
    suite: options.SuiteFolder = None,
    json: options.Json = False,
    output: options.Output = None,
) -> None:
    """Show win rates, for each candidate, set and judge, with what may bias them: of the suite scored last, or --suite.

    Several judges of one run also stand as a jury, with how far they agree; --model and --judge leave the agreement of
    the judges that are shown. --by splits the win rates by tag, by session, by window (whether the candidate's prefix
    was shortened) or by cutoff (whether it may have trained on it).

    For example:

        nextstep results

        nextstep results --by tag --set detour

        nextstep results -o win_rates.csv
    """
    from nextstep.pipeline.correcting import with_cards
    from nextstep.pipeline.results import BY, agreement_among, read_agreement, read_health, read_results
    from nextstep.report.results import results_text

    if by not in (None, *BY):
        raise UsageError(f"--by is one of {', '.join(BY)}, not {by!r}")
    only = moment_set(set_name)
    with _store(config, store).read() as connection:
        suite_hash = _suite_hash(suite)
        rows = read_results(connection, suite_hash, by=by)
        health, agreement = read_health(connection, suite_hash), read_agreement(connection, suite_hash)
    chosen = [
        row
        for row in with_cards(rows, health)
        if (not model or row["candidate"] in model)
        and (not judge or row["judge"] in judge)
        and only in (None, row["set"])
    ]
    if not chosen:
        raise UsageError("there are no results of this kind yet; `nextstep eval` makes them")
    agreement = agreement_among(agreement, chosen)
    text = results_text(chosen, health=health, agreement=agreement)
    more = {"agreement": agreement, "judge_health": health}
    print_rows("win_rates", chosen, text, as_json=json, output=output, more=more)


def show(
    moment: Annotated[str, typer.Argument(help="The start of a moment's id, or SESSION:CUT.")],
    model: options.Models = None,
    config: options.Config = None,
    store: options.StoreFile = None,
    json: options.Json = False,
) -> None:
    """Show one moment: what had happened, both steps, the verdicts with their reasons, and what really happened.

    For example:

        nextstep show 3fa9

        nextstep show slow-query:19 --model claude-opus-5-5
    """
    from nextstep.pipeline.results import read_moment
    from nextstep.report.moment import moment_text

    with _store(config, store).read() as connection:
        found = read_moment(connection, moment, before=BEFORE, after=AFTER)
    if model:
        found["proposals"] = [row for row in found["proposals"] if row["candidate"] in model]
        found["failures"] = [row for row in found["failures"] if row["candidate"] in model]
    if json:
        typer.echo(document("moment", found))
    else:
        console().print(moment_text(found))


def runs(
    config: options.Config = None,
    store: options.StoreFile = None,
    limit: Annotated[int, options.flag("--limit", "-n", help="At most so many.", least=1)] = 20,
    json: options.Json = False,
    output: options.Output = None,
) -> None:
    """Show past runs with their calls, failures and cost, the last first.

    For example:

        nextstep runs

        nextstep runs --json -n 1
    """
    from nextstep.report.text import RowsTable
    from nextstep.store.database import query

    with _store(config, store).read() as connection:
        rows = query(connection, "runs", limit=limit)
    shown = [
        {name: row[name] for name in ("run_id", "command", "status", "calls", "failed", "cost_usd")} for row in rows
    ]
    print_rows("runs", rows, RowsTable(shown), as_json=json, output=output)


def _store(config: Path | None, store: Path | None) -> "Store":
    from nextstep.store import Store

    return Store(set_up(config, store=store).store)


def _suite_hash(suite: str | None) -> str | None:
    if suite is None:
        return None
    from nextstep.sources.dataset import open_suite

    return open_suite(suite).suite_hash
