"""Share of late parcels by level of a column, learnt from some of the rows."""

from math import log

import numpy as np

import parcels
from cache import cached

TABLE, LATE = parcels.load()
STRENGTHS = [0.5 * 1.05**i for i in range(110)]


def leave_one_out(late, count, mean, strength):
    """Log likelihood of every row under the shrunken share of the others in its level."""
    total = 0.0
    for k, n in zip(late, count):
        if n > 1:
            if k:
                total += k * log((k - 1 + strength * mean) / (n - 1 + strength))
            if n > k:
                total += (n - k) * log(1 - (k + strength * mean) / (n - 1 + strength))
    return total


@cached
def level_shares(column, rows):
    """Shrunken share of each level; the strength is the one with the best leave-one-out likelihood."""
    codes = TABLE[column][rows]
    levels = TABLE[column].max() + 1
    count = np.bincount(codes, minlength=levels)
    late = np.bincount(codes, LATE[rows], minlength=levels)
    mean = LATE[rows].mean()
    best = max(STRENGTHS, key=lambda s: leave_one_out(late.tolist(), count.tolist(), mean, s))
    return (late + best * mean) / (count + best)


def matrix(rows):
    """All columns for all parcels, with shares from the given rows."""
    shares = [level_shares(column, rows)[TABLE[column]] for column in TABLE]
    return np.log(np.stack(shares, axis=1) / (1 - np.stack(shares, axis=1)))
