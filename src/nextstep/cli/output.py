"""What goes where: results to standard output, everything else to standard error."""

import json
import logging
import math
import sys
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import typer

from nextstep.errors import UsageError

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

SCHEMA_VERSION = 1
UNFOLDED = 10_000
"""Characters of a line that goes to a file or another program."""
ENDINGS = (".json", ".csv", ".md", ".parquet", ".txt")


def console() -> "Console":
    """Standard output; plain and never folded when it is not a terminal."""
    from rich.console import Console

    return Console(highlight=False, width=None if sys.stdout.isatty() else UNFOLDED)


def remark(text: str, *, quiet: bool = False) -> None:
    """A remark for people, on standard error."""
    if not quiet:
        echo(text, err=True)


def echo(text: str, *, err: bool = False) -> None:
    """A line for people, without what could steer a terminal: it may name files and repeat others' words."""
    from nextstep.core.rendering import visible

    typer.echo(visible(text), err=err)


def log_retries(verbose: bool) -> None:
    """Tell about retries on standard error."""
    if verbose:
        logging.basicConfig(stream=sys.stderr, format="%(name)s: %(message)s")
        logging.getLogger("nextstep").setLevel(logging.INFO)


def document(name: str, value: Any, **more: Any) -> str:
    """One JSON document with its schema version."""
    from nextstep.core.rendering import escaped

    values = _finite({"schema_version": SCHEMA_VERSION, name: value, **more})
    return escaped(json.dumps(values, default=_plain, ensure_ascii=False, allow_nan=False))


def _finite(value: Any) -> Any:
    """The value with null for what JSON has no number for."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: _finite(inner) for key, inner in value.items()}
    return [_finite(inner) for inner in value] if isinstance(value, (list, tuple)) else value


def _plain(value: object) -> object:
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    return str(value)


def print_rows(
    name: str,
    rows: Sequence[Mapping[str, Any]],
    table: "RenderableType",
    *,
    as_json: bool,
    output: Path | None,
    more: Mapping[str, Any] = MappingProxyType({}),
) -> None:
    """Rows to a file, as JSON, or as the table that people read; a JSON document holds `more` beside them."""
    if output:
        write_rows(name, rows, table, output, more)
        remark(f"wrote {output}")
    elif as_json:
        typer.echo(document(name, rows, **more))
    elif rows:
        console().print(table)
    else:
        remark("no rows")


def print_as(form: str, name: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Rows on standard output in a form for other programs: csv, markdown or json."""
    typer.echo(_text(form, name, rows), nl=False)


def _text(
    form: str, name: str, rows: Sequence[Mapping[str, Any]], more: Mapping[str, Any] = MappingProxyType({})
) -> str:
    from nextstep.report.forms import as_csv, as_markdown

    if form == "csv":
        return as_csv(rows)
    return as_markdown(rows) if form == "markdown" else document(name, rows, **more) + "\n"


def write_rows(
    name: str,
    rows: Sequence[Mapping[str, Any]],
    table: "RenderableType",
    path: Path,
    more: Mapping[str, Any] = MappingProxyType({}),
) -> None:
    """Rows to a file in the form that its ending names."""
    if path.suffix not in ENDINGS:
        raise UsageError(f"-o {path}: the ending says the form and is one of {', '.join(ENDINGS)}")
    try:
        if path.suffix == ".parquet":
            _write_parquet(rows, path)
        elif path.suffix == ".txt":
            path.write_text(as_text(table), encoding="utf-8")
        else:
            form = "markdown" if path.suffix == ".md" else path.suffix.removeprefix(".")
            path.write_text(_text(form, name, rows, more), encoding="utf-8")
    except OSError as error:
        raise UsageError(f"-o {path}: cannot be written ({error.strerror})") from error


def as_text(table: "RenderableType") -> str:
    """What a table looks like, unfolded."""
    from rich.console import Console

    wide = Console(width=UNFOLDED, highlight=False, no_color=True)
    with wide.capture() as captured:
        wide.print(table)
    return captured.get()


def _write_parquet(rows: Sequence[Mapping[str, Any]], path: Path) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    parquet.write_table(pa.Table.from_pylist([dict(row) for row in rows]), path)
