"""A night's book returns: every chute numbers its scans and sends them in small bundles."""

import random
from collections import namedtuple

Scan = namedtuple("Scan", "chute seq barcode at")
CHUTES = 8


def bundles(per_chute=2000, seed=17):
    """All bundles of the night in the order in which they reach the loader."""
    rng = random.Random(seed)
    waiting = []
    for chute in range(CHUTES):
        at, bundle, size = 0.0, [], rng.randint(8, 24)
        for seq in range(per_chute):
            at += rng.expovariate(0.2)
            bundle.append(Scan(chute, seq, rng.randrange(10**8, 10**9), round(at, 2)))
            if len(bundle) == size or seq == per_chute - 1:
                waiting.append(bundle)
                bundle, size = [], rng.randint(8, 24)
    waiting.sort(key=lambda bundle: bundle[-1].at)
    return waiting
