"""Cross-validated AUC of the late parcel model."""

import argparse

import numpy as np

from features import LATE, matrix


def folds(n, k, seed):
    """Row numbers to train on and to score, k times."""
    part = np.random.default_rng(seed).permutation(n) % k
    return [(np.flatnonzero(part != i), np.flatnonzero(part == i)) for i in range(k)]


def fit(x, y, ridge=1.0):
    """Logistic regression by Newton steps."""
    x = np.column_stack([np.ones(len(x)), x])
    w = np.zeros(x.shape[1])
    for _ in range(12):
        p = 1 / (1 + np.exp(-x @ w))
        hessian = (x * (p * (1 - p))[:, None]).T @ x + ridge * np.eye(len(w))
        w -= np.linalg.solve(hessian, x.T @ (p - y) + ridge * w)
    return w


def auc(score, y):
    rank = np.empty(len(score))
    rank[np.argsort(score, kind="stable")] = np.arange(1, len(score) + 1)
    late = y.sum()
    return (rank[y == 1].sum() - late * (late + 1) / 2) / (late * (len(y) - late))


def evaluate(k, seed):
    result = []
    for train, test in folds(len(LATE), k, seed):
        x = matrix(train)
        w = fit(x[train], LATE[train])
        result.append(auc(w[0] + x[test] @ w[1:], LATE[test]))
    return np.array(result)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folds", type=int, default=10)
    args = parser.parse_args()
    result = evaluate(args.folds, args.seed)
    print(f"seed {args.seed}  auc {result.mean():.4f}   folds " + " ".join(f"{a:.2f}" for a in result))


if __name__ == "__main__":
    main()
