"""CPU seconds of `nextstep eval` in a process that has loaded everything: of a run of many calls, less one of three.

    python benchmarks/warm.py     in a folder with a suite and evals.yaml, ANTHROPIC_BASE_URL and ANTHROPIC_API_KEY set

The first run stores the suite and the answers for eight moments, and loads all that is loaded at first use. The second
asks for all other moments: it is measured. Then the answers for one are taken out of the store again, and a third run
asks for them: it reads the suite, plans and scores as the second did, and is taken off.
"""

import contextlib
import io
import sys
import time
from pathlib import Path

import duckdb

from nextstep.cli import main as nextstep

STORE = Path("nextstep.duckdb")


def evaluate(*flags: str) -> float:
    """CPU seconds of the command."""
    sys.argv = ["nextstep", "eval", "-q", "--json", *flags]
    started = time.process_time()
    with contextlib.redirect_stdout(io.StringIO()):
        try:
            nextstep()
        except SystemExit as done:
            if done.code:
                raise
    return time.process_time() - started


def forget_one() -> None:
    """Take a moment's answers out of the store."""
    with duckdb.connect(str(STORE)) as store:
        one = "(SELECT min(moment_id) FROM proposals)"
        ids = f"(SELECT proposal_id FROM proposals WHERE moment_id = {one})"
        gone = f"(SELECT reply_id FROM verdicts WHERE proposal_id IN {ids})"
        store.execute(f"DELETE FROM replies WHERE reply_id IN {gone}")
        store.execute(f"DELETE FROM verdicts WHERE proposal_id IN {ids}")
        store.execute(f"DELETE FROM replies WHERE reply_id IN (SELECT reply_id FROM proposals WHERE moment_id = {one})")
        store.execute(f"DELETE FROM proposals WHERE moment_id = {one}")


if __name__ == "__main__":
    evaluate("-n", "8")
    many = evaluate()
    forget_one()
    print(many - evaluate())
