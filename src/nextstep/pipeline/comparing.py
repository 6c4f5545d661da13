"""Candidates in the store -> paired differences on the moments that both were scored at, two by two."""

import json
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from functools import lru_cache, partial
from itertools import combinations, product
from typing import Any

from nextstep.core.comparable import Difference, Entry, differences, nearest
from nextstep.core.pairing import Pair, Pairing, Scores, of_set, pair_up
from nextstep.core.records import MomentSet
from nextstep.core.stats import compare as paired
from nextstep.core.stats import detectable_difference, holm
from nextstep.core.stats.clusters import cluster
from nextstep.errors import UsageError
from nextstep.pipeline.entries import entries_of, scores_of
from nextstep.pipeline.results import suite_of
from nextstep.store import Connection, Store
from nextstep.store.database import insert, query, utc_now

Row = dict[str, Any]

CHANGED = 5
"""Moments that are listed for each difference unless more are asked for."""


@dataclass(frozen=True)
class Apart:
    """Two candidates that cannot be compared, and why."""

    candidate: str
    baseline: str
    reasons: Sequence[Difference]


@dataclass
class Compared:
    """Differences (rows of `comparisons`), the moments that changed most, and the pairs that cannot be compared."""

    suite_hash: str
    rows: list[Row] = field(default_factory=list)
    changed: list[Row] = field(default_factory=list)
    apart: list[Apart] = field(default_factory=list)


def compare(
    store: Store,
    candidates: Sequence[str],
    *,
    suite_hash: str | None = None,
    judges: Collection[str] = (),
    only: MomentSet | None = None,
    most: int = CHANGED,
) -> Compared:
    """Compare candidates two by two, in the order given, under every judge that both have; store the differences.

    Of a candidate that was asked in several ways, each way that the other shares counts, the last scored of it.
    """
    with store.read() as connection:
        found = Compared(_suite(connection, suite_hash))
        known = entries_of(connection, candidates)
        _refuse_unknown(connection, candidates, known)
        wanted = [one for one in known if not judges or one.judge in judges]
        if not wanted:
            raise UsageError(
                f"no judge of these candidates is named {' or '.join(sorted(judges))}; see `nextstep results`"
            )
        read = lru_cache(maxsize=None)(partial(scores_of, connection))
        for pair in combinations(dict.fromkeys(candidates), 2):
            _compare(read, found, wanted, pair, only, most)
        name_moments(connection, found.changed)
    _adjust(found.rows)
    with store.write() as connection:
        insert(connection, "comparisons", found.rows, replace=True)
    return found


def _suite(connection: Connection, suite_hash: str | None) -> str:
    meant = suite_of(connection, suite_hash)
    if meant is None:
        raise UsageError("nothing was scored yet; `nextstep eval` does")
    return meant


def _refuse_unknown(connection: Connection, candidates: Sequence[str], known: Sequence[Entry]) -> None:
    from difflib import get_close_matches

    if len(set(candidates)) < 2:
        raise UsageError("a comparison needs two different candidates: nextstep compare A B")
    judged = {entry.candidate for entry in known}
    for name in candidates:
        if name not in judged:
            there = [row["candidate"] for row in query(connection, "candidates_judged")]
            close = get_close_matches(name, there, n=1)
            hint = f"did you mean {close[0]}?" if close else f"there are: {', '.join(there) or 'none'}"
            raise UsageError(f"the store has no win rate of {name!r}; {hint}")


def _compare(
    read: Callable[[Entry], Scores],
    found: Compared,
    known: Sequence[Entry],
    pair: tuple[str, str],
    only: MomentSet | None,
    most: int,
) -> None:
    sides = [[one for one in known if one.candidate == name] for name in pair]
    here = [[one for one in side if one.suite_hash == found.suite_hash] for side in sides]
    alike: dict[tuple[object, ...], tuple[Entry, Entry]] = {}
    for ours, theirs in product(*here):
        if not differences(ours, theirs):
            alike.setdefault((ours.judged_by, ours.asked_hash), (ours, theirs))
    if not alike and all(sides):
        ours = (here[0] or sides[0])[0]
        other = nearest(ours, here[1] or sides[1]) or sides[1][0]
        found.apart.append(Apart(*pair, differences(ours, other)))
    for ours, theirs in sorted(alike.values(), key=lambda entries: (len(entries[0].judges), entries[0].judged_by)):
        scores = read(ours), read(theirs)
        for moment_set in MomentSet:
            if only in (None, moment_set):
                _add(found, (ours, theirs), scores, moment_set, most)


