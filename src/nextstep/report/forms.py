"""Rows in the forms that other programs read: CSV and Markdown. What a cell holds is others' words, and stays a cell.

A spreadsheet takes a text that begins with = + - @ for a formula, so such a text gets an apostrophe before it (numbers
are no texts and get none). Markdown reads marks and HTML, so those are spelled out. Neither passes on what steers a
terminal.
"""

import csv
import io
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from nextstep.core.rendering import visible

Row = Mapping[str, Any]

_FORMULA = re.compile(r"\s*[=+\-@\uff0b\uff0d\uff1d\uff20]|[\t\r\n]")
"""How a text begins that a spreadsheet may take for a formula, full-width signs too."""
_MARKS = re.compile(r"([\\|`*\[\]~#!]|(?<!\w)_|_(?!\w))")
"""What Markdown reads as more than itself; an underscore inside a name is none."""
_HTML = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}


def as_csv(rows: Sequence[Row]) -> str:
    """Rows as CSV with a header; nothing for no rows."""
    text = io.StringIO()
    if rows:
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow([_csv_cell(name) for name in rows[0]])
        writer.writerows([_csv_cell(value) for value in row.values()] for row in rows)
    return text.getvalue()


def _csv_cell(value: object) -> object:
    if isinstance(value, (list, tuple, dict)):
        value = json.dumps(value, default=str, ensure_ascii=False)
    if not isinstance(value, str):
        return value
    shown = visible(value)
    return f"'{shown}" if _FORMULA.match(shown) else shown


def as_markdown(rows: Sequence[Row]) -> str:
    """Rows as a table in GitHub's Markdown, numbers to the right; nothing for no rows."""
    if not rows:
        return ""
    columns = list(zip(*(row.values() for row in rows), strict=True))
    marks = ["---:" if all(map(_is_number, column)) else "---" for column in columns]
    lines = [[_md_cell(name) for name in rows[0]], marks]
    lines += [[_md_cell(value) for value in row.values()] for row in rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def _is_number(value: object) -> bool:
    return value is None or (isinstance(value, (int, float)) and not isinstance(value, bool))


def _md_cell(value: object) -> str:
    """A value as the content of a cell: one line, and no mark that Markdown or a browser would obey."""
    if value is None:
        return ""
    text = f"{value:.10g}" if isinstance(value, float) else visible(str(value))
    text = re.sub(r"[&<>]", lambda found: _HTML[found[0]], text)
    text = _MARKS.sub(r"\\\1", text)
    return re.sub(r"\r\n|[\n\r\v\f\x85\u2028\u2029]", "<br>", text)
