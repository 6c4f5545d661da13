"""Synthetic listening log: 600 listeners, 800 tracks, taste in a few dimensions plus popularity."""

import numpy as np

USERS, TRACKS = 600, 800
PER_USER = 24


def log(seed=3):
    """For every listener a list of distinct tracks in the order they were played."""
    rng = np.random.default_rng(seed)
    taste = rng.normal(size=(USERS, 6))
    style = rng.normal(size=(TRACKS, 6))
    fame = 1.1 * rng.normal(size=TRACKS)
    appeal = 0.75 * taste @ style.T + fame + rng.gumbel(size=(USERS, TRACKS))
    chosen = np.argsort(-appeal, axis=1)[:, :PER_USER]
    return rng.permuted(chosen, axis=1)


def split(seed=3):
    """Train pairs, one held-out track for each listener, and 99 tracks the listener never played."""
    history = log(seed)
    rng = np.random.default_rng(seed + 1)
    held_out = history[:, -1]
    train = [(user, track) for user in range(USERS) for track in history[user, :-1]]
    unplayed = []
    for user in range(USERS):
        pool = np.setdiff1d(np.arange(TRACKS), history[user])
        unplayed.append(rng.choice(pool, size=99, replace=False))
    return np.array(train), held_out, np.array(unplayed)
