"""The command line: parse, call one function, print, exit."""

BUG = 70
"""As sysexits.h has it: exit code 1 is a finding, and a bug is none."""
SELDOM = (20_000, 20, 50)
"""How many new objects, and how many smaller collections, make Python look for cycles: imports, and thousands of calls
under way, make many objects and few cycles, and looking as often as usual took a tenth of a run's CPU time."""


def run() -> None:
    """`nextstep` as a process of its own, which ends as it is: to free all that it holds first takes half a second.

    What was printed is written out, and other threads are waited for. mypy ends like this for the same reason.
    """
    import os
    import sys
    import threading
    from contextlib import suppress

    try:
        main()
    except SystemExit as ended:
        if isinstance(ended.code, int) and threading.active_count() == 1:
            with suppress(OSError, ValueError):  # of a stream that nobody reads
                sys.stdout.flush()
                sys.stderr.flush()
                os._exit(ended.code)
        raise


def main() -> None:
    """The command, in whatever process."""
    import gc
    import signal
    import sys
    import traceback

    gc.set_threshold(*SELDOM)
    from nextstep.cli.app import app

    # Whoever asks the program to end, it ends in the same order.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        app()
    except Exception:
        traceback.print_exc()
        sys.stderr.write("nextstep: this is a bug in nextstep; please report it with the lines above\n")
        sys.exit(BUG)
