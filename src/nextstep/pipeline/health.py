"""A judge's answers -> its card: a figure for each probe, its tolerance, and what all of them amount to."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from nextstep.config import EvalConfig, JudgeSettings
from nextstep.core.gating import strongest
from nextstep.core.judging import SCORES
from nextstep.core.probes import EQUAL, TOLERANCES, Checked, Made, Probe, is_within, trust
from nextstep.core.records import Choice, MomentSet
from nextstep.core.stats import Figure, bang_index, first_position, flip_rate, mean_figure, rate_figure
from nextstep.models import is_offline
from nextstep.sources.suite import Suite
from nextstep.store import Connection
from nextstep.store.database import insert, query, utc_now

Row = dict[str, Any]


@dataclass(frozen=True)
class Answers:
    """All that a judge has answered which its card is made of."""

    probes: Mapping[str, Sequence[Row]]
    """By probe: rows with the choice in both orders."""
    asked: Sequence[Row]
    """A row for each pair that the judge was asked about, whether or not it answered."""
    repeats: Sequence[Row]
    pairs: Sequence[Row]
    """Of the evaluation: proposals judged in both orders."""
    guesses: Sequence[Row]
    self_preference: Figure | None


@dataclass(frozen=True)
class Asked:
    """A judge, and how it was asked: for verdicts, and for guesses of authorship."""

    judge: JudgeSettings
    prompt_hash: str
    guess_hash: str


@dataclass(frozen=True)
class Scope:
    """What a card is over: a suite's moments, and the made pairs that count."""

    suite_hash: str
    moment_ids: Sequence[str]
    probe_ids: Sequence[str]


def judge_card(
    connection: Connection,
    config: EvalConfig,
    suite: Suite,
    asked: Asked,
    pairs: Sequence[Made],
    self_preference: Figure | None,
) -> list[Row]:
    """Work out and store a judge's card over a suite and its made pairs; a row for each figure."""
    moments, probes = [moment.moment_id for moment in suite.moments], [made.probe_id for made in pairs]
    return store_card(connection, Scope(suite.suite_hash, moments, probes), asked, config.control.band, self_preference)


def store_card(
    connection: Connection, scope: Scope, asked: Asked, band: tuple[float, float], self_preference: Figure | None
) -> list[Row]:
    """Work out and store a judge's card from the answers that the store holds; `band` is that of its controls."""
    judge, prompt_hash = asked.judge, asked.prompt_hash
    answers = _answers(connection, scope, asked, self_preference)
    bounds = {name: (one.low, one.high) for name, one in TOLERANCES.items()} | {"control": band}
    figures = {name: figure(answers) for name, figure in FIGURES.items()}
    due = {name: max(figure.n, _due(name, answers)) for name, figure in figures.items()}
    checks = {
        name: Checked(is_within(*_interval(one), bounds[name]), one.n_sessions, one.n / due[name] if due[name] else 0.0)
        for name, one in figures.items()
    }
    whole = str(trust(checks))
    rows = [
        {
            "suite_hash": scope.suite_hash,
            "judge": judge.label,
            "prompt_hash": prompt_hash,
            "probe": name,
            "n": one.n,
            "due": due[name],
            "n_sessions": one.n_sessions,
            "value": one.value,
            "ci_low": one.ci_low,
            "ci_high": one.ci_high,
            "expected": _expected(bounds[name]),
            "ok": checks[name].ok,
            "status": one.status,
            "trust": whole,
            "offline": is_offline(judge.model),
            "guess_hash": asked.guess_hash,
            "updated_at": utc_now(),
        }
        for name, one in figures.items()
    ]
    insert(connection, "judge_health", rows, replace=True)
    return rows


def _interval(figure: Figure) -> tuple[float | None, float | None]:
    """Of a figure that never varies, the figure itself."""
    if figure.status == "degenerate" and figure.ci_low is None:
        return figure.value, figure.value
    return figure.ci_low, figure.ci_high


def _expected(bounds: tuple[float, float]) -> str:
    low, high = bounds
    if low <= 0 or low == -1.0:
        return f"<= {high:g}"
    return f">= {low:g}" if high >= 1 else f"{low:g} to {high:g}"


PROBES_OF = {
    "first_position": EQUAL,
    "future": (Probe.ORACLE,),
    "answered": tuple(Probe),
    **{str(probe): (probe,) for probe in Probe},
}
"""Whose pairs a figure counts, where it is of made pairs."""


def _due(name: str, answers: Answers) -> int:
    """How many pairs were asked about for a figure."""
    return sum(row["probe"] in PROBES_OF.get(name, ()) for row in answers.asked)


