"""`nextstep calibrate`."""

from typing import TYPE_CHECKING

import typer

from nextstep.cli import options
from nextstep.cli.batching import batching, nothing_came, open_facts
from nextstep.cli.evaluating import SOME_FAILED, check_cost, print_plan, spent
from nextstep.cli.output import console, document, log_retries, remark
from nextstep.cli.settings import moment_set, set_up

if TYPE_CHECKING:
    from nextstep.pipeline.calibrate import Calibration
    from nextstep.pipeline.parcels import Batching
    from nextstep.pipeline.plan import PlannedCalls
    from nextstep.pipeline.running import RunResult
    from nextstep.store import Store


def calibrate(
    judge: options.Judges = None,
    config: options.Config = None,
    store: options.StoreFile = None,
    suite: options.SuiteFolder = None,
    set_name: options.SetName = None,
    limit: options.Limit = None,
    seed: options.Seed = 0,
    max_connections: options.Connections = None,
    max_cost: options.MaxCost = None,
    fresh: options.Fresh = False,
    batch: options.Batch = False,
    no_wait: options.NoWait = False,
    dry_run: options.DryRun = False,
    yes: options.Yes = False,
    json: options.Json = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
) -> None:
    """Measure judges with probes, pairs of steps whose right verdict is known, and print a card for each.

    A figure raises an alarm when its whole interval is outside of what is tolerated. What the store has is not asked
    for again. Run it after `nextstep eval`: some figures come from the verdicts of an evaluation.

    For example:

        nextstep calibrate --judge claude-opus-5-5

        nextstep calibrate --judge claude-opus-5-5 -n 50 --dry-run
    """
    log_retries(verbose)
    way = batching(batch=batch, no_wait=no_wait, dry_run=dry_run)
    setup = set_up(config, store=store, suite=suite, judges=judge, max_connections=max_connections, max_cost=max_cost)
    from nextstep.pipeline.calibrate import make_calibration
    from nextstep.sources.dataset import open_suite
    from nextstep.store import Store

    only = moment_set(set_name)
    loaded = open_suite(setup.place)
    work = make_calibration(setup.config, loaded, setup.prompts, only=only, limit=limit, seed=seed, fresh=fresh)
    the_store = Store(setup.store)
    if dry_run:
        print_plan(_plan(work, the_store), setup.config, as_json=json)
        return
    check_cost(setup.config.limits, lambda: _plan(work, the_store), yes=yes, in_batches=batch)
    result = run_calibration(work, the_store, quiet=quiet, way=way)
    tell(result, the_store, as_json=json, quiet=quiet)


def run_calibration(
    work: "Calibration", store: "Store", *, quiet: bool, command: str = "calibrate", way: "Batching | None" = None
) -> "RunResult":
    """Run the probes with progress on standard error."""
    import asyncio

    from nextstep.cli.progress import ProgressWatcher
    from nextstep.pipeline.calibrate import calibrate as calibrate_judges

    with ProgressWatcher(quiet=quiet) as watcher:
        return asyncio.run(calibrate_judges(work, store, watcher, command=command, batching=way))


def tell(result: "RunResult", store: "Store", *, as_json: bool, quiet: bool) -> None:
    """Print the cards and how the run went; exit with its code."""
    if as_json:
        facts: dict[str, object] = {"run_id": result.run_id, "suite_hash": result.suite_hash, "store": str(store.path)}
        facts |= {"in_batches": open_facts(result)}
        typer.echo(document("judge_health", result.health, **facts, status=result.status, failed=result.failed))
    elif any(row["n"] for row in result.health):
        from nextstep.report.card import cards

        console().print(cards(result.health))
    if result.stopped_by:
        raise result.stopped_by
    spend = result.spend
    remark(
        f"{spend.calls} requests answered, {result.failed} failed; spent {spent(spend)}."
        if spend.calls or result.failed
        else nothing_came(result),
        quiet=quiet,
    )
    if result.failed:
        remark(
            "some work gave nothing: `nextstep sql --named failures` says why. Run again to retry lost calls; an answer"
            " that cannot be read was paid for and stays, --fresh asks anew"
        )
        raise typer.Exit(SOME_FAILED)


def _plan(work: "Calibration", store: "Store") -> "list[PlannedCalls]":
    from nextstep.pipeline.plan import plan_calibration

    return plan_calibration(work, store)
