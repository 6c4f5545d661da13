"""The network: one line a minute from every soil probe, in the order in which the gateway polls them."""

import math
import random


def coefficients(probe):
    """Laboratory calibration of a probe: raw counts at nine known moistures."""
    rng = random.Random(probe)
    gain, bend = rng.uniform(0.8, 1.2), rng.uniform(-0.15, 0.15)
    known = [0.05 * k for k in range(1, 10)]
    return known, [1000 * gain * (m + bend * m * m) + rng.gauss(0, 1.5) for m in known]


def poll(probes, minutes, seed=3):
    """Lines "minute,probe,counts,battery"."""
    rng = random.Random(seed)
    for minute in range(minutes):
        for probe in range(probes):
            level = 0.22 + 0.08 * math.sin(minute / 30 + probe)
            battery = 3.6 - 0.001 * rng.random() * minute
            yield f"{minute},p{probe:04d},{1000 * level + rng.gauss(0, 4):.1f},{battery:.2f}\n"
