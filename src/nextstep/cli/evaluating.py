"""`nextstep eval` and `nextstep demo`."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from nextstep.cli import options
from nextstep.cli.batching import batching, nothing_came, open_facts
from nextstep.cli.output import console, document, echo, log_retries, remark
from nextstep.cli.settings import moment_set, set_up, the_shard
from nextstep.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any

    from nextstep.config import EvalConfig, Limits
    from nextstep.pipeline.evaluate import Job
    from nextstep.pipeline.parcels import Batching
    from nextstep.pipeline.plan import PlannedCalls
    from nextstep.pipeline.running import RunResult
    from nextstep.pipeline.spending import Spend
    from nextstep.store import Store

    Rows = Sequence[Mapping[str, Any]]

DEMO_STORE = Path("nextstep-demo.duckdb")
MADE = {"propose": "proposals", "scribe": "steps in one form", "judge": "verdicts"}
SOME_FAILED, INTERRUPTED = 4, 130


def eval_(
    model: options.Models = None,
    judge: options.Judges = None,
    config: options.Config = None,
    store: options.StoreFile = None,
    suite: options.SuiteFolder = None,
    set_name: options.SetName = None,
    limit: options.Limit = None,
    seed: options.Seed = 0,
    shard: options.ShardName = None,
    samples: options.Samples = None,
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
    """Evaluate models: ask for next steps, judge them against the human's, and work out win rates.

    What the store has is not asked for again: a rerun sends nothing, and an interrupted run goes on.

    For example:

        nextstep eval --model claude-opus-5-5 --judge claude-opus-5-5

        nextstep eval --model offline/continue --judge offline/lexical

        nextstep eval --model local/my-model --judge claude-opus-5-5 -n 10 --dry-run

        nextstep eval --model claude-opus-5-5 --judge claude-opus-5-5 --batch --no-wait
    """
    log_retries(verbose)
    way = batching(batch=batch, no_wait=no_wait, dry_run=dry_run)
    setup = set_up(
        config,
        store=store,
        suite=suite,
        models=model,
        judges=judge,
        samples=samples,
        max_connections=max_connections,
        max_cost=max_cost,
    )
    from nextstep.pipeline.evaluate import make_job
    from nextstep.sources.dataset import open_suite
    from nextstep.store import Store

    only, part = moment_set(set_name), the_shard(shard)
    the_suite = open_suite(setup.place)
    job = make_job(setup.config, the_suite, setup.prompts, only=only, limit=limit, seed=seed, fresh=fresh, shard=part)
    if not job.moments:
        remark(f"shard {part} holds no session of this choice, so nothing is due", quiet=quiet)
    the_store = Store(setup.store)
    if dry_run:
        print_plan(_plan(job, the_store), job.config, as_json=json)
        return
    check_cost(job.config.limits, lambda: _plan(job, the_store), yes=yes, in_batches=batch)
    result = _run(job, the_store, "eval", quiet=quiet, way=way)
    _tell(result, the_store, as_json=json, quiet=quiet)


def demo(
    store: options.StoreFile = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Run the whole pipeline on the bundled suite with the offline models: no key, no network.

    For example:

        nextstep demo

        nextstep demo --store /tmp/demo.duckdb --json
    """
    from nextstep.bundled import bundled
    from nextstep.cli.calibrating import run_calibration
    from nextstep.config import EvalConfig
    from nextstep.models.offline import CANDIDATES, JUDGE
    from nextstep.pipeline.calibrate import make_calibration
    from nextstep.pipeline.evaluate import make_job
    from nextstep.sources.suite import load_suite
    from nextstep.store import Store

    config = EvalConfig.model_validate({"candidates": CANDIDATES, "judges": [JUDGE]})
    suite, prompts = load_suite(bundled("transcripts")), bundled("prompts")
    job, work = make_job(config, suite, prompts), make_calibration(config, suite, prompts)
    the_store = Store(store or DEMO_STORE)
    result = _run(job, the_store, "demo", quiet=quiet)
    measured = run_calibration(work, the_store, quiet=quiet, command="demo")
    result.health = measured.health
    result.spend.calls += measured.spend.calls
    _tell(result, the_store, as_json=json, quiet=quiet)


def _run(job: "Job", store: "Store", command: str, *, quiet: bool, way: "Batching | None" = None) -> "RunResult":
    import asyncio

    from nextstep.cli.progress import ProgressWatcher
    from nextstep.pipeline.evaluate import evaluate

    with ProgressWatcher(quiet=quiet) as watcher:
        return asyncio.run(evaluate(job, store, watcher, command=command, batching=way))


