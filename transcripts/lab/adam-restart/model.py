"""A deep residual network for one output: h <- h + tanh(h W) / sqrt(depth) in every layer."""

import numpy as np


class Net:
    def __init__(self, inputs, width, depth, seed):
        rng = np.random.default_rng(seed)
        self.depth = depth
        self.params = {"in": rng.normal(0, inputs**-0.5, (inputs, width))}
        for i in range(depth):
            self.params[f"layer{i}"] = rng.normal(0, width**-0.5, (width, width))
        self.params["out"] = rng.normal(0, width**-0.5, (width, 1))
        self.params = {name: p.astype(np.float32) for name, p in self.params.items()}

    def forward(self, x):
        h = x @ self.params["in"]
        self.trace = [(x, None)]
        for i in range(self.depth):
            a = np.tanh(h @ self.params[f"layer{i}"])
            self.trace.append((h, a))
            h = h + a * np.float32(self.depth**-0.5)
        self.top = h
        return (h @ self.params["out"])[:, 0]

    def gradients(self, x, y):
        """Mean squared error of a batch and its gradient by parameter name."""
        error = self.forward(x) - y
        delta = (2 * error / len(y))[:, None]
        grads = {"out": self.top.T @ delta}
        delta = delta @ self.params["out"].T
        for i in reversed(range(self.depth)):
            h, a = self.trace[i + 1]
            inner = delta * (1 - a * a) * np.float32(self.depth**-0.5)
            grads[f"layer{i}"] = h.T @ inner
            delta = delta + inner @ self.params[f"layer{i}"].T
        grads["in"] = x.T @ delta
        return float((error**2).mean()), grads
