"""Deliveries of one season, made up: who brought what where, and whether it came late."""

import numpy as np

LEVELS = {"street": 150, "courier": 40, "depot": 12, "weekday": 6, "goods": 20}
PAIRS = [("courier", "weekday"), ("depot", "weekday")]
ROWS = 4000


def load():
    """Codes by column, pairs included, and the outcome."""
    rng = np.random.default_rng(2024)
    table = {name: np.minimum(rng.exponential(k / 3, ROWS).astype(int), k - 1) for name, k in LEVELS.items()}
    logit = -0.9 + np.zeros(ROWS)
    for name, scale in [("street", 0.9), ("courier", 0.7), ("depot", 0.4), ("weekday", 0.3), ("goods", 0.3)]:
        logit += rng.normal(0, scale, LEVELS[name])[table[name]]
    for a, b in PAIRS[:1]:
        logit += rng.normal(0, 0.5, (LEVELS[a], LEVELS[b]))[table[a], table[b]]
    for a, b in PAIRS:
        table[f"{a}*{b}"] = table[a] * LEVELS[b] + table[b]
    return table, (rng.random(ROWS) < 1 / (1 + np.exp(-logit))).astype(int)
