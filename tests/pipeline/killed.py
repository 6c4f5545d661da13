"""An evaluation in a process of its own, to be killed: python -m tests.pipeline.killed STORE SUITE URL SECONDS CALLS"""

import asyncio
import os
import signal
import sys
import threading
import time
from pathlib import Path

from nextstep.config import EvalConfig
from nextstep.pipeline.evaluate import evaluate, make_job
from nextstep.pipeline.watching import Watcher
from nextstep.sources.suite import load_suite
from nextstep.store import Store
from tests.builders import PROMPTS

CONFIG = {
    "candidates": [{"model": "local/claude-opus-5-5", "samples": 4}],
    "judges": ["local/claude-sonnet-5-5"],
    "judging": {"same_form": False},
}


def main(store: str, suite: str, base_url: str, kill_after_s: float, connections: int) -> None:
    """Evaluate, and kill this process so many seconds after the first call could be sent; 0: never."""
    endpoints = {"local": {"base_url": base_url}}
    config = EvalConfig.model_validate(CONFIG | {"endpoints": endpoints, "limits": {"max_connections": connections}})
    job = make_job(config, load_suite(Path(suite)), PROMPTS)
    if kill_after_s:
        threading.Thread(target=_kill, args=[kill_after_s], daemon=True).start()
    result = asyncio.run(evaluate(job, Store(Path(store)), Watcher()))
    sys.stdout.write(f"{result.status} {result.failed}\n")


def _kill(seconds: float) -> None:
    time.sleep(seconds)
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], float(sys.argv[4]), int(sys.argv[5]))
