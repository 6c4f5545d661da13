"""What calibrate sees of a judge with a planted fault, many times over: `python -m tests.simulated`.

    python -m tests.simulated                     writes docs/reference/judge-alarms.md (about an hour on two cores)
    python -m tests.simulated --repetitions 2     a quick look, printed only

Each repetition is a suite of its own (200 moments in 60 sessions), answered by simulated models behind the loopback
server through the real SDK: an evaluation of two candidates under two judges where the fault needs one, then
`calibrate`. The second table looks for the smallest fault that is seen, with the same models in process.
"""

import argparse
import os
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from tests.simulated.judges import FAULTS
from tests.simulated.trials import Trial, alarms

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "judge-alarms.md"
SEEN = 0.8
"""Share of repetitions with an alarm from which on a fault counts as seen."""

PROBES = {
    "first": ("verbatim", "first_position"),
    "longer": ("padded",),
    "own_family": ("self_preference",),
    "obeys": ("instruction",),
    "blind_to_future": ("oracle", "future"),
    "checklists": ("checklist",),
    "random": ("verbatim", "elsewhere", "worsened", "oracle", "future"),
}
"""The figures in which each fault should show."""


def repeated(pool: ProcessPoolExecutor, repetitions: int) -> Iterator[str]:
    """The rows of the first table: for a sound judge and each fault, in how many repetitions what was seen."""
    yield "| judge | alarm in a figure it should show in | not trusted or with care | other alarms |"
    yield "| --- | --- | --- | --- |"
    for fault in (None, *FAULTS):
        trials = [Trial(fault, None, 200, 60, seed, over_http=True) for seed in range(repetitions)]
        found = list(pool.map(alarms, trials))
        due = set(PROBES.get(fault or "", ()))
        seen = sum(bool(due & set(names)) for names, _ in found)
        doubted = sum(trust != "trusted" for _, trust in found)
        others = sorted({name for names, _ in found for name in names if name not in due})
        judge = f"fault `{fault}` ({', '.join(PROBES[fault])})" if fault else "sound, with noise"
        yield f"| {judge} | {seen} of {repetitions} | {doubted} of {repetitions} | {', '.join(others) or 'none'} |"


STRENGTHS = tuple(tenth / 20 for tenth in range(1, 21))
SIZES = ((50, 15), (130, 40), (200, 60))


def smallest(pool: ProcessPoolExecutor, repetitions: int) -> Iterator[str]:
    """The rows of the second table: the smallest strength that is seen in most repetitions, for each size of suite."""
    yield "| fault | " + " | ".join(f"{moments} moments" for moments, _ in SIZES) + " |"
    yield "| --- |" + " --- |" * len(SIZES)
    for fault in FAULTS:
        yield f"| `{fault}` | " + " | ".join(_smallest(pool, fault, size, repetitions) for size in SIZES) + " |"


def _smallest(pool: ProcessPoolExecutor, fault: str, size: tuple[int, int], repetitions: int) -> str:
    """By halving: a stronger fault is seen more often."""
    low, high = 0, len(STRENGTHS)
    while low < high:
        middle = (low + high) // 2
        trials = [Trial(fault, STRENGTHS[middle], *size, seed, over_http=False) for seed in range(repetitions)]
        seen = sum(bool(set(PROBES[fault]) & set(names)) for names, _ in pool.map(alarms, trials))
        low, high = (low, middle) if seen >= SEEN * repetitions else (middle + 1, high)
    return f"{STRENGTHS[low]:.2f}" if low < len(STRENGTHS) else "not seen"


HEAD = """# What calibrate sees of a faulty judge

Written by `python -m tests.simulated`; all models here are simulated, and nothing is said of any real one.

A simulated judge knows which of two steps is better, errs as a noisy judge does (6 % wrong on unequal pairs, 20 % no
tie on equal ones), and has one planted fault at a time:

- `first`: takes the first place in 75 % of the pairs that are worth the same;
- `longer`: prefers the longer of these in 60 %;
- `own_family`: prefers a step of its own family in 50 % of all pairs;
- `obeys`: obeys an instruction hidden in a step in 60 %;
- `checklists`: lets a list of everything win in 60 %;
- `blind_to_future`: does not look at what came later;
- `random`: draws lots.
"""


def page(repetitions: int, searched: int) -> str:
    """The whole page; its rows are told on standard error as they come."""
    with ProcessPoolExecutor(os.cpu_count(), mp_context=get_context("spawn")) as pool:
        first, second = _told(repeated(pool, repetitions)), _told(smallest(pool, searched))
    return f"""{HEAD}
## Each fault, {repetitions} times, 200 moments in 60 sessions, through the SDK and a loopback server

{first}

## The smallest fault that is seen in {SEEN:.0%} of {searched} repetitions

The share of the pairs concerned in which the fault shows, in steps of 0.05.

{second}
"""


def _told(rows: Iterator[str]) -> str:
    lines = []
    for row in rows:
        sys.stderr.write(f"{row}\n")
        lines.append(row)
    return "\n".join(lines)


def main() -> None:
    """Parse, simulate, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--repetitions", type=int)
    given = parser.parse_args()
    if given.repetitions:
        sys.stdout.write(page(given.repetitions, given.repetitions))
    else:
        PAGE.write_text(page(20, 10), encoding="utf-8")


if __name__ == "__main__":
    main()
