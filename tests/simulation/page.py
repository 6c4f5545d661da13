"""The simulated tables as a page of the documentation."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from tests.simulation import corrections, rates
from tests.simulation.cells import REPETITIONS, SEED, Result, Table

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "simulations.md"

HEAD = f"""\
# Simulations

Generated (`make simulate`): the estimators of `nextstep.core.stats` themselves, run {REPETITIONS} times a row over
made-up evaluations whose truth is known, seed {SEED}. The standard error of a share near 95 % is 0.34.

A session's rate is Beta with mean p and correlation rho; a moment's rate is Beta around its session's with correlation
0.3; a score is the mean of k samples (1 unless said), 15 % of verdicts are ties; n moments lie in G sessions of uneven
size (1 + multinomial over exponential weights). The true rate is 0.85 p + 0.075.

Bands were set before the runs. A row outside its band is marked `misses` and stays: see
[statistics](../design/statistics.md) for what it means.
"""


def tables() -> tuple[Table, ...]:
    """Every simulated table, in the page's order."""
    return (
        rates.win_rates(),
        rates.independent_wilson(),
        rates.paired_differences(),
        rates.sign_flips(),
        corrections.corrected_rates(),
        corrections.prediction_power(),
        corrections.independent_power(),
        corrections.bounds_slopes_agreement(),
    )


def section(table: Table, results: Sequence[Result]) -> str:
    """A table of the page."""
    passed = sum(result.passes() for result in results)
    lines = [
        f"\n## {table.title}\n",
        f"{table.note} {passed} of {len(results)} rows lie in their band.\n",
        "| setting | band, % | found, % | |",
        "| --- | --- | --- | --- |",
        *map(row, results),
    ]
    return "\n".join(lines) + "\n"


def row(result: Result) -> str:
    """A line of a table."""
    unanswered = f" (no answer in {result.unanswered})" if result.unanswered else ""
    verdict = "passes" if result.passes() else "misses"
    return f"| {result.cell.name} | {result.cell.band} | {result.share:.2f}{unanswered} | {verdict} |"


def page(sections: Iterable[str]) -> str:
    """docs/reference/simulations.md."""
    return HEAD + "".join(sections)
