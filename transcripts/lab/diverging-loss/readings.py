"""Synthetic pump readings: 24 channels, 6 operating states, a few rows with a spike on one channel."""

import numpy as np

STATES = 6
CHANNELS = 24


def make(n, seed, noise=0.9, spiked=0.01, gain=3.0):
    """Return channels (n, 24), state (n,), and which rows had a sensor spike."""
    rng = np.random.default_rng(seed)
    layout = np.random.default_rng(11)
    centres = layout.normal(size=(STATES, 3, CHANNELS)) * 0.9
    coupling = layout.normal(size=(CHANNELS, CHANNELS)) / np.sqrt(CHANNELS)
    state = rng.integers(STATES, size=n)
    mode = rng.integers(3, size=n)
    x = centres[state, mode] + rng.normal(size=(n, CHANNELS)) * noise
    x = x + 0.5 * np.tanh(x @ coupling)
    spike = rng.random(n) < spiked
    rows = np.flatnonzero(spike)
    x[rows, rng.integers(CHANNELS, size=len(rows))] *= gain
    return x, state, spike
