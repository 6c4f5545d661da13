"""Factor model for plays, trained on sampled negatives.  python recommend.py --epochs 10 --out short.csv"""

import argparse

import numpy as np

import plays


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def train(pairs, epochs, dim=32, lr=0.08, negatives=4, batch=256, seed=0):
    rng = np.random.default_rng(seed)
    user_vec = rng.normal(size=(plays.USERS, dim)) * 0.1
    track_vec = rng.normal(size=(plays.TRACKS, dim)) * 0.1
    bias = np.zeros(plays.TRACKS)
    squares = [np.full_like(p, 1e-3) for p in (user_vec, track_vec, bias)]
    played = np.zeros((plays.USERS, plays.TRACKS), bool)
    played[pairs[:, 0], pairs[:, 1]] = True
    for _ in range(epochs):
        users = np.repeat(pairs[:, 0], 1 + negatives)
        tracks = rng.integers(plays.TRACKS, size=len(users))
        tracks[:: 1 + negatives] = pairs[:, 1]
        order = rng.permutation(len(users))
        for start in range(0, len(order), batch):
            u, t = users[order[start : start + batch]], tracks[order[start : start + batch]]
            error = sigmoid((user_vec[u] * track_vec[t]).sum(axis=1) + bias[t]) - played[u, t]
            grads = [np.zeros_like(user_vec), np.zeros_like(track_vec), np.zeros_like(bias)]
            np.add.at(grads[0], u, error[:, None] * track_vec[t])
            np.add.at(grads[1], t, error[:, None] * user_vec[u])
            np.add.at(grads[2], t, error)
            for p, g, s in zip((user_vec, track_vec, bias), grads, squares):
                s += g * g
                p -= lr * g / np.sqrt(s)
    return user_vec, track_vec, bias


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--out", default="scores.csv")
    args = parser.parse_args()
    pairs, held_out, unplayed = plays.split()
    user_vec, track_vec, bias = train(pairs, args.epochs)
    candidates = np.column_stack([held_out, unplayed])
    z = np.einsum("ud,ucd->uc", user_vec, track_vec[candidates]) + bias[candidates]
    np.savetxt(args.out, sigmoid(z), fmt="%.3f", delimiter=",")


if __name__ == "__main__":
    main()
