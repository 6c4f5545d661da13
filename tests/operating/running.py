"""One cell: the command run on many stores of one truth, and how often it said what."""

import io
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import typer
from numpy.random import Generator

from nextstep.cli.gating import check
from tests.operating.projects import NEW, OLD, Project, Shape
from tests.operating.worlds import Truth

SEED = 20260612
LAYOUTS = 12
"""Draws of uneven session sizes for each shape; repetitions take turns."""
WORDS = {0: "pass", 1: "regression", 3: "no verdict"}


@dataclass(frozen=True)
class Cell:
    """A row of the table: a shape, a true difference, and how often it is repeated."""

    shape: Shape
    difference: float
    repetitions: int

    @property
    def truth(self) -> Truth:
        return Truth(self.difference, self.shape.samples)

    def seed(self, what: str, number: int) -> Generator:
        """Draws that depend on the shape, what they are for, and the number alone."""
        digest = blake2b(f"{self.shape} {what}".encode(), digest_size=8).digest()
        return np.random.default_rng([SEED, int.from_bytes(digest, "big"), number])


@dataclass(frozen=True)
class Result:
    """How often a cell gave each verdict and why none, and the mean mde in points."""

    cell: Cell
    verdicts: Counter[str]
    reasons: Counter[str]
    mde: float

    def share(self, verdict: str) -> float:
        """In percent."""
        return 100 * self.verdicts[verdict] / self.verdicts.total()


def projects(folder: Path, shape: Shape, count: int = LAYOUTS) -> list[Project]:
    """Projects of one shape with session sizes drawn anew."""
    cell = Cell(shape, 0, 0)
    made = []
    for number in range(count):
        place = folder / f"{shape.moments}-{shape.sessions}-{shape.samples}-{number}"
        place.mkdir(parents=True)
        made.append(Project(place, shape, cell.seed("layout", number)))
    return made


_KEPT: dict[Shape, tuple[TemporaryDirectory[str], list[Project]]] = {}


def run_alone(cell: Cell) -> Result:
    """A cell in a process that keeps its own projects of each shape."""
    if cell.shape not in _KEPT:
        folder = TemporaryDirectory()
        _KEPT[cell.shape] = folder, projects(Path(folder.name), cell.shape)
    return run(cell, _KEPT[cell.shape][1])


def run(cell: Cell, there: Sequence[Project]) -> Result:
    """Repeat a cell over the projects of its shape."""
    documents = list(_documents(cell, there))
    rows = [document["gates"][0] for document in documents]
    mdes = [row["mde"] for row in rows if row["mde"] is not None]
    return Result(
        cell,
        Counter(document["verdict"] for document in documents),
        Counter(row["reason"] for row in rows if row["reason"]),
        100 * sum(mdes) / len(mdes) if mdes else float("nan"),
    )


def _documents(cell: Cell, there: Sequence[Project]) -> Iterator[dict[str, Any]]:
    for number in range(cell.repetitions):
        project = there[number % len(there)]
        project.judge(cell.truth, cell.seed(f"verdicts {cell.difference:+.2f}", number))
        document, code = command(project.folder / "evals.yaml")
        assert WORDS[code] == document["verdict"]
        yield document


def command(config: Path) -> tuple[dict[str, Any], int]:
    """What `nextstep check --no-run --json` prints for a project, and its exit code."""
    written = io.StringIO()
    try:
        with redirect_stdout(written):
            check(model=NEW, against=OLD, no_run=True, config=config, json=True, quiet=True)
    except typer.Exit as end:
        document: dict[str, Any] = json.loads(written.getvalue())
        return document, end.exit_code
    raise AssertionError("check ends with an exit code")
