"""Logistic regression by stochastic gradient descent, with a running average of the weights beside it."""

import numpy as np


def accuracy(weights, x, y):
    return np.mean((x @ weights > 0) == (y > 0.5))


class Keeper:
    """Holds on to the weights that did best on the validation rows."""

    def __init__(self, x, y):
        self.x, self.y = x, y
        self.score, self.weights, self.step = -1.0, None, 0

    def offer(self, weights, step):
        score = accuracy(weights, self.x, self.y)
        if score > self.score:
            self.score, self.weights, self.step = score, weights.copy(), step


def train(x, y, rng, watch, rate=0.03, decay=0.998, batch=4, passes=3, every=10):
    """One run. watch(step, plain, averaged) is called every few steps."""
    plain = np.zeros(x.shape[1])
    averaged = np.zeros(x.shape[1])
    step = 0
    for _ in range(passes):
        order = rng.permutation(len(y))
        for i in range(0, len(y), batch):
            rows = order[i : i + batch]
            error = 1 / (1 + np.exp(-(x[rows] @ plain))) - y[rows]
            plain = plain - rate * (error @ x[rows])
            averaged = decay * averaged + (1 - decay) * plain
            step += 1
            if step % every == 0:
                watch(step, plain, averaged)
    return plain, averaged
