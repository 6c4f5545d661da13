"""What two candidates are compared by: who judged them and how, and what became of each moment."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from nextstep.config import JURY
from nextstep.core.comparable import Entry, Named
from nextstep.core.pairing import Scores, Tried
from nextstep.core.records import MomentSet
from nextstep.models import is_offline
from nextstep.pipeline.juries import combine, jury_hash
from nextstep.pipeline.score import Contest, jurors, tally
from nextstep.store import Connection
from nextstep.store.database import query

Row = dict[str, Any]


def entry_of(suite_hash: str, contests: Sequence[Contest]) -> Entry:
    """A candidate under the judge of its contest, or under the judges of several as a jury."""
    group = [contests[at] for at in jurors(contests)]
    first, judges = group[0], tuple((contest.judge, contest.verdict_prompt_hash) for contest in group)
    label, digest = judges[0] if len(judges) == 1 else (JURY, jury_hash(judges))
    return Entry(
        suite_hash,
        first.candidate,
        first.proposal_prompt_hash,
        label,
        digest,
        judges,
        first.asked_hash,
        first.way_hash,
        first.scribe_hash,
        any(is_offline(model) for contest in group for model in contest.models),
    )


def entries_of(connection: Connection, candidates: Iterable[str]) -> list[Entry]:
    """How candidates were judged, on whatever suite: the one scored last first."""
    return [_entry(row) for row in query(connection, "entries_of", candidates=list(candidates))]


def _entry(row: Row) -> Entry:
    columns = ("suite_hash", "candidate", "proposal_prompt_hash", "judge", "verdict_prompt_hash")
    more = ("asked_hash", "way_hash", "scribe_hash", "offline")
    return Entry(**{name: row[name] for name in (*columns, *more)}, judges=_judges(row))


def _judges(row: Row) -> tuple[Named, ...]:
    if row["jury"]:
        return tuple((one["judge"], one["prompt_hash"]) for one in row["jury"])
    return ((row["judge"], row["verdict_prompt_hash"]),)


def scores_of(connection: Connection, entry: Entry) -> Scores:
    """What became of every moment that a candidate was asked about, under its judge or jury: all samples pooled."""
    tallies = [tally(connection, entry.suite_hash, _contest(entry, judge)) for judge in entry.judges]
    return _by_moment(combine(tallies) if len(tallies) > 1 else tallies[0])


def _contest(entry: Entry, judge: Named) -> Contest:
    label, digest = judge
    return Contest(entry.candidate, label, ("", ""), entry.proposal_prompt_hash, digest, entry.scribe_hash)


def _by_moment(tallies: Iterable[Row]) -> Scores:
    moments: dict[str, list[Row]] = defaultdict(list)
    for row in tallies:
        moments[row["moment_id"]].append(row)
    return {moment_id: _tried(rows) for moment_id, rows in moments.items()}


def _tried(rows: Sequence[Row]) -> Tried:
    outcomes = [row["outcome"] for row in rows]
    scores = tuple(row["score"] for row in rows if row["score"] is not None)
    set_name = MomentSet(rows[0]["set"])
    return Tried(rows[0]["session_id"], set_name, scores, outcomes.count("failure"), outcomes.count("pending"))
