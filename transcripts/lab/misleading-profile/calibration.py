"""From raw counts to volumetric moisture."""

from functools import lru_cache

import numpy as np

from sensors import coefficients

GRID = np.linspace(0.0, 600.0, 241)


def fit(known, counts):
    """Monotone inverse of the laboratory curve, tabulated on GRID."""
    powers = np.polyfit(counts, known, 3)
    table = np.polyval(powers, GRID)
    return np.maximum.accumulate(table)


@lru_cache(maxsize=512)
def curve(probe):
    known, counts = coefficients(int(probe[1:]))
    return fit(known, counts)


def moisture(probe, counts):
    return float(np.interp(counts, GRID, curve(probe)))
