"""The flags that mean the same in every command; each has an environment variable NEXTSTEP_..."""

from pathlib import Path
from typing import Annotated, TypeAlias

import typer


def flag(
    *names: str,
    help: str,  # noqa: A002 - typer's own word
    least: int | None = None,
    formats: list[str] | None = None,
    metavar: str | None = None,
) -> typer.models.OptionInfo:
    """An option whose environment variable follows from its long name."""
    long = next(name for name in names if name.startswith("--")).split("/")[0]
    variable = "NEXTSTEP_" + long.removeprefix("--").replace("-", "_").upper()
    option: typer.models.OptionInfo = typer.Option(
        *names, help=help, envvar=variable, show_envvar=False, min=least, formats=formats, metavar=metavar
    )
    return option


Config: TypeAlias = Annotated[
    Path | None, flag("--config", "-c", help="The config; evals.yaml in this folder if it is there.")
]
StoreFile: TypeAlias = Annotated[Path | None, flag("--store", help="The DuckDB file with the results.")]
SuiteFolder: TypeAlias = Annotated[
    str | None, flag("--suite", help="The suite: a folder, or a dataset as hf://org/name@REVISION.")
]
SetName: TypeAlias = Annotated[str | None, flag("--set", help="Only detour or only control moments.")]
Limit: TypeAlias = Annotated[
    int | None, flag("--limit", "-n", help="At most so many moments, drawn by --seed.", least=1)
]
Seed: TypeAlias = Annotated[int, flag("--seed", help="For the draw of --limit.")]
ShardName: TypeAlias = Annotated[
    str | None,
    flag(
        "--shard",
        help="Only the sessions of part I of N, such as 1/3: one for each machine. `nextstep merge` joins the stores.",
        metavar="I/N",
    ),
]
Connections: TypeAlias = Annotated[int | None, flag("--max-connections", "-j", help="Requests in flight at once.")]
Samples: TypeAlias = Annotated[int | None, flag("--samples", help="Proposals for each moment and candidate.", least=1)]
Models: TypeAlias = Annotated[
    list[str] | None, flag("--model", "-m", help="A candidate, such as claude-opus-5-5; may be repeated.")
]
Judges: TypeAlias = Annotated[list[str] | None, flag("--judge", help="A judge; may be repeated.")]
DryRun: TypeAlias = Annotated[bool, flag("--dry-run", help="Print calls, tokens and cost, and send nothing.")]
MaxCost: TypeAlias = Annotated[
    float | None, flag("--max-cost", help="Send no further request once this many US dollars are spent.")
]
Batch: TypeAlias = Annotated[
    bool, flag("--batch", help="Send the calls in batches: half the price, answered within a day.")
]
NoWait: TypeAlias = Annotated[
    bool, flag("--no-wait", help="With --batch: submit what is due and leave; the same command later collects.")
]
Fresh: TypeAlias = Annotated[bool, flag("--fresh", help="Ask for new samples beside the stored ones; they are pooled.")]
Yes: TypeAlias = Annotated[bool, flag("--yes", "-y", help="Do not ask before a run that costs much.")]
Json: TypeAlias = Annotated[bool, flag("--json", help="One JSON document on standard output.")]
Output: TypeAlias = Annotated[
    Path | None, flag("--output", "-o", help="Write to a file; its ending (.json, .csv, .md, .parquet, .txt) says how.")
]
Quiet: TypeAlias = Annotated[bool, flag("--quiet", "-q", help="No progress and no remarks.")]
Verbose: TypeAlias = Annotated[bool, flag("--verbose", "-v", help="Tell about every retry.")]
