"""Proposals -> verdicts: each pair of steps judged in both orders."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from typing import Any, ClassVar

from nextstep.config import JudgeSettings
from nextstep.core.blinding import unblind
from nextstep.core.ids import make_id
from nextstep.core.judging import read_judge_answer
from nextstep.core.records import Event, Moment, Order, Request
from nextstep.models.base import answer_of
from nextstep.pipeline.calls import Call, Purpose, Trunk
from nextstep.pipeline.prompting import JudgePrompt
from nextstep.pipeline.scribe import human_steps
from nextstep.sources.suite import Suite
from nextstep.store import Connection
from nextstep.store.database import query, utc_now


@dataclass(frozen=True)
class VerdictTask:
    """A verdict that is due and not there yet. Its request is made when it is looked at."""

    moment: Moment
    proposal: dict[str, Any]
    judge: JudgeSettings
    order: Order
    step: str
    """The human's step as the judge reads it."""
    rewrite_id: str | None
    """Of that step."""
    events: tuple[Event, ...] = field(repr=False)
    prompt: JudgePrompt
    prompt_hash: str
    sample: int = 0

    stage: ClassVar[str] = str(Purpose.JUDGE)
    table: ClassVar[str] = "verdicts"

    @property
    def model(self) -> str:
        """Who is asked."""
        return self.judge.model

    @property
    def trunk(self) -> Trunk:
        """What its request begins with."""
        return judge_trunk(self.moment, self.events, self.judge, self.prompt, self.prompt_hash)

    @cached_property
    def _asked(self) -> tuple[Request, bool]:
        pair, moment = (self.proposal["text"], self.step), self.moment
        return self.prompt.request(
            self.events, moment.cut, pair, self.order, self.judge, recovered_at=moment.recovered_at
        )

    @cached_property
    def call(self) -> Call:
        """What to ask."""
        return Call(Purpose.JUDGE, self._asked[0], self.sample)

    @property
    def shortened(self) -> bool:
        """Whether the trajectory was shortened."""
        return self._asked[1]

    def result(self, body: str) -> dict[str, Any]:
        """The verdict's row. Raises UnreadableReply when the reply holds no verdict: it is never a tie."""
        said = read_judge_answer(answer_of(body))
        proposal_id, order = self.proposal["proposal_id"], str(self.order)
        return {
            "verdict_id": make_id("verdict", proposal_id, self.judge.label, self.prompt_hash, order),
            "proposal_id": proposal_id,
            "judge": self.judge.label,
            "order": order,
            "choice": str(unblind(said.letter, self.order)),
            "strength": said.grade,
            "reason": said.reasoning,
            "shortened": self.shortened,
            "prompt_hash": self.prompt_hash,
            "rewrite_id": self.rewrite_id,
            "way_hash": self.prompt.way,
            "reply_id": self.call.reply_id,
            "created_at": utc_now(),
        }

    def again(self) -> "VerdictTask":
        """The same task with the next sample of its call."""
        return replace(self, sample=self.sample + 1)

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


def due_verdicts(
    connection: Connection,
    suite: Suite,
    proposals: Sequence[tuple[Moment, dict[str, Any]]],
    judges: Sequence[JudgeSettings],
    prompt: JudgePrompt,
) -> Iterator[VerdictTask]:
    """The verdicts that these judges owe for these proposals, all of one moment together.

    None is due where the human's step should be in the one form and is not yet.
    """
    steps = human_steps(connection, suite, [moment for moment, _ in proposals], prompt.form)
    ids = [proposal["proposal_id"] for _, proposal in proposals]
    for judge in judges:
        prompt_hash = prompt.hash(judge)
        rows = query(connection, "verdicts_of", judge=judge.label, prompt_hash=prompt_hash, proposal_ids=ids)
        there = {(row["proposal_id"], row["order"]) for row in rows}
        for moment, proposal in proposals:
            if moment.moment_id not in steps:
                continue
            step, rewrite_id = steps[moment.moment_id]
            for order in Order:
                if (proposal["proposal_id"], str(order)) not in there:
                    events = suite.events_of(moment)
                    yield VerdictTask(moment, proposal, judge, order, step, rewrite_id, events, prompt, prompt_hash)


def judge_trunk(
    moment: Moment, events: tuple[Event, ...], judge: JudgeSettings, prompt: JudgePrompt, prompt_hash: str
) -> Trunk:
    """What all questions to a judge about a moment begin with."""
    scope = (VerdictTask.stage, prompt_hash, judge.model, moment.session)
    make = partial(prompt.beginning, events, moment.cut, judge, recovered_at=moment.recovered_at)
    return Trunk(scope, moment.cut, make)
