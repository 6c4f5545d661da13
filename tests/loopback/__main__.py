"""Run the server in the foreground, to try a program by hand: python -m tests.loopback --port 8080 --faults 0.2"""

import argparse
import signal
import sys
import threading

from tests.loopback.faults import Faults
from tests.loopback.server import LoopbackServer


def say(line: str) -> None:
    """Show a line at once, also to a program that reads it through a pipe."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main() -> None:
    """Serve until Ctrl-C or a TERM signal, then print what was asked."""
    parser = argparse.ArgumentParser(prog="python -m tests.loopback", description=__doc__)
    parser.add_argument("--port", type=int, default=8080, help="0 takes a free one (default: %(default)s)")
    parser.add_argument("--faults", type=float, default=0, help="share of the requests that fail (default: none)")
    parser.add_argument("--seed", type=int, default=0, help="of the faults (default: %(default)s)")
    asked = parser.parse_args()
    over = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: over.set())
    faults = Faults(share=asked.faults, seed=asked.seed) if asked.faults else None
    with LoopbackServer(faults=faults, port=asked.port) as server:
        say(f"ANTHROPIC_BASE_URL={server.base_url} ANTHROPIC_API_KEY=any")
        over.wait()
    faulted = ", ".join(f"{count} x {kind}" for kind, count in sorted(server.faulted.items()))
    say(f"{len(server.requests)} requests, {len(server.answered)} answered; faults: {faulted or 'none'}")


if __name__ == "__main__":
    main()
