"""One week of the insulator stand: discharge pulses from the trigger box, and the electrometer on the same lead.

Time runs in seconds from Monday 18:00. The spray is on from 10:00 to 18:00, the rest of the day the insulator is dry.
"""

import numpy as np

HOUR = 3600
WEEK = 7 * 24 * HOUR
PULSE = np.dtype([("t", "f8"), ("pC", "f4")])


def spray_on(t):
    """True where the spray is running; 16 h after the start it is 10:00."""
    return (t // HOUR) % 24 >= 16


def record(seed=3):
    """Pulses as the trigger box files them, and the electrometer's running charge once a second."""
    rng = np.random.default_rng(seed)
    rate = np.where(spray_on(np.arange(WEEK)), 8.0, 1.0)
    count = rng.poisson(rate)
    t = np.repeat(np.arange(WEEK), count) + rng.random(count.sum())
    mean = np.where(spray_on(t), 300.0, 6.0)
    charge = mean * rng.gamma(4.0, 0.25, len(t))

    follows = rng.random(len(t)) < 0.06
    late = t[follows] + rng.uniform(20e-6, 200e-6, follows.sum())
    late_charge = charge[follows] * rng.uniform(0.3, 1.0, follows.sum())
    t, charge = np.append(t, late), np.append(charge, late_charge)
    order = np.argsort(t)

    pulses = np.empty(len(t), PULSE)
    pulses["t"], pulses["pC"] = t[order], charge[order]
    through = np.append(0.0, np.cumsum(charge[order]))
    reading = through[np.searchsorted(pulses["t"], np.arange(WEEK + 1))]
    return pulses, reading + rng.normal(0, 2.0, WEEK + 1)


def periods():
    """(name, first second, last second) of every night, 22:00 to 6:00, and every spray."""
    for day in range(7):
        start = day * 24 * HOUR
        yield f"night {day + 1}", start + 4 * HOUR, start + 12 * HOUR
        yield f"spray {day + 1}", start + 16 * HOUR, start + 24 * HOUR


def load(path="week.npz"):
    with np.load(path) as file:
        return file["pulses"], file["electrometer"]


def main():
    pulses, electrometer = record()
    np.savez("week.npz", pulses=pulses, electrometer=electrometer)
    print("period     pulses   median pC   charge in file, pC")
    for name, start, stop in periods():
        i, j = np.searchsorted(pulses["t"], [start, stop])
        part = pulses["pC"][i:j]
        print(f"{name}   {len(part):7d}   {np.median(part):9.1f}   {part.sum():18,.0f}")


if __name__ == "__main__":
    main()
