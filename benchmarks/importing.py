"""How fast transcripts come in, beside stdlib `json.loads` of each line alone, measured in turn in one run.

    python benchmarks/importing.py                     a synthetic file of 200 MB
    python benchmarks/importing.py --megabytes 50 FOLDER_OF_TRANSCRIPTS

Prints, for the synthetic file and for the folder: json.loads alone, reading into events, and the whole import with
redaction into a suite folder and a store, each in CPU seconds and MB/s on one core; then the import of several files
by one process and by two (wall time), and the peak memory of a process that imports the big file.
"""

import argparse
import json
import random
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import UUID

from nextstep.errors import TranscriptError
from nextstep.pipeline.importing import Settings, find_transcripts, import_transcripts
from nextstep.sources import claude_code
from nextstep.store import Store

WORDS = re.findall(
    r"\w+",
    "the run crashed after step loss gradient batch cache worker index range value test config module import path error"
    " line retry timeout return function class self data frame shape tensor device memory limit file read write open",
)
TURNS = 5


class Writer:
    """Writes a transcript with the mix of records, and of their sizes, that real ones have.

    By bytes: user records two thirds (a tool's result, and the same again with whole files in toolUseResult), assistant
    records a fifth, progress a tenth, and a little bookkeeping.
    """

    def __init__(self, seed: int) -> None:
        self.draw = random.Random(seed)
        self.session = str(UUID(int=self.draw.getrandbits(128), version=4))
        self.parent: str | None = None
        self.second = 0

    def text(self, size: int) -> str:
        """Words, lines, numbers and paths of about `size` characters."""
        parts: list[str] = []
        length = 0
        while length < size:
            piece = "    " + " ".join(self.draw.choices(WORDS, k=8)) + f' = "{self.draw.random():.4f}"\n'
            parts.append(piece)
            length += len(piece)
        return "".join(parts)[:size]

    def record(self, kind: str, **fields: object) -> bytes:
        """A record of the tree, in the order of fields that Claude Code writes."""
        uuid = str(UUID(int=self.draw.getrandbits(128), version=4))
        self.second += 1
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S.123Z", time.gmtime(1_770_000_000 + self.second))
        head = {
            "parentUuid": self.parent,
            "isSidechain": False,
            "userType": "external",
            "cwd": "/home/casey/lab",
            "sessionId": self.session,
            "version": "2.1.45",
            "gitBranch": "main",
            "type": kind,
        }
        self.parent = uuid
        return (
            json.dumps(
                head | fields | {"uuid": uuid, "timestamp": stamp}, ensure_ascii=False, separators=(",", ":")
            ).encode()
            + b"\n"
        )

    def step(self, number: int) -> Iterator[bytes]:
        """What one call of a tool leaves in the file."""
        call = f"toolu_{number:022}"
        usage = {"input_tokens": 3, "cache_read_input_tokens": 41_000, "output_tokens": 180, "service_tier": "standard"}
        message = {
            "model": "claude-x",
            "id": f"msg_{number:022}",
            "type": "message",
            "role": "assistant",
            "usage": usage,
        }
        said = {"type": "text", "text": self.text(330)}
        yield self.record("assistant", message=message | {"content": [said]}, requestId="req_1")
        use = {
            "type": "tool_use",
            "id": call,
            "name": "Read",
            "input": {"file_path": "/home/casey/lab/train.py", "note": self.text(600)},
        }
        yield self.record("assistant", message=message | {"content": [use]}, requestId="req_1")
        yield self.record("progress", data={"type": "bash_progress", "output": self.text(1_900)}, toolUseID=call)
        output = self.text(self.draw.choice((300, 1_200, 2_400, 5_500)))
        result = {"tool_use_id": call, "type": "tool_result", "content": output}
        details = {
            "type": "text",
            "file": {"filePath": "/home/casey/lab/train.py", "content": output, "originalFile": self.text(2_300)},
        }
        yield self.record("user", message={"role": "user", "content": [result]}, toolUseResult=details)

    def lines(self, size: int) -> Iterator[bytes]:
        """A transcript of about `size` bytes."""
        written = number = 0
        while written < size:
            if number % TURNS == 0:
                line = self.record("user", message={"role": "user", "content": self.text(180)})
                written += len(line)
                yield line
            for line in self.step(number):
                written += len(line)
                yield line
            number += 1


