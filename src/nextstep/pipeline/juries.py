"""Several judges of the same pairs -> one jury's scores, how far the judges agree, and what they do for their own."""

from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import asdict
from itertools import permutations
from typing import Any

from nextstep.config import JURY
from nextstep.core.families import family
from nextstep.core.ids import make_id
from nextstep.core.records import Outcome
from nextstep.core.stats import Figure, cohen_kappa, krippendorff_alpha, mean_figure
from nextstep.store import Connection
from nextstep.store.database import query, utc_now

Row = dict[str, Any]
Named = tuple[str, str]
"""A judge's or a candidate's label and the hash of its prompt."""
Moment = tuple[str, str]
"""A moment's session and its own id."""

DECIDED = frozenset({Outcome.WIN, Outcome.LOSS})


def jury_hash(judges: Iterable[Named]) -> str:
    """Names a jury by its judges and their prompts, in whatever order they come."""
    return make_id(JURY, *sorted(judges))


def combine(tallies: Sequence[Sequence[Row]]) -> list[Row]:
    """The judges' tallies of one candidate as one: a pair's score is the mean over all of them.

    Above 0.5 it is a win, below a loss, else a tie. A pair that one judge has not judged has no score: it is a failure
    if it is one under any judge, else pending. A jury shows the steps in no order, so what tells of orders is None.
    """
    return [_combined(rows) for rows in zip(*tallies, strict=True)]


def _combined(rows: Sequence[Row]) -> Row:
    """One (moment, sample) under all judges."""
    shared = rows[0] | {"refused": any(row["refused"] for row in rows)}
    none = dict.fromkeys(("score", "average_score", "flipped", "score_first", "score_second"))
    if any(row["score"] is None for row in rows):
        failed = any(row["outcome"] == "failure" for row in rows)
        return shared | none | {"outcome": "failure" if failed else "pending"}
    mean = sum(row["score"] for row in rows) / len(rows)
    outcome = Outcome.WIN if mean > 0.5 else Outcome.LOSS if mean < 0.5 else Outcome.TIE
    more = {
        "outcome": str(outcome),
        "score": mean,
        "average_score": sum(row["average_score"] for row in rows) / len(rows),
        "judge_shortened": any(row["judge_shortened"] for row in rows),
        "human_words": sum(row["human_words"] for row in rows) / len(rows),
    }
    return shared | none | more


def agreement(connection: Connection, suite_hash: str, judges: Sequence[Named]) -> list[Row]:
    """How far each two of these judges agree on a suite's proposals, for each set: rows of `agreement`."""
    if len(judges) < 2:
        return []
    names, hashes = [judge for judge, _ in judges], [digest for _, digest in judges]
    both: dict[tuple[str, ...], list[Row]] = defaultdict(list)
    columns = ("judge_a", "prompt_hash_a", "judge_b", "prompt_hash_b", "set")
    for row in query(connection, "judged_by_both", suite_hash=suite_hash, judges=names, prompt_hashes=hashes):
        both[tuple(row[column] for column in columns)].append(row)
    fixed = {"suite_hash": suite_hash, "updated_at": utc_now()}
    return [fixed | dict(zip(columns, key, strict=True)) | _agreement(rows) for key, rows in both.items()]


def _agreement(rows: Sequence[Row]) -> Row:
    outcomes = [(row["outcome_a"], row["outcome_b"]) for row in rows]
    sessions: list[Hashable] = [row["session_id"] for row in rows]
    decided = [(one, other) for one, other in outcomes if {one, other} <= DECIDED]
    kappa = cohen_kappa(zip(sessions, outcomes, strict=True), categories=[str(outcome) for outcome in Outcome])
    scores = [(row["session_id"], (row["score_a"], row["score_b"])) for row in rows]
    alpha = krippendorff_alpha(scores, level="ordinal")
    return {
        "n": len(rows),
        "n_sessions": len(set(sessions)),
        "agreed": sum(one == other for one, other in outcomes) / len(outcomes),
        "n_decided": len(decided),
        "agreed_decided": sum(one == other for one, other in decided) / len(decided) if decided else None,
        "kappa": kappa.value,
        "kappa_low": kappa.ci_low,
        "kappa_high": kappa.ci_high,
        "kappa_status": kappa.status,
        "alpha": alpha.value,
        "alpha_low": alpha.ci_low,
        "alpha_high": alpha.ci_high,
        "alpha_status": alpha.status,
    }


