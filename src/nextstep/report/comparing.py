"""Paired differences as text: a table a judge, what was dropped and why, and which moments changed most."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from nextstep.core.comparable import Difference
from nextstep.core.gating import points
from nextstep.core.stats.paired import FEW_DIFFERENT
from nextstep.report.text import MARKS, OFFLINE_NOTE, by_judge, percent, plain

Row = Mapping[str, Any]
Apart = tuple[str, str, Sequence[Difference]]
"""Two candidates that cannot be compared, and why."""

READING = (
    "diff, 95 % and mde: percentage points of the win rate on the moments that both were scored at; + is for the first."
    " p: no difference, whole sessions flipped. better/same/worse: per cent of the moments; r: correlation"
    " of the scores; mde: the true difference that would be found at 5 % with 80 % probability."
)
HOLM_NOTE = (
    "holm: p adjusted for the pairs that were tested together, for each judge and set. Intervals are not adjusted."
)
FEW_NOTE = f"- as mde: fewer than {FEW_DIFFERENT} sessions differ, so the interval counts sessions."
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def comparison_text(rows: Sequence[Row], changed: Sequence[Row], apart: Sequence[Apart]) -> Group:
    """Differences with all that belongs to them."""
    letters = _letters(rows)
    parts: list[RenderableType] = [plain(f"{letter} = {name}") for name, letter in letters.items()]
    for judge, of_judge in by_judge(rows):
        parts += ["", _table(judge, of_judge, letters)]
        parts += [plain(line) for line in _dropped_lines(of_judge)]
    parts += ["", changed_table(changed, letters), ""] if changed else [""]
    parts += apart_lines(apart)
    if rows:
        parts += [Text(one) for one in _notes(rows)]
    if any(row["offline"] for row in rows):
        parts.append(Text(OFFLINE_NOTE, style="bold"))
    return Group(*parts)


def _letters(rows: Iterable[Row]) -> dict[str, str]:
    """A short name for each candidate, in the order in which they come."""
    names = dict.fromkeys(name for row in rows for name in (row["candidate"], row["baseline"]))
    return {name: LETTERS[i] if i < len(LETTERS) else f"#{i + 1}" for i, name in enumerate(names)}


def _notes(rows: Sequence[Row]) -> list[str]:
    said = [READING]
    if _is_family(rows):
        said.append(HOLM_NOTE)
    if any(row["n_moments"] and row["mde"] is None for row in rows):
        said.append(FEW_NOTE)
    if any(row["status"] in MARKS for row in rows):
        said.append("* few moments or sessions: the interval is rough.")
    return said


def _is_family(rows: Iterable[Row]) -> bool:
    return any(row["n_tests"] > 1 for row in rows)


def _table(judge: str, rows: Sequence[Row], letters: Mapping[str, str]) -> Table:
    table = Table(title=plain(f"Differences, judged by {judge}"), title_justify="left", box=None, padding=(0, 1, 0, 0))
    table.add_column("pair", no_wrap=True)
    table.add_column("set", no_wrap=True)
    holm = ["holm"] if _is_family(rows) else []
    for name in ("diff", "95 %", "p", *holm, "better/same/worse", "r", "n", "mde"):
        table.add_column(name, justify="right", no_wrap=True)
    for row in rows:
        pair = f"{letters[row['candidate']]} - {letters[row['baseline']]}"
        adjusted = [p_value(row["p_holm"])] if holm else []
        figures = [points(row["difference"]), _interval(row), p_value(row["p_value"]), *adjusted, _shares(row)]
        r = "-" if row["correlation"] is None else f"{row['correlation']:.2f}"
        mde = "-" if row["mde"] is None else f"{100 * row['mde']:.1f}"
        table.add_row(pair, row["set"], *figures, r, str(row["n_moments"]), mde)
    return table


def _interval(row: Row) -> str:
    if row["ci_low"] is None:
        return {"single_session": "one session", "empty": "no moment"}.get(row["status"], "-")
    return f"{points(row['ci_low'])} to {points(row['ci_high'])}{MARKS.get(row['status'], '')}"


def p_value(value: float | None) -> str:
    """A p-value as it stands in a table."""
    if value is None:
        return "-"
    return "<.001" if value < 0.001 else f"{value:.3f}".lstrip("0") if value < 1 else "1"


def _shares(row: Row) -> str:
    if row["better"] is None:
        return "-"
    return "/".join(f"{100 * row[name]:.0f}" for name in ("better", "same", "worse"))


def _dropped_lines(rows: Iterable[Row]) -> list[str]:
    """How many moments are in no difference, and why."""
    said = []
    for row in rows:
        if not row["n_dropped"]:
            continue
        sides = json.loads(row["dropped"]) if isinstance(row["dropped"], str) else row["dropped"]
        reasons = [
            f"{count} {reason} of {row[side]}"
            for side in ("candidate", "baseline")
            for reason, count in sides[side].items()
            if count
        ]
        said.append(f"{row['set']}: {row['n_dropped']} moments dropped: {', '.join(reasons)}")
    return list(dict.fromkeys(said))


def changed_table(changed: Sequence[Row], letters: Mapping[str, str] | None = None) -> Table:
    """The moments whose scores differ most, with what `nextstep show` takes; without letters, of one pair only."""
    table = Table(title="Moments that changed most", title_justify="left", box=None, padding=(0, 1, 0, 0))
    for name in ("show", "moment", "set"):
        table.add_column(name, overflow="fold")
    ours, theirs = ("first", "second") if letters else ("new", "old")
    for name in ("pair", ours, theirs, "diff") if letters else (ours, theirs, "diff"):
        table.add_column(name, justify="right", no_wrap=True)
    for row in changed:
        pair = [f"{letters[row['candidate']]} - {letters[row['baseline']]}"] if letters else []
        scores = [percent(row["candidate_score"]), percent(row["baseline_score"]), points(row["difference"])]
        table.add_row(row["moment_id"][:8], plain(row["moment"]), row["set"], *pair, *scores)
    return table


def apart_lines(apart: Sequence[Apart]) -> list[Text]:
    """Which candidates cannot be compared, why, and what would make them so."""
    said: list[Text] = []
    for candidate, baseline, reasons in apart:
        said.append(plain(f"Not comparable: {candidate} and {baseline}", "bold"))
        for one in reasons:
            said += [plain(f"  {one.what}"), plain(f"  -> {one.remedy}")]
    return said
