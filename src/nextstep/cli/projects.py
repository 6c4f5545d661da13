"""`nextstep init`, `nextstep import` and `nextstep doctor`: a project's files."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nextstep.cli import options
from nextstep.cli.output import console, document, remark
from nextstep.cli.settings import set_up

if TYPE_CHECKING:
    from nextstep.pipeline.importing import Import
    from nextstep.sources.notes import Note

TOLD_LINES = 3


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
        typer.echo(f"wrote  {path}")
    for path in kept:
        typer.echo(f"kept   {path} (it was there)")
    typer.echo("Next: nextstep eval --model offline/continue --judge offline/lexical   (no key needed)")


def import_(
    paths: Annotated[list[Path], typer.Argument(help="Claude Code transcripts (.jsonl), or folders of them.")],
    config: options.Config = None,
    store: options.StoreFile = None,
    suite: options.SuiteFolder = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Bring transcripts into the suite and the store, and say what was repaired or left out.

    A session that is there already is left as it is. Texts are taken as they are: look for secrets before sharing them.

    For example:

        nextstep import ~/.claude/projects/-home-me-work/3fa9c1d2.jsonl

        nextstep import ~/.claude/projects --suite transcripts/
    """
    from nextstep.cli.progress import counted
    from nextstep.pipeline.importing import find_transcripts, import_transcripts
    from nextstep.report.text import RowsTable
    from nextstep.store import Store

    setup = set_up(config, store=store, suite=suite)
    found = find_transcripts(paths)
    imports = list(counted(import_transcripts(found, setup.suite, Store(setup.store)), len(found), quiet=quiet))
    rows = [_import_row(one) for one in imports]
    if json:
        typer.echo(document("imports", rows))
    else:
        shown = [{name: row[name] for name in ("session", "events", "choices", "status", "notes")} for row in rows]
        console().print(RowsTable(shown))
    here = sum(one.refused is None for one in imports)
    remark(
        f"{here} of {len(imports)} transcripts are in {setup.suite}/sessions and {setup.store}."
        " Texts are as they were: look for secrets before you share them.",
        quiet=quiet,
    )
    if any(one.status == "refused" for one in imports):
        raise typer.Exit(4)


def _import_row(one: "Import") -> dict[str, object]:
    return {
        "path": str(one.path),
        "session": one.name or one.path.name,
        "session_id": one.session_id,
        "events": one.events,
        "choices": one.choices,
        "status": one.status,
        "notes": one.refused or "; ".join(map(_told, one.notes)),
        "details": [note.model_dump() for note in one.notes],
    }


def _told(note: "Note") -> str:
    """A note with its count and first lines."""
    lines = ", ".join(map(str, note.lines[:TOLD_LINES])) + (", ..." if note.count > TOLD_LINES else "")
    return f"{note.reason}: {note.count} (line {lines})"


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
    checks = list(check_all(setup.config, suite=setup.suite, store=setup.store, prompts=setup.prompts))
    if json:
        rows = [{"name": check.name, "ok": check.ok, "detail": check.detail} for check in checks]
        typer.echo(document("checks", rows, ok=all(check.ok for check in checks)))
    else:
        for check in checks:
            typer.echo(f"{'ok  ' if check.ok else 'FAIL'}  {check.name}: {check.detail}")
    if not all(check.ok for check in checks):
        raise typer.Exit(2)
