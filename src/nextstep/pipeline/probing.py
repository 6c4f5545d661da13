"""Made pairs and stored proposals -> a judge's answers on them: probe verdicts, repeats, and guesses of authorship."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from typing import Any, ClassVar

from nextstep.config import JudgeSettings
from nextstep.core.blinding import unblind
from nextstep.core.ids import make_id
from nextstep.core.judging import read_guess, read_judge_answer
from nextstep.core.probes import Made, with_hindsight
from nextstep.core.records import Choice, Event, Moment, Order, Request
from nextstep.models.base import answer_of
from nextstep.pipeline.calls import Call, Purpose, Trunk
from nextstep.pipeline.prompting import JudgePrompt
from nextstep.sources.suite import Suite
from nextstep.store import Connection
from nextstep.store.database import insert, query, utc_now

RETESTED = 100
"""Questions that are asked a second time, at most."""


@dataclass(frozen=True)
class ProbeTask:
    """A judge's answer on a made pair that is due and not there yet. Its request is made when it is looked at."""

    made: Made
    judge: JudgeSettings
    order: Order
    seen: "Seen" = field(repr=False)
    prompt: JudgePrompt
    prompt_hash: str
    repeat: int = 0
    """0 for the question itself, 1 for asking it a second time."""
    sample: int = 0

    stage: ClassVar[str] = "probe"
    table: ClassVar[str] = "probe_verdicts"

    @property
    def moment(self) -> Moment:
        """Where the pair stands."""
        return self.made.moment

    @property
    def model(self) -> str:
        """Who is asked."""
        return self.judge.model

    @property
    def named(self) -> tuple[str, ...]:
        """The question, without how often it is asked."""
        return self.made.probe_id, self.judge.label, self.prompt_hash, str(self.order)

    @property
    def trunk(self) -> Trunk:
        """What its request begins with: as in the evaluation, or with another session's end."""
        scope = (self.stage, self.prompt_hash, self.model, self.moment.session)
        make = partial(
            self.prompt.beginning, self.seen.events, self.moment.cut, self.judge, recovered_at=self.seen.outcome
        )
        return Trunk(scope, (self.moment.cut, self.made.hindsight.moment_id), make)

    @cached_property
    def _asked(self) -> tuple[Request, bool]:
        pair = (self.made.step, self.made.against)
        return self.prompt.request(
            self.seen.events, self.moment.cut, pair, self.order, self.judge, recovered_at=self.seen.outcome
        )

    @cached_property
    def call(self) -> Call:
        """What to ask."""
        return Call(Purpose.JUDGE, self._asked[0], self.sample)

    def result(self, body: str) -> dict[str, Any]:
        """The probe verdict's row. Raises UnreadableReply when the reply holds no verdict."""
        said = read_judge_answer(answer_of(body))
        return {
            "verdict_id": make_id("probe verdict", *self.named, self.repeat),
            "probe_id": self.made.probe_id,
            "judge": self.judge.label,
            "order": str(self.order),
            "sample": self.repeat,
            "choice": str(unblind(said.letter, self.order)),
            "strength": said.grade,
            "reason": said.reasoning,
            "shortened": self._asked[1],
            "prompt_hash": self.prompt_hash,
            "reply_id": self.call.reply_id,
            "created_at": utc_now(),
        }

    def repeated(self) -> "ProbeTask":
        """The same question a second time."""
        return replace(self, repeat=1, sample=1)

    def again(self) -> "ProbeTask":
        """The same with another sample, which is no repeat's either."""
        return replace(self, sample=self.sample + 2)

    def work(self) -> dict[str, Any]:
        """What a failure's row says of this task."""
        return {
            "stage": self.stage,
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
    seen: dict[tuple[str, str], Seen] = {}
    for made in pairs:
        names = (made.moment.moment_id, made.hindsight.moment_id)
        seen[names] = seen.get(names) or _seen(suite, made)
        for order in Order:
            yield ProbeTask(made, judge, order, seen[names], prompt, prompt_hash)


@dataclass(frozen=True)
class Seen:
    """The trajectory that a judge sees, and where it came out."""

    events: tuple[Event, ...] = field(repr=False)
    outcome: int


def _seen(suite: Suite, made: Made) -> Seen:
    moment, other = made.moment, made.hindsight
    events = suite.events_of(moment)
    if other == moment:
        return Seen(events, moment.recovered_at)
    outcome = moment.cut + max(1, other.recovered_at - other.cut)
    return Seen(with_hindsight(events, moment.cut, suite.events_of(other), other.cut), outcome)


def repeats(tasks: Sequence[ProbeTask], seed: int) -> list[ProbeTask]:
    """Some of the questions once more, drawn by the seed; only those whose two steps differ."""
    different = [task for task in tasks if task.made.step != task.made.against]
    drawn = sorted(different, key=lambda task: make_id("retest", seed, *task.named))
    return [task.repeated() for task in drawn[:RETESTED]]


def missing(connection: Connection, tasks: Sequence[ProbeTask]) -> list[ProbeTask]:
    """The tasks whose verdict the store does not have."""
    ids = list({task.made.probe_id for task in tasks})
    rows = query(connection, "probe_verdicts_of", probe_ids=ids)
    there = {(row["probe_id"], row["judge"], row["prompt_hash"], row["order"], row["sample"]) for row in rows}
    return [task for task in tasks if (*task.named, task.repeat) not in there]


@dataclass(frozen=True)
class GuessTask:
    """A judge's guess of which step a model wrote, due and not there yet. Its request is made when it is looked at."""

    moment: Moment
    proposal: dict[str, Any]
    judge: JudgeSettings
    step: str
    """The human's, as the judge reads it."""
    events: tuple[Event, ...] = field(repr=False)
    """Those up to the cut: from what came later, any reader can tell which step was taken."""
    prompt: JudgePrompt
    prompt_hash: str
    """As `guess_hash` gives it."""
    sample: int = 0

    stage: ClassVar[str] = str(Purpose.GUESS)
    table: ClassVar[str] = "guesses"

    @property
    def model(self) -> str:
        """Who is asked."""
        return self.judge.model

    @property
    def order(self) -> Order:
        """Drawn by the proposal."""
        return list(Order)[int(make_id("side", self.proposal["proposal_id"]), 16) % 2]

    @property
    def trunk(self) -> Trunk:
        """What its request begins with."""
        scope = (self.stage, self.prompt_hash, self.model, self.moment.session)
        return Trunk(scope, self.moment.cut, partial(self.prompt.beginning, self.events, self.moment.cut, self.judge))

    @cached_property
    def call(self) -> Call:
        """What to ask."""
        pair = (self.proposal["text"], self.step)
        request, _ = self.prompt.request(self.events, self.moment.cut, pair, self.order, self.judge)
        return Call(Purpose.GUESS, request, self.sample)

    def again(self) -> "GuessTask":
        """The same with the next sample of its call."""
        return replace(self, sample=self.sample + 1)

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
            "stage": self.stage,
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
        seen = suite.events_of(moment)[: moment.cut + 1]
        yield GuessTask(moment, row, judge, steps[moment.moment_id], seen, guess, prompt_hash)


def guess_hash(judge: JudgeSettings, guess: JudgePrompt, judged: JudgePrompt) -> str:
    """Names how a judge guesses, and of what it judged how."""
    return make_id("guess", guess.hash(judge), judged.hash(judge))