def _tell(result: "RunResult", store: "Store", *, as_json: bool, quiet: bool) -> None:
    """Print the win rates and how the run went; exit with its code."""
    from nextstep.pipeline.correcting import with_cards
    from nextstep.pipeline.results import read_health

    with store.read() as connection:
        health = read_health(connection, result.suite_hash)
    rows = with_cards(result.win_rates, health)
    if as_json:
        typer.echo(document("win_rates", rows, **_facts(result, store), judge_health=health))
    else:
        _print_rates(rows, health, result.health)
    if result.stopped_by and not result.spend.calls:
        raise result.stopped_by
    remark(_how_it_went(result), quiet=quiet)
    if not as_json:
        echo(f'Store: {store.path}   (duckdb {store.path} "FROM win_rates")')
    if result.stopped_by:
        raise result.stopped_by
    if result.failed:
        remark(
            "some work gave nothing: `nextstep sql --named failures` says why. Run again to retry lost calls; an answer"
            " that cannot be read was paid for and stays, --fresh asks anew"
        )
        raise typer.Exit(SOME_FAILED)


def _print_rates(rows: "Rows", health: "Rows", measured: "Rows") -> None:
    """The win rates, and the cards that this very command has `measured`."""
    from nextstep.report.card import cards
    from nextstep.report.results import win_rate_tables

    if any(row["n_moments"] for row in rows):
        console().print(win_rate_tables(rows, health))
    if measured:
        console().print(cards(measured))


def _facts(result: "RunResult", store: "Store") -> dict[str, object]:
    return {
        "run_id": result.run_id,
        "suite_hash": result.suite_hash,
        "store": str(store.path),
        "status": result.status,
        "requests": result.spend.calls,
        "reused": sum(stage.reused for stage in result.stages.values()),
        "failed": result.failed,
        "cost_usd": result.spend.usd,
        "unpriced": result.spend.unpriced,
        "in_batches": open_facts(result),
    }


def _how_it_went(result: "RunResult") -> str:
    made = " and ".join(f"{stage.made} {MADE[name]}" for name, stage in result.stages.items() if stage.made)
    spend = result.spend
    if not spend.calls and not result.failed:
        return nothing_came(result) + (f" Read from the store: {made}." if made else "")
    return f"{spend.calls} requests answered, {result.failed} failed; new: {made or 'nothing'}; spent {spent(spend)}."


def spent(spend: "Spend") -> str:
    """What a run cost; answers whose price is not known are told, not counted as nothing."""
    return f"${spend.usd:.4f}" + (f" and {spend.unpriced} answers without a known price" if spend.unpriced else "")


def _plan(job: "Job", store: "Store") -> "list[PlannedCalls]":
    from nextstep.pipeline.plan import plan_calls

    return plan_calls(job, store)


def print_plan(plan: "list[PlannedCalls]", config: "EvalConfig", *, as_json: bool) -> None:
    """Print what would be sent, as its servers count it or else estimated."""
    import asyncio

    from nextstep.models import open_model
    from nextstep.pipeline.engine import ANSWER_TOKENS
    from nextstep.pipeline.plan import count
    from nextstep.report.text import RowsTable

    asyncio.run(count(plan, lambda name: open_model(name, config.endpoints, config.limits)))
    rows = [
        {
            "purpose": str(planned.purpose),
            "model": planned.model,
            "calls": planned.calls,
            "input_tokens": planned.input_tokens,
            "counted": planned.counted,
            "output_tokens": planned.output_tokens,
            "cost_usd": planned.cost_usd,
            "cached_usd": planned.cached_usd,
            "batch_usd": planned.batch_usd,
        }
        for planned in plan
    ]
    if as_json:
        typer.echo(document("plan", rows))
        return
    console().print(RowsTable(rows) if rows else "Nothing to send: the store has every answer.")
    remark(
        "cost_usd is without caches, cached_usd with them, batch_usd in batches; an empty one is of a price that is not"
        " known (`prices:` in evals.yaml). Input tokens are the server's count where `counted` says so, else estimated"
        f" by length; output is taken as {ANSWER_TOKENS} tokens an answer."
    )


def check_cost(
    limits: "Limits", planned: "Callable[[], list[PlannedCalls]]", *, yes: bool, in_batches: bool = False
) -> None:
    """Refuse a budget that cannot be kept; ask at a terminal before a run that costs much."""
    at_terminal = sys.stdin.isatty() and sys.stderr.isatty() and not yes
    if limits.max_cost_usd is None and not at_terminal:
        return
    plan = planned()
    unknown = ", ".join(sorted({planned.model for planned in plan if planned.cost_usd is None}))
    if unknown and limits.max_cost_usd is not None:
        raise UsageError(
            f"the price of {unknown} is not known, so --max-cost (limits.max_cost_usd) cannot be kept; give it"
            " under `prices:` in evals.yaml, or leave the limit out"
        )
    cost = sum((planned.batch_usd if in_batches else planned.cost_usd) or 0.0 for planned in plan)
    if at_terminal and (cost > limits.ask_above_usd or unknown):
        calls = sum(planned.calls for planned in plan)
        more = f", and at prices not known for {unknown}" if unknown else ""
        if not typer.confirm(f"This sends {calls} requests for about ${cost:.2f}{more}. Go on?", err=True):
            remark("nothing was sent")
            raise typer.Exit(INTERRUPTED)
