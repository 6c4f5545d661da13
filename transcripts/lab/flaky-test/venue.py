"""The festival site: where the radio microphones are, and which of them would disturb each other."""

from dataclasses import dataclass

import numpy as np

STAGES = [(0.0, 0.0), (55.0, 12.0), (28.0, 60.0), (84.0, 58.0)]
REACH = 17.0


@dataclass(eq=False)
class Mic:
    name: str
    x: float
    y: float
    power: float


def place_mics(n=104, seed=22):
    """Scatter n microphones around the stages; the louder ones (power > 1) belong to the presenters."""
    rng = np.random.default_rng(seed)
    mics = []
    for i in range(n):
        cx, cy = STAGES[rng.integers(len(STAGES))]
        x, y = rng.normal((cx, cy), 17.0)
        mics.append(Mic(f"mic{i:03d}", float(x), float(y), float(rng.choice([0.8, 1.0, 1.25]))))
    return mics


def find_links(mics, reach=REACH):
    """For each mic the others that must not share its channel: closer than reach times the mean power."""
    xy = np.array([(m.x, m.y) for m in mics])
    power = np.array([m.power for m in mics])
    squares = (xy**2).sum(axis=1)
    distance = np.sqrt(np.maximum(squares[:, None] + squares[None, :] - 2 * xy @ xy.T, 0))
    limit = reach * (power[:, None] + power[None, :]) / 2
    close = distance < limit
    np.fill_diagonal(close, False)
    return {m: {mics[j] for j in np.flatnonzero(row)} for m, row in zip(mics, close)}
