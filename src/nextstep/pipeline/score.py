"""Outcomes -> win rates, stored for each candidate, judge and set."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from nextstep.core.ids import make_id
from nextstep.core.records import MomentSet
from nextstep.core.stats import Estimate, estimate
from nextstep.models import is_offline
from nextstep.store import Connection
from nextstep.store.database import insert, query, utc_now


@dataclass(frozen=True)
class Contest:
    """A candidate under a judge: their labels, models, and the hashes of what they were asked with."""

    candidate: str
    judge: str
    models: tuple[str, str]
    proposal_prompt_hash: str
    verdict_prompt_hash: str


def score(connection: Connection, suite_hash: str, contests: Iterable[Contest]) -> list[dict[str, Any]]:
    """Work out and store the win rates of these contests over a suite: a row for each set that was tried."""
    rows = [row for contest in contests for row in _contest_rows(connection, suite_hash, contest)]
    insert(connection, "win_rates", rows, replace=True)
    return rows


def _contest_rows(connection: Connection, suite_hash: str, contest: Contest) -> list[dict[str, Any]]:
    tallies = tally(connection, suite_hash, contest)
    by_set = defaultdict(list)
    for row in tallies:
        by_set[row["set"]].append(row)
    hashes = {
        "proposal_prompt_hash": contest.proposal_prompt_hash,
        "verdict_prompt_hash": contest.verdict_prompt_hash,
        "prompt_hash": make_id("prompts", contest.proposal_prompt_hash, contest.verdict_prompt_hash),
    }
    fixed = {
        "suite_hash": suite_hash,
        "candidate": contest.candidate,
        "judge": contest.judge,
        "offline": any(map(is_offline, contest.models)),
        "updated_at": utc_now(),
    }
    rows: list[dict[str, Any]] = [fixed | hashes | {"set": str(s)} | summary(by_set[s]) for s in MomentSet]
    return [row for row in rows if row["due"] > row["pending"]]


def tally(connection: Connection, suite_hash: str, contest: Contest) -> list[dict[str, Any]]:
    """What became of every (moment, sample) of a contest."""
    return query(
        connection,
        "tally",
        suite_hash=suite_hash,
        candidate=contest.candidate,
        judge=contest.judge,
        proposal_prompt_hash=contest.proposal_prompt_hash,
        verdict_prompt_hash=contest.verdict_prompt_hash,
    )


def summary(tallies: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Counts and estimates over (moment, sample) rows: the columns of `win_rates` that are figures."""
    counts = Counter(row["outcome"] for row in tallies)
    judged = [row for row in tallies if row["score"] is not None]
    primary = estimate_moments(judged, "score")
    return asdict(primary) | {
        "wins": counts["win"],
        "losses": counts["loss"],
        "ties": counts["tie"],
        "flips": counts["flip"],
        "failures": counts["failure"],
        "pending": counts["pending"],
        "due": len(tallies),
        "average_win_rate": estimate_moments(judged, "average_score").win_rate,
        "flip_rate": sum(row["flipped"] for row in judged) / len(judged) if judged else None,
    }


def estimate_moments(judged: Iterable[dict[str, Any]], score_column: str) -> Estimate:
    """The win rate over moments, each with the mean score of its samples."""
    samples = defaultdict(list)
    for row in judged:
        samples[row["session_id"], row["moment_id"]].append(row[score_column])
    return estimate((session, sum(scores) / len(scores)) for (session, _), scores in sorted(samples.items()))
