"""`nextstep compare` and `nextstep check`: which of some models is better, and whether a new one is worse."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nextstep.cli import options
from nextstep.cli.output import console, document, log_retries, print_rows, remark
from nextstep.cli.settings import moment_set, set_up
from nextstep.errors import UsageError

if TYPE_CHECKING:
    from nextstep.pipeline.evaluate import Job
    from nextstep.pipeline.gate import Against, Gate
    from nextstep.pipeline.parcels import Batching
    from nextstep.pipeline.running import RunResult
    from nextstep.report.gate import GateReport
    from nextstep.store import Store

NOT_COMPARABLE = 3
EXIT_CODES = {"pass": 0, "regression": 1, "no verdict": 3}
FORMS = (".json", ".md", ".xml", ".txt")
SUMMARY = "GITHUB_STEP_SUMMARY"


def compare(
    models: Annotated[list[str], typer.Argument(help="Two candidates or more, by their names in the results.")],
    judge: options.Judges = None,
    set_name: options.SetName = None,
    limit: Annotated[
        int, options.flag("--limit", "-n", help="List so many moments that changed most, for each difference.", least=0)
    ] = 5,
    config: options.Config = None,
    store: options.StoreFile = None,
    suite: options.SuiteFolder = None,
    json: options.Json = False,
    output: options.Output = None,
) -> None:
    """Compare models, two by two, on the moments that both were scored at: the first minus the second.

    For each set and judge: the difference with its interval (sessions as the independent unit), the p-value of flipping
    whole sessions, the shares of moments that are better, the same and worse, and the difference that could have been
    found (mde). With more than two models, p-values are also adjusted for one another (Holm). Models that were not
    judged alike are not compared: exit code 3 if no two were. Of the suite scored last, or --suite.

    For example:

        nextstep compare claude-opus-5-5 claude-haiku-5-5

        nextstep compare offline/continue offline/question offline/stock --set detour --json
    """
    from nextstep.pipeline.comparing import compare as compare_stored
    from nextstep.report.comparing import comparison_text
    from nextstep.store import Store

    only = moment_set(set_name)
    the_store = Store(set_up(config, store=store).store)
    found = compare_stored(the_store, models, suite_hash=_suite_hash(suite), judges=judge or (), only=only, most=limit)
    apart = [(one.candidate, one.baseline, one.reasons) for one in found.apart]
    text = comparison_text(found.rows, found.changed, apart)
    told = [
        {"candidate": a, "baseline": b, "reasons": [{"what": one.what, "remedy": one.remedy} for one in reasons]}
        for a, b, reasons in apart
    ]
    if found.rows or json or output:
        more = {"suite_hash": found.suite_hash, "changed": found.changed, "not_comparable": told}
        print_rows("comparisons", found.rows, text, as_json=json, output=output, more=more)
    else:
        console().print(text)
    if apart and not found.rows:
        raise typer.Exit(NOT_COMPARABLE)


def _suite_hash(suite: str | None) -> str | None:
    if suite is None:
        return None
    from nextstep.sources.dataset import open_suite

    return open_suite(suite).suite_hash


def check(
    model: Annotated[str, options.flag("--model", "-m", help="The new model.")],
    against: Annotated[str, options.flag("--against", help="The old model, or a baseline's file (export --run).")],
    no_run: Annotated[bool, options.flag("--no-run", help="Send nothing: decide by what the store has.")] = False,
    judge: options.Judges = None,
    config: options.Config = None,
    store: options.StoreFile = None,
    suite: options.SuiteFolder = None,
    limit: options.Limit = None,
    seed: options.Seed = 0,
    samples: options.Samples = None,
    max_connections: options.Connections = None,
    max_cost: options.MaxCost = None,
    fresh: options.Fresh = False,
    batch: options.Batch = False,
    dry_run: options.DryRun = False,
    yes: options.Yes = False,
    json: options.Json = False,
    output: Annotated[
        list[Path] | None,
        options.flag(
            "--output", "-o", help="Write to a file as well (.json, .md, .xml = JUnit, .txt); may be repeated."
        ),
    ] = None,
    github_summary: Annotated[
        bool, options.flag("--github-summary", help="Add it to the summary of a GitHub job as well.")
    ] = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
) -> None:
    """Decide whether a new model is worse than the old one: PASS, REGRESSION or NO VERDICT.

    Evaluates what is missing, then tests for each set in `gate:` of evals.yaml, on the moments that both were scored
    at, whether the new model's win rate is lower by more than the margin. Margin, alpha and sets stand in evals.yaml
    alone and are recorded before any score is read. A rerun pools samples, and says which look it is.

    Exit code 0: PASS. 1: REGRESSION. 3: NO VERDICT, with the reason and what would mend it: inconclusive, not
    comparable, the judge is not trusted, controls out of their band, too many failures. 2, 4, 5, 130: the run itself
    did not get that far.

    For example:

        nextstep check --model claude-opus-5-5 --against claude-opus-5

        nextstep check --model claude-opus-5-5 --against claude-opus-5 --batch

        nextstep check --model claude-opus-5-5 --against baseline.json --github-summary -o gate.xml

        nextstep check --model claude-opus-5-5 --against claude-opus-5 --no-run --json
    """
    from nextstep.cli.batching import batching
    from nextstep.pipeline.evaluate import make_job
    from nextstep.pipeline.gate import against as named
    from nextstep.sources.dataset import open_suite
    from nextstep.store import Store

    log_retries(verbose)
    way = batching(batch=batch, no_wait=False, dry_run=dry_run)
    places, old = _places(output, github_summary=github_summary), named(against)
    setup = set_up(
        config,
        store=store,
        suite=suite,
        models=list(dict.fromkeys([model] if old.baseline else [model, old.label])),
        judges=judge,
        samples=samples,
        max_connections=max_connections,
        max_cost=max_cost,
    )
    job = make_job(setup.config, open_suite(setup.place), setup.prompts, limit=limit, seed=seed, fresh=fresh)
    if dry_run:
        _print_plan(job, Store(setup.store), as_json=json)
        return
    run = None if no_run else Run(way, yes=yes, quiet=quiet)
    _decide(job, Store(setup.store), old, run, as_json=json, places=places)


@dataclass(frozen=True)
class Run:
    """How what is missing is evaluated."""

    way: "Batching | None"
    yes: bool
    quiet: bool


def _decide(
    job: "Job",
    store: "Store",
    old: "Against",
    run: Run | None,
    *,
    as_json: bool,
    places: list[Path],
) -> None:
    """Run what is missing unless that is hopeless, decide, tell, and exit with the verdict's code."""
    from nextstep.pipeline.gate import decide, not_comparable, sides_of

    hopeless = not_comparable(sides_of(job, old))
    if not run:
        _need(store)
    result = _run(job, store, run) if run and not hopeless else None
    gate = decide(store, job, old)
    _tell(_report(gate, old), _facts(gate, result, store), as_json=as_json, places=places)
    raise typer.Exit(EXIT_CODES[gate.verdict])


