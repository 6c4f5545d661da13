"""Factor model for plays, softmax over all tracks.  python recommend.py --passes 25 --out short.csv"""

import argparse

import numpy as np

import plays


def softmax(z):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def train(pairs, passes, dim=48, lr=0.02, seed=0):
    """Full-batch Adam on the cross entropy of the tracks that each listener played."""
    rng = np.random.default_rng(seed)
    target = np.zeros((plays.USERS, plays.TRACKS))
    target[pairs[:, 0], pairs[:, 1]] = 1
    target /= target.sum(axis=1, keepdims=True)
    params = [rng.normal(size=(n, dim)) * 0.1 for n in (plays.USERS, plays.TRACKS)] + [np.zeros(plays.TRACKS)]
    first = [np.zeros_like(p) for p in params]
    second = [np.zeros_like(p) for p in params]
    for t in range(1, passes + 1):
        users, tracks, bias = params
        error = softmax(users @ tracks.T + bias) - target
        gradients = [error @ tracks, error.T @ users, error.sum(axis=0)]
        for p, g, m, v in zip(params, gradients, first, second):
            m += 0.1 * (g - m)
            v += 0.01 * (g * g - v)
            p -= lr * (m / (1 - 0.9**t)) / (np.sqrt(v / (1 - 0.99**t)) + 1e-8)
    return params


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--passes", type=int, default=25)
    parser.add_argument("--out", default="scores.csv")
    args = parser.parse_args()
    pairs, held_out, unplayed = plays.split()
    users, tracks, bias = train(pairs, args.passes)
    probability = softmax(users @ tracks.T + bias)
    candidates = np.column_stack([held_out, unplayed])
    np.savetxt(args.out, np.take_along_axis(probability, candidates, axis=1), fmt="%.4f", delimiter=",")


if __name__ == "__main__":
    main()
