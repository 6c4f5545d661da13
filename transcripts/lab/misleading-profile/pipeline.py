"""Nightly job: probe lines in, quarter-hour means per probe out.

    pipeline.py [--probes N] [--minutes N] [--out FILE]
"""

import argparse
import csv
import time
from collections import defaultdict
from contextlib import contextmanager

from calibration import moisture
from sensors import poll

spent = {}


@contextmanager
def stage(name):
    begin = time.perf_counter()
    yield
    spent[name] = time.perf_counter() - begin


def parse(lines):
    for line in lines:
        minute, probe, counts, battery = line.rstrip("\n").split(",")
        yield int(minute), probe, float(counts), float(battery)


def drop_bad(readings, low=3.0):
    for minute, probe, counts, battery in readings:
        if battery >= low and 0 < counts < 600:
            yield minute, probe, counts


def to_moisture(readings):
    for minute, probe, counts in readings:
        yield minute, probe, moisture(probe, counts)


def quarter_hours(readings, width=15):
    """Means per probe and quarter of an hour, given out as soon as the quarter is over."""
    current, sums = None, defaultdict(lambda: [0.0, 0])
    for minute, probe, value in readings:
        quarter = minute // width
        if quarter != current and sums:
            for name, (total, n) in sorted(sums.items()):
                yield current, name, total / n
            sums.clear()
        current = quarter
        sums[probe][0] += value
        sums[probe][1] += 1
    for name, (total, n) in sorted(sums.items()):
        yield current, name, total / n


def write(rows, path):
    written = 0
    with open(path, "w", newline="", encoding="utf-8") as out:
        writer = csv.writer(out)
        writer.writerow(["quarter", "probe", "moisture"])
        for quarter, probe, value in rows:
            writer.writerow([quarter, probe, f"{value:.4f}"])
            out.flush()
            written += 1
    return written


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--probes", type=int, default=560)
    parser.add_argument("--minutes", type=int, default=60)
    parser.add_argument("--out", default="means.csv")
    options = parser.parse_args()

    with stage("read"):
        lines = poll(options.probes, options.minutes)
    with stage("parse"):
        readings = parse(lines)
    with stage("filter"):
        readings = drop_bad(readings)
    with stage("calibrate"):
        readings = to_moisture(readings)
    with stage("average"):
        rows = quarter_hours(readings)
    with stage("write"):
        written = write(rows, options.out)

    for name, seconds in spent.items():
        print(f"{name:10} {seconds:8.3f} s")
    print(f"{'total':10} {sum(spent.values()):8.3f} s   {written} rows from {options.probes} probes")


if __name__ == "__main__":
    main()
