"""Run the server in the foreground, to try a program by hand: python -m tests.loopback --port 8080 --faults 0.2"""

import argparse
import json
import signal
import sys
import threading
from typing import Any

from tests.loopback.batches import Batches
from tests.loopback.faults import Faults
from tests.loopback.latency import Latency
from tests.loopback.limits import Limits
from tests.loopback.outages import Outages
from tests.loopback.replies import quick_answer
from tests.loopback.server import LoopbackServer


def say(line: str) -> None:
    """Show a line at once, also to a program that reads it through a pipe."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def window(text: str) -> tuple[float, float]:
    """A window such as 2:5, in seconds after the start."""
    low, _, high = text.partition(":")
    return float(low), float(high)


def flags() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.loopback", description=__doc__)
    add = parser.add_argument
    add("--port", type=int, default=8080, help="0 takes a free one (default: %(default)s)")
    add("--faults", type=float, default=0, help="share of the requests that fail (default: none)")
    add("--seed", type=int, default=0, help="of the faults, the latency and the batches (default: %(default)s)")
    add("--latency", type=float, default=0, help="seconds to the end of an answer (default: %(default)s)")
    add("--first-event", type=float, help="seconds to the first event of a stream (default: half of the latency)")
    add("--latency-spread", type=float, default=0, help="standard deviation of the latency's logarithm (default: none)")
    add("--rpm", type=float, help="requests a minute for each class of models (default: no limit)")
    add("--itpm", type=float, help="uncached input tokens a minute (default: no limit)")
    add("--otpm", type=float, help="output tokens a minute (default: no limit)")
    add("--burst", type=float, default=60, help="seconds' worth of a limit at once (default: %(default)s)")
    add("--outage", type=window, action="append", default=[], help="FROM:TO in seconds after the start: 529")
    add("--caching", action="store_true", help="emulate prompt caching")
    add("--batch-time", type=float, help="take batches, which end after so many seconds (default: no batches)")
    add("--batch-errors", type=float, default=0, help="share of the batches' items that fail (default: none)")
    add("--trusting", action="store_true", help="take every request for a valid one, which is cheaper")
    add("--summary", action="store_true", help="print the accounts as one line of JSON at the end")
    return parser


def settings(asked: argparse.Namespace) -> dict[str, Any]:
    """The server's settings."""
    limited = any((asked.rpm, asked.itpm, asked.otpm))
    return {
        "answer": quick_answer,
        "faults": Faults(share=asked.faults, seed=asked.seed) if asked.faults else None,
        "port": asked.port,
        "caching": asked.caching,
        "limits": Limits(asked.rpm, asked.itpm, asked.otpm, asked.burst) if limited else None,
        "latency": Latency(asked.latency, asked.first_event, asked.latency_spread, asked.seed),
        "outages": Outages(asked.outage),
        "batches": None if asked.batch_time is None else batches(asked),
        "trusting": asked.trusting,
        "forgetful": True,
    }


def batches(asked: argparse.Namespace) -> Batches:
    """How batches go."""
    return Batches(takes_s=asked.batch_time, errored=asked.batch_errors, seed=asked.seed)


def main() -> None:
    """Serve until Ctrl-C or a TERM signal, then print what was asked."""
    asked = flags().parse_args()
    over = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: over.set())
    with LoopbackServer(**settings(asked)) as server:
        say(f"ANTHROPIC_BASE_URL={server.base_url} ANTHROPIC_API_KEY=any")
        over.wait()
    faulted = ", ".join(f"{count} x {kind}" for kind, count in sorted(server.faulted.items()))
    say(f"{len(server.requests)} requests, {len(server.answered)} answered; faults: {faulted or 'none'}")
    if asked.summary:
        say(json.dumps(server.summary()))


if __name__ == "__main__":
    main()
