"""What the engine costs and how well it fills the pipe, beside the plain SDK in a loop, against a server of our own.

    python benchmarks/engine.py cpu        CPU per call at no latency, and peak memory
    python benchmarks/engine.py memory     peak memory as the number of calls grows
    python benchmarks/engine.py latency    2 s an answer, 64 connections, 768 calls
    python benchmarks/engine.py limits     600 requests a minute and a limit of input tokens; an outage of 20 s
    python benchmarks/engine.py cache      what is billed for input against the least possible and against no caching

Each measures `nextstep eval` as a whole process (loopback server in another), and prints medians of `--runs` with the
alternative's figure from the same run. A moment has one proposal of about 8,000 prompt tokens, and two judge calls of
12,000.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.suites import write_suite
from tests.loopback.process import serving

HERE = Path(__file__).parent
NEXTSTEP = str(Path(sys.executable).with_name("nextstep"))
SESSION = 46_000
"""Characters of a session, of which a judge sees all and a candidate two thirds."""
CONNECTIONS = 64

CONFIG = """
suite: suite/
candidates: [{candidates}]
judges: [claude-sonnet-5-5]
judging: {{same_form: false, hide_decision: true}}
limits: {{max_connections: {connections}, attempts: 8}}
"""


@dataclass
class Ran:
    """A whole process: seconds by the clock and of CPU, peak memory in MB, and the exit code."""

    wall: float
    cpu: float
    peak: float
    code: int
    said: str


def run(command: list[str], folder: Path, url: str) -> Ran:
    """Run a command against a server, with the operating system's account of it."""
    environment = {**os.environ, "ANTHROPIC_BASE_URL": url, "ANTHROPIC_API_KEY": "any", "PYTHONWARNINGS": "ignore"}
    started = time.perf_counter()
    with (folder / "out.txt").open("w+") as out:
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=out, stderr=subprocess.STDOUT)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        wall = time.perf_counter() - started
        out.seek(0)
        said = out.read()
    return Ran(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, process.returncode, said)


def project(
    folder: Path,
    sessions: int,
    moments: int = 1,
    *,
    candidates: str = "claude-opus-5-5",
    size: int = SESSION,
    connections: int = CONNECTIONS,
) -> Path:
    """A folder with a suite and a config."""
    write_suite(folder / "suite", sessions, moments, size)
    config = CONFIG.format(candidates=candidates, connections=connections)
    (folder / "evals.yaml").write_text(config, encoding="utf-8")
    return folder


def evaluate(folder: Path, url: str, *flags: str) -> Ran:
    """`nextstep eval` with a new store."""
    for old in folder.glob("*.duckdb*"):
        old.unlink()
    return run([NEXTSTEP, "eval", "-q", "--json", *flags], folder, url)


def plain(folder: Path, url: str, calls: int, *, warm: int = 0) -> Ran:
    """The SDK in a loop."""
    return run([sys.executable, str(HERE / "plain.py"), *map(str, (calls, CONNECTIONS, warm))], folder, url)


MANY = 256
"""Moments."""
TAKEN_OFF = 9
"""Moments whose calls `warm.py` does not count: eight that are asked for first, and one that is taken off."""


def cpu(runs: int) -> None:
    """CPU per call, ours and the plain loop's in turn, each in a process that has loaded everything; then memory."""
    with tempfile.TemporaryDirectory() as name, serving(trusting=True, rpm=10**9) as server:
        folder = project(Path(name), MANY)
        ours, theirs, peaks = [], [], []
        for _ in range(runs):
            for old in folder.glob("*.duckdb*"):
                old.unlink()
            warm = run([sys.executable, str(HERE / "warm.py")], folder, server.base_url)
            ours.append(float(warm.said.split()[-1]) / (3 * (MANY - TAKEN_OFF)) * 1e3)
            loop = plain(folder, server.base_url, 3 * MANY, warm=3)
            theirs.append(float(loop.said.split()[-1]) / (3 * MANY) * 1e3)
            peaks.append(evaluate(folder, server.base_url).peak)
        ratios = [a / b for a, b in zip(ours, theirs, strict=True)]
        print(f"CPU per call: nextstep {statistics.median(ours):.2f} ms, plain SDK {statistics.median(theirs):.2f} ms,")
        print(f"  ratio {statistics.median(ratios):.2f} (median of {runs}; {min(ratios):.2f} to {max(ratios):.2f})")
        print(f"peak memory at {3 * MANY} calls: {statistics.median(peaks):.0f} MB")


FEW, FEW_SAMPLES, MANY_SAMPLES = 84, 4, 79
"""Moments, and samples of each: 1,008 and 19,908 calls."""


