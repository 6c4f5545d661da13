"""`nextstep audit`: the proof that nothing at or after a cut reaches a candidate."""

from typing import TYPE_CHECKING

import typer

from nextstep.cli import options
from nextstep.cli.output import console, document, remark
from nextstep.cli.settings import moment_set, set_up

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nextstep.core.records import Moment, MomentSet
    from nextstep.sources.suite import Suite

LEAKING, NOTHING_TO_AUDIT = 1, 3


def audit(
    model: options.Models = None,
    config: options.Config = None,
    store: options.StoreFile = None,
    suite: options.SuiteFolder = None,
    set_name: options.SetName = None,
    limit: options.Limit = None,
    seed: options.Seed = 0,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Prove for every moment that nothing at or after its cut can reach a candidate. Sends and stores nothing.

    Makes every request anew, compares it with the stored ones, makes it again with marks in place of the future, and
    looks for later words in the prefix. Exit code 0: no leak; 1: a leak, told with moment, event and words; 3: the
    suite has no moment.

    For example:

        nextstep audit

        nextstep audit --suite transcripts/ --set detour --json
    """
    from nextstep.cli.progress import counted
    from nextstep.pipeline.auditing import audit as audit_moments
    from nextstep.pipeline.prompting import CandidatePrompt
    from nextstep.sources.dataset import open_suite
    from nextstep.store import Store

    setup = set_up(config, store=store, suite=suite, models=model)
    loaded, only = open_suite(setup.place), moment_set(set_name)
    moments = _chosen(loaded, only, limit, seed)
    if not moments:
        remark(f"{setup.place} has no {f'{only} ' if only else ''}moments to audit; see moments.jsonl there")
        raise typer.Exit(NOTHING_TO_AUDIT)
    candidates, prompt = setup.config.candidates, CandidatePrompt(setup.prompts, setup.config.judging)
    audits = audit_moments(loaded, moments, candidates, prompt, Store(setup.store))
    rows = [one.row() for one in counted(audits, len(moments), quiet=quiet, doing="audit")]
    leaks = sum(len(row["leaks"]) for row in rows)
    if json:
        typer.echo(document("moments", rows, suite_hash=loaded.suite_hash, leaks=leaks, ok=not leaks))
    else:
        from nextstep.report.audit import audit_text

        console().print(audit_text(rows))
    if leaks:
        raise typer.Exit(LEAKING)


def _chosen(suite: "Suite", only: "MomentSet | None", limit: int | None, seed: int) -> "Sequence[Moment]":
    """The moments to audit; none where the suite has none of the set."""
    from nextstep.pipeline.evaluate import choose_moments

    there = any(only in (None, moment.set) for moment in suite.moments)
    return choose_moments(suite, only=only, limit=limit, seed=seed) if there else ()