def cpu(work: Callable[[], object], turns: int = 3) -> float:
    """The least CPU time of some turns, seconds."""
    return min(_cpu_once(work) for _ in range(turns))


def _cpu_once(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def loads(lines: list[bytes]) -> None:
    """The measure of comparison."""
    for line in lines:
        try:
            json.loads(line)
        except ValueError:
            continue


def read(paths: list[Path]) -> int:
    """Every event of the transcripts."""
    events = 0
    for path in paths:
        try:
            events += sum(1 for reading in claude_code.read(path) for _ in reading.events)
        except TranscriptError:
            continue
    return events


def bring(paths: list[Path], jobs: int, clock: Callable[[], float]) -> float:
    """How long the whole import into an empty suite and store takes.

    Making the store is not counted: it costs the same for one file as for a thousand.
    """
    with tempfile.TemporaryDirectory() as name:
        store = Store(Path(name) / "s.duckdb")
        with store.write():
            pass
        start = clock()
        for _ in import_transcripts(find_transcripts(paths), Path(name) / "t", store, Settings(jobs=jobs)):
            pass
        return clock() - start


def loads_of(paths: list[Path]) -> float:
    """CPU seconds of json.loads of each line, the lines being in memory."""
    lines = [line for path in paths for line in path.read_bytes().splitlines(keepends=True)]
    return cpu(lambda: loads(lines))


MEASURES: dict[str, Callable[[list[Path]], float]] = {
    "json.loads of each line": loads_of,
    "reading into events": lambda paths: cpu(lambda: read(paths)),
    "whole import, redacted": lambda paths: min(bring(paths, 1, time.process_time) for _ in range(3)),
}


def compare(title: str, paths: list[Path]) -> None:
    """Print the figures of some transcripts: the best of two rounds, each measure in a process of its own."""
    megabytes = sum(path.stat().st_size for path in paths) / 1e6
    print(f"{title}: {megabytes:.0f} MB, {len(paths)} files; one core, CPU time")
    rounds = [{what: in_a_process("--measure", what, *map(str, paths)) for what in MEASURES} for _ in range(2)]
    best = {what: min(one[what] for one in rounds) for what in MEASURES}
    base = best["json.loads of each line"]
    for what, seconds in best.items():
        print(f"  {what:<24} {seconds:6.2f} s {megabytes / seconds:6.0f} MB/s {base / seconds:5.2f} x")


def in_a_process(*words: str) -> float:
    """The figure that this program prints in a process of its own: memory as a measure before left it costs time."""
    done = subprocess.run([sys.executable, __file__, *words], check=True, capture_output=True, text=True)
    return float(done.stdout)


def side_by_side(paths: list[Path]) -> None:
    """Print what a second process saves, by the clock."""
    seconds = [bring(paths, jobs, time.perf_counter) for jobs in (1, 2, 1, 2, 1, 2)]
    one, two = min(seconds[::2]), min(seconds[1::2])
    print(f"  {len(paths)} files: one process {one:.2f} s, two {two:.2f} s: {one / two:.2f} times")


def main() -> None:
    """Parse, measure, print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--megabytes", type=int, default=200)
    parser.add_argument("--only-import", type=Path)
    parser.add_argument("--measure", choices=MEASURES)
    parser.add_argument("paths", nargs="*", type=Path)
    given = parser.parse_args()
    if given.measure:
        print(MEASURES[given.measure](given.paths))
        return
    if given.only_import:
        bring([given.only_import], 1, time.perf_counter)
        # Not getrusage: a process begins with the peak of the one that started it.
        print(int(re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())[1]) * 1024 / 1e6)
        return
    with tempfile.TemporaryDirectory() as name:
        big = Path(name) / "big.jsonl"
        with big.open("wb") as file:
            file.writelines(Writer(1).lines(given.megabytes * 1_000_000))
        compare("synthetic", [big])
        parts = [Path(name) / f"part-{number}.jsonl" for number in range(16)]
        for number, part in enumerate(parts):
            with part.open("wb") as file:
                file.writelines(Writer(2 + number).lines(given.megabytes * 1_000_000 // 4))
        side_by_side(parts)
        print(f"  peak memory of importing it: {in_a_process('--only-import', str(big)):.0f} MB")
    if given.paths:
        compare("real", sorted(found for path in given.paths for found in path.rglob("*.jsonl")))


if __name__ == "__main__":
    main()
