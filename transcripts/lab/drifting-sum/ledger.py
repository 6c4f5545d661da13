"""The week's ledger: charge of every night and every spray, from the pulses and from the electrometer."""

import numpy as np

from binning import per_second, running_total
from stand import WEEK, load, periods


def ledger(pulses, electrometer):
    total = running_total(per_second(pulses, 0, WEEK))
    for name, start, stop in periods():
        yield name, total[stop] - total[start], electrometer[stop] - electrometer[start]


def main():
    pulses, electrometer = load()
    print("period       ledger, pC   electrometer, pC     ratio")
    for name, ours, theirs in ledger(pulses, electrometer):
        print(f"{name}   {ours:12,.0f}   {theirs:16,.0f}   {ours / theirs:7.4f}")


if __name__ == "__main__":
    main()
