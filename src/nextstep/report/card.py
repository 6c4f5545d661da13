"""A judge's card as text: each figure with its interval and tolerance, and what all of them amount to."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from nextstep.core.probes import ENOUGH_ANSWERS, ENOUGH_SESSIONS, TOLERANCES, Trust
from nextstep.report.text import plain

Row = Mapping[str, Any]

OFFLINE_JUDGE_NOTE = "The offline judge tests the pipeline; its card says nothing about any model."
WHY_NOT = {
    "control": "no controls judged yet: run `nextstep eval`",
    "order_flip": "nothing judged yet: run `nextstep eval`",
    "authorship": "nothing judged yet: run `nextstep eval`",
    "self_preference": "needs judges and candidates of two families",
}
STYLES = {Trust.TRUSTED: "bold green", Trust.CARE: "bold yellow", Trust.NOT_TRUSTED: "bold red"}


def cards(rows: Sequence[Row]) -> Group:
    """A card for each judge."""
    judges = dict.fromkeys((row["judge"], row["prompt_hash"]) for row in rows)
    return Group(*(_card([row for row in rows if (row["judge"], row["prompt_hash"]) == key]) for key in judges))


def _card(rows: Sequence[Row]) -> Group:
    first = rows[0]
    table = Table(title=plain(f"Judge {first['judge']}"), title_justify="left", box=None, padding=(0, 1, 0, 0))
    table.add_column("probe")
    for name in ("figure", "95 %", "wanted", "n", ""):
        table.add_column(name, justify="right", no_wrap=True)
    for row in rows:
        table.add_row(*_cells(row))
    parts: list[RenderableType] = [table, plain(f"{first['judge']}: {first['trust']}", STYLES[Trust(first["trust"])])]
    parts += [plain(line) for line in reasons(rows)]
    if first["offline"]:
        parts.append(Text(OFFLINE_JUDGE_NOTE, style="bold"))
    return Group(*parts, "")


def _cells(row: Row) -> list[RenderableType]:
    value = "-" if row["value"] is None else f"{row['value']:.2f}"
    between = "-" if row["ci_low"] is None else f"{row['ci_low']:.2f} - {row['ci_high']:.2f}"
    mark = "few" if _is_rough(row) else {True: "ok", False: "ALARM", None: "-"}[row["ok"]]
    cells = [row["probe"], value, between, row["expected"], _count(row), mark]
    return [plain(cell, "bold red" if row["ok"] is False else "") for cell in cells]


def _why_not(row: Row) -> str:
    if row["due"]:
        return "no answer could be read" if not row["n"] else "one session, or answers without any variation"
    return WHY_NOT.get(row["probe"], "the suite has nothing for it")


def _count(row: Row) -> str:
    """What the figure rests on, of what was asked."""
    return str(row["n"]) if row["n"] >= row["due"] else f"{row['n']}/{row['due']}"


def _is_rough(row: Row) -> bool:
    """Whether a figure without an alarm rests on too few sessions to say much."""
    return row["ok"] is True and row["n_sessions"] < ENOUGH_SESSIONS


def reasons(rows: Sequence[Row]) -> list[str]:
    """Why the card says what it says."""
    said = [
        f"{row['probe']}: {TOLERANCES[row['probe']].what} is {row['value']:.2f}, wanted {row['expected']}"
        for row in rows
        if row["ok"] is False
    ]
    if rough := [row["probe"] for row in rows if _is_rough(row)]:
        said.append(f"fewer than {ENOUGH_SESSIONS} sessions, too few to clear a judge: {', '.join(rough)}")
    said += [f"{row['probe']} could not be measured ({_why_not(row)})" for row in rows if row["ok"] is None]
    said += [
        f"{row['probe']}: {row['due'] - row['n']} of {row['due']} pairs have no answer that could be read"
        for row in rows
        if 0 < row["n"] < ENOUGH_ANSWERS * row["due"]
    ]
    return [f"  {line}" for line in said]
