"""Run a recorded session's commands again and compare what they print with what was recorded.

    replay.py [NAME ...]     all sessions when none is named

Each session's commands, writes and edits are done in order in a fresh copy of lab/NAME. Lines are compared after
masking decimal numbers, since timings (and the last digits of floats on another machine) differ from run to run; the
share of recorded lines that come out again is printed for each session. Exit code 1 when one is below 0.6.
"""

import difflib
import json
import os
import re
import shutil
import sys
import tempfile
from pathlib import Path

from record import LAB, SESSIONS, run

ENOUGH = 0.6
"""Below 1 because of flaky-test and lost-updates, whose outcomes differ from run to run by their nature."""


def apply(event: dict[str, str], folder: Path) -> str | None:
    """Do what a tool event did; a command's output is returned."""
    text = event["text"]
    if event["tool"] == "Bash":
        return run(text, folder)
    path, _, rest = text.partition("\n")
    target = folder / path.removeprefix("file_path: ")
    if event["tool"] == "Write":
        target.write_text(rest.removeprefix("content:\n"), encoding="utf-8")
    else:
        old, new = rest.removeprefix("old_string:\n").split("\nnew_string:\n", 1)
        target.write_text(target.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
    return None


def masked(text: str) -> list[str]:
    return [re.sub(r"\s+", " ", re.sub(r"\d+\.\d+(e[-+]?\d+)?", "#", line)).strip() for line in text.splitlines()]


def replay(name: str, workdir: Path) -> tuple[int, int]:
    """Lines recorded, and how many of them came out again."""
    folder = workdir / name
    shutil.copytree(LAB / name, folder)
    events = [json.loads(line) for line in (SESSIONS / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()[1:]]
    recorded = same = 0
    for event, result in zip(events, events[1:]):
        if event["kind"] == "tool_use" and (output := apply(event, folder)) is not None:
            before, now = masked(result["text"]), masked(output)
            recorded += len(before)
            matcher = difflib.SequenceMatcher(a=before, b=now, autojunk=False)
            same += sum(block.size for block in matcher.get_matching_blocks())
    return recorded, same


def main() -> int:
    names = sys.argv[1:] or sorted(path.stem for path in SESSIONS.glob("*.jsonl"))
    os.environ["PATH"] = str(Path(sys.executable).parent) + os.pathsep + os.environ["PATH"]
    poor = False
    with tempfile.TemporaryDirectory() as workdir:
        for name in names:
            recorded, same = replay(name, Path(workdir))
            share = same / recorded if recorded else 1.0
            poor |= share < ENOUGH
            print(f"{name:<24} {same:>5} of {recorded:>5} lines again, {share:.2f}", flush=True)
    return int(poor)


if __name__ == "__main__":
    sys.exit(main())