def _answers(connection: Connection, scope: Scope, asked: Asked, self_preference: Figure | None) -> Answers:
    judged = {"judge": asked.judge.label, "prompt_hash": asked.prompt_hash}
    probes, ids = scope.probe_ids, scope.moment_ids
    by_probe: dict[str, list[Row]] = defaultdict(list)
    for row in query(connection, "probe_pairs", probe_ids=probes, **judged):
        by_probe[row["probe"]].append(row)
    return Answers(
        by_probe,
        query(connection, "probes_asked", probe_ids=probes, **judged),
        query(connection, "probe_repeats", probe_ids=probes, **judged),
        query(connection, "judged_pairs", moment_ids=ids, **judged),
        query(connection, "guesses_of", moment_ids=ids, judge=asked.judge.label, prompt_hash=asked.guess_hash),
        self_preference,
    )


def _scores(row: Row) -> tuple[float, float]:
    """The made step's (or the candidate's) score when it stood first, and when it stood second."""
    return SCORES[Choice(row["first"])], SCORES[Choice(row["second"])]


def _average(row: Row) -> float:
    """The mean over both orders, so that a judge's liking for a place is not taken for another fault."""
    return sum(_scores(row)) / 2


def _ties(answers: Answers) -> Figure:
    """In each order for itself: folded, a judge that always takes the first place would tie too."""
    rows = answers.probes.get(Probe.VERBATIM, ())
    return rate_figure((row["session_id"], ((row["first"] == "tie") + (row["second"] == "tie")) / 2) for row in rows)


def _win_rate(probe: Probe) -> Callable[[Answers], Figure]:
    def figure(answers: Answers) -> Figure:
        return rate_figure((row["session_id"], _average(row)) for row in answers.probes.get(probe, ()))

    return figure


def _future(answers: Answers) -> Figure:
    """How much the oracle's step loses, moment by moment, when what came later is another session's."""
    own = {row["moment_id"]: row for row in answers.probes.get(Probe.ORACLE, ())}
    foreign = {row["moment_id"]: row for row in answers.probes.get(Probe.SHUFFLED, ())}
    both = [(row, foreign[moment]) for moment, row in own.items() if moment in foreign]
    return mean_figure(((row["session_id"], _average(row) - _average(other)) for row, other in both), low=-1, high=1)


def _first_position(answers: Answers) -> Figure:
    rows = [row for probe in EQUAL for row in answers.probes.get(probe, ())]
    return first_position((row["session_id"], _scores(row)) for row in rows)


def _retest(answers: Answers) -> Figure:
    return rate_figure((row["session_id"], float(row["first"] == row["second"])) for row in answers.repeats)


def _answered(answers: Answers) -> Figure:
    """Of all made pairs that were asked about, those with a verdict in both orders."""
    there = {row["probe_id"] for rows in answers.probes.values() for row in rows}
    return rate_figure((row["session_id"], float(row["probe_id"] in there)) for row in answers.asked)


def _order_flip(answers: Answers) -> Figure:
    return flip_rate((row["session_id"], _scores(row)) for row in answers.pairs)


def _authorship(answers: Answers) -> Figure:
    sides = {"model": 1, "human": -1, "unsure": 0}
    return bang_index((row["session_id"], sides[row["guess"]]) for row in answers.guesses)


def _control(answers: Answers) -> Figure:
    """Of the candidate that does best on controls: how weak the others are says nothing of the judge."""
    rows = [row for row in answers.pairs if row["set"] == MomentSet.CONTROL]
    by_candidate: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in rows:
        by_candidate[row["candidate"], row["proposal_prompt_hash"]].append(row)
    return strongest(rate_figure(_moment_means(some)) for some in by_candidate.values()) or rate_figure([])


def _moment_means(rows: Iterable[Row]) -> list[tuple[str, float]]:
    scores: dict[tuple[str, str], list[float]] = defaultdict(list)
    for row in rows:
        scores[row["session_id"], row["moment_id"]].append(row["score"])
    return [(session, sum(some) / len(some)) for (session, _), some in scores.items()]


def _self_preference(answers: Answers) -> Figure:
    return answers.self_preference or Figure(None, None, None, 0, 0, "empty")


FIGURES: Mapping[str, Callable[[Answers], Figure]] = {
    "verbatim": _ties,
    "first_position": _first_position,
    **{str(probe): _win_rate(probe) for probe in (Probe.REWORDED, Probe.PADDED, Probe.INSTRUCTION, Probe.CHECKLIST)},
    **{str(probe): _win_rate(probe) for probe in (Probe.ELSEWHERE, Probe.WORSENED, Probe.ORACLE)},
    "future": _future,
    "retest": _retest,
    "answered": _answered,
    "order_flip": _order_flip,
    "authorship": _authorship,
    "control": _control,
    "self_preference": _self_preference,
}
"""How each figure of the card comes from the answers."""
