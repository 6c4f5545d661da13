"""Rows as text for a terminal: tables, a moment, and the words that go with figures."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Column, Table
from rich.text import Text

from nextstep.core.rendering import visible

Row = Mapping[str, Any]
Named = tuple[str, str]
"""A judge's label and the hash of its prompt."""

OFFLINE_NOTE = "Offline models and the lexical judge test the pipeline; these figures say nothing about any model."
COUNTS_NOTE = (
    "n counts moments; win, loss, tie, flip and fail count (moment, sample) pairs. A flip is a pair whose two orders"
    " contradict each other; flips and ties score one half, failures are in no rate."
)
BOUND = "bound"
CORRECTED = "corrected"
CORRECTED_NOTE = (
    "corrected: the win rate without the errors that the judge made on oracle and worsened steps (Rogan and Gladen), if"
    " it errs as often on real ones."
)
BOUND_NOTE = (
    "bound: at least this share of the detours' model steps is truly better, if the judge favours the model wrongly no"
    " more often on detours than on controls."
)
OPEN_BOUND_NOTE = (
    "A bound without an interval: too few sessions, or too much alike, to say how far it would move with others."
)
HASH_NOTE = (
    "In brackets: the start of verdict_prompt_hash, which names what a judge was asked with, or a jury by its judges."
)
SHOWN_HASH = 8
"""Characters of a hash that tell two apart for people."""
READABLE_WIDTH = 12
"""Characters that a column needs at least, on average, to be read."""
SHOWN_CHARS = 700
"""Characters of a text that a screen gets of each end."""
SHOWN_LINES = 60
"""Lines of it."""


def plain(text: str, style: str = "") -> Text:
    """Untrusted text for a terminal: no markup is read and no control character is passed on."""
    return Text(visible(text), style=style)


def percent(value: float | None) -> str:
    """A share of 1 as a percentage, or a dash."""
    return "-" if value is None else f"{100 * value:.1f} %"


def interval(row: Row) -> str:
    """A row's 95 % interval, or why it has none."""
    if row["ci_low"] is None:
        return {"single_session": "one session", "empty": "nothing judged"}.get(row["status"], "-")
    return f"{100 * row['ci_low']:.1f} - {100 * row['ci_high']:.1f} %"


def by_judge(rows: Sequence[Row]) -> list[tuple[str, list[Row]]]:
    """The name and the rows of each judge or jury, as it was asked; judges in the order in which they come."""
    judges: dict[Named, list[Row]] = {}
    for row in rows:
        judges.setdefault((row["judge"], row["verdict_prompt_hash"]), []).append(row)
    named = judge_names(judges)
    return [(named[judge], of_judge) for judge, of_judge in judges.items()]


def judge_names(judges: Iterable[Named]) -> dict[Named, str]:
    """What to call each judge: its label, with the start of its prompt's hash where one label has several."""
    judges = list(dict.fromkeys(judges))
    asked = Counter(label for label, _ in judges)
    return {(label, h): label if asked[label] == 1 else f"{label} [{h[:SHOWN_HASH]}]" for label, h in judges}


def judge_table(judge: str, rows: Sequence[Row]) -> Table:
    """A judge's win rates with their counts; below the detours, the bound that the controls leave for them."""
    table = Table(title=plain(f"Win rates, judged by {judge}"), title_justify="left", box=None, padding=(0, 1, 0, 0))
    named = groups(rows)
    for name in ("candidate", *named, "set"):
        table.add_column(name, overflow="fold")
    for name in ("win rate", "95 % interval", "n", "win", "loss", "tie", "flip", "fail"):
        table.add_column(name, justify="right", no_wrap=True)
    for row in rows:
        counts = [str(row[name]) for name in ("wins", "losses", "ties", "flips", "failures")]
        figures = [percent(row["win_rate"]), interval(row) + _mark(row), str(row["n_moments"]), *counts]
        table.add_row(*(plain(shortened(str(row[name]))) for name in ("candidate", *named, "set")), *figures)
        if row["lower_bound"] is not None:
            names = [*(plain(shortened(str(row[name]))) for name in ("candidate", *named)), plain(BOUND)]
            table.add_row(*names, percent(row["lower_bound"]), between(row["lower_bound_low"], row["lower_bound_high"]))
        if row.get("corrected_win_rate") is not None:
            names = [*(plain(shortened(str(row[name]))) for name in ("candidate", *named)), plain(CORRECTED)]
            figures = [percent(row["corrected_win_rate"]), between(row["corrected_low"], row["corrected_high"])]
            table.add_row(*names, *figures)
    return table


