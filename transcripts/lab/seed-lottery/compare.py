"""Does averaging the weights help? Both from the same runs, scored on the same validation rows."""

import argparse
import time

import numpy as np

from kiln import firings
from train import Keeper, train


def run(seed, rows, valid):
    """The kept plain weights and the kept averaged weights of one run."""
    x, y = firings(rows, np.random.default_rng([seed, 1]))
    held_out = firings(valid, np.random.default_rng([seed, 2]))
    plain, averaged = Keeper(*held_out), Keeper(*held_out)

    def watch(step, w, a):
        plain.offer(w, step)
        averaged.offer(a, step)

    train(x, y, np.random.default_rng([seed, 3]), watch)
    return plain, averaged


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=3000)
    parser.add_argument("--valid", type=int, default=60)
    parser.add_argument("--seeds", type=int, default=8)
    parser.add_argument("--brief", action="store_true", help="only the last line")
    options = parser.parse_args()
    began = time.perf_counter()
    gaps = []
    if not options.brief:
        print("seed   plain  at step   averaged  at step     gap")
    for seed in range(options.seeds):
        plain, averaged = run(seed, options.rows, options.valid)
        a, b = 100 * plain.score, 100 * averaged.score
        gaps.append(a - b)
        if not options.brief:
            print(f"{seed:4d}   {a:5.1f}  {plain.step:7d}   {b:8.1f}  {averaged.step:7d}   {a - b:+5.1f}")
    error = np.std(gaps, ddof=1) / len(gaps) ** 0.5
    print(
        f"{options.valid:4d} validation rows, {len(gaps)} seeds: plain - averaged {np.mean(gaps):+.2f}"
        f" +- {error:.2f} points   ({time.perf_counter() - began:.1f} s)"
    )


if __name__ == "__main__":
    main()
