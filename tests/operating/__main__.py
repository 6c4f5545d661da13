"""Run the gate on every cell in full and write its page: about 12 minutes of one core, on all of them."""

import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from tests.operating.page import PAGE, cells, line, page
from tests.operating.running import run_alone


def main() -> None:
    """Write the page; say each row on standard error as it comes."""
    results = []
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:
        for result in pool.map(run_alone, cells()):
            results.append(result)
            sys.stderr.write(f"{line(result)}\n")
            sys.stderr.flush()
    PAGE.write_text(page(results), encoding="utf-8")


if __name__ == "__main__":
    main()
