"""Load the night's scans into returns.db: one feeder, several workers, and the board in the hall reads along."""

import argparse
import hashlib
import multiprocessing as mp
import os
import sqlite3
import time

from board import show
from keys import new_key
from scans import bundles

DB = "returns.db"
SCHEMA = "CREATE TABLE returns (key TEXT PRIMARY KEY, chute INT, seq INT, barcode INT, at REAL, digest TEXT, worker INT)"


def digest(scan):
    """The checksum that goes on the receipt; slow on purpose, so that receipts are not forged."""
    return hashlib.pbkdf2_hmac("sha1", b"%d" % scan.barcode, b"receipt", 40).hex()[:12]


def store(conn, rows):
    """Write one bundle; the file is shared, so try again while somebody else has it."""
    while True:
        try:
            for row in rows:
                conn.execute("INSERT OR IGNORE INTO returns VALUES (?, ?, ?, ?, ?, ?, ?)", (new_key(), *row))
            conn.commit()
            return
        except sqlite3.OperationalError:
            time.sleep(0.002)


def work(number, queue):
    conn = sqlite3.connect(DB, timeout=0.05)
    conn.execute("PRAGMA synchronous = OFF")
    while (bundle := queue.get()) is not None:
        store(conn, [(*scan, digest(scan), number) for scan in bundle])
    conn.close()


def load(workers=8):
    if os.path.exists(DB):
        os.remove(DB)
    with sqlite3.connect(DB) as conn:
        conn.execute(SCHEMA)
    queue, done = mp.Queue(), mp.Event()
    board = mp.Process(target=show, args=(DB, done))
    pool = [mp.Process(target=work, args=(number, queue)) for number in range(workers)]
    for process in [board, *pool]:
        process.start()
    for bundle in bundles():
        queue.put(bundle)
    for _ in pool:
        queue.put(None)
    for process in pool:
        process.join()
    done.set()
    board.join()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workers", type=int, default=8)
    began = time.perf_counter()
    load(parser.parse_args().workers)
    print(f"loaded in {time.perf_counter() - began:.1f} s")
