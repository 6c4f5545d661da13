"""Simulated firings: what the kiln log knows about a tile, and whether it cracked."""

import numpy as np

COLUMNS = 40
EFFECT = np.random.default_rng(1911).normal(size=COLUMNS) / COLUMNS**0.5


def firings(rows, rng):
    """Standardised readings, and 1 for a cracked tile or 0 for a whole one."""
    x = rng.normal(size=(rows, COLUMNS))
    odds = np.exp(2.0 * (x @ EFFECT))
    y = rng.random(rows) < odds / (1 + odds)
    return x, y.astype(float)
