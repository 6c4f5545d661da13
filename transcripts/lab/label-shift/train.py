"""Train a small network on the windows of the first runs, test on the last ones."""

import argparse

import numpy as np

from make_runs import STATES
from windows import load

HELD_OUT = {"15", "16", "17", "18", "19", "20"}


class Net:
    def __init__(self, inputs, hidden, outputs, seed):
        rng = np.random.default_rng(seed)
        self.w = [rng.normal(0, inputs**-0.5, (inputs, hidden)), rng.normal(0, hidden**-0.5, (hidden, outputs))]
        self.b = [np.zeros(hidden), np.zeros(outputs)]

    def forward(self, x):
        h = np.maximum(x @ self.w[0] + self.b[0], 0)
        z = h @ self.w[1] + self.b[1]
        p = np.exp(z - z.max(axis=1, keepdims=True))
        return h, p / p.sum(axis=1, keepdims=True)

    def step(self, x, y, lr, decay):
        h, p = self.forward(x)
        p[np.arange(len(y)), y] -= 1
        p /= len(y)
        back = (p @ self.w[1].T) * (h > 0)
        for i, (inputs, delta) in enumerate([(x, back), (h, p)]):
            self.w[i] -= lr * (inputs.T @ delta + decay * self.w[i])
            self.b[i] -= lr * delta.sum(axis=0)

    def predict(self, x):
        return self.forward(x)[1].argmax(axis=1)


def fit(train_x, train_y, hidden=32, lr=0.1, epochs=30, decay=0.0, seed=0):
    net, rng = Net(train_x.shape[1], hidden, len(STATES), seed), np.random.default_rng(seed)
    for _ in range(epochs):
        for rows in np.array_split(rng.permutation(len(train_y)), max(1, len(train_y) // 64)):
            net.step(train_x[rows], train_y[rows], lr, decay)
    return net


def data():
    """Standardised windows: train x, train y, and the held-out runs as (name, x, y)."""
    runs = list(load())
    train_x = np.concatenate([x for name, x, _ in runs if name not in HELD_OUT])
    train_y = np.concatenate([y for name, _, y in runs if name not in HELD_OUT])
    mean, std = train_x.mean(axis=0), train_x.std(axis=0)
    return (train_x - mean) / std, train_y, [(n, (x - mean) / std, y) for n, x, y in runs if n in HELD_OUT]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--hidden", type=int, default=32)
    parser.add_argument("--lr", type=float, default=0.1)
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--decay", type=float, default=0.0)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    train_x, train_y, held_out = data()
    net = fit(train_x, train_y, **vars(args))
    right = [(net.predict(x) == y) for _, x, y in held_out]
    print(f"{len(train_y)} windows in training, share of states", np.round(np.bincount(train_y) / len(train_y), 2))
    print(f"accuracy: training {np.mean(net.predict(train_x) == train_y):.3f}  held out {np.concatenate(right).mean():.3f}")
    print("run   windows   accuracy")
    for (name, _, y), hits in zip(held_out, right):
        print(f" {name}   {len(y):7d}   {hits.mean():8.3f}")


if __name__ == "__main__":
    main()
