"""Draws rows more often the harder they were when last seen."""

import numpy as np

POWER = 0.7
FLOOR = 1e-6


class LossSampler:
    """p(row) ~ last loss ** POWER; the weight 1 / (n p) keeps the expected gradient that of the whole data set."""

    def __init__(self, n, batch, rebuild=200, seed=0):
        self.n, self.batch, self.rebuild = n, batch, rebuild
        self.rng = np.random.default_rng(seed)
        self.last_loss = np.full(n, 2.0)
        self.batches = 0

    def probabilities(self):
        p = self.last_loss**POWER
        return p / p.sum()

    def draw(self):
        if self.batches % self.rebuild == 0:  # the cumulative table is the slow part
            self.cdf = np.cumsum(self.probabilities())
        self.batches += 1
        rows = np.searchsorted(self.cdf, self.rng.random(self.batch) * self.cdf[-1])
        weight = 1 / (self.n * self.probabilities()[rows])
        return rows, weight

    def update(self, rows, losses):
        self.last_loss[rows] = losses + FLOOR


class UniformSampler:
    def __init__(self, n, batch, seed=0):
        self.n, self.batch = n, batch
        self.rng = np.random.default_rng(seed)

    def draw(self):
        return self.rng.integers(self.n, size=self.batch), np.ones(self.batch)

    def update(self, rows, losses):
        pass
