"""Loom runs: vibration of the frame from the logger, and the state of the loom from the weaver's panel.

Writes runs/NN.npz with t (seconds since the start), a (acceleration), rate (as the logger's header states it),
and the panel's list of changes: the second of each change and the state from then on.
"""

from pathlib import Path

import numpy as np

STATES = ["plain", "twill", "slack", "stop"]
RATE = 50
PEAKS = {"plain": (6.0, 13.0), "twill": (7.5, 13.0), "slack": (6.0, 15.0), "stop": (10.0, 18.0)}
LEVEL = {"plain": 1.0, "twill": 1.0, "slack": 0.95, "stop": 0.6}


def changes(rng, seconds):
    at, state, rows = 0, int(rng.integers(4)), []
    while at < seconds:
        rows.append((at, state))
        at += int(rng.integers(10, 32))
        state = int((state + rng.integers(1, 4)) % 4)
    return np.array(rows)


def vibration(rng, t, state):
    a = 1.6 * rng.standard_normal(len(t))
    for number, name in enumerate(STATES):
        here = state == number
        for peak in PEAKS[name]:
            wobble = peak * (1 + 0.01 * rng.standard_normal())
            a[here] += LEVEL[name] * np.sin(2 * np.pi * wobble * t[here] + rng.uniform(0, 6.28))
    return a


def record(number, seed=11):
    rng = np.random.default_rng([seed, number])
    minutes = rng.choice([4, 6, 9, 15, 25, 35])
    seconds = int(minutes * 60)
    clock = RATE * rng.uniform(0.955, 0.985)
    t = np.arange(int(seconds * clock)) / clock
    log = changes(rng, seconds)
    state = log[np.searchsorted(log[:, 0], t, side="right") - 1, 1]
    return {"t": t.astype("f4"), "a": vibration(rng, t, state).astype("f4"), "rate": RATE, "changes": log}


def main(runs=20):
    Path("runs").mkdir(exist_ok=True)
    print("run   samples    last t   changes")
    for number in range(1, runs + 1):
        run = record(number)
        np.savez(f"runs/{number:02d}.npz", **run)
        print(f" {number:02d}   {len(run['t']):7d}   {run['t'][-1]:7.1f}   {len(run['changes']):7d}")


if __name__ == "__main__":
    main()