def between(low: float | None, high: float | None) -> str:
    """An interval of shares, or a dash."""
    return "-" if low is None or high is None else f"{100 * low:.1f} - {100 * high:.1f} % "


def groups(rows: Sequence[Row]) -> list[str]:
    """Further columns that tell the rows apart: what they are grouped by, and their prompts where those differ."""
    named = ["group"] if "group" in rows[0] else []
    prompts: dict[tuple[str, ...], set[str]] = {}
    for row in rows:
        prompts.setdefault(tuple(row[name] for name in ("candidate", *named, "set")), set()).add(row["prompt_hash"])
    return [*named, "prompt_hash"] if any(len(hashes) > 1 for hashes in prompts.values()) else named


MARKS = {"tiny": "*", "few_sessions": "*", "degenerate": "*"}


def _mark(row: Row) -> str:
    return MARKS.get(row["status"], " ")


def notes(rows: Iterable[Row]) -> list[Text]:
    """What a reader must know beside the figures."""
    rows = list(rows)
    said = [Text(COUNTS_NOTE)]
    if len(by_judge(rows)) > len({row["judge"] for row in rows}):
        said.append(Text(HASH_NOTE))
    bounds = [row for row in rows if row["lower_bound"] is not None]
    if bounds:
        said.append(Text(BOUND_NOTE))
    if any(row["lower_bound_low"] is None for row in bounds):
        said.append(Text(OPEN_BOUND_NOTE))
    if any(row.get("corrected_win_rate") is not None for row in rows):
        said.append(Text(CORRECTED_NOTE))
    if any(row["status"] in MARKS for row in rows):
        said.append(Text("* few moments or sessions: the interval is rough."))
    if pending := sum(row["pending"] for row in rows):
        said.append(Text(f"{pending} pairs are not judged yet; run again to go on."))
    if any(row["offline"] for row in rows):
        said.append(Text(OFFLINE_NOTE, style="bold"))
    return said


@dataclass(frozen=True)
class RowsTable:
    """Any rows as a plain table, or one under the other where their columns are too many for the width."""

    rows: Sequence[Row]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Choose by the width that there is."""
        cells = [[shortened(cell(value)) for value in row.values()] for row in self.rows]
        names = list(self.rows[0]) if self.rows else []
        widths = [max(map(len, column)) for column in zip(names, *cells, strict=True)]
        crowded = len(names) * READABLE_WIDTH > options.max_width < sum(widths) + 2 * len(widths)
        yield from (_record(names, row) for row in cells) if crowded else [_grid(names, cells)]


def _grid(names: Sequence[str], cells: Sequence[Sequence[str]]) -> Table:
    table = Table(*(Column(plain(name), overflow="fold") for name in names), box=None, pad_edge=False)
    for row in cells:
        table.add_row(*map(plain, row))
    return table


def _record(names: Sequence[str], row: Sequence[str]) -> Table:
    table = Table(Column(style="bold"), Column(overflow="fold"), box=None, pad_edge=False, show_header=False)
    for name, value in zip(names, row, strict=True):
        table.add_row(plain(name), plain(value))
    table.add_row("", "")
    return table


def cell(value: object) -> str:
    """A value as it stands in a table."""
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.10g}"
    return f"{value:%Y-%m-%d %H:%M:%S}" if hasattr(value, "strftime") else str(value)


def event_text(event: Row) -> Text:
    """An event with its number and who it comes from, shortened in the middle."""
    head = f"[{event['idx']}] {event['role']}" + (f" {event['tool']}" if event["tool"] else "")
    if event["kind"] != "text":
        head += f" ({event['kind']})"
    return Text.assemble(plain(head, "bold"), "\n", plain(shortened(event["text"])), "\n")


def shortened(text: str) -> str:
    """A text without its middle where it is too long for a screen; --json, .csv and .parquet have all of it."""
    if len(text) > 2 * SHOWN_CHARS:
        left_out = len(text) - 2 * SHOWN_CHARS
        text = f"{text[:SHOWN_CHARS]}\n[... {left_out:,} characters not shown ...]\n{text[-SHOWN_CHARS:]}"
    lines = text.split("\n")
    if len(lines) > 2 * SHOWN_LINES:
        left_out = len(lines) - 2 * SHOWN_LINES
        lines[SHOWN_LINES:-SHOWN_LINES] = [f"[... {left_out} lines not shown ...]"]
    return "\n".join(lines)
