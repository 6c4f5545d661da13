"""Outcomes -> win rates, stored for each candidate, judge and set, and for the judges of one candidate as a jury."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from operator import itemgetter
from typing import Any

from nextstep.config import JURY
from nextstep.core.families import family
from nextstep.core.ids import make_id
from nextstep.core.records import MomentSet
from nextstep.models import is_offline
from nextstep.models.cutoffs import NO_OVERRIDES, cutoff
from nextstep.pipeline.figures import lower_bound, summary, within
from nextstep.pipeline.juries import agreement, combine, jury_hash
from nextstep.store import Connection
from nextstep.store.connecting import GIVE_BACK
from nextstep.store.database import insert, query, utc_now

Row = dict[str, Any]


@dataclass(frozen=True)
class Contest:
    """A candidate under a judge: their labels, models, and the hashes of what they were asked with.

    `scribe_hash` names how the human's steps were brought into one form; None where they stand in their own words.
    `asked_hash` and `way_hash` name how all candidates and all judges are asked alike; None where that is not known.
    """

    candidate: str
    judge: str
    models: tuple[str, str]
    proposal_prompt_hash: str
    verdict_prompt_hash: str
    scribe_hash: str | None = None
    asked_hash: str | None = None
    way_hash: str | None = None


def score(
    connection: Connection,
    suite_hash: str,
    contests: Iterable[Contest],
    *,
    band: tuple[float, float] | None = None,
    cutoffs: Mapping[str, date] = NO_OVERRIDES,
) -> list[Row]:
    """Work out and store the win rates of these contests over a suite: a row for each set that was tried.

    Where one candidate has several judges here, a jury's rows come after theirs, and how far the judges agree is stored
    too; a judge that has two names is one judge in both. `band` is where the win rate on controls should lie; `cutoffs`
    goes before what is known of training cutoffs.
    """
    groups: dict[tuple[str, str], list[Contest]] = {}
    for contest in contests:
        groups.setdefault((contest.candidate, contest.proposal_prompt_hash), []).append(contest)
    single: list[Row] = []
    joint: list[Row] = []
    connection.execute(GIVE_BACK)
    for group in groups.values():
        tallies = [tally(connection, suite_hash, contest) for contest in group]
        connection.execute(GIVE_BACK)
        for contest, rows in zip(group, tallies, strict=True):
            single += _rows(suite_hash, [contest], rows, band, cutoffs)
        jury = jurors(group)
        if len(jury) > 1:
            combined = combine([tallies[at] for at in jury])
            joint += _rows(suite_hash, [group[at] for at in jury], combined, band, cutoffs)
    insert(connection, "win_rates", single + joint, replace=True)
    judges = {(contest.judge, contest.verdict_prompt_hash) for group in groups.values() for contest in group}
    insert(connection, "agreement", agreement(connection, suite_hash, sorted(judges)), replace=True)
    connection.execute(GIVE_BACK)
    return single + joint


def jurors(group: Sequence[Contest]) -> list[int]:
    """Which of a candidate's contests make up its jury: of one judge under several names, the first alone."""
    members: dict[str, int] = {}
    for at, contest in enumerate(group):
        members.setdefault(contest.verdict_prompt_hash, at)
    return list(members.values())


def tally(connection: Connection, suite_hash: str, contest: Contest) -> list[Row]:
    """What became of every (moment, sample) of a contest."""
    asked = {
        "candidate": contest.candidate,
        "judge": contest.judge,
        "proposal_prompt_hash": contest.proposal_prompt_hash,
        "verdict_prompt_hash": contest.verdict_prompt_hash,
    }
    query(connection, "judged", **asked)
    connection.execute(GIVE_BACK)
    rows = query(connection, "tally", suite_hash=suite_hash, scribe_hash=contest.scribe_hash, **asked)
    # Of a sample that came twice, as after a merge, the first that was judged counts.
    return [next(same) for _, same in groupby(rows, key=itemgetter("moment_id", "sample"))]


def _rows(
    suite_hash: str,
    group: Sequence[Contest],
    tallies: Sequence[Row],
    band: tuple[float, float] | None,
    cutoffs: Mapping[str, date],
) -> list[Row]:
    """The rows of a contest, or of several that are one jury, for each set that was tried."""
    trained = cutoff(group[0].models[0], cutoffs)
    by_set = {moment_set: [row for row in tallies if row["set"] == moment_set] for moment_set in MomentSet}
    figures = {moment_set: summary(rows, trained) for moment_set, rows in by_set.items()}
    judged = {s: [row for row in rows if row["score"] is not None] for s, rows in by_set.items()}
    bound = lower_bound(judged[MomentSet.DETOUR], judged[MomentSet.CONTROL])
    fixed = _fixed(suite_hash, group) | {
        "training_cutoff": trained,
        "control_ok": within(figures[MomentSet.CONTROL], band) if band else None,
    }
    rows: list[Row] = [
        fixed | {"set": str(s)} | figures[s] | (bound if s is MomentSet.DETOUR else dict.fromkeys(bound))
        for s in MomentSet
    ]
    return [row for row in rows if row["due"] > row["pending"]]


def _fixed(suite_hash: str, group: Sequence[Contest]) -> Row:
    """The columns that name a row of `win_rates` and say who took part."""
    first, alone = group[0], len(group) == 1
    judges = [(contest.judge, contest.verdict_prompt_hash) for contest in group]
    verdict_prompt_hash = first.verdict_prompt_hash if alone else jury_hash(judges)
    return {
        "suite_hash": suite_hash,
        "candidate": first.candidate,
        "judge": first.judge if alone else JURY,
        "jury": None if alone else [{"judge": judge, "prompt_hash": digest} for judge, digest in judges],
        "proposal_prompt_hash": first.proposal_prompt_hash,
        "verdict_prompt_hash": verdict_prompt_hash,
        "prompt_hash": make_id("prompts", first.proposal_prompt_hash, verdict_prompt_hash),
        "scribe_hash": first.scribe_hash,
        "asked_hash": first.asked_hash,
        "way_hash": first.way_hash,
        "offline": any(is_offline(model) for contest in group for model in contest.models),
        "own_family": _own_family(first.models[0], [contest.models[1] for contest in group]),
        "updated_at": utc_now(),
    }


def _own_family(candidate: str, judges: Iterable[str]) -> bool | None:
    """Whether any judge is known to share the candidate's maker; None where none does and one is not known."""
    own, others = family(candidate), [family(judge) for judge in judges]
    if own is not None and own in others:
        return True
    return None if own is None or None in others else False