def _places(output: list[Path] | None, *, github_summary: bool) -> list[Path]:
    """Where the gate is written beside standard output, checked before anything is sent; a job's summary last."""
    places = list(output or ())
    for path in places:
        if path.suffix not in FORMS:
            raise UsageError(f"-o {path}: the ending says the form and is one of {', '.join(FORMS)} (.xml is JUnit)")
        if not path.absolute().parent.is_dir():
            raise UsageError(f"-o {path}: there is no folder {path.parent}; make it first")
    if github_summary:
        if not os.environ.get(SUMMARY):
            raise UsageError(f"--github-summary: {SUMMARY} is not set, as it is in a GitHub job; elsewhere: -o gate.md")
        places.append(Path(os.environ[SUMMARY]))
    return places


def _print_plan(job: "Job", store: "Store", *, as_json: bool) -> None:
    from nextstep.cli.evaluating import print_plan
    from nextstep.pipeline.plan import plan_calls

    print_plan(plan_calls(job, store), job.config, as_json=as_json)


def _run(job: "Job", store: "Store", run: Run) -> "RunResult":
    """Evaluate what is missing. What stopped the run early is raised: half of a run is no ground for a verdict."""
    import asyncio

    from nextstep.cli.batching import nothing_came
    from nextstep.cli.evaluating import check_cost, spent
    from nextstep.cli.progress import ProgressWatcher
    from nextstep.pipeline.evaluate import evaluate
    from nextstep.pipeline.plan import plan_calls

    check_cost(job.config.limits, lambda: plan_calls(job, store), yes=run.yes, in_batches=run.way is not None)
    with ProgressWatcher(quiet=run.quiet) as watcher:
        result = asyncio.run(evaluate(job, store, watcher, command="check", batching=run.way))
    spend = result.spend
    remark(
        f"{spend.calls} requests answered, {result.failed} failed; spent {spent(spend)}."
        if spend.calls or result.failed
        else nothing_came(result),
        quiet=run.quiet,
    )
    if result.stopped_by:
        remark("the run stopped early, so nothing was decided; run again to go on")
        raise result.stopped_by
    return result


def _need(store: "Store") -> None:
    """Refuse to decide by a store that is not there."""
    with store.read():
        return


def _report(gate: "Gate", old: "Against") -> "GateReport":
    from nextstep.report.gate import GateReport

    made_on = old.baseline.made_at.date() if old.baseline else None
    return GateReport(gate.verdict, gate.rows, gate.earlier, gate.changed, gate.gated, made_on)


def _facts(gate: "Gate", result: "RunResult | None", store: "Store") -> dict[str, object]:
    """What a JSON document says beside the rows."""
    return {
        "verdict": gate.verdict,
        "exit_code": EXIT_CODES[gate.verdict],
        "changed": gate.changed,
        "earlier_looks": gate.earlier,
        "candidates_gated": gate.gated,
        "run_id": result.run_id if result else None,
        "requests": result.spend.calls if result else 0,
        "failed": result.failed if result else 0,
        "store": str(store.path),
    }


def _tell(report: "GateReport", facts: dict[str, object], *, as_json: bool, places: list[Path]) -> None:
    """Print the gate, and write it to every place that was asked for."""
    from nextstep.report.gate import gate_text

    written = document("gates", report.rows, **facts)
    if as_json:
        typer.echo(written)
    else:
        console().print(gate_text(report))
    for path in places:
        _write(report, written, path)


def _write(report: "GateReport", written: str, path: Path) -> None:
    from nextstep.cli.output import as_text
    from nextstep.report.gate import gate_text
    from nextstep.report.junit import gate_junit
    from nextstep.report.markdown import gate_markdown

    is_summary = str(path) == os.environ.get(SUMMARY)
    forms = {
        ".json": lambda: written + "\n",
        ".xml": lambda: gate_junit(report),
        ".txt": lambda: as_text(gate_text(report)),
    }
    text = gate_markdown(report) if is_summary else forms.get(path.suffix, lambda: gate_markdown(report))()
    try:
        with path.open("a" if is_summary else "w", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise UsageError(f"{path}: cannot be written ({error.strerror})") from error
