"""`nextstep export`: a suite for the `datasets` library and the Hub, the results over one, or a baseline."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nextstep.cli import options
from nextstep.cli.output import ENDINGS, document, echo, remark
from nextstep.cli.settings import set_up
from nextstep.errors import UsageError

if TYPE_CHECKING:
    from nextstep.pipeline.exporting import Export

INTERRUPTED = 130


def export(
    output: Annotated[
        Path | None, options.flag("--output", "-o", help="The folder to write, new or empty; or the file.")
    ] = None,
    results: Annotated[bool, options.flag("--results", help="Write the results over the suite instead of it.")] = False,
    suite: options.SuiteFolder = None,
    store: options.StoreFile = None,
    push: Annotated[str | None, options.flag("--push", help="Upload it to hf://org/name as well.")] = None,
    public: Annotated[bool, options.flag("--public", help="A push that everyone may read.")] = False,
    config: options.Config = None,
    run: Annotated[
        str | None, options.flag("--run", help="A run's candidate as a baseline: the start of the run's id, or last.")
    ] = None,
    model: Annotated[str | None, options.flag("--model", "-m", help="Which candidate of the --run.")] = None,
    yes: Annotated[bool, options.flag("--yes", "-y", help="Do not ask before a push.")] = False,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Write the suite, or the results over it, as Parquet files that `datasets.load_dataset` reads.

    Results are win_rates, outcomes, verdicts with both steps, moments and judge_health, of the suite scored last or
    --suite. Of a suite no id changes on the way: the folder, or the pinned place on the Hub, can stand as `suite:` in
    evals.yaml. A push is private unless --public. Texts go out as they are: look for secrets first.

    With --run, write one candidate of a stored run as one JSON file for `nextstep check --against FILE`: its scores by
    moment, what they depend on, and the judge's card; no text. Commit it, and CI needs no store.

    For example:

        nextstep export --suite transcripts/ -o my-suite

        nextstep export -o my-suite --push hf://my-org/my-suite

        nextstep export --results -o my-results

        nextstep export --run last --model claude-opus-5 -o baseline.json
    """
    if run is not None:
        _export_baseline(run, model, output, set_up(config, store=store).store, as_json=json, quiet=quiet)
        return
    from nextstep.cli.progress import counted
    from nextstep.pipeline.exporting import export_suite
    from nextstep.sources.dataset import open_suite

    if results:
        _export_results(
            output, suite, set_up(config, store=store).store, pushed=push is not None or public, as_json=json
        )
        return
    repository = _repository(push, public=public)
    setup = set_up(config, suite=suite)
    with _folder(output, push) as folder:
        the_suite = open_suite(setup.place, every=True)
        total = len(the_suite.sessions)
        done = export_suite(the_suite, folder, lambda sessions: counted(sessions, total, quiet=quiet, doing="export"))
        pushed = _push(done, repository, public=public, yes=yes, quiet=quiet) if repository else None
        _tell(done, output, pushed, as_json=json, quiet=quiet)


def _export_baseline(
    run: str, model: str | None, output: Path | None, store: Path, *, as_json: bool, quiet: bool
) -> None:
    from nextstep.pipeline.baselines import make_baseline, write_baseline
    from nextstep.store import Store

    if output is None:
        raise UsageError("say where to write: -o baseline.json")
    baseline = make_baseline(Store(store), run, model)
    write_baseline(baseline, output)
    moments = len(baseline.results[0].moments)
    if as_json:
        named = {name: getattr(baseline, name) for name in ("run_id", "candidate", "suite_hash")}
        echo(document("export", named | {"file": str(output), "moments": moments}))
        return
    echo(f"wrote {output} ({baseline.candidate}, {moments} moments, run {baseline.run_id})")
    if not baseline.judge_health:
        remark(
            "No judge's card is in it: `nextstep calibrate` first, or a check elsewhere has no verdict.", quiet=quiet
        )


def _export_results(output: Path | None, suite: str | None, store: Path, *, pushed: bool, as_json: bool) -> None:
    from nextstep.pipeline.exporting import export_results
    from nextstep.sources.dataset import open_suite
    from nextstep.store import Store

    if pushed:
        raise UsageError(
            "--push uploads a suite; results stay here: write them with -o and publish the folder yourself"
        )
    if output is None or output.suffix in ENDINGS:
        raise UsageError("results are written into a folder: -o FOLDER; `nextstep sql -o FILE` writes one table")
    suite_hash = open_suite(suite).suite_hash if suite else None
    with Store(store).read() as connection:
        done = export_results(connection, suite_hash, output)
    if as_json:
        facts = {"folder": str(output), "suite_hash": done.suite_hash, "rows": done.rows, "bytes": done.bytes}
        echo(document("export", facts))
        return
    counts = ", ".join(f"{count} {name}" for name, count in done.rows.items())
    echo(f"wrote {output} ({counts}; suite {done.suite_hash})")


def _repository(push: str | None, *, public: bool) -> str | None:
    from nextstep.core.places import hub_repository

    if push is None:
        if public:
            raise UsageError("--public says who may read a push; give --push hf://org/name too")
        return None
    try:
        return hub_repository(push)
    except ValueError as error:
        raise UsageError(f"--push: {error}") from error


@contextmanager
def _folder(output: Path | None, push: str | None) -> Iterator[Path]:
    """Where to write: the folder named, or for a push alone one that is gone afterwards."""
    from tempfile import TemporaryDirectory

    if output:
        if output.suffix in ENDINGS:
            raise UsageError(
                f"-o {output}: a suite is written into a folder, and so are results (--results);"
                " `nextstep results -o FILE` and `nextstep sql -o FILE` write tables"
            )
        yield output
    elif push:
        with TemporaryDirectory() as made:
            yield Path(made) / "suite"
    else:
        raise UsageError("say where to write: -o FOLDER, or --push hf://org/name")


def _push(done: "Export", repository: str, *, public: bool, yes: bool, quiet: bool) -> str:
    """The pinned place of what was uploaded."""
    from nextstep.sources.dataset.hub import push_folder

    if sys.stdin.isatty() and sys.stderr.isatty() and not yes:
        who = "everyone" if public else "those whom the Hub lets read it"
        what = f"{done.sessions} sessions and {done.moments} moments"
        if not typer.confirm(f"This uploads {what} to {repository}, to be read by {who}. Go on?", err=True):
            remark("nothing was uploaded")
            raise typer.Exit(INTERRUPTED)
    return str(push_folder(done.folder, repository, f"Suite {done.suite_hash}", public=public, quiet=quiet))


def _tell(done: "Export", output: Path | None, pushed: str | None, *, as_json: bool, quiet: bool) -> None:
    if as_json:
        facts = {"suite_hash": done.suite_hash, "sessions": done.sessions, "moments": done.moments}
        status = "new" if done.new else "known"
        folder = str(output) if output else None
        echo(document("export", facts | {"folder": folder, "bytes": done.bytes, "status": status, "pushed": pushed}))
        return
    if output:
        verb = "wrote" if done.new else "there already:"
        echo(f"{verb} {output} ({done.sessions} sessions, {done.moments} moments, suite {done.suite_hash})")
        if done.new and not pushed:
            remark("Name its licence in README.md, and look for secrets, before others may read it.", quiet=quiet)
    if pushed:
        echo(f"pushed {pushed}")
        remark("That place can stand as `suite:` in evals.yaml; it never changes.", quiet=quiet)
