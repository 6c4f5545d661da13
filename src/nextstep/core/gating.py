"""A paired difference and thresholds that were fixed before -> PASS, REGRESSION or NO VERDICT, with reasons.

A test of non-inferiority with three outcomes: a gate that has two lies in the third. What speaks against any verdict
(`Objection`) comes before the figures: where the judge cannot be trusted, neither can a regression.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from nextstep.core.pairing import Pairing, Tried, missing_share
from nextstep.core.stats import Figure, MarginTest, holm, mcnemar_p, required_moments, required_samples, sampling_noise
from nextstep.core.stats.power import POWER

LEAST_MOMENTS = 30
LEAST_SESSIONS = 10
"""Effective sessions; with fewer the interval is rough."""
MOST_MISSING = 0.02
"""Of the samples that were asked for."""


class Verdict(StrEnum):
    """What a gate says."""

    PASS = "pass"  # noqa: S105 - no password
    REGRESSION = "regression"
    NO_VERDICT = "no verdict"


class Reason(StrEnum):
    """Why there is no verdict."""

    NOT_COMPARABLE = "not comparable"
    JUDGE_NOT_TRUSTED = "judge not trusted"
    CONTROL_OUT_OF_BAND = "control out of band"
    TOO_MANY_FAILURES = "too many failures"
    INCONCLUSIVE = "inconclusive"


@dataclass(frozen=True)
class Objection:
    """Why there is no verdict: the kind of reason, what is the matter, and what would mend it."""

    reason: Reason
    what: str
    remedy: str


@dataclass(frozen=True)
class Rule:
    """What a gate decides by, fixed before the scores are read; `alpha` is one-sided."""

    margin: float
    alpha: float


@dataclass(frozen=True)
class Ruling:
    """A gate's verdict; without one, the reasons. `remark` says what a PASS alone would hide."""

    verdict: Verdict
    objections: tuple[Objection, ...] = ()
    remark: str | None = None


@dataclass(frozen=True)
class Plan:
    """What would decide with 80 % probability, None where that cannot be told or nothing realistic would.

    Further moments like these if the two are equally good, and if they differ by what was seen; samples a moment if
    they are equally good.
    """

    moments_if_equal: int | None
    moments_if_as_seen: int | None
    samples_if_equal: int | None
    samples: float
    """Samples a moment that there are now, of the candidate that has fewer."""


def rule_on(tests: Sequence[MarginTest], rule: Rule) -> list[Ruling]:
    """What the figures of a gate's sets say, each set for itself.

    PASS where the lower bound is above -margin: all sets must pass, so each may be tested at alpha (an intersection-
    union test). REGRESSION where the difference is below -margin: one set is enough to act on, so their p-values are
    adjusted for one another (Holm). NO VERDICT otherwise, and with fewer than 30 moments or 10 effective sessions.
    """
    return [_ruling(test, below, rule) for test, below in zip(tests, holm([t.p_below for t in tests]), strict=True)]


def _ruling(test: MarginTest, p_below: float, rule: Rule) -> Ruling:
    figure = test.comparison.difference
    if few := _too_few(test):
        return Ruling(Verdict.NO_VERDICT, (few,))
    if test.low is not None and test.low > -rule.margin:
        return Ruling(Verdict.PASS, (), _beside_pass(test))
    if p_below <= rule.alpha and test.high is not None and test.high < -rule.margin:
        return Ruling(Verdict.REGRESSION)
    interval = "no interval" if test.low is None or test.high is None else f"{points(test.low)} to {points(test.high)}"
    what = f"the difference of {points(figure.value)} ({interval}) leaves both open: within the margin, and below it"
    return Ruling(Verdict.NO_VERDICT, (Objection(Reason.INCONCLUSIVE, what, ""),))


def _too_few(test: MarginTest) -> Objection | None:
    figure = test.comparison.difference
    if figure.n >= LEAST_MOMENTS and test.effective_sessions >= LEAST_SESSIONS:
        return None
    what = (
        f"{figure.n} moments in {figure.n_sessions} sessions that weigh as much as {test.effective_sessions:.1f} equal"
        f" ones; a gate needs {LEAST_MOMENTS} moments and {LEAST_SESSIONS} such sessions"
    )
    return Objection(Reason.INCONCLUSIVE, what, "add sessions with moments to the suite (`nextstep import`)")


def _beside_pass(test: MarginTest) -> str | None:
    if test.low is not None and test.low > 0:
        return "better"
    if test.high is not None and test.high < 0:
        return "worse, but by less than the margin"
    return None


def points(value: float | None) -> str:
    """A difference in percentage points with its sign."""
    return "-" if value is None else f"{100 * value:+.1f}"


