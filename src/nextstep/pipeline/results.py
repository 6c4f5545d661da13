"""Read results out of the store: win rates as they stand or split by a group, and one moment with all about it."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any

from nextstep.core.judging import average_score, consensus_score, outcome
from nextstep.core.records import Choice
from nextstep.core.trajectory import AGENT_ROLES
from nextstep.errors import UsageError
from nextstep.models import is_offline
from nextstep.pipeline.score import Contest, summary, tally
from nextstep.store import Connection
from nextstep.store.database import query

Row = dict[str, Any]

BY: dict[str, Callable[[Row], Iterable[str]]] = {
    "tag": lambda row: row["tags"],
    "session": lambda row: [row["session"]],
}
"""What win rates can be split by, and the groups that a (moment, sample) row is in: with two tags, both."""


def read_results(connection: Connection, suite_hash: str | None, *, by: str | None = None) -> list[Row]:
    """The win rates of a suite (the one scored last when None), whole or for each group."""
    if suite_hash is None:
        latest = query(connection, "latest_suite")
        if not latest:
            return []
        suite_hash = latest[0]["suite_hash"]
    rows = query(connection, "win_rates_of", suite_hash=suite_hash)
    if by is None:
        return rows
    return [split for row in rows for split in _split(connection, row, BY[by])]


def _split(connection: Connection, row: Row, groups_of: Callable[[Row], Iterable[str]]) -> list[Row]:
    """A win-rate row as one row a group, each with its own counts and interval."""
    contest = Contest(row["candidate"], row["judge"], ("", ""), row["proposal_prompt_hash"], row["verdict_prompt_hash"])
    groups = defaultdict(list)
    for one in tally(connection, row["suite_hash"], contest):
        if one["set"] == row["set"]:
            for group in groups_of(one):
                groups[group].append(one)
    return [row | {"group": group} | summary(rows) for group, rows in sorted(groups.items())]


def read_moment(connection: Connection, wanted: str, *, before: int, after: int) -> Row:
    """One moment with the events around it, its proposals with their verdicts folded, and its failures."""
    found = query(connection, "find_moment", wanted=wanted)
    if len(found) != 1:
        raise UsageError(_not_one(wanted, found))
    moment = found[0]
    events = query(
        connection,
        "events_between",
        session_id=moment["session_id"],
        first=moment["cut"] - before,
        last=moment["cut"] + after,
    )
    judged = query(connection, "judged_of", moment_id=moment["moment_id"])
    return {
        **moment,
        "before": _seen([event for event in events if event["idx"] < moment["cut"]]),
        "after": [event for event in events if event["idx"] > moment["cut"]],
        "proposals": _folded(judged),
        "offline": any(is_offline(row[name] or "") for row in judged for name in ("model", "judge_model")),
        "failures": query(connection, "failures_of", moment_id=moment["moment_id"]),
    }


def _seen(before: list[Row]) -> list[Row]:
    """What a candidate sees of the events before a moment: up to the last that the assistant or a tool did."""
    while before and before[-1]["role"] not in AGENT_ROLES:
        before = before[:-1]
    return before


def _not_one(wanted: str, found: list[Row]) -> str:
    if not found:
        return f'no moment is {wanted!r}; `nextstep sql "FROM moments"` lists them'
    return f"{len(found)} moments start with {wanted!r}: {', '.join(row['moment_id'] for row in found[:5])}"


def _folded(rows: list[Row]) -> list[Row]:
    """One row a proposal, with its verdicts and, where both orders are there, the outcome under each judge."""
    proposals: dict[str, Row] = {}
    for row in rows:
        proposal = proposals.setdefault(
            row["proposal_id"],
            {name: row[name] for name in ("proposal_id", "candidate", "sample", "text", "shortened")}
            | {"judgements": {}},
        )
        if row["judge"]:
            key = (row["judge"], row["verdict_prompt_hash"])
            verdict = {name: row[name] for name in ("order", "choice", "strength", "reason")}
            proposal["judgements"].setdefault(key, []).append(verdict)
    for proposal in proposals.values():
        proposal["judgements"] = [
            _judgement(judge, prompt_hash, verdicts)
            for (judge, prompt_hash), verdicts in proposal["judgements"].items()
        ]
    return list(proposals.values())


def _judgement(judge: str, prompt_hash: str, verdicts: list[Row]) -> Row:
    both = len(verdicts) == len({verdict["order"] for verdict in verdicts}) == 2
    row: Row = {"judge": judge, "prompt_hash": prompt_hash, "outcome": None, "verdicts": verdicts}
    if not both:
        return row
    first, second = (Choice(verdict["choice"]) for verdict in verdicts)
    scores = {"score": consensus_score(first, second), "average_score": average_score(first, second)}
    return row | scores | {"outcome": str(outcome(first, second))}