def self_preference(connection: Connection, suite_hash: str) -> list[Row]:
    """How much more each judge favours its own family than judges of other families do: a row a judge.

    A difference of differences over the same proposals, for each moment: how much higher the judge scores a candidate
    of its own family than another judge does, minus the same for one of the other judge's family; the mean over
    all such judges and candidates. 0 is no preference. The figure is what both judges do together: that there is a
    preference, not whose. Families are read off the models' names; what is of an unknown one is left out. Judges are
    compared only where they were asked alike (`way_hash`): another prompt or form is no difference between families.
    """
    judged: dict[tuple[Named, Named], dict[str, Row]] = defaultdict(dict)
    makers: dict[Named, str | None] = {}
    ways: dict[Named, str] = {}
    for row in query(connection, "judged_with_models", suite_hash=suite_hash):
        judge, candidate = (row["judge"], row["prompt_hash"]), (row["candidate"], row["proposal_prompt_hash"])
        judged[judge, candidate][row["proposal_id"]] = row
        ways[judge] = row["way_hash"]
        makers[judge], makers[candidate] = family(row["judge_model"]), family(row["model"])
    judges, candidates = {judge for judge, _ in judged}, {candidate for _, candidate in judged}
    by_judge: dict[Named, dict[Moment, list[float]]] = defaultdict(lambda: defaultdict(list))
    alike = [pair for pair in permutations(sorted(judges), 2) if ways[pair[0]] == ways[pair[1]]]
    for judge, other_judge in alike:
        for own, other in permutations(sorted(candidates), 2):
            if _each_has_its_own([makers[one] for one in (judge, other_judge, own, other)]):
                more = _differences(judged[judge, own], judged[other_judge, own])
                less = _differences(judged[judge, other], judged[other_judge, other])
                for moment in more.keys() & less.keys():
                    by_judge[judge][moment].append(more[moment] - less[moment])
    return [_preference(judge, moments) for judge, moments in by_judge.items() if moments]


def strongest(rows: Sequence[Mapping[str, Any]]) -> Figure | None:
    """Of a judge's rows of `self_preference`, the one that shows the most of a preference, if there is any."""
    if not rows:
        return None
    row = max(rows, key=lambda row: -2.0 if row["ci_low"] is None else row["ci_low"])
    return Figure(row["value"], row["ci_low"], row["ci_high"], row["n"], row["n_sessions"], row["status"])


def _each_has_its_own(makers: Sequence[str | None]) -> bool:
    """Whether judge, other judge, candidate and other candidate are of two known families, crosswise."""
    return None not in makers and makers[0] != makers[1] and makers[:2] == makers[2:]


def _differences(ones: dict[str, Row], others: dict[str, Row]) -> dict[Moment, float]:
    """For each moment: how much higher one judge scores a candidate's proposals than another, the same proposals."""
    by_moment: dict[Moment, list[float]] = defaultdict(list)
    for proposal_id in sorted(ones.keys() & others.keys()):
        row = ones[proposal_id]
        by_moment[row["session_id"], row["moment_id"]].append(row["score"] - others[proposal_id]["score"])
    return {moment: sum(values) / len(values) for moment, values in by_moment.items()}


def _preference(judge: Named, moments: dict[Moment, list[float]]) -> Row:
    values = [(session, sum(of) / len(of)) for (session, _), of in sorted(moments.items())]
    found = mean_figure(values, low=-2.0, high=2.0)
    return {"judge": judge[0], "prompt_hash": judge[1]} | asdict(found)
