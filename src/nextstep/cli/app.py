"""The `nextstep` program: its commands, and the one place where errors become messages and exit codes."""

import errno
import sys
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from nextstep import __version__
from nextstep.cli import auditing, calibrating, evaluating, exporting, gating, merging, projects, querying, showing
from nextstep.errors import NextstepError

INTERRUPTED = 130
NO_ROOM = (errno.ENOSPC, errno.EDQUOT)


class Program(TyperGroup):
    """A group of commands that tells errors of ours in words, and leaves bugs their traceback."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command; map NextstepError to its exit code, Ctrl-C to 130."""
        try:
            return super().invoke(ctx)
        except NextstepError as error:
            from nextstep.core.rendering import visible

            typer.echo(f"nextstep: {visible(str(error))}", err=True)
            raise typer.Exit(error.exit_code) from error
        except (KeyboardInterrupt, typer.Abort) as error:
            typer.echo("nextstep: interrupted; what was done is stored, run again to go on", err=True)
            raise typer.Exit(INTERRUPTED) from error
        except BrokenPipeError as error:
            sys.stderr.close()
            raise typer.Exit(0) from error
        except OSError as error:
            if error.errno not in NO_ROOM:
                raise
            where = f" at {error.filename}" if error.filename else ""
            typer.echo(f"nextstep: no room to write{where}: {error.strerror}; make room and run again", err=True)
            raise typer.Exit(2) from error


app = typer.Typer(
    cls=Program,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Would this model have chosen a better next step than the human did?\n\n"
    "Start with `nextstep demo` (no key needed), then `nextstep init` and `nextstep eval --model claude-opus-5-5`.",
    epilog="Exit codes: 0 done; 1 regression, or audit found a leak; 2 usage or config; 3 no verdict possible; "
    "4 some work failed, run again; 5 budget reached; 130 interrupted.",
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"nextstep {__version__}")
        raise typer.Exit


@app.callback()
def program(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and exit.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    """Take the flags that belong to no command."""


app.command("demo", short_help="Run the whole pipeline offline, no key needed.")(evaluating.demo)
app.command("init", short_help="Write a config, the prompts and a sample suite.")(projects.init)
app.command("import", short_help="Bring transcripts into the suite and the store.")(projects.import_)
app.command("audit", short_help="Prove that no candidate sees the future.")(auditing.audit)
app.command("eval", short_help="Evaluate models: propose, judge, score.")(evaluating.eval_)
app.command("calibrate", short_help="Measure a judge with probes and print its card.")(calibrating.calibrate)
app.command("results", short_help="Show win rates.")(showing.results)
app.command("compare", short_help="Show paired differences of models.")(gating.compare)
app.command("check", short_help="Decide whether a new model is worse: the regression gate.")(gating.check)
app.command("show", short_help="Show one moment with both steps and its verdicts.")(showing.show)
app.command("export", short_help="Write the suite for `datasets`, and push it to the Hub.")(exporting.export)
app.command("merge", short_help="Unite several stores in one.")(merging.merge)
app.command("sql", short_help="Ask the store in SQL, read only.")(querying.sql)
app.command("runs", short_help="Show past runs and what they cost.")(showing.runs)
app.command("doctor", short_help="Check config, suite, store, keys and endpoints.")(projects.doctor)
