"""Readings of a wave buoy, made up: 20 channels of motion, and the wave height as a share of the 20 m range."""

import numpy as np

CHANNELS = 20


def make(n, seed):
    rng = np.random.default_rng(seed)
    direction = rng.uniform(-np.pi, np.pi, n)
    period = rng.uniform(4, 14, n)
    height = rng.gamma(3.0, 0.6, n)
    mix = np.random.default_rng(99).normal(size=(6, CHANNELS))
    motion = np.stack(
        [
            height * np.cos(direction),
            height * np.sin(direction),
            height / period,
            np.sin(2 * direction),
            period / 10,
            np.tanh(height - 2),
        ],
        axis=1,
    )
    x = np.tanh(motion @ mix / 2) + rng.normal(0, 0.01, (n, CHANNELS))
    y = height * (1 + 0.3 * np.cos(direction) * np.sin(period))
    return x.astype(np.float32), (y / 20).astype(np.float32)
