"""Made-up scores with a known truth: moments of one session are alike, verdicts are noisy, some pairs tie.

A session's rate is Beta(theta, correlation rho), a moment's rate Beta(the session's, 0.3), a score the mean of k
proposals that win with that rate; each proposal's verdict is a tie with probability TIES. So the mean score is
theta (1 - TIES) + TIES/2 exactly. Sessions are of uneven size: 1 + multinomial over exponential weights, gamma weights
of shape 1 (so that 129 moments in 43 sessions have sum m^2 / n = 4.9).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

Reals = NDArray[np.float64]
Places = NDArray[np.int64]

TIES, MOMENT_CORRELATION = 0.15, 0.3


def mean_score(theta: float) -> float:
    """The true win rate: theta with ties counted half."""
    return theta * (1 - TIES) + TIES / 2


def sessions(rng: Generator, moments: int, count: int) -> Places:
    """The session of each moment; none is empty."""
    weights = rng.standard_exponential(count)
    sizes = 1 + rng.multinomial(moments - count, weights / weights.sum())
    return np.repeat(np.arange(count), sizes)


def spread(rng: Generator, mean: Any, correlation: float, size: int) -> Reals:
    """Beta draws of this mean whose variance is correlation * mean (1 - mean); the mean itself for correlation 0."""
    means: Reals = np.clip(np.broadcast_to(np.asarray(mean, dtype=float), size), 1e-9, 1 - 1e-9)
    if correlation == 0:
        return means
    strength = (1 - correlation) / correlation
    drawn: Reals = rng.beta(means * strength, (1 - means) * strength)
    return drawn


def moment_rates(rng: Generator, places: Places, theta: float, rho: float) -> Reals:
    """The true rate of each moment."""
    of_session = spread(rng, theta, rho, int(places.max()) + 1)
    return spread(rng, of_session[places], MOMENT_CORRELATION, len(places))


def judged(rng: Generator, rates: Reals, samples: int = 1) -> Reals:
    """Each moment's score: the mean of its samples' wins, losses and ties."""
    shape = (samples, len(rates))
    wins = (rng.random(shape) < rates).astype(float)
    scores: Reals = np.where(rng.random(shape) < TIES, 0.5, wins).mean(axis=0)
    return scores


@dataclass(frozen=True)
class Setting:
    """How many moments in how many sessions, how alike, what rate, how many samples."""

    moments: int
    sessions: int
    rho: float
    theta: float
    samples: int = 1

    def __str__(self) -> str:
        samples = f", k={self.samples}" if self.samples > 1 else ""
        return f"n={self.moments}, G={self.sessions}, rho={self.rho:g}, p={self.theta:g}{samples}"

    def draw(self, rng: Generator) -> list[tuple[int, float]]:
        """(session, score) pairs of one evaluation."""
        places = sessions(rng, self.moments, self.sessions)
        return together(places, judged(rng, moment_rates(rng, places, self.theta, self.rho), self.samples))


def together(places: Places, values: Reals) -> list[tuple[int, float]]:
    """(session, value) pairs."""
    return list(zip(places.tolist(), values.tolist(), strict=True))


def models(rng: Generator, places: Places, thetas: tuple[float, ...], samples: int) -> list[Reals]:
    """The scores of several models at the same moments.

    Half of a model's rate is the moment's own, shared by all; half is how this model does in this session (correlation
    0.3). So differences between models vary from session to session.
    """
    shared = moment_rates(rng, places, 0.5, 0.1)
    return [judged(rng, (shared + moment_rates(rng, places, theta, 0.3)) / 2, samples) for theta in thetas]


def true_gap(theta_a: float, theta_b: float) -> float:
    """The true difference of two such models."""
    return (theta_a - theta_b) / 2 * (1 - TIES)