def memory(runs: int) -> None:
    """Peak memory of few calls and of twenty times as many: the same sessions, more samples."""
    peaks: dict[int, list[float]] = {FEW_SAMPLES: [], MANY_SAMPLES: []}
    with tempfile.TemporaryDirectory() as name, serving(trusting=True, rpm=10**9) as server:
        folder = project(Path(name), FEW)
        for _ in range(runs):
            for samples, of_these in peaks.items():
                ran = evaluate(folder, server.base_url, "--samples", str(samples))
                assert ran.code == 0, ran.said
                of_these.append(ran.peak)
    for samples, of_these in peaks.items():
        low, high = min(of_these), max(of_these)
        calls = FEW * 3 * samples
        print(f"peak memory at {calls} calls: {statistics.median(of_these):.0f} MB ({low:.0f} to {high:.0f})")
    few, many = map(statistics.median, peaks.values())
    print(f"  ratio {many / few:.3f} (medians of {runs})")


def latency(runs: int) -> None:
    """How near to the ideal: every connection busy from the first request to the last answer."""
    calls, ideal = 3 * MANY, 2.0 * 3 * MANY / CONNECTIONS
    with tempfile.TemporaryDirectory() as name:
        folder = project(Path(name), MANY)
        spans, walls, theirs = [], [], []
        for _ in range(runs):
            with serving(trusting=True, latency=2.0, first_event=2.0, rpm=10**9) as server:
                ours = evaluate(folder, server.base_url)
            spans.append(server.summary["span_s"] / ideal)
            walls.append(ours.wall / ideal)
            with serving(trusting=True, latency=2.0, first_event=2.0, rpm=10**9) as server:
                plain(folder, server.base_url, calls)
            theirs.append(server.summary["span_s"] / ideal)
        print(f"{calls} calls of 2 s over {CONNECTIONS} connections, ideal {ideal:.0f} s; medians of {runs}:")
        print(f"  first request to last answer {statistics.median(spans):.3f} x ideal ({max(spans):.3f} at most)")
        print(f"  whole process {statistics.median(walls):.3f} x; plain SDK's span {statistics.median(theirs):.3f} x")


def limits(runs: int) -> None:
    """Share of what a server lets through, refusals, and how soon all is as before after an outage."""
    with tempfile.TemporaryDirectory() as name:
        folder = project(Path(name), MANY)
        for title, flags in {
            "600 requests a minute": {"rpm": 600, "burst": 1},
            "600 requests and 6,000,000 input tokens a minute": {"rpm": 600, "itpm": 6_000_000, "burst": 1},
            "3,000,000 input tokens a minute": {"itpm": 3_000_000, "burst": 1},
            "600 requests a minute, out of order from second 20 to 40": {"rpm": 600, "burst": 1, "outage": ["20:40"]},
        }.items():
            for _ in range(runs):
                with serving(trusting=True, latency=1.0, caching=True, **flags) as server:
                    ours = evaluate(folder, server.base_url)
                _tell(title, server.summary, ours)


def _tell(title: str, summary: dict, ours: Ran) -> None:
    seconds = [sum(column) for column in zip_longest(*summary["answered_per_second"].values(), fillvalue=0)]
    refused = sum(summary["refused"].values())
    print(f"{title}: {summary['answered']} answered in {summary['span_s']:.1f} s, {refused} refused, exit {ours.code}")
    print(f"  answered a second: {' '.join(map(str, seconds))}")


def cache(runs: int) -> None:
    """Billed input tokens against the least possible and against no caching."""
    three = "claude-opus-5-5, claude-haiku-5-5, claude-fable-5-2"
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        for title, folder, flags in (
            ("20 sessions x 4 moments, 3 candidates, k=2", project(root / "a", 20, 4, candidates=three), ("2",)),
            ("256 sessions x 1 moment, 1 candidate, k=1", project(root / "b", MANY), ("1",)),
            ("256 sessions x 1 moment, 1 candidate, k=4", project(root / "c", MANY), ("4",)),
            ("short sessions, k=1", project(root / "d", 60, 1, size=3_000), ("1",)),
        ):
            for _ in range(runs):
                with serving(trusting=True, latency=0.3, caching=True, rpm=10**9) as server:
                    ran = evaluate(folder, server.base_url, "--samples", *flags)
                told = server.summary
                least, none = told["billed"] / told["least"], told["billed"] / told["uncached"]
                print(f"{title}: {told['answered']} calls (exit {ran.code}),")
                print(f"  billed {least:.3f} x the least possible, {none:.3f} x no caching")


def main() -> None:
    """Parse, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("cpu", "memory", "latency", "limits", "cache"))
    parser.add_argument("--runs", type=int, default=5)
    given = parser.parse_args()
    {"cpu": cpu, "memory": memory, "latency": latency, "limits": limits, "cache": cache}[given.what](given.runs)


if __name__ == "__main__":
    main()
