"""Read results out of the store: win rates whole or split by a group, what belongs to them, and one moment."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any

from nextstep.core.judging import average_score, consensus_score, outcome
from nextstep.core.records import Choice
from nextstep.core.trajectory import AGENT_ROLES
from nextstep.errors import UsageError
from nextstep.models import is_offline
from nextstep.models.cutoffs import contamination
from nextstep.pipeline.figures import summary
from nextstep.pipeline.juries import combine
from nextstep.pipeline.score import Contest, tally
from nextstep.store import Connection
from nextstep.store.database import query

Row = dict[str, Any]

WINDOWS = {True: "shortened", False: "whole", None: "no proposal"}

BY: dict[str, Callable[[Row, Row], Iterable[str]]] = {
    "tag": lambda _, pair: pair["tags"],
    "session": lambda _, pair: [pair["session"]],
    "window": lambda _, pair: [WINDOWS[pair["prefix_shortened"]]],
    "cutoff": lambda row, pair: [contamination(pair["started_at"], row["training_cutoff"])],
}
"""What win rates can be split by, and the groups of a win rate's row that a (moment, sample) is in: two tags, both.

`window` is whether the candidate's prefix was shortened, `cutoff` whether it may have trained on the session.
"""


def suite_of(connection: Connection, suite_hash: str | None) -> str | None:
    """The suite whose results are meant: the one scored last when None is named; None where none was scored."""
    latest = query(connection, "latest_suite") if suite_hash is None else []
    return latest[0]["suite_hash"] if latest else suite_hash


def read_agreement(connection: Connection, suite_hash: str | None) -> list[Row]:
    """How far the judges of a suite (the one scored last when None) agree, two by two and set by set."""
    return query(connection, "agreement_of", suite_hash=suite_of(connection, suite_hash))


def agreement_among(agreement: Iterable[Row], rows: Iterable[Row]) -> list[Row]:
    """Of the agreement of judges, that between those whose win rates, alone or as a jury, are among `rows`; by set."""
    shown = {(judge, row["set"]) for row in rows for judge in _judges(row)}
    return [
        one
        for one in agreement
        if {((one[f"judge_{side}"], one[f"prompt_hash_{side}"]), one["set"]) for side in "ab"} <= shown
    ]


def _judges(row: Row) -> list[tuple[str, str]]:
    """Who judged a win rate's row: the judges of a jury, or the one; each with the hash of its prompt."""
    if row["jury"]:
        return [(one["judge"], one["prompt_hash"]) for one in row["jury"]]
    return [(row["judge"], row["verdict_prompt_hash"])]


def read_health(connection: Connection, suite_hash: str | None) -> list[Row]:
    """The cards of a suite's judges (of the one scored last when None): a row for each probe."""
    return query(connection, "health_of", suite_hash=suite_of(connection, suite_hash))


def read_results(connection: Connection, suite_hash: str | None, *, by: str | None = None) -> list[Row]:
    """The win rates of a suite (the one scored last when None), whole or for each group."""
    rows = query(connection, "win_rates_of", suite_hash=suite_of(connection, suite_hash))
    if by is None:
        return rows
    return [split for row in rows for split in _split(connection, row, BY[by])]


def _split(connection: Connection, row: Row, groups_of: Callable[[Row, Row], Iterable[str]]) -> list[Row]:
    """A win-rate row as one row a group, each with its own counts and figures; a bound is one of the whole."""
    groups = defaultdict(list)
    for one in _pairs(connection, row):
        if one["set"] == row["set"]:
            for group in groups_of(row, one):
                groups[group].append(one)
    whole = dict.fromkeys(("lower_bound", "lower_bound_low", "lower_bound_high"))
    trained = row["training_cutoff"]
    return [row | whole | {"group": group} | summary(rows, trained) for group, rows in sorted(groups.items())]


def _pairs(connection: Connection, row: Row) -> list[Row]:
    """What became of every (moment, sample) of a win rate's row, under its judge or its jury."""
    proposed = row["proposal_prompt_hash"]
    tallies = [
        tally(
            connection,
            row["suite_hash"],
            Contest(row["candidate"], judge, ("", ""), proposed, asked, row["scribe_hash"]),
        )
        for judge, asked in _judges(row)
    ]
    return combine(tallies) if row["jury"] else tallies[0]


def read_moment(connection: Connection, wanted: str, *, before: int, after: int) -> Row:
    """One moment with the events around it, its proposals with their verdicts folded, and its failures.

    `judged_steps`: the human's step in a scribe's words, as judges have read it; a verdict's `rewrite_id` says which.
    """
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
        "judged_steps": query(connection, "steps_judged", moment_id=moment["moment_id"]),
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
            verdict = {name: row[name] for name in ("order", "choice", "strength", "reason", "rewrite_id")}
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
