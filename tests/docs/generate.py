"""Write the generated pages of docs/ anew: `make docs`. The tests check that they are up to date."""

import tempfile
from pathlib import Path

import typer

from nextstep.cli.app import app
from nextstep.pipeline.starting import config_schema
from nextstep.store import Store
from nextstep.store.asking import named_queries

DOCS = Path(__file__).parents[2] / "docs"

SCHEMA_HEAD = """\
# The store's schema

One DuckDB file. Any DuckDB client reads it; times are UTC. `"set"`, `"order"` and `"at"` are words of SQL and need
their quotes. This page is generated from a migrated store (`make docs`).

Each row's id is a hash of what produced it, so the same work has the same id in every store.

"""

COMMANDS_HEAD = """\
# Commands

Generated from the program (`make docs`). Every flag has an environment variable: `--max-cost` is `NEXTSTEP_MAX_COST`.
Results go to standard output, everything else to standard error.

| exit code | meaning |
| --- | --- |
| 0 | done; check: PASS |
| 1 | check: REGRESSION; audit: something of the future reaches a candidate |
| 2 | usage or config |
| 3 | check: NO VERDICT, it says why; compare: no two are comparable; audit: no moment |
| 4 | some work failed after retries; all the rest is stored, run again |
| 5 | budget reached; stored, run again to go on |
| 130 | interrupted; what was answered is stored |

"""


def schema() -> str:
    """docs/schema.md."""
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder) / "s.duckdb")
        with store.write():
            pass
        with store.read() as connection:
            relations = connection.execute(
                "SELECT table_name, 'table', comment FROM duckdb_tables()"
                " UNION ALL SELECT view_name, 'view', comment FROM duckdb_views() WHERE NOT internal ORDER BY ALL"
            ).fetchall()
            columns = connection.execute(
                "SELECT table_name, column_name, data_type, comment FROM duckdb_columns()"
                " WHERE NOT internal ORDER BY table_name, column_index"
            ).fetchall()
    parts = [SCHEMA_HEAD]
    for name, kind, comment in relations:
        rows = [f"| `{column}` | {type_} | {told or ''} |" for table, column, type_, told in columns if table == name]
        parts.append(f"## {name} ({kind})\n\n{comment}\n\n| column | type | |\n| --- | --- | --- |\n")
        parts.append("\n".join(rows) + "\n\n")
    parts.append(
        "## Documented queries\n\n`nextstep sql --named NAME` runs one.\n\n| name | question |\n| --- | --- |\n"
    )
    parts += [f"| `{name}` | {question} |\n" for name, (question, _) in named_queries().items()]
    return "".join(parts)


def commands() -> str:
    """docs/commands.md."""
    group = typer.main.get_command(app)
    context = typer.Context(group, info_name="nextstep", terminal_width=100, max_content_width=100)
    parts = [COMMANDS_HEAD]
    for name in group.list_commands(context):  # type: ignore[attr-defined]
        command = group.get_command(context, name)  # type: ignore[attr-defined]
        inner = typer.Context(command, info_name=name, parent=context, terminal_width=100, max_content_width=100)
        parts.append(f"## nextstep {name}\n\n```text\n{command.get_help(inner).rstrip()}\n```\n\n")
    return "".join(parts).rstrip() + "\n"


PAGES = {"schema.md": schema, "commands.md": commands, "../evals.schema.json": config_schema}

if __name__ == "__main__":
    for name, page in PAGES.items():
        (DOCS / name).write_text(page(), encoding="utf-8")
        typer.echo(f"wrote {(DOCS / name).resolve().name}")
