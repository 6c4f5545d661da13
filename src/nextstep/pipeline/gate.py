"""The regression gate: declare it, read the scores, decide, and write down what it said.

The row of a gate stands in the store before any score is read, so that neither margin nor alpha can follow the data.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nextstep.core.comparable import Entry, differences, nearest
from nextstep.core.gating import Objection, Reason, Rule, Verdict, overall, rule_on
from nextstep.core.pairing import Scores
from nextstep.core.records import MomentSet
from nextstep.errors import UsageError
from nextstep.pipeline.baselines import ENDING, Baseline, read_baseline
from nextstep.pipeline.comparing import CHANGED, changed_row, name_moments
from nextstep.pipeline.entries import entries_of, entry_of, scores_of
from nextstep.pipeline.evaluate import Job
from nextstep.pipeline.findings import Evidence, Finding, find
from nextstep.pipeline.results import read_health
from nextstep.pipeline.running import new_run_id
from nextstep.pipeline.score import Contest
from nextstep.pipeline.trusting import standing
from nextstep.store import Connection, Store
from nextstep.store.database import insert, query, utc_now

Row = dict[str, Any]


@dataclass(frozen=True)
class Against:
    """What the new model is held against: a candidate of the store, or one in a file."""

    label: str
    baseline: Baseline | None = None
    path: Path | None = None


def against(named: str) -> Against:
    """What --against names: the baseline in a file whose name ends in .json, else a candidate."""
    if not named.endswith(ENDING):
        return Against(named)
    path = Path(named)
    baseline = read_baseline(path)
    return Against(baseline.candidate, baseline, path)


@dataclass
class Gate:
    """What a gate said: rows of `gates`, its earlier looks, and the moments that changed most."""

    rows: list[Row]
    earlier: list[Row]
    changed: list[Row] = field(default_factory=list)
    gated: int = 0
    """Candidates that were decided on with these moments, this one among them."""

    @property
    def verdict(self) -> Verdict:
        """Over all sets."""
        return overall(Verdict(row["verdict"]) for row in self.rows)


@dataclass(frozen=True)
class Sides:
    """The two candidates of a gate, and the entry that the old one must have for a comparison."""

    new: Entry
    old: Entry


def sides_of(job: Job, old: Against) -> Sides:
    """The candidates of a gate as the config has them judged; of a file's, what is nearest to that."""
    groups: dict[str, list[Contest]] = {candidate.label: [] for candidate in job.candidates}
    for contest in job.contests():
        groups[contest.candidate].append(contest)
    new, *others = (entry_of(job.suite.suite_hash, group) for group in groups.values())
    if old.baseline:
        return Sides(new, nearest(new, old.baseline.entries()) or new)
    if not others:
        raise UsageError(f"--against {old.label} is the new model itself; name the one that it is to replace")
    return Sides(new, others[0])


def not_comparable(sides: Sides) -> list[Objection]:
    """What keeps the two from being compared, whatever is run: a baseline's file that was made otherwise."""
    return [Objection(Reason.NOT_COMPARABLE, one.what, one.remedy) for one in differences(sides.new, sides.old)]


def decide(store: Store, job: Job, old: Against) -> Gate:
    """Declare the gate, read the scores, decide each set, and store what came of it."""
    sides, rule = sides_of(job, old), Rule(job.config.gate.margin, job.config.gate.alpha)
    with store.write() as connection:
        gate = _declare(connection, job, sides, old)
    with store.read() as connection:
        evidence = _read(connection, job, sides, old)
        findings = [find(MomentSet(row["set"]), evidence, rule) for row in gate.rows]
        _fill_in(gate, findings, rule)
        name_moments(connection, gate.changed)
    with store.write() as connection:
        insert(connection, "gates", gate.rows, replace=True)
        gate.gated = query(connection, "gated_on", suite_hash=sides.new.suite_hash)[0]["candidates"]
    return gate


def _declare(connection: Connection, job: Job, sides: Sides, old: Against) -> Gate:
    """Write down what will be decided by, before any score is read."""
    named = {
        "suite_hash": sides.new.suite_hash,
        "candidate": sides.new.candidate,
        "baseline": sides.old.candidate,
        "judge": sides.new.judge,
        "candidate_prompt_hash": sides.new.proposal_prompt_hash,
        "baseline_prompt_hash": sides.old.proposal_prompt_hash,
        "verdict_prompt_hash": sides.new.verdict_prompt_hash,
    }
    earlier = query(connection, "looks", **named)
    fixed = {
        "gate_id": new_run_id(),
        "margin": job.config.gate.margin,
        "alpha": job.config.gate.alpha,
        "declared_at": utc_now(),
        "offline": sides.new.offline or sides.old.offline,
        "baseline_file": str(old.path) if old.path else None,
    }
    rows: list[Row] = [
        named | fixed | {"set": str(one), "look": 1 + sum(look["set"] == one for look in earlier)}
        for one in job.config.gate.sets
    ]
    insert(connection, "gates", rows)
    return Gate(rows, earlier)


def _fill_in(gate: Gate, findings: Sequence[Finding], rule: Rule) -> None:
    """Complete a gate's rows with what was found of their sets."""
    rulings = iter(rule_on([one.test for one in findings if one.test], rule))
    for row, one in zip(gate.rows, findings, strict=True):
        row.update(one.row(next(rulings) if one.test else None, rule))
        row["same_data"] = sum(
            look["set"] == row["set"] and look["data_hash"] == row["data_hash"] for look in gate.earlier
        )
        row["decided_at"] = utc_now()
        gate.changed += [changed_row(row, pair) for pair in one.pairing.changed(CHANGED)]


def _read(connection: Connection, job: Job, sides: Sides, old: Against) -> Evidence:
    apart, ours = not_comparable(sides), scores_of(connection, sides.new)
    apart += _unjudged(connection, sides.new, ours)
    if old.baseline is None:
        theirs = scores_of(connection, sides.old)
        apart += _unjudged(connection, sides.old, theirs)
    else:
        theirs = old.baseline.scores(sides.old) if not apart else {}
    health = read_health(connection, sides.new.suite_hash)
    carried = old.baseline.health() if old.baseline else []
    stands = standing(sides.new, (ours, theirs), [*carried, *health], job.config.control.band)
    return Evidence(sides.new, sides.old, ours, theirs, stands, apart, fixed_baseline=old.baseline is not None)


def _unjudged(connection: Connection, entry: Entry, scores: Scores) -> list[Objection]:
    """Why nothing of a candidate was judged as this check has it; what was tried and failed is another matter."""
    if any(one.scores or one.failed for one in scores.values()):
        return []
    name = entry.candidate
    there = nearest(entry, entries_of(connection, [name]))
    remedy = f"run without --no-run, or `nextstep eval --model {name}`"
    if there is None:
        return [Objection(Reason.NOT_COMPARABLE, f"the store has no verdict on {name}", remedy)]
    found = differences(entry, there, "this check", f"{name} in the store")
    if not found:
        what = f"{name} has other parameters in the store than in this config (max_tokens, effort or max_input_tokens)"
        return [Objection(Reason.NOT_COMPARABLE, what, remedy)]
    return [Objection(Reason.NOT_COMPARABLE, one.what, remedy) for one in found]
