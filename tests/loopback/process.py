"""The server as a process of its own, for benchmarks that measure the client alone."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
LONGEST_STOP_S = 60


@dataclass
class Serving:
    """A running server. `summary` is filled when the block ends."""

    base_url: str
    process: subprocess.Popen[str]
    summary: dict[str, Any] = field(default_factory=dict)


@contextmanager
def serving(**flags: object) -> Iterator[Serving]:
    """A server with these flags until the block ends: `serving(rpm=600, caching=True, outage=["1:2"])`.

    A flag that is True has no value, one that is False or None is left out, and a list is the flag several times.
    """
    command = [sys.executable, "-m", "tests.loopback", "--port", "0", "--summary", *_as_flags(flags)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        first = process.stdout.readline().split()
        if not first:
            raise RuntimeError(f"the server did not start: {' '.join(command)}")
        server = Serving(first[0].removeprefix("ANTHROPIC_BASE_URL="), process)
        try:
            yield server
        finally:
            process.send_signal(signal.SIGTERM)
            said, _ = process.communicate(timeout=LONGEST_STOP_S)
    server.summary = json.loads(said.splitlines()[-1])


def _as_flags(flags: dict[str, object]) -> Iterator[str]:
    for name, value in flags.items():
        for single in value if isinstance(value, list | tuple) else [value]:
            if single is not None and single is not False:
                yield "--" + name.replace("_", "-")
                yield from () if single is True else (str(single),)
