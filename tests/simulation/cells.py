"""A simulated law: a share that must lie in a band, with what one repetition of it is."""

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import blake2b
from math import sqrt

import numpy as np
from numpy.random import Generator

from nextstep.core.stats import Figure

SEED = 20260611
REPETITIONS = 4000

Trial = Callable[[Generator], bool | None]


@dataclass(frozen=True)
class Band:
    """Shares in percent that pass."""

    low: float
    high: float

    def __str__(self) -> str:
        if self.low <= 0:
            return f"<= {self.high:g}"
        return f"{self.low:g} to {self.high:g}"


@dataclass(frozen=True)
class Cell:
    """One row of a table: `trial` says whether one repetition is a hit, or None when it has no answer."""

    name: str
    band: Band
    trial: Trial

    def run(self, repetitions: int = REPETITIONS) -> "Result":
        """The share of hits over seeded repetitions; a cell's draws depend on its name only."""
        digest = blake2b(self.name.encode(), digest_size=8).digest()
        rng = np.random.default_rng([SEED, int.from_bytes(digest, "big")])
        answers = [self.trial(rng) for _ in range(repetitions)]
        known = [answer for answer in answers if answer is not None]
        return Result(self, 100 * sum(known) / len(known), repetitions, repetitions - len(known))


@dataclass(frozen=True)
class Result:
    """A cell's share in percent; repetitions without an answer are in no share."""

    cell: Cell
    share: float
    repetitions: int
    unanswered: int

    def passes(self, errors: float = 0) -> bool:
        """Whether the share lies in the band, widened by this many standard errors of the simulation."""
        slack = errors * 100 * sqrt(0.05 * 0.95 / self.repetitions)
        return self.cell.band.low - slack <= self.share <= self.cell.band.high + slack


@dataclass(frozen=True)
class Table:
    """Cells that belong together, with what they show."""

    title: str
    note: str
    cells: tuple[Cell, ...]


def covers(figure: Figure, truth: float) -> bool | None:
    """Whether the interval holds the truth; None where there is no interval."""
    if figure.ci_low is None or figure.ci_high is None:
        return None
    return figure.ci_low <= truth <= figure.ci_high
