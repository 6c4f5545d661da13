"""Two models with a known difference, judged at the same moments of the same sessions.

Each model alone is drawn as everywhere in these simulations: a session's rate is Beta(theta, RHO), a moment's rate
Beta(the session's, 0.3), a proposal wins with that rate, and 15 % of the outcomes are ties instead. What the two share
is drawn together: the normal scores behind their rates correlate by SHARED, in sessions and in moments. So the true
difference is (theta_new - theta_old)(1 - 0.15) exactly.
"""

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from scipy.special import betaincinv, ndtr

from tests.simulation.worlds import MOMENT_CORRELATION, TIES, Places, Reals

RHO, SHARED = 0.1, 0.9
OLD_RATE, CONTROL_RATE = 0.6, 0.2

LOSS, TIE, WIN = 0, 1, 2
Outcomes = NDArray[np.int64]


@dataclass(frozen=True)
class Truth:
    """A setting: the true difference of the win rates on detours, and the samples of a moment."""

    difference: float
    samples: int

    @property
    def new_rate(self) -> float:
        """Of the new model, ties aside."""
        return OLD_RATE + self.difference / (1 - TIES)


def rates(rng: Generator, places: Places, thetas: tuple[float, float]) -> list[Reals]:
    """The true rate of each moment for each of two models."""
    sessions = _alike(rng, int(places.max()) + 1)
    moments = _alike(rng, len(places))
    found = []
    for theta, of_session, of_moment in zip(thetas, sessions, moments, strict=True):
        means = _beta(of_session, np.full(len(of_session), theta), RHO)
        found.append(_beta(of_moment, means[places], MOMENT_CORRELATION))
    return found


def _alike(rng: Generator, size: int) -> tuple[Reals, Reals]:
    """Two uniform draws for each place whose normal scores correlate by SHARED."""
    common, own = rng.standard_normal(size), rng.standard_normal((2, size))
    scores = np.sqrt(SHARED) * common + np.sqrt(1 - SHARED) * own
    one, other = ndtr(scores)
    return one, other


def _beta(uniform: Reals, means: Reals, correlation: float) -> Reals:
    """Beta draws of these means whose variance is correlation * mean (1 - mean), at these quantiles."""
    clipped, strength = np.clip(means, 1e-6, 1 - 1e-6), (1 - correlation) / correlation
    drawn: Reals = betaincinv(clipped * strength, (1 - clipped) * strength, uniform)
    return drawn


def outcomes(rng: Generator, rate: Reals, samples: int) -> Outcomes:
    """LOSS, TIE or WIN for each moment and sample, the samples of a moment together."""
    shape = (len(rate), samples)
    wins = np.where(rng.random(shape) < rate[:, None], WIN, LOSS)
    drawn: Outcomes = np.where(rng.random(shape) < TIES, TIE, wins)
    return drawn
