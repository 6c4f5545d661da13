"""A gate as text for people: the verdict first, then the figures, the reasons, what would mend them, and the looks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from nextstep.core.gating import Verdict, points
from nextstep.report.comparing import changed_table, p_value
from nextstep.report.text import OFFLINE_NOTE, percent, plain

Row = Mapping[str, Any]

STYLES = {Verdict.PASS: "bold green", Verdict.REGRESSION: "bold red", Verdict.NO_VERDICT: "bold yellow"}
MANY_GATED = 10
"""Candidates decided on with the same moments, from which on they are worn."""


@dataclass(frozen=True)
class GateReport:
    """What a gate's outputs show: its verdict, rows of `gates`, earlier looks, and the moments that changed most."""

    verdict: Verdict
    rows: Sequence[Row]
    earlier: Sequence[Row]
    changed: Sequence[Row]
    gated: int
    made_on: date | None = None
    """When the run was that a baseline's file comes from."""

    @property
    def first(self) -> Row:
        """What all rows share stands in each."""
        return self.rows[0]

    @property
    def title(self) -> str:
        """The verdict in one line."""
        first = self.first
        return f"{word(self.verdict)}: {first['candidate']} against {first['baseline']}, judged by {first['judge']}"

    @property
    def is_offline(self) -> bool:
        """Whether offline models took part."""
        return any(row["offline"] for row in self.rows)


def word(verdict: str) -> str:
    """A verdict as it stands in a report."""
    return verdict.upper()


def bounds(row: Row) -> str:
    """The interval that decides: both bounds at one-sided alpha."""
    return "-" if row["ci_low"] is None else f"{points(row['ci_low'])} to {points(row['ci_high'])}"


def mde(row: Row) -> str:
    """The minimum detectable effect in percentage points."""
    return "-" if row["mde"] is None else f"{100 * row['mde']:.1f}"


def level(row: Row) -> str:
    """The two-sided confidence of the interval that decides."""
    return f"{100 * (1 - 2 * row['alpha']):g} %"


def rule_line(report: GateReport) -> str:
    """What was recorded before the scores were read."""
    first = report.first
    sets = ", ".join(row["set"] for row in report.rows)
    return (
        f"Recorded before the scores were read: margin {100 * first['margin']:g} points, alpha {first['alpha']:g}"
        f" (one-sided), sets {sets}."
    )


def look_lines(report: GateReport) -> list[str]:
    """Which look this is, whether the data are the same, and whether the rule was another before."""
    said = []
    most = max(report.rows, key=lambda row: row["look"])
    if most["look"] > 1:
        line = f"{ordinal(most['look'])} look at these two candidates"
        same = most["same_data"]
        if same:
            line += f", {same} earlier at the very same scores"
        if most["look"] - 1 > (same or 0):
            line += (
                "; each look at further samples adds to the chance of a wrong PASS (five: about 12 % instead of 5 %)"
            )
        said.append(line + ".")
    rules = {(look["margin"], look["alpha"]) for look in report.earlier}
    if others := sorted(rules - {(report.first["margin"], report.first["alpha"])}):
        told = ", ".join(f"margin {100 * margin:g} points with alpha {alpha:g}" for margin, alpha in others)
        said.append(f"CAUTION: an earlier look had another rule: {told}. A rule that follows the data decides nothing.")
    if report.gated >= MANY_GATED:
        said.append(
            f"{report.gated} candidates were decided on with these moments: add new ones, or models fit to them."
        )
    return said


def ordinal(number: int) -> str:
    """1st, 2nd, 3rd, 11th ..."""
    ending = "th" if 10 <= number % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"


def care_lines(report: GateReport) -> list[str]:
    """What a reader must know beside the verdict."""
    first, said = report.first, []
    if first["trust"] == "use with care":
        said.append(
            f"Use with care: the card of judge {first['judge']} does not clear it (`nextstep calibrate` says why)."
        )
    if report.made_on:
        said.append(
            f"The baseline is a file of {report.made_on}: what has changed in the judge's model since then counts as a"
            " difference."
        )
    return said


def why_lines(row: Row) -> list[tuple[str, str]]:
    """("why" or "do", text) for each reason of a row without a verdict, and its remark."""
    said = [("why", one) for one in (row["detail"] or "").split("\n") if one]
    said += [("do", one) for one in (row["remedy"] or "").split("\n") if one]
    if row["remark"]:
        said.append(("note", f"the new model is {row['remark']}"))
    return said


def gate_text(report: GateReport) -> Group:
    """A gate for a terminal."""
    parts: list[RenderableType] = [plain(report.title, STYLES[report.verdict]), "", _table(report)]
    parts += [_why_table(report.rows)] if any(why_lines(row) for row in report.rows) else []
    if report.changed:
        parts += ["", changed_table(report.changed)]
    parts.append("")
    parts += [plain(line) for line in (rule_line(report), *look_lines(report), *care_lines(report))]
    parts.append(Text(reading(report)))
    if report.is_offline:
        parts.append(Text(OFFLINE_NOTE, style="bold"))
    return Group(*parts)


def _why_table(rows: Sequence[Row]) -> Table:
    """The reasons and what to do, each in its own column so that long ones stay apart."""
    table = Table.grid(padding=(0, 1))
    for row in rows:
        name = f"{row['set']}, " if len(rows) > 1 else ""
        for kind, text in why_lines(row):
            table.add_row(f"  {name}{kind}:", plain(text))
    return table


def reading(report: GateReport) -> str:
    """How to read the figures."""
    return (
        f"PASS: the whole {level(report.first)} interval lies above minus the margin; REGRESSION: all of it below."
        " mde: the true difference that would be found at 5 % with 80 % probability, in points; power: how likely"
        " equally good models pass."
    )


def figures(row: Row) -> list[str]:
    """The figures of a row: both rates, the difference with its bounds, p, n, sessions, mde and power."""
    rates = [percent(row["candidate_rate"]), percent(row["baseline_rate"])]
    power = "-" if row["power"] is None else f"{100 * row['power']:.0f} %"
    n = f"{row['n_moments'] or 0}/{row['n_sessions'] or 0}"
    return [*rates, points(row["difference"]), bounds(row), p_value(row["p_value"]), n, mde(row), power]


def heads(report: GateReport) -> list[str]:
    """The names of those figures."""
    return ["new", "old", "diff", level(report.first), "p", "n/sessions", "mde", "power"]


def _table(report: GateReport) -> Table:
    table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False)
    for name in ("set", "verdict"):
        table.add_column(name, no_wrap=True)
    for name in heads(report):
        table.add_column(name, justify="right", no_wrap=True)
    for row in report.rows:
        table.add_row(row["set"], Text(word(row["verdict"]), STYLES[Verdict(row["verdict"])]), *figures(row))
    return table
