"""A short run of the gate where the truth is known, and the page of the full one."""

import re
from pathlib import Path

import numpy as np
import pytest

from tests.operating.page import FOOT, HEAD, PAGE, SHAPES, cells
from tests.operating.projects import Shape
from tests.operating.running import Cell, projects, run
from tests.operating.worlds import OLD_RATE, Truth, outcomes, rates
from tests.simulation.worlds import TIES, mean_score, sessions

SHORT = 12


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("operating")


def test_equal_models_pass_and_much_worse_ones_do_not(folder: Path) -> None:
    there = projects(folder, SHAPES[0], 2)
    equal = run(Cell(SHAPES[0], 0.0, SHORT), there)
    worse = run(Cell(SHAPES[0], -0.20, SHORT), there)
    assert equal.verdicts["pass"] >= SHORT - 2
    assert equal.verdicts["regression"] == worse.verdicts["pass"] == 0
    assert worse.verdicts["regression"] >= SHORT - 3


def test_a_run_is_the_same_whenever_it_is_made(folder: Path) -> None:
    shape = Shape(40, 40, 1)
    there = projects(folder, shape, 2)
    cell = Cell(shape, -0.1, 4)
    assert run(cell, there) == run(cell, there)


def test_the_world_has_the_difference_that_it_says() -> None:
    rng = np.random.default_rng(5)
    truth = Truth(-0.10, 2)
    drawn = []
    for _ in range(150):
        new, old = rates(rng, sessions(rng, 129, 43), (truth.new_rate, OLD_RATE))
        drawn.append([(outcomes(rng, rate, 2) / 2).mean() for rate in (new, old)])
    new_mean, old_mean = np.mean(drawn, axis=0)
    assert old_mean == pytest.approx(mean_score(OLD_RATE), abs=0.01)
    assert new_mean - old_mean == pytest.approx(-0.10, abs=0.008)


def test_what_two_models_find_hard_is_alike() -> None:
    rng = np.random.default_rng(6)
    new, old = rates(rng, sessions(rng, 3000, 1000), (0.6, 0.6))
    assert 0.8 < np.corrcoef(new, old)[0, 1] < 0.97
    assert outcomes(rng, new, 50).ravel().tolist().count(1) / 150_000 == pytest.approx(TIES, abs=0.01)


def written() -> dict[tuple[int, int], tuple[float, float, float]]:
    """The page's rows: by samples and difference in points, the shares of the three verdicts."""
    rows = re.findall(
        r"^\| (\d) \| ([+-]\d+) \| \d+ \| ([\d.]+) \| ([\d.]+) \| ([\d.]+) \|", PAGE.read_text(), re.MULTILINE
    )
    return {(int(k), int(d)): (float(a), float(b), float(c)) for k, d, a, b, c in rows}


def test_the_page_has_a_row_for_every_cell() -> None:
    """Run `make simulate-gate` after a change to the cells."""
    assert list(written()) == [(cell.shape.samples, round(100 * cell.difference)) for cell in cells()]
    text = PAGE.read_text(encoding="utf-8")
    assert text.startswith(HEAD)
    assert text.endswith(FOOT)


def test_the_page_keeps_what_the_gate_promises() -> None:
    found = written()
    assert all(cell.repetitions >= 300 for cell in cells())
    assert found[4, -10][0] <= 6.5
    assert found[4, -10][1] <= 6.5
    assert found[4, 0][0] >= 90
    single = [found[1, difference][2] for difference in (-15, -10, -5, 0)]
    assert sum(single) / len(single) > 50
    for samples in (1, 4):
        passes = [found[samples, difference][0] for difference in (-20, -15, -10, -5, 0, 5)]
        assert passes == sorted(passes)
