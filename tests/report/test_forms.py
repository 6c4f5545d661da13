"""Rows as CSV and Markdown: what a cell says stays in its cell, and acts nowhere."""

import csv
import io
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nextstep.report.forms import as_csv, as_markdown

CELLS = st.text() | st.sampled_from(
    ["=1+1", "|", "a|b\n| c |", "-1", "\x1b[2J", "<script>", "\\", "\u202ea", "@x", "\ta"]
)


@given(st.lists(CELLS, min_size=1, max_size=4))
def test_markdown_is_one_table_whatever_the_cells_hold(cells: list[str]) -> None:
    row = {f"c{i}": cell for i, cell in enumerate(cells)}
    text = as_markdown([row, row])
    lines = text.splitlines()
    assert len(lines) == 4
    for line in lines:
        assert len(re.findall(r"(?<!\\)(?:\\\\)*\|", line)) == len(cells) + 1
    assert not set(text) & set("<>\x1b\u202e") - set("<>") or "\x1b" not in text
    assert re.findall(r"<(?!br>)", text) == []


@given(st.lists(CELLS, min_size=1, max_size=4))
def test_csv_reads_back_as_cells_of_which_none_is_a_formula(cells: list[str]) -> None:
    row = {f"c{i}": cell for i, cell in enumerate(cells)}
    (names, values) = csv.reader(io.StringIO(as_csv([row])))
    assert names == list(row)
    assert len(values) == len(cells)
    for value in values:
        assert not value.lstrip().startswith(("=", "+", "-", "@"))
        assert "\x1b" not in value


def test_numbers_stay_numbers_and_lists_become_json() -> None:
    assert as_csv([{"x": -1.5, "n": None, "l": ["a", "ö"], "b": True}]) == 'x,n,l,b\n-1.5,,"[""a"", ""ö""]",True\n'
    assert as_markdown([{"n": -1.5, "who": "a_b/c", "no": None}]).splitlines() == [
        "| n | who | no |",
        "| ---: | --- | ---: |",
        "| -1.5 | a_b/c |  |",
    ]


@pytest.mark.parametrize(
    ("cell", "shown"),
    [
        ("a|b", r"a\|b"),
        ("a\\|b", r"a\\\|b"),
        ("one\r\ntwo\nthree", "one<br>two<br>three"),
        ("<img src=x>&amp;", r"&lt;img src=x&gt;&amp;amp;"),
        ("![x](http://a)", r"\!\[x\](http://a)"),
        ("_x_ *y* `z`", r"\_x\_ \*y\* \`z\`"),
        ("\x1b[31mred\u202e", r"\[31mred"),
    ],
)
def test_marks_are_spelled_out(cell: str, shown: str) -> None:
    assert as_markdown([{"c": cell}]).splitlines()[2] == f"| {shown} |"


def test_no_rows_are_nothing() -> None:
    assert as_csv([]) == as_markdown([]) == ""
