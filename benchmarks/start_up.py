"""How long `nextstep --help` takes beside `python -c "import typer"`, as whole processes taking turns in one run.

python benchmarks/start_up.py [RUNS]
"""

import statistics
import subprocess
import sys
import time
from pathlib import Path

COMMANDS = {
    "import typer": [sys.executable, "-c", "import typer"],
    "nextstep --help": [str(Path(sys.executable).with_name("nextstep")), "--help"],
}


def seconds(command: list[str]) -> float:
    """Wall time of one process."""
    started = time.perf_counter()
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - started


def main() -> None:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 15
    taken: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for turn in range(runs + 1):
        for name, command in COMMANDS.items():
            took = seconds(command)
            if turn:  # the first turn warms the disk cache
                taken[name].append(took)
    base = statistics.median(taken["import typer"])
    for name, times in taken.items():
        median = statistics.median(times)
        least = 1000 * min(times)
        print(f"{name:<16} {1000 * median:6.0f} ms  {median / base:.2f} x  (min {least:.0f} ms, n {len(times)})")


if __name__ == "__main__":
    main()
