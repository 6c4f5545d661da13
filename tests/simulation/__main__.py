"""Run every simulation in full and write its page: about two minutes."""

import sys

from tests.simulation.page import PAGE, page, section, tables


def main() -> None:
    """Write the page; say each table and the rows that miss on standard error."""
    sections = []
    for table in tables():
        results = [cell.run() for cell in table.cells]
        sections.append(section(table, results))
        missing = [f"{result.cell.name}: {result.share:.2f}" for result in results if not result.passes()]
        sys.stderr.write(f"{table.title}: {len(results) - len(missing)} of {len(results)} in band\n")
        sys.stderr.writelines(f"  misses {line}\n" for line in missing)
    PAGE.write_text(page(sections), encoding="utf-8")


if __name__ == "__main__":
    main()
