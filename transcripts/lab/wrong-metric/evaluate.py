"""Ranking quality and likelihood of one or more score files.  python evaluate.py short.csv long.csv"""

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


def nll(scores):
    """Mean negative log likelihood of the held-out track."""
    return -np.log(np.clip(scores[:, 0], 1e-5, 1)).mean()


def main():
    print(f"{'file':<16} hit@10  ndcg@10   nll")
    for path in sys.argv[1:]:
        scores = np.loadtxt(path, delimiter=",")
        print(f"{path:<16} {hit_rate(scores):6.3f} {ndcg(scores):8.3f} {nll(scores):6.2f}")


if __name__ == "__main__":
    main()
