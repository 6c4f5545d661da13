"""Made pairs and stored proposals -> a judge's answers on them: probe verdicts, repeats, and guesses of authorship."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from nextstep.config import JudgeSettings
from nextstep.core.blinding import unblind
from nextstep.core.ids import make_id
from nextstep.core.judging import read_guess, read_judge_answer
from nextstep.core.probes import Made, with_hindsight
from nextstep.core.records import Choice, Moment, Order
from nextstep.models.base import answer_of
from nextstep.pipeline.calls import Call, Purpose
from nextstep.pipeline.prompting import JudgePrompt
from nextstep.sources.suite import Suite
from nextstep.store import Connection
from nextstep.store.database import insert, query, utc_now

RETESTED = 100
"""Questions that are asked a second time, at most."""


@dataclass(frozen=True)
class ProbeTask:
    """A judge's answer on a made pair that is due and not there yet."""

    made: Made
    judge: JudgeSettings
    order: Order
    call: Call
    shortened: bool
    prompt_hash: str
    repeat: int = 0
    """0 for the question itself, 1 for asking it a second time."""

    def result(self, body: str) -> dict[str, Any]:
        """The probe verdict's row. Raises UnreadableReply when the reply holds no verdict."""
        said = read_judge_answer(answer_of(body))
        key = (self.made.probe_id, self.judge.label, self.prompt_hash, str(self.order), self.repeat)
        return {
            "verdict_id": make_id("probe verdict", *key),
            "probe_id": self.made.probe_id,
            "judge": self.judge.label,
            "order": str(self.order),
            "sample": self.repeat,
            "choice": str(unblind(said.letter, self.order)),
            "strength": said.grade,
            "reason": said.reasoning,
            "shortened": self.shortened,
            "prompt_hash": self.prompt_hash,
            "reply_id": self.call.reply_id,
            "created_at": utc_now(),
        }

    def repeated(self) -> "ProbeTask":
        """The same question a second time."""
        return replace(self, repeat=1, call=replace(self.call, sample=1))

    def again(self) -> "ProbeTask":
        """The same with another sample, which is no repeat's either."""
        return replace(self, call=replace(self.call, sample=self.call.sample + 2))

    def work(self) -> dict[str, Any]:
        """What a failure's row says of this task."""
        return {
            "stage": "probe",
            "moment_id": self.made.moment.moment_id,
            "candidate": "",
            "sample": self.repeat,
            "proposal_id": self.made.probe_id,
            "judge": self.judge.label,
            "order": str(self.order),
            "model": self.judge.model,
            "prompt_hash": self.prompt_hash,
        }


def note_probes(connection: Connection, pairs: Sequence[Made]) -> None:
    """Write down what was made, before anybody is asked about it."""
    rows = [
        {
            "probe_id": made.probe_id,
            "probe": str(made.probe),
            "moment_id": made.moment.moment_id,
            "step": made.step,
            "against": made.against,
            "hindsight": made.hindsight.moment_id,
            "created_at": utc_now(),
        }
        for made in pairs
    ]
    insert(connection, "probes", rows)


def probe_tasks(suite: Suite, pairs: Sequence[Made], judge: JudgeSettings, prompt: JudgePrompt) -> Iterator[ProbeTask]:
    """The questions about these pairs in both orders, those of one moment together."""
    prompt_hash = prompt.hash(judge)
    for made in pairs:
        events, outcome = _seen(suite, made)
        for order in Order:
            pair = (made.step, made.against)
            request, shortened = prompt.request(events, made.moment.cut, pair, order, judge, recovered_at=outcome)
            yield ProbeTask(made, judge, order, Call(Purpose.JUDGE, request, 0), shortened, prompt_hash)


def _seen(suite: Suite, made: Made) -> tuple[Any, int]:
    """The trajectory that the judge sees, and where it came out."""
    moment, other = made.moment, made.hindsight
    events = suite.events_of(moment)
    if other == moment:
        return events, moment.recovered_at
    outcome = moment.cut + max(1, other.recovered_at - other.cut)
    return with_hindsight(events, moment.cut, suite.events_of(other), other.cut), outcome


