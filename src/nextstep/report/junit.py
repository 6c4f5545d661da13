"""A gate as JUnit XML, for programs that draw test results: a test case a set.

A regression is a failure; no verdict is an error, since a skipped test counts as green.
"""

import re
from collections.abc import Mapping
from typing import Any
from xml.etree import ElementTree as ET

from nextstep.core.gating import Verdict
from nextstep.core.rendering import visible
from nextstep.report.gate import GateReport, bounds, care_lines, figures, heads, look_lines, rule_line, why_lines, word
from nextstep.report.text import OFFLINE_NOTE

Row = Mapping[str, Any]

_NO_XML = re.compile(r"[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
PROPERTIES = ("gate_id", "suite_hash", "candidate", "baseline", "judge", "margin", "alpha", "look")


def gate_junit(report: GateReport) -> str:
    """A gate as a JUnit XML document."""
    verdicts = [row["verdict"] for row in report.rows]
    counts = {
        "tests": str(len(verdicts)),
        "failures": str(verdicts.count(Verdict.REGRESSION)),
        "errors": str(verdicts.count(Verdict.NO_VERDICT)),
    }
    root = ET.Element("testsuites", counts)
    suite = ET.SubElement(root, "testsuite", {"name": "nextstep check", **counts})
    properties = ET.SubElement(suite, "properties")
    for name in PROPERTIES:
        ET.SubElement(properties, "property", {"name": name, "value": _legal(str(report.first[name]))})
    for row in report.rows:
        _case(suite, report, row)
    lines = [
        rule_line(report),
        *look_lines(report),
        *care_lines(report),
        *([OFFLINE_NOTE] if report.is_offline else []),
    ]
    ET.SubElement(suite, "system-out").text = _legal("\n".join(lines))
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _case(suite: ET.Element, report: GateReport, row: Row) -> None:
    names = {"classname": _legal(f"{row['candidate']} against {row['baseline']}"), "name": row["set"]}
    case = ET.SubElement(suite, "testcase", names)
    told = "\n".join(f"{kind}: {text}" for kind, text in why_lines(row))
    shown = ", ".join(f"{name} {value}" for name, value in zip(heads(report), figures(row), strict=True))
    if row["verdict"] == Verdict.PASS:
        ET.SubElement(case, "system-out").text = _legal(f"{shown}\n{told}")
        return
    kind = "failure" if row["verdict"] == Verdict.REGRESSION else "error"
    message = f"{word(row['verdict'])}: {row['reason'] or f'difference {bounds(row)} points'}"
    details = {"type": str(row["reason"] or row["verdict"]), "message": _legal(message)}
    ET.SubElement(case, kind, details).text = _legal(f"{shown}\n{told}")


def _legal(value: str) -> str:
    """The text without what XML cannot hold, and without what a terminal would obey."""
    return _NO_XML.sub("", visible(value))
