"""A gate's outputs: the words that a reader needs, and names that try to be more than names."""

import re
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from nextstep.core.gating import Verdict
from nextstep.report.gate import GateReport, gate_text, ordinal
from nextstep.report.junit import gate_junit
from nextstep.report.markdown import gate_markdown, sentence, text
from nextstep.report.text import OFFLINE_NOTE

ROW: dict[str, Any] = {
    "gate_id": "g", "suite_hash": "s", "candidate": "new", "baseline": "old", "judge": "judge", "set": "detour",
    "margin": 0.1, "alpha": 0.05, "look": 1, "same_data": 0, "verdict": "pass", "reason": None, "detail": None,
    "remedy": None, "remark": None, "trust": "trusted", "n_moments": 129, "n_sessions": 43, "candidate_rate": 0.5,
    "baseline_rate": 0.5, "difference": 0.0, "ci_low": -0.05, "ci_high": 0.05, "p_value": 1.0, "mde": 0.08,
    "power": 0.9, "offline": False,
}  # fmt: skip
CHANGED: dict[str, Any] = {
    "candidate": "new", "baseline": "old", "moment_id": "0123456789", "moment": "s:5", "set": "detour",
    "candidate_score": 0.0, "baseline_score": 1.0, "difference": -1.0,
}  # fmt: skip
HOSTILE = [
    "a|b",
    "x\n| y | z |",
    "<script>alert(1)</script>",
    "[link](https://evil.example)",
    "**bold** `code` ~~no~~",
    "\x1b[2Jcleared\u202e",
    "]]></system-out><failure/>",
    "@everyone #1",
    "a&b\"c'd",
    "\ud800 \ufffe\uffff",
]


def report(*rows: dict[str, Any], **more: Any) -> GateReport:
    verdict = Verdict((rows or (ROW,))[0].get("verdict", "pass"))
    fixed: dict[str, Any] = {"earlier": [], "changed": [CHANGED], "gated": 1}
    return GateReport(verdict, [ROW | row for row in rows] or [ROW], **(fixed | more))


def printed(found: GateReport, width: int = 80) -> str:
    console = Console(width=width, no_color=True)
    with console.capture() as captured:
        console.print(gate_text(found))
    return captured.get()


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_breaks_no_table_no_document_and_no_terminal(name: str) -> None:
    found = report({"candidate": name, "baseline": name, "judge": name, "detail": name, "remedy": name})
    markdown = gate_markdown(found)
    tables = [line for line in markdown.splitlines() if line.startswith("|")]
    assert {len(re.findall(r"(?<!\\)\|", line)) for line in tables} == {11, 7}
    assert "<script" not in markdown
    assert not re.search(r"(?<!\\)\]\(", markdown)
    assert "https:" not in markdown
    root = ET.fromstring(gate_junit(found))
    assert [child.tag for child in root[0]] == ["properties", "testcase", "system-out"]
    for shown in (markdown, gate_junit(found), printed(found)):
        assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e\ud800-\udfff]", shown)


@given(st.text(max_size=60))
def test_any_text_is_one_line_of_markdown_without_markup(name: str) -> None:
    shown = text(name)
    assert "\n" not in shown
    assert not re.search(r"(?<!\\)(?:\\\\)*[|`*_\[\]]", shown)
    assert "<" not in shown


@given(st.text(max_size=60))
def test_any_name_gives_a_document_that_parses(name: str) -> None:
    ET.fromstring(gate_junit(report({"candidate": name, "detail": name, "verdict": "no verdict"})))


def test_commands_in_a_sentence_are_code() -> None:
    assert sentence("run `nextstep eval` now") == "run <code>nextstep eval</code> now"
    assert sentence("one ` alone") == "one \\` alone"


def test_every_output_gives_the_verdict_the_mde_and_the_rule() -> None:
    found = report()
    for shown in (printed(found), gate_markdown(found), gate_junit(found)):
        for words in ("8.0", "margin 10 points, alpha 0.05"):
            assert words in " ".join(shown.split())
    assert printed(found).startswith("PASS: new against old, judged by judge")


def test_offline_figures_are_said_to_be_so_everywhere() -> None:
    found = report({"offline": True})
    for shown in (printed(found, 200), gate_markdown(found), gate_junit(found)):
        assert OFFLINE_NOTE in shown


def test_looks_at_growing_data_under_another_rule_and_on_worn_moments_are_told() -> None:
    earlier = [{"set": "detour", "margin": 0.2, "alpha": 0.05}]
    out = " ".join(printed(report({"look": 3, "same_data": 1}, earlier=earlier, gated=12)).split())
    assert "3rd look at these two candidates, 1 earlier at the very same scores; each look at further samples" in out
    assert "CAUTION: an earlier look had another rule: margin 20 points with alpha 0.05" in out
    assert "12 candidates were decided on with these moments" in out


@pytest.mark.parametrize(
    ("number", "told"), [(1, "1st"), (2, "2nd"), (3, "3rd"), (4, "4th"), (11, "11th"), (22, "22nd")]
)
def test_ordinals(number: int, told: str) -> None:
    assert ordinal(number) == told


def test_a_gate_fits_eighty_columns() -> None:
    row = {"verdict": "no verdict", "ci_low": -1.0, "ci_high": 0.888, "difference": -0.999, "p_value": 0.0004}
    assert max(len(line) for line in printed(report(row)).splitlines()) <= 80
