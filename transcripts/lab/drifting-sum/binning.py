"""From single pulses to charge per second, and to the running total."""

import numpy as np


def per_second(pulses, start, stop):
    """Charge in pC for every whole second from start to stop."""
    first = np.searchsorted(pulses["t"], np.arange(start, stop))
    charge = np.append(pulses["pC"], np.float32(0))  # an edge behind the last pulse points here
    return np.add.reduceat(charge, first)


def running_total(charge):
    """Charge that has passed by the end of each second, starting from 0."""
    return np.append(np.float32(0), np.cumsum(charge))
