"""The table of operating characteristics as a page of the documentation."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from tests.operating.projects import Shape
from tests.operating.running import LAYOUTS, SEED, Cell, Result
from tests.operating.worlds import CONTROL_RATE, OLD_RATE, RHO, SHARED

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "gate-characteristics.md"

DIFFERENCES = (-0.20, -0.15, -0.10, -0.05, 0.0, 0.05)
USUAL, MORE = 300, 800
CLOSER = {(4, -0.10)}
"""Cells by samples and difference that are repeated more often: a share near a bound that is promised."""

SHAPES = (Shape(129, 43, samples=4), Shape(129, 43, samples=1))

HEAD = f"""\
# Operating characteristics of the gate

Generated (`make simulate-gate`, about 12 minutes of one core): `nextstep check --no-run` itself, run on stores of
made-up verdicts whose truth is known, seed {SEED}. 129 detours and 43 controls in 43 sessions of uneven size
({LAYOUTS} draws of them), margin 10 points, alpha 0.05, a judge whose card clears it.

Each model alone: a session's rate is Beta with correlation {RHO:g}, a moment's rate Beta around its session's with
correlation 0.3, 15 % of the outcomes are ties; ties aside, the old model's rate is {OLD_RATE:g}, and both win
{CONTROL_RATE:g} of the controls. What two models find hard together: the normal scores behind their rates correlate by
{SHARED:g}, in sessions and in moments.

The standard error of a share of 5 % is 1.3 with 300 repetitions and 0.8 with 800; of one of 50 %, 2.9.

| samples | true difference | repetitions | PASS, % | REGRESSION, % | NO VERDICT, % | mde, points |
| --- | --- | --- | --- | --- | --- | --- |
"""

FOOT = """
At a true difference of minus the margin a PASS is wrong, and at its most likely: alpha bounds it, up to the
simulation's error. At 0 a gate that is of any use passes. With one sample a moment these 129 moments are few for a
margin of 10 points: NO VERDICT is then the common answer, and it says what would help (`--samples 4`).
"""


def cells() -> list[Cell]:
    """Every row, in the page's order."""
    return [
        Cell(shape, difference, MORE if (shape.samples, difference) in CLOSER else USUAL)
        for shape in SHAPES
        for difference in DIFFERENCES
    ]


def line(result: Result) -> str:
    """A row of the table."""
    cell = result.cell
    shares = [f"{result.share(verdict):.1f}" for verdict in ("pass", "regression", "no verdict")]
    fields = [str(cell.shape.samples), f"{100 * cell.difference:+.0f}", str(cell.repetitions), *shares]
    return f"| {' | '.join([*fields, f'{result.mde:.1f}'])} |"


def reasons(results: Iterable[Result]) -> str:
    """Why there was no verdict, over all rows."""
    total: dict[str, int] = {}
    for result in results:
        for reason, count in result.reasons.items():
            total[reason] = total.get(reason, 0) + count
    told = ", ".join(f"{reason} {count}" for reason, count in sorted(total.items(), key=lambda one: -one[1]))
    return f"\nNo verdict, over all rows: {told}.\n"


def page(results: Sequence[Result]) -> str:
    """docs/reference/gate-characteristics.md."""
    return HEAD + "".join(f"{line(result)}\n" for result in results) + reasons(results) + FOOT
