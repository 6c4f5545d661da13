"""Run the gate on every cell in full and write its page: about 15 minutes on one core."""

import sys
import tempfile
from pathlib import Path

from tests.operating.page import PAGE, cells, line, page
from tests.operating.projects import Project
from tests.operating.running import projects, run


def main() -> None:
    """Write the page; say each row on standard error as it comes."""
    with tempfile.TemporaryDirectory() as folder:
        there: dict[object, list[Project]] = {}
        results = []
        for cell in cells():
            if cell.shape not in there:
                there[cell.shape] = projects(Path(folder), cell.shape)
            results.append(run(cell, there[cell.shape]))
            sys.stderr.write(f"{line(results[-1])}\n")
    PAGE.write_text(page(results), encoding="utf-8")


if __name__ == "__main__":
    main()
