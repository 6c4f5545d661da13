"""Windows of one second with their band energies, and the panel's state for each."""

from pathlib import Path

import numpy as np

BANDS = 12


def bands(windows):
    """Log energy in equal bands up to half the rate, one row a window."""
    power = np.abs(np.fft.rfft(windows * np.hanning(windows.shape[1]), axis=1)) ** 2
    return np.log(np.stack([part.sum(axis=1) for part in np.array_split(power[:, 1:], BANDS, axis=1)], axis=1))


def smooth(features, taps=9):
    """Moving average over windows; single windows are noisy."""
    kernel = np.ones(taps) / taps
    return np.stack([np.convolve(column, kernel)[: len(column)] for column in features.T], axis=1)


def states(changes, seconds):
    """The state in every second of the run."""
    return changes[np.searchsorted(changes[:, 0], np.arange(seconds), side="right") - 1, 1]


def cut(run):
    rate = int(run["rate"])
    a = run["a"]
    n = len(a) // rate
    x = smooth(bands(a[: n * rate].reshape(n, rate)))
    y = states(run["changes"], int(run["t"][-1]) + 1)
    return x, y[: len(x)]


def load(folder="runs"):
    for path in sorted(Path(folder).glob("*.npz")):
        with np.load(path) as run:
            yield path.stem, *cut(run)
