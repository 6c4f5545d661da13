"""How long the program takes to begin, beside the library it cannot do without, as whole processes taking turns.

    python benchmarks/start_up.py                    `nextstep --help` beside `import typer`
    python benchmarks/start_up.py results            `nextstep results` beside `import duckdb` and the bare query, on a
                                                     store of a million verdicts (made up: it takes some minutes)

Prints medians and least times of `--runs`.
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from nextstep.core.records import Choice
from nextstep.pipeline.score import score
from nextstep.store import Store
from tests.stores import SUITE, Pair, contest, fill

NEXTSTEP = str(Path(sys.executable).with_name("nextstep"))
CANDIDATES, SESSIONS, MOMENTS, SAMPLES = 10, 256, 5, 40
"""Of which come 1,024,000 verdicts: two for each sample."""
BARE = "import duckdb; duckdb.connect('{store}', read_only=True).execute('FROM win_rates').fetchall()"


def seconds(command: Sequence[str]) -> float:
    """Wall time of one process."""
    started = time.perf_counter()
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - started


def compare(commands: Mapping[str, Sequence[str]], runs: int) -> None:
    """Print how long each takes, and how many times the first one's time."""
    taken: dict[str, list[float]] = {name: [] for name in commands}
    for turn in range(runs + 1):
        for name, command in commands.items():
            took = seconds(command)
            if turn:  # the first turn warms the disk cache
                taken[name].append(took)
    base = statistics.median(next(iter(taken.values())))
    width = max(map(len, taken))
    for name, times in taken.items():
        median, least = 1000 * statistics.median(times), 1000 * min(times)
        print(f"{name:<{width}} {median:6.0f} ms  {median / base / 1000:.2f} x  (min {least:.0f} ms, n {runs})")


def write_store(path: Path) -> None:
    """A store of a million verdicts, with win rates."""
    choices = (Choice.MODEL, Choice.HUMAN, Choice.TIE)
    contests = [contest(f"cand{number}") for number in range(CANDIDATES)]
    for number, of in enumerate(contests):
        pairs = [
            Pair(
                session,
                moment,
                sample=sample,
                first=choices[(number + session + sample) % 3],
                second=choices[moment % 3],
            )
            for session in range(SESSIONS)
            for moment in range(MOMENTS)
            for sample in range(SAMPLES)
        ]
        with Store(path).write() as connection:
            fill(connection, pairs, of)
    with Store(path).write() as connection:
        score(connection, SUITE, contests)


def results(runs: int) -> None:
    """`nextstep results` on a large store."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "million.duckdb"
        write_store(path)
        with Store(path).read() as connection:
            ((count,),) = connection.execute("SELECT count(*) FROM verdicts").fetchall()
        print(f"{count:,} verdicts, {path.stat().st_size / 1e6:.0f} MB:")
        bare = [sys.executable, "-c", BARE.format(store=path)]
        compare(
            {"import duckdb, bare query": bare, "nextstep results": [NEXTSTEP, "results", "--store", str(path)]}, runs
        )


def main() -> None:
    """Parse, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("help", "results"), nargs="?", default="help")
    parser.add_argument("--runs", type=int, default=15)
    given = parser.parse_args()
    if given.what == "results":
        results(given.runs)
    else:
        compare(
            {"import typer": [sys.executable, "-c", "import typer"], "nextstep --help": [NEXTSTEP, "--help"]},
            given.runs,
        )


if __name__ == "__main__":
    main()
