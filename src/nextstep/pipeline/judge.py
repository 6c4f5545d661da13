"""Proposals -> verdicts: each pair of steps judged in both orders."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from nextstep.config import JudgeSettings
from nextstep.core.blinding import unblind
from nextstep.core.ids import make_id
from nextstep.core.judging import read_judge_answer
from nextstep.core.records import Moment, Order
from nextstep.models.base import answer_of
from nextstep.pipeline.calls import Call, Purpose
from nextstep.pipeline.prompting import JudgePrompt
from nextstep.pipeline.scribe import human_steps
from nextstep.sources.suite import Suite
from nextstep.store import Connection
from nextstep.store.database import query, utc_now


@dataclass(frozen=True)
class VerdictTask:
    """A verdict that is due and not there yet."""

    moment: Moment
    proposal: dict[str, Any]
    judge: JudgeSettings
    order: Order
    call: Call
    shortened: bool
    prompt_hash: str
    way_hash: str
    rewrite_id: str | None
    """Of the human's step as the judge reads it."""

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
            "way_hash": self.way_hash,
            "reply_id": self.call.reply_id,
            "created_at": utc_now(),
        }

    def again(self) -> "VerdictTask":
        """The same task with the next sample of its call."""
        return replace(self, call=replace(self.call, sample=self.call.sample + 1))

    def work(self) -> dict[str, Any]:
        """What a failure's row says of this task."""
        return {
            "stage": str(Purpose.JUDGE),
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
            pair = (proposal["text"], step)
            for order in Order:
                if (proposal["proposal_id"], str(order)) not in there:
                    request, shortened = prompt.request(
                        suite.events_of(moment), moment.cut, pair, order, judge, recovered_at=moment.recovered_at
                    )
                    call = Call(Purpose.JUDGE, request, 0)
                    yield VerdictTask(
                        moment, proposal, judge, order, call, shortened, prompt_hash, prompt.way, rewrite_id
                    )
