"""A gate as Markdown, for a job's summary or a comment. Names come from other people: none can add markup."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from nextstep.core.gating import points
from nextstep.core.rendering import visible
from nextstep.report.gate import (
    GateReport,
    care_lines,
    figures,
    heads,
    look_lines,
    reading,
    rule_line,
    why_lines,
    word,
)
from nextstep.report.text import OFFLINE_NOTE, percent

Row = Mapping[str, Any]

MARKS = {"pass": "✅", "regression": "❌", "no verdict": "⚠️"}
_SPECIAL = re.compile(r"([\\`*_\[\]#|~!@$])")
_LINK = re.compile(r"(?i)\b(https?|ftp|www)(?=[:.])")


def text(value: str) -> str:
    """A name or sentence as one line of Markdown that shows it and does nothing else."""
    line = " ".join(visible(value).split())
    line = line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _LINK.sub(r"\1&#8203;", _SPECIAL.sub(r"\\\1", line))


def sentence(value: str) -> str:
    """A sentence in which `commands` stand in backquotes, as one line of Markdown with the commands as code."""
    parts = value.split("`")
    if len(parts) % 2 == 0:
        return text(value)
    return "".join(f"<code>{text(part)}</code>" if i % 2 else _padded(part) for i, part in enumerate(parts))


def _padded(part: str) -> str:
    """A part of a sentence with the spaces at its ends."""
    ahead, behind = (" " if end.isspace() else "" for end in (part[:1], part[-1:]))
    return f"{ahead}{text(part)}{behind}" if part.strip() else ahead


def gate_markdown(report: GateReport) -> str:
    """A gate as Markdown."""
    lines = [f"### {MARKS[report.verdict]} {text(report.title)}", ""]
    lines += table(["set", "verdict", *heads(report)], [_row(row) for row in report.rows])
    for row in report.rows:
        lines += [f"- {row['set']}, {kind}: {sentence(told)}" for kind, told in why_lines(row)]
    if report.changed:
        lines += ["", "**Moments that changed most** (`nextstep show ID`)", ""]
        lines += table(["id", "moment", "set", "new", "old", "diff"], [_changed(row) for row in report.changed])
    lines += ["", *(f"{sentence(line)}  " for line in (rule_line(report), *look_lines(report), *care_lines(report)))]
    lines += ["", f"<sub>{text(reading(report))}</sub>"]
    if report.is_offline:
        lines += ["", f"**{OFFLINE_NOTE}**"]
    return "\n".join(lines) + "\n"


def table(names: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """The lines of a Markdown table; the cells are Markdown already."""
    return [f"| {' | '.join(cells)} |" for cells in (names, ["---"] * len(names), *rows)] + [""]


def _row(row: Row) -> list[str]:
    return [str(row["set"]), f"**{word(str(row['verdict']))}**", *(text(one) for one in figures(row))]


def _changed(row: Row) -> list[str]:
    scores = [percent(row["candidate_score"]), percent(row["baseline_score"]), points(row["difference"])]
    return [f"`{str(row['moment_id'])[:8]}`", text(str(row["moment"])), str(row["set"]), *scores]
