"""Build fleet.db: three months of pump readings and the factor history of their flow sensors."""

import random
import sqlite3
from pathlib import Path

PUMPS = 200
DAYS = 90
READINGS = 24_000
SELF_TESTS = 60_000
DAY = 86_400
START = 1_735_689_600
LOGGER_3_FROM = START + 60 * DAY

SCHEMA = """
CREATE TABLE readings (
    id INTEGER PRIMARY KEY,
    device TEXT NOT NULL COLLATE NOCASE,
    site TEXT NOT NULL,
    ts INTEGER NOT NULL,
    flow REAL NOT NULL
);
CREATE INDEX readings_ts ON readings (ts);
CREATE INDEX readings_device_ts ON readings (device, ts);

CREATE TABLE calibrations (
    id INTEGER PRIMARY KEY,
    device TEXT NOT NULL,
    ts INTEGER NOT NULL,
    factor REAL NOT NULL,
    source TEXT NOT NULL
);
CREATE INDEX calibrations_ts ON calibrations (ts);
CREATE INDEX calibrations_device_ts ON calibrations (device, ts);
"""


def calibrations(rng, pumps):
    """Every pump once at installation; after that a self-test now and then, some pumps far more often."""
    first = START - 30 * DAY
    rows = {(pump, first): (1.0, "install") for pump in pumps}
    weights = [1 / (1 + n) ** 0.6 for n in range(len(pumps))]
    rng.shuffle(weights)
    for pump in rng.choices(pumps, weights, k=SELF_TESTS):
        ts = first + rng.randrange(1, (DAYS + 30) * DAY)
        rows[pump, ts] = round(rng.gauss(1, 0.04), 4), "self-test"
    return sorted(((pump, ts, *rest) for (pump, ts), rest in rows.items()), key=lambda row: row[1])


def readings(rng, pumps):
    sites = {pump: rng.choice(["hafen", "nord", "west"]) for pump in pumps}
    rows = []
    for _ in range(READINGS):
        pump = rng.choice(pumps)
        ts = START + rng.randrange(DAYS * DAY)
        code = pump.lower() if ts >= LOGGER_3_FROM and rng.random() < 0.5 else pump
        rows.append((code, sites[pump], ts, round(rng.gauss(40, 6), 2)))
    return sorted(rows, key=lambda row: row[2])


def main():
    rng = random.Random(11)
    Path("fleet.db").unlink(missing_ok=True)
    db = sqlite3.connect("fleet.db")
    db.executescript(SCHEMA)
    pumps = [f"PMP-{n:03d}" for n in range(1, PUMPS + 1)]
    db.executemany(
        "INSERT INTO calibrations (device, ts, factor, source) VALUES (?, ?, ?, ?)",
        calibrations(rng, pumps),
    )
    db.executemany(
        "INSERT INTO readings (device, site, ts, flow) VALUES (?, ?, ?, ?)",
        readings(rng, pumps),
    )
    db.commit()
    db.execute("ANALYZE")
    db.commit()
    for table in ("readings", "calibrations"):
        print(table, db.execute(f"SELECT count(*) FROM {table}").fetchone()[0])


if __name__ == "__main__":
    main()
