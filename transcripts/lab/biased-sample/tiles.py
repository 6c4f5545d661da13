"""A tile server's day, simulated: requests come in, popular tiles sit in memory, the rest is drawn anew."""

import math
from bisect import bisect
from dataclasses import dataclass
from itertools import accumulate

import numpy as np

N_TILES = 400
REFRESH = 10.0  # seconds; the weather layer changes and every drawn tile is out of date


@dataclass
class Request:
    at: float  # seconds since midnight
    tile: int
    ms: float


def rate(hour):
    """Requests a second."""
    return 1.0 + 29.0 * max(0.0, math.sin((hour - 5) / 18 * math.pi)) ** 2 if 5 <= hour <= 23 else 1.0


class TileServer:
    def __init__(self, rng):
        self.rng = rng
        self.drawn = set()
        self.layer = -1

    def serve(self, at, tile):
        layer = int(at // REFRESH)
        if layer != self.layer:
            self.layer, self.drawn = layer, set()
        if tile in self.drawn:
            return self.rng.lognormal(math.log(14), 0.35)
        self.drawn.add(tile)
        return self.rng.lognormal(math.log(88), 0.45)


def day(seed=5, minutes=10):
    """Requests of a day; of every hour the first `minutes` are simulated."""
    rng = np.random.default_rng(seed)
    server = TileServer(rng)
    popularity = 1 / np.arange(1, N_TILES + 1) ** 1.1
    edges = list(accumulate(popularity / popularity.sum()))
    for hour in range(24):
        at = hour * 3600.0
        end = at + 60.0 * minutes
        while True:
            at += rng.exponential(1 / rate(hour))
            if at >= end:
                break
            tile = min(bisect(edges, rng.random()), N_TILES - 1)
            yield Request(at, tile, server.serve(at, tile))
