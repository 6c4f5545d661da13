"""Mean daily flow per site, each reading corrected by the factor in force when it was taken."""

import sqlite3
import time
from collections import defaultdict

SINCE = 1_735_689_600
DAY = 86_400

QUERY = """
SELECT r.site, r.ts, r.flow,
       (SELECT c.factor FROM calibrations c
        WHERE r.device = c.device AND c.ts <= r.ts
        ORDER BY c.ts DESC LIMIT 1) AS factor
FROM readings r
WHERE r.ts >= ?
ORDER BY r.ts
"""


def daily_means(rows):
    totals = defaultdict(lambda: [0, 0.0])
    uncorrected = 0
    for site, ts, flow, factor in rows:
        if factor is None:
            uncorrected += 1
            factor = 1.0
        cell = totals[site, (ts - SINCE) // DAY]
        cell[0] += 1
        cell[1] += flow * factor
    return {key: total / count for key, (count, total) in totals.items()}, uncorrected


def main():
    db = sqlite3.connect("fleet.db")
    started = time.perf_counter()
    rows = db.execute(QUERY, (SINCE,))
    queried = time.perf_counter()
    means, uncorrected = daily_means(rows)
    done = time.perf_counter()

    for site in sorted({site for site, _ in means}):
        days = [mean for (name, _), mean in means.items() if name == site]
        print(f"{site:6s} {len(days):3d} days  mean flow {sum(days) / len(days):.4f}")
    print(f"readings without a factor: {uncorrected}")
    print(f"query {queried - started:6.2f} s   daily means {done - queried:6.2f} s")


if __name__ == "__main__":
    main()
