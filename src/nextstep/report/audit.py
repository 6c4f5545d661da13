"""An audit as text: what was proved for each candidate, every leak, and every exception."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from nextstep.report.text import Row, plain

SHOWN_LEAKS = 4
"""Leaks of one moment that are printed; `--json` has all."""

Findings = Mapping[tuple[Any, ...], Sequence[Row]]


def audit_text(rows: Sequence[Row]) -> Group:
    """The account of an audit, one row a moment, as `audit` prints it."""
    parts: list[RenderableType] = [_candidates(rows), Text()]
    parts += _section("Leaks", rows, "leaks")
    parts += _section("No leaks, but words of later that stand in a prefix", rows, "exceptions")
    return Group(*parts, *_verdict(rows))


def _candidates(rows: Sequence[Row]) -> Table:
    table = Table(title=plain("Requests made anew"), title_justify="left", box=None, padding=(0, 1, 0, 0))
    table.add_column("candidate", overflow="fold")
    for name in ("moments", "shortened", "stored: same", "different", "leaks"):
        table.add_column(name, justify="right")
    for name, requests in _by_candidate(rows).items():
        figures = (len(requests), *(sum(r[key] for r in requests) for key in ("shortened", "same", "different")))
        table.add_row(plain(name), *map(str, figures), str(sum(r["leaks"] + r["different"] for r in requests)))
    return table


def _by_candidate(rows: Sequence[Row]) -> dict[str, list[Row]]:
    """Requests by candidate; one that has been asked in several ways is told apart by its prompt hash."""
    requests = [request for row in rows for request in row["requests"]]
    ways: dict[str, set[str]] = {}
    for request in requests:
        ways.setdefault(request["candidate"], set()).add(request["prompt_hash"])
    named: dict[str, list[Row]] = {}
    for request in requests:
        name = request["candidate"]
        label = name if len(ways[name]) == 1 else f"{name} ({request['prompt_hash'][:8]})"
        named.setdefault(label, []).append(request)
    return named


def _section(title: str, rows: Sequence[Row], key: str) -> list[Text]:
    told = [text for row in rows for text in _moment(row, row[key])]
    return [plain(title, "bold"), *told, Text()] if told else []


def _moment(row: Row, findings: Sequence[Row]) -> Iterator[Text]:
    """The findings of one moment, those of several candidates that are the same told once."""
    same: dict[tuple[Any, ...], list[str]] = {}
    for finding in findings:
        key = tuple(finding[name] for name in ("check", "source", "event", "seen_in", "reason", "span"))
        same.setdefault(key, []).append(finding["candidate"] or "")
    for (check, source, event, seen_in, reason, span), candidates in list(same.items())[:SHOWN_LEAKS]:
        what = source if event is None else f"{source} {event}" if source == "event" else f"{source} (event {event})"
        where = "" if seen_in is None else f" in event {seen_in}"
        who = ", ".join(filter(None, candidates))
        head = f"  {row['session']}:{row['cut']}  {what}{where}: {reason} [{check}{f': {who}' if who else ''}]"
        yield plain(f"{head}\n      {span}")
    if len(same) > SHOWN_LEAKS:
        yield plain(f"  {row['session']}:{row['cut']}  and {len(same) - SHOWN_LEAKS} more; --json has all")


def _verdict(rows: Sequence[Row]) -> list[Text]:
    leaking = [row for row in rows if row["leaks"]]
    said = []
    if short := sum(not row["looked_for"] for row in rows):
        said.append(plain(f"{short} human steps are too short to be looked for word by word in their prefixes."))
    if other := sum(row["not_comparable"] for row in rows):
        said.append(
            plain(
                f"{other} stored requests were made with another prompt, other parameters or an earlier way of fitting:"
                " they cannot be made again, so nothing is proved of them."
            )
        )
    if leaking:
        count = sum(len(row["leaks"]) for row in rows)
        said.append(plain(f"{count} leaks at {len(leaking)} of {len(rows)} moments.", "bold"))
    else:
        said.append(
            plain(
                f"No leak at {len(rows)} moments: no request holds, or changes with, anything at or after its cut.",
                "bold",
            )
        )
    return said
