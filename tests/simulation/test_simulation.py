"""A short run of every simulated table, and the page of the full one."""

from collections.abc import Sequence
from functools import partial

import numpy as np
import pytest

from nextstep.core.stats import Figure
from tests.simulation.cells import Band, Cell, Result, Table, covers
from tests.simulation.page import PAGE, page, section, tables
from tests.simulation.rates import rate_covers
from tests.simulation.worlds import Setting, mean_score

SHORT = 200
SLACK = 3.5
CHECKED = 3

TABLES = tables()


def spaced(cells: Sequence[Cell]) -> list[Cell]:
    """A few cells from the whole table."""
    return list(cells[:: max(1, len(cells) // CHECKED)])


@pytest.mark.parametrize("cell", [c for table in TABLES for c in spaced(table.cells)], ids=lambda cell: cell.name)
def test_a_short_run_lies_in_the_band_or_near_it(cell: Cell) -> None:
    assert cell.run(SHORT).passes(errors=SLACK)


def test_the_world_has_the_mean_that_it_says() -> None:
    rng = np.random.default_rng(2)
    setting = Setting(129, 43, 0.3, 0.64, 2)
    scores = [score for _ in range(400) for _, score in setting.draw(rng)]
    assert np.mean(scores) == pytest.approx(mean_score(0.64), abs=0.01)


def test_moments_of_one_session_are_alike_by_rho() -> None:
    """The correlation of two moments' verdicts, drawn from sessions of two."""
    rng = np.random.default_rng(3)
    draws = [Setting(2, 1, 0.3, 0.5).draw(rng) for _ in range(8000)]
    one, other = zip(*[(a, b) for (_, a), (_, b) in draws], strict=True)
    assert np.cov(one, other)[0, 1] == pytest.approx(0.3 * 0.25 * 0.85**2, abs=0.009)


@pytest.mark.parametrize("sessions", [10, 20, 43])
def test_means_of_several_samples_near_1_keep_their_coverage(sessions: int) -> None:
    """Wilson's interval alone holds the truth in 81, 84 and 91 %."""
    cell = Cell("near 1", Band(92.5, 98.5), partial(rate_covers, setting=Setting(129, sessions, 0.3, 0.95, 4)))
    assert cell.run(400).passes(errors=3)


def test_a_run_is_the_same_whenever_it_is_made() -> None:
    cell = TABLES[0].cells[0]
    assert cell.run(50) == cell.run(50)


def test_cells_have_their_own_name_as_their_draws_come_from_it() -> None:
    names = [cell.name for table in TABLES for cell in table.cells]
    assert len(set(names)) == len(names)


def test_a_share_outside_its_band_misses() -> None:
    cell = Cell("always", Band(94, 97), lambda _: True)
    result = cell.run(10)
    assert (result.share, result.passes()) == (100, False)
    assert "| always | 94 to 97 | 100.00 | misses |" in section(Table("T", "N.", (cell,)), [result])


def test_repetitions_without_an_answer_are_in_no_share() -> None:
    cell = Cell("half", Band(40, 60), lambda rng: None if rng.random() < 0.5 else True)
    result = cell.run(100)
    assert result.share == 100
    assert 30 < result.unanswered < 70
    assert covers(Figure(0.5, None, None, 3, 1, "single_session"), 0.5) is None


def test_the_page_has_a_line_for_every_cell_with_its_band() -> None:
    """Run `make simulate` after a change to the tables."""
    written = PAGE.read_text(encoding="utf-8")
    for table in TABLES:
        assert f"## {table.title}\n" in written
        for cell in table.cells:
            assert f"| {cell.name} | {cell.band} | " in written
    assert written.count("| passes |") + written.count("| misses |") == sum(len(table.cells) for table in TABLES)
    assert written.startswith(page([]))


def test_the_page_says_truly_what_passes() -> None:
    bands = {cell.name: cell for table in TABLES for cell in table.cells}
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        fields = [field.strip() for field in line.strip("|").split("|")]
        if len(fields) == 4 and fields[0] in bands:
            result = Result(bands[fields[0]], float(fields[2].split()[0]), 4000, 0)
            assert fields[3] == ("passes" if result.passes() else "misses")
