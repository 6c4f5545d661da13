"""What a gate has read -> what it finds of one set: figures, objections, and the row that is stored."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from nextstep.core.comparable import Entry
from nextstep.core.gating import (
    Objection,
    Plan,
    Reason,
    Rule,
    Ruling,
    Verdict,
    advice,
    objection_to_imbalance,
    objections_to_missing,
    plan,
)
from nextstep.core.ids import make_id
from nextstep.core.pairing import Pairing, Scores, of_set, pair_up
from nextstep.core.records import MomentSet
from nextstep.core.stats import MarginTest, non_inferiority
from nextstep.pipeline.trusting import Standing

Row = dict[str, Any]


@dataclass(frozen=True)
class Evidence:
    """All that a gate has read: both candidates and their moments, how the judge stands, what keeps them apart."""

    new: Entry
    old: Entry
    ours: Scores
    theirs: Scores
    standing: Standing
    apart: Sequence[Objection]
    fixed_baseline: bool
    """Whether the old model's scores stand in a file, which gets no more samples."""


@dataclass(frozen=True)
class Finding:
    """What a gate found of one set; no test where no moment was scored for both."""

    evidence: Evidence
    pairing: Pairing
    test: MarginTest | None
    objections: tuple[Objection, ...]

    def row(self, ruling: Ruling | None, rule: Rule) -> Row:
        """The columns of `gates` that say what came of it; `ruling` is what the figures alone say."""
        plan_ = plan(self.pairing, self.test, rule, fixed_baseline=self.evidence.fixed_baseline) if self.test else None
        objections = self._objections(ruling, plan_)
        return {
            "verdict": str(Verdict.NO_VERDICT if objections or ruling is None else ruling.verdict),
            "reason": str(objections[0].reason) if objections else None,
            "detail": _joined(one.what for one in objections),
            "remedy": _joined(one.remedy for one in objections),
            "remark": ruling.remark if ruling and not objections else None,
            "trust": self.evidence.standing.trust,
            "control": self.evidence.standing.control,
            "data_hash": make_id("scores", [(p.moment_id, p.ours.scores, p.theirs.scores) for p in self.pairing.pairs]),
            "n_dropped": self.pairing.dropped,
            **_figures(self.pairing, self.test),
            **_planned(plan_),
        }

    def _objections(self, ruling: Ruling | None, plan_: Plan | None) -> list[Objection]:
        """What speaks against a verdict: of the judge and the data first, of the figures last."""
        found = list(self.objections)
        for one in ruling.objections if ruling else ():
            seen = self.test.comparison.difference.value if self.test else None
            told = advice(plan_, len(self.pairing.pairs), seen) if plan_ else ""
            found.append(Objection(one.reason, one.what, one.remedy or told))
        if self.test is None and not found:
            what = "no moment of this set was scored for both"
            found.append(Objection(Reason.INCONCLUSIVE, what, "evaluate both on the same moments of this set"))
        return found


def find(moment_set: MomentSet, evidence: Evidence, rule: Rule) -> Finding:
    """Test one set, and note what speaks against any verdict on it."""
    if evidence.apart:
        return Finding(evidence, pair_up({}, {}), None, tuple(evidence.apart))
    ours, theirs = of_set(evidence.ours, moment_set), of_set(evidence.theirs, moment_set)
    pairing = pair_up(ours, theirs)
    new, old = evidence.new.candidate, evidence.old.candidate
    missing = objections_to_missing(new, old, ours.values(), theirs.values())
    both = [(ours[moment_id], theirs[moment_id]) for moment_id in ours.keys() & theirs.keys()]
    uneven = objection_to_imbalance(new, old, both)
    objections = (*evidence.standing.objections, *missing, *([uneven] if uneven else []))
    units = pairing.units
    test = non_inferiority(units, margin=rule.margin, alpha=rule.alpha) if units else None
    return Finding(evidence, pairing, test, objections)


def _joined(texts: Iterable[str]) -> str | None:
    return "\n".join(dict.fromkeys(texts)) or None


def _figures(pairing: Pairing, test: MarginTest | None) -> Row:
    units = pairing.units
    n = len(units)
    figure = test.comparison.difference if test else None
    return {
        "n_moments": n,
        "n_sessions": figure.n_sessions if figure else 0,
        "effective_sessions": test.effective_sessions if test else None,
        "candidate_rate": sum(a for _, (a, _) in units) / n if n else None,
        "baseline_rate": sum(b for _, (_, b) in units) / n if n else None,
        "difference": figure.value if figure else None,
        "ci_low": test.low if test else None,
        "ci_high": test.high if test else None,
        "p_value": test.comparison.p_value if test else None,
        "p_below": test.p_below if test else None,
        "mde": test.mde if test else None,
        "power": test.power if test else None,
    }


def _planned(plan_: Plan | None) -> Row:
    return {
        "samples": plan_.samples if plan_ else None,
        "moments_if_equal": plan_.moments_if_equal if plan_ else None,
        "moments_if_as_seen": plan_.moments_if_as_seen if plan_ else None,
        "samples_if_equal": plan_.samples_if_equal if plan_ else None,
    }
