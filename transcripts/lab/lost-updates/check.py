"""In the morning: scans sent and rows stored, by chute."""

import sqlite3

from load import DB
from scans import CHUTES, bundles

sent = [0] * CHUTES
for bundle in bundles():
    sent[bundle[0].chute] += len(bundle)
stored = dict(sqlite3.connect(DB).execute("SELECT chute, count(*) FROM returns GROUP BY chute"))
print("chute   sent  stored  difference")
for chute in range(CHUTES):
    print(f"{chute:5d}  {sent[chute]:5d}  {stored[chute]:6d}  {stored[chute] - sent[chute]:+10d}")
print(f"total  {sum(sent):5d}  {sum(stored.values()):6d}  {sum(stored.values()) - sum(sent):+10d}")
