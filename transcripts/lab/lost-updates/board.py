"""The board in the hall: how many books came back through each chute so far."""

import sqlite3
import time
from collections import Counter


def show(path, done, pause=0.25):
    conn = sqlite3.connect(path, timeout=1.0)
    while not done.is_set():
        counts, latest = Counter(), {}
        for chute, barcode, at in conn.execute("SELECT chute, barcode, at FROM returns"):
            counts[chute] += 1
            latest[chute] = max(latest.get(chute, (0.0, 0)), (at, barcode))
        time.sleep(pause)
    conn.close()
