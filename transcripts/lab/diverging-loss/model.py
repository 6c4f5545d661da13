"""A small perceptron: ReLU layers, softmax, SGD with momentum."""

import numpy as np


class MLP:
    def __init__(self, sizes, seed):
        rng = np.random.default_rng(seed)
        self.w = [rng.normal(size=(a, b)) * np.sqrt(2 / a) for a, b in zip(sizes, sizes[1:])]
        self.b = [np.zeros(b) for b in sizes[1:]]
        self.velocity = [np.zeros_like(p) for p in self.w + self.b]

    def logits(self, x):
        self.acts = [x]
        for i, (w, b) in enumerate(zip(self.w, self.b)):
            x = x @ w + b
            if i < len(self.w) - 1:
                x = np.maximum(x, 0)
            self.acts.append(x)
        return x

    def losses(self, x, y):
        """Cross entropy of every row, and its gradient with respect to the row's logits."""
        z = self.logits(x)
        z = z - z.max(axis=1, keepdims=True)
        logp = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
        rows = np.arange(len(y))
        delta = np.exp(logp)
        delta[rows, y] -= 1
        return -logp[rows, y], delta

    def gradients(self, delta):
        gw, gb = [], []
        for i in reversed(range(len(self.w))):
            gw.insert(0, self.acts[i].T @ delta)
            gb.insert(0, delta.sum(axis=0))
            if i:
                delta = (delta @ self.w[i].T) * (self.acts[i] > 0)
        return gw + gb

    def step(self, gradients, lr, momentum):
        for p, v, g in zip(self.w + self.b, self.velocity, gradients):
            v *= momentum
            v -= lr * g
            p += v