def repeats(tasks: Sequence[ProbeTask], seed: int) -> list[ProbeTask]:
    """Some of the questions once more, drawn by the seed; only those whose two steps differ."""
    different = [task for task in tasks if task.made.step != task.made.against]
    drawn = sorted(different, key=lambda task: make_id("retest", seed, task.call.reply_id))
    return [task.repeated() for task in drawn[:RETESTED]]


def missing(connection: Connection, tasks: Sequence[ProbeTask]) -> list[ProbeTask]:
    """The tasks whose verdict the store does not have."""
    ids = list({task.made.probe_id for task in tasks})
    rows = query(connection, "probe_verdicts_of", probe_ids=ids)
    there = {(row["probe_id"], row["judge"], row["prompt_hash"], row["order"], row["sample"]) for row in rows}
    return [
        task
        for task in tasks
        if (task.made.probe_id, task.judge.label, task.prompt_hash, str(task.order), task.repeat) not in there
    ]


@dataclass(frozen=True)
class GuessTask:
    """A judge's guess of which step a model wrote, due and not there yet."""

    moment: Moment
    proposal: dict[str, Any]
    judge: JudgeSettings
    order: Order
    call: Call
    prompt_hash: str
    """As `guess_hash` gives it."""

    def again(self) -> "GuessTask":
        """The same with the next sample of its call."""
        return replace(self, call=replace(self.call, sample=self.call.sample + 1))

    def result(self, body: str) -> dict[str, Any]:
        """The guess's row. Raises UnreadableReply when the reply holds none."""
        said = read_guess(answer_of(body))
        choice = unblind(said.letter, self.order)
        return {
            "guess_id": make_id("guess", self.proposal["proposal_id"], self.judge.label, self.prompt_hash),
            "proposal_id": self.proposal["proposal_id"],
            "judge": self.judge.label,
            "order": str(self.order),
            "guess": "unsure" if choice is Choice.TIE else str(choice),
            "reason": said.reasoning,
            "prompt_hash": self.prompt_hash,
            "reply_id": self.call.reply_id,
            "created_at": utc_now(),
        }

    def work(self) -> dict[str, Any]:
        """What a failure's row says of this task."""
        return {
            "stage": str(Purpose.GUESS),
            "moment_id": self.moment.moment_id,
            "candidate": self.proposal["candidate"],
            "sample": self.proposal["sample"],
            "proposal_id": self.proposal["proposal_id"],
            "judge": self.judge.label,
            "order": str(self.order),
            "model": self.judge.model,
            "prompt_hash": self.prompt_hash,
        }


def due_guesses(
    connection: Connection,
    suite: Suite,
    moments: Sequence[Moment],
    steps: Mapping[str, str],
    judge: JudgeSettings,
    prompts: tuple[JudgePrompt, JudgePrompt],
) -> Iterator[GuessTask]:
    """A guess for one judged proposal of each moment; `prompts` are those of the guess and of the verdict.

    On the prefix alone: from what came later, any reader can tell which step was taken.
    """
    guess, prompt_hash = prompts[0], guess_hash(judge, *prompts)
    asked = {"judge": judge.label, "prompt_hash": prompts[1].hash(judge), "guess_hash": prompt_hash}
    rows = query(connection, "unguessed_proposals", moment_ids=[moment.moment_id for moment in moments], **asked)
    by_moment = {row["moment_id"]: row for row in rows}
    for moment in moments:
        row = by_moment.get(moment.moment_id)
        if row is None or row["guessed"] or moment.moment_id not in steps:
            continue
        order = list(Order)[int(make_id("side", row["proposal_id"]), 16) % 2]
        pair = (row["text"], steps[moment.moment_id])
        request, _ = guess.request(suite.events_of(moment)[: moment.cut + 1], moment.cut, pair, order, judge)
        yield GuessTask(moment, row, judge, order, Call(Purpose.GUESS, request, 0), prompt_hash)


def guess_hash(judge: JudgeSettings, guess: JudgePrompt, judged: JudgePrompt) -> str:
    """Names how a judge guesses, and of what it judged how."""
    return make_id("guess", guess.hash(judge), judged.hash(judge))
