"""What became of (moment, sample) pairs -> the figures of a win rate's row: counts, estimates, and what may bias them.

Every estimate counts moments, each with the mean over its samples, and takes sessions as independent: repeating samples
changes no figure and no interval.
"""

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import asdict
from datetime import date
from typing import Any

from nextstep.core.stats import (
    Estimate,
    Figure,
    abbott_bound,
    cluster,
    estimate,
    first_position,
    jackknife_variance,
    length_controlled,
)
from nextstep.core.stats.components import variance_split
from nextstep.models.cutoffs import BEFORE, contamination

Row = dict[str, Any]


def summary(tallies: Sequence[Row], training_cutoff: date | None = None) -> Row:
    """Counts and figures over rows of `tally`: the columns of `win_rates` that one set alone settles."""
    counts = Counter(row["outcome"] for row in tallies)
    judged = [row for row in tallies if row["score"] is not None]
    flipped = [row["flipped"] for row in judged if row["flipped"] is not None]
    return asdict(estimate_moments(judged, "score")) | {
        "wins": counts["win"],
        "losses": counts["loss"],
        "ties": counts["tie"],
        "flips": counts["flip"],
        "failures": counts["failure"],
        "pending": counts["pending"],
        "due": len(tallies),
        "refusals": sum(row["refused"] for row in tallies),
        "variance": _variance(judged),
        "average_win_rate": estimate_moments(judged, "average_score").win_rate,
        "flip_rate": _mean(flipped),
        "shortened_share": _mean([bool(row["prefix_shortened"] or row["judge_shortened"]) for row in judged]),
        **_positions(judged),
        **_lengths(judged),
        **_after_cutoff(judged, training_cutoff),
        **_variances(judged),
    }


def moment_scores(judged: Iterable[Row], column: str = "score") -> list[tuple[Hashable, float]]:
    """(session, mean over samples) for each moment, in the order of the rows."""
    return [(session, sum(row[column] for row in rows) / len(rows)) for session, rows in _moments(judged)]


def estimate_moments(judged: Iterable[Row], column: str) -> Estimate:
    """The mean over moments of a score in [0, 1], each moment with the mean over its samples."""
    return estimate(moment_scores(judged, column))


def _variance(judged: Iterable[Row]) -> float | None:
    """The variance of the win rate that its interval rests on; None where one session says nothing of others."""
    clusters = cluster(moment_scores(judged))
    return jackknife_variance(clusters) if len(clusters.sizes) > 1 else None


def lower_bound(detour: Iterable[Row], control: Iterable[Row]) -> Row:
    """The columns `lower_bound...` of a detour row, from the judged pairs of both sets."""
    return _columns("lower_bound", abbott_bound(moment_scores(detour), moment_scores(control)))


def within(row: Row, band: tuple[float, float]) -> bool | None:
    """Whether a row's interval overlaps a band; None without an interval."""
    if row["ci_low"] is None:
        return None
    return bool(row["ci_low"] <= band[1] and band[0] <= row["ci_high"])


def _moments(judged: Iterable[Row]) -> Iterator[tuple[Hashable, list[Row]]]:
    """The session and the rows of each moment."""
    moments: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in judged:
        moments[row["session_id"], row["moment_id"]].append(row)
    return ((session, rows) for (session, _), rows in moments.items())


def _positions(judged: Sequence[Row]) -> Row:
    if any(row["score_first"] is None for row in judged):
        return _columns("first_position", first_position([]))
    ones, others = moment_scores(judged, "score_first"), moment_scores(judged, "score_second")
    pairs = [(session, (first, second)) for (session, first), (_, second) in zip(ones, others, strict=True)]
    return _columns("first_position", first_position(pairs))


def _lengths(judged: Sequence[Row]) -> Row:
    """How much longer the candidate's steps are, and the win rate at equal length."""
    kept = ("session_id", "moment_id")
    longer = [{name: row[name] for name in kept} | {"more": row["words"] - row["human_words"]} for row in judged]
    scores, differences = moment_scores(judged), moment_scores(longer, "more")
    pairs = [(session, (score, more)) for (session, score), (_, more) in zip(scores, differences, strict=True)]
    found = length_controlled(pairs)
    return {
        "length_difference": _mean([more for _, more in differences]),
        "lc_win_rate": found.value,
        "lc_low": found.ci_low,
        "lc_high": found.ci_high,
        "lc_status": found.status,
    }


def _after_cutoff(judged: Sequence[Row], training_cutoff: date | None) -> Row:
    """How many moments may have been trained on, and the win rate without them."""
    if training_cutoff is None:
        return {"n_before_cutoff": None, "win_rate_after_cutoff": None}
    after = [row for row in judged if contamination(row["started_at"], training_cutoff) != BEFORE]
    before = len(moment_scores(judged)) - len(moment_scores(after))
    rate = estimate_moments(after, "score").win_rate if before else None
    return {"n_before_cutoff": before, "win_rate_after_cutoff": rate}


def _variances(judged: Sequence[Row]) -> Row:
    """How much of the scores' variance lies between samples of one moment, and how much between moments."""
    units = [(session, [row["score"] for row in rows]) for session, rows in _moments(judged)]
    split = variance_split(units)
    return {
        "var_within": split and split.within,
        "var_between": split and split.between,
        "enough_samples": split and split.enough_samples(),
    }


def _columns(name: str, found: Figure) -> Row:
    return {name: found.value, f"{name}_low": found.ci_low, f"{name}_high": found.ci_high}


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None
