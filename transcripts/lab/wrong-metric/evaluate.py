"""Ranking and calibration of one or more score files.  python evaluate.py short.csv long.csv"""

import sys

import numpy as np


def ranks(scores):
    """Position of the held-out track (column 0) when a listener's candidates are sorted, best = 0."""
    order = np.argsort(-scores, axis=1, kind="stable")
    return np.argmax(order == 0, axis=1)


def hit_rate(scores, k=10):
    return (ranks(scores) < k).mean()


def ndcg(scores, k=10):
    r = ranks(scores)
    return np.where(r < k, 1 / np.log2(r + 2), 0).mean()


def log_loss(scores):
    p = np.clip(scores, 1e-3, 1 - 1e-3)
    return -(np.log(p[:, 0]).mean() + np.log(1 - p[:, 1:]).sum(axis=1).mean()) / scores.shape[1]


def main():
    print(f"{'file':<16} hit@10  ndcg@10  log loss")
    for path in sys.argv[1:]:
        scores = np.loadtxt(path, delimiter=",")
        print(f"{path:<16} {hit_rate(scores):6.3f} {ndcg(scores):8.3f} {log_loss(scores):9.3f}")


if __name__ == "__main__":
    main()