def _add(
    found: Compared, entries: tuple[Entry, Entry], scores: tuple[Scores, Scores], moment_set: MomentSet, most: int
) -> None:
    pairing = pair_up(*(of_set(one, moment_set) for one in scores))
    if not pairing.pairs and not pairing.dropped:
        return
    row = difference_row(*entries, moment_set, pairing)
    found.rows.append(row)
    found.changed += [changed_row(row, one) for one in pairing.changed(most)]


def difference_row(ours: Entry, theirs: Entry, moment_set: MomentSet, pairing: Pairing) -> Row:
    """A paired difference as a row of `comparisons`, not yet adjusted for others."""
    result, units = paired(pairing.units), pairing.units
    figure, n = result.difference, len(units)
    free = result.se and result.bound is None and figure.ci_low is not None and figure.status != "degenerate"
    sessions = cluster((session, 0.0) for session, _ in units)
    return {
        "suite_hash": ours.suite_hash,
        "candidate": ours.candidate,
        "baseline": theirs.candidate,
        "judge": ours.judge,
        "set": str(moment_set),
        "n_moments": n,
        "n_sessions": figure.n_sessions,
        "n_dropped": pairing.dropped,
        "dropped": json.dumps(dropped_of(pairing)),
        "candidate_rate": sum(a for _, (a, _) in units) / n if n else None,
        "baseline_rate": sum(b for _, (_, b) in units) / n if n else None,
        "difference": figure.value,
        "ci_low": figure.ci_low,
        "ci_high": figure.ci_high,
        "p_value": result.p_value,
        "p_holm": result.p_value,
        "n_tests": 1,
        "better": result.better if n else None,
        "same": result.equal if n else None,
        "worse": result.worse if n else None,
        "correlation": result.correlation,
        "se": result.se,
        "mde": detectable_difference(result.se or 0.0, df=sessions.effective - 1) if free else None,
        "status": figure.status,
        "offline": ours.offline or theirs.offline,
        "candidate_prompt_hash": ours.proposal_prompt_hash,
        "baseline_prompt_hash": theirs.proposal_prompt_hash,
        "verdict_prompt_hash": ours.verdict_prompt_hash,
        "updated_at": utc_now(),
    }


def dropped_of(pairing: Pairing) -> dict[str, dict[str, int]]:
    """How many moments each side lacks, by reason."""
    sides = {"candidate": pairing.ours_dropped, "baseline": pairing.theirs_dropped}
    return {side: {str(reason): count for reason, count in lost.items()} for side, lost in sides.items()}


def changed_row(row: Row, pair: Pair) -> Row:
    """A moment at which two candidates' scores differ, for people: `nextstep show` takes its id."""
    names = ("candidate", "baseline", "judge", "verdict_prompt_hash", "set")
    scores = {"candidate_score": pair.ours.score, "baseline_score": pair.theirs.score, "difference": pair.difference}
    return {name: row[name] for name in names} | {"moment_id": pair.moment_id} | scores


def name_moments(connection: Connection, changed: Sequence[Row]) -> None:
    """Add where the moments stand, as SESSION:CUT."""
    found = query(connection, "moment_names", moment_ids=[row["moment_id"] for row in changed])
    places = {row["moment_id"]: f"{row['session']}:{row['cut']}" for row in found}
    for row in changed:
        row["moment"] = places.get(row["moment_id"], "")


def _adjust(rows: Sequence[Row]) -> None:
    """Holm's p-values over the pairs that were compared under one judge on one set."""
    families: dict[tuple[object, ...], list[Row]] = {}
    for row in rows:
        if row["p_value"] is not None:
            families.setdefault((row["judge"], row["verdict_prompt_hash"], row["set"]), []).append(row)
    for family in families.values():
        for row, adjusted in zip(family, holm([row["p_value"] for row in family]), strict=True):
            row["p_holm"], row["n_tests"] = adjusted, len(family)
