"""`nextstep init`, `nextstep import` and `nextstep doctor`: a project's files."""

import os
from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nextstep.cli import options
from nextstep.cli.output import console, document, echo, remark
from nextstep.cli.settings import set_up

if TYPE_CHECKING:
    from nextstep.pipeline.importing import Import

DAYS = ["%Y-%m-%d"]
SINCE = "Only sessions that went on until this day (UTC) or later, such as 2026-05-01."
UNTIL = "Only sessions that began on this day (UTC) or earlier."
REDACT = "Replace secrets; with --no-redact texts are stored, and later sent to models, with every secret in them."


def init(
    folder: Annotated[Path, typer.Argument(help="Where to write; this folder unless said otherwise.")] = Path(),
    json: options.Json = False,
) -> None:
    """Write evals.yaml with its JSON Schema, the prompts and a small sample suite. Nothing is overwritten.

    For example:

        nextstep init

        nextstep init my-eval
    """
    from nextstep.pipeline.starting import write_project

    written, kept = write_project(folder)
    if json:
        typer.echo(document("written", list(map(str, written)), kept=list(map(str, kept))))
        return
    for path in written:
        echo(f"wrote  {path}")
    for path in kept:
        echo(f"kept   {path} (it was there)")
    typer.echo("Next: nextstep eval --model offline/continue --judge offline/lexical   (no key needed)")


def import_(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(help="Transcripts, or folders of them; Claude Code's own folder unless said otherwise."),
    ] = None,
    format_: Annotated[
        str,
        options.flag("--format", help="auto, claude-code, codex, inspect, swe-agent, atif, openhands or tau-bench."),
    ] = "auto",
    since: Annotated[datetime | None, options.flag("--since", help=SINCE, formats=DAYS, metavar="YYYY-MM-DD")] = None,
    until: Annotated[datetime | None, options.flag("--until", help=UNTIL, formats=DAYS, metavar="YYYY-MM-DD")] = None,
    project: Annotated[
        str | None,
        options.flag("--project", help="Only sessions that worked in such a folder: a part of its path, or a pattern."),
    ] = None,
    min_turns: Annotated[
        int, options.flag("--min-turns", help="Only sessions with so many turns in which a human chose.", least=0)
    ] = 0,
    jobs: Annotated[
        int | None, options.flag("--jobs", "-j", help="Processes; one a core unless said otherwise.", least=1)
    ] = None,
    redact: Annotated[bool, options.flag("--redact/--no-redact", help=REDACT)] = True,
    config: options.Config = None,
    store: options.StoreFile = None,
    suite: options.SuiteFolder = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Bring transcripts into the suite and the store, and say what was repaired, left out or redacted.

    Status: new; known (it is there); grown (it took the place of its own earlier snapshot); part (a longer snapshot is
    there); empty (no message); refused (cannot be read: exit 4); skipped (a filter, or no transcript).

    Secrets (keys, tokens, passwords, e-mail addresses, the user's name in home folders) are replaced before anything is
    stored; look through a session all the same before sharing it. What is there already is not read again, so an
    import that was stopped goes on where it was. Of two snapshots of one session the longer one is kept. Without a
    path, all that Claude Code keeps on this machine comes in ($CLAUDE_CONFIG_DIR/projects or ~/.claude/projects).

    For example:

        nextstep import

        nextstep import --project research --since 2026-05-01 --min-turns 3

        nextstep import logs/run.eval session.jsonl --suite transcripts/
    """
    from nextstep.cli.progress import counted
    from nextstep.pipeline.importing import Settings, claude_projects, find_transcripts, import_transcripts
    from nextstep.pipeline.preparing import Wanted
    from nextstep.report.importing import import_summary, import_tables
    from nextstep.sources.formats import format_named
    from nextstep.store import Store

    wanted = Wanted(since and since.date(), until and until.date(), project, min_turns)
    settings = Settings(format_named(format_), redact, wanted, jobs or os.cpu_count() or 1)
    setup = set_up(config, store=store, suite=suite)
    found = find_transcripts(paths or [claude_projects()], setup.suite)
    coming = import_transcripts(found, setup.suite, Store(setup.store), settings)
    imports = [one for several in counted(coming, len(found), quiet=quiet, doing="import") for one in several]
    rows = [_import_row(one) for one in sorted(imports, key=lambda one: (str(one.path), one.name))]
    if json:
        typer.echo(document("imports", rows, totals=dict(Counter(one.status for one in imports))))
    else:
        for table in import_tables(rows):
            console().print(table)
    remark(import_summary(rows, f"{setup.suite}/sessions and {setup.store}", redacted=redact), quiet=quiet)
    if any(one.status == "refused" for one in imports):
        raise typer.Exit(4)


def _import_row(one: "Import") -> dict[str, object]:
    return {
        "path": os.fsencode(one.path).decode("utf-8", "backslashreplace"),
        "session": one.name,
        "session_id": one.session_id,
        "events": one.events,
        "turns": one.turns,
        "status": one.status,
        "reason": one.reason,
        "notes": [note.model_dump(mode="json") for note in one.notes],
    }


def doctor(
    model: options.Models = None,
    judge: options.Judges = None,
    config: options.Config = None,
    store: options.StoreFile = None,
    suite: options.SuiteFolder = None,
    json: options.Json = False,
) -> None:
    """Check config, suite, prompts, store, keys and endpoints; say what to do about each fault. Sends no prompt.

    For example:

        nextstep doctor

        nextstep doctor --model local/my-model --json
    """
    from nextstep.pipeline.checking import check_all

    setup = set_up(config, store=store, suite=suite, models=model, judges=judge)
    checks = list(check_all(setup.config, suite=setup.place, store=setup.store, prompts=setup.prompts))
    if json:
        rows = [{"name": check.name, "ok": check.ok, "detail": check.detail} for check in checks]
        typer.echo(document("checks", rows, ok=all(check.ok for check in checks)))
    else:
        for check in checks:
            echo(f"{'ok  ' if check.ok else 'FAIL'}  {check.name}: {check.detail}")
    if not all(check.ok for check in checks):
        raise typer.Exit(2)