def plan(pairing: Pairing, test: MarginTest, rule: Rule, *, fixed_baseline: bool) -> Plan:
    """What more would decide. With a `fixed_baseline`, such as a file, only the new model can get more samples."""
    ours, theirs = ([side.scores for side in sides] for sides in _sides(pairing))
    samples = min(map(len, [*ours, *(() if fixed_baseline else theirs)]), default=0)
    figure, se, n = test.comparison.difference, test.comparison.se, len(pairing.pairs)
    if not se or figure.value is None or test.mde is None:
        return Plan(None, None, None, samples)
    variance = se * se
    noise = [sampling_noise(ours), 0.0 if fixed_baseline else sampling_noise(theirs)]
    known = [part for part in noise if part is not None]
    return Plan(
        _more(n, variance, rule.margin, rule),
        _more(n, variance, abs(figure.value + rule.margin), rule),
        required_samples(variance, sum(known), samples, rule.margin, alpha=rule.alpha) if len(known) == 2 else None,
        samples,
    )


def _sides(pairing: Pairing) -> tuple[list[Tried], list[Tried]]:
    return [pair.ours for pair in pairing.pairs], [pair.theirs for pair in pairing.pairs]


MOST_MORE = 50
"""Times the moments that there are: more than that is as good as never."""


def _more(n: int, variance: float, distance: float, rule: Rule) -> int | None:
    if distance < 1e-9:
        return None
    wanted = max(LEAST_MOMENTS, required_moments(n * variance, distance, alpha=rule.alpha))
    return max(0, wanted - n) if wanted <= MOST_MORE * n else None


def advice(plan: Plan, n: int, difference: float | None) -> str:
    """A plan in words: what to do where a gate is inconclusive."""
    chance = f"{100 * POWER:.0f} %"
    said = []
    if plan.moments_if_equal:
        said.append(
            f"{plan.moments_if_equal} more moments like these {n} would decide with {chance} probability if the two"
            " are equally good"
        )
    elif plan.moments_if_equal == 0:
        said.append(f"{n} moments are enough for models that are equally good, which these may not be")
    if plan.moments_if_as_seen and plan.moments_if_as_seen != plan.moments_if_equal:
        said.append(
            f"{plan.moments_if_as_seen} more would, as surely, if they truly differ by {points(difference)} points"
        )
    if plan.samples_if_equal and plan.samples_if_equal > plan.samples:
        said.append(f"or, on these moments, --samples {plan.samples_if_equal} (pooled with those that are there)")
    elif plan.samples == 1:
        said.append("--samples 4 costs less than new moments and often helps; how far is told from 2 samples on")
    elif plan.moments_if_equal:
        said.append("more samples alone would hardly do")
    return "; ".join(said) or "add sessions with moments to the suite"


def objections_to_missing(new: str, old: str, ours: Iterable[Tried], theirs: Iterable[Tried]) -> list[Objection]:
    """Whether too much is missing of what was asked: more than 2 % of either, or more of one than of the other.

    The second by McNemar's exact test at 5 %, over moments with a sample missing of one model only.
    """
    found = []
    sides = (new, list(ours)), (old, list(theirs))
    for name, tried in sides:
        if missing_share(tried) > MOST_MISSING:
            found.append(_missing(name, tried))
    return found


def _missing(name: str, tried: Sequence[Tried]) -> Objection:
    due, failed, pending = (sum(getattr(one, what) for one in tried) for what in ("due", "failed", "pending"))
    what = f"{failed + pending} of {due} samples of {name} have no score ({failed} failed, {pending} not judged yet)"
    return Objection(
        Reason.TOO_MANY_FAILURES,
        f"{what}; at most {100 * MOST_MISSING:.0f} % may be missing",
        "run again without --no-run: lost calls are tried again; `nextstep sql --named failures` says why others fail,"
        " and --fresh asks anew for answers that cannot be read",
    )


def objection_to_imbalance(new: str, old: str, pairing_of: Sequence[tuple[Tried, Tried]]) -> Objection | None:
    """Whether what is missing differs by model, by McNemar's exact test at 5 % over moments asked of both."""
    only_new = sum(bool(ours.missing) and not theirs.missing for ours, theirs in pairing_of)
    only_old = sum(bool(theirs.missing) and not ours.missing for ours, theirs in pairing_of)
    if mcnemar_p(only_new, only_old) > 0.05:
        return None
    return Objection(
        Reason.TOO_MANY_FAILURES,
        f"what is missing differs by model: samples of {new} alone at {only_new} moments, of {old} alone at {only_old}",
        "`nextstep sql --named failures` says what one model fails at; scores without those moments compare other work",
    )


def strongest(figures: Iterable[Figure]) -> Figure | None:
    """Of several candidates' win rates on controls the highest: how weak the others are says nothing of the judge.

    Only of candidates judged at half as many moments as the one with most; None where there is none.
    """
    there = list(figures)
    most = max((figure.n for figure in there), default=0)
    broad = [figure for figure in there if 2 * figure.n >= most and figure.n]
    return max(broad, key=lambda figure: figure.value or 0.0, default=None)


def overall(verdicts: Iterable[Verdict]) -> Verdict:
    """A gate's verdict over its sets: one regression is one, and all must pass."""
    there = set(verdicts)
    if Verdict.REGRESSION in there:
        return Verdict.REGRESSION
    return Verdict.PASS if there == {Verdict.PASS} else Verdict.NO_VERDICT
