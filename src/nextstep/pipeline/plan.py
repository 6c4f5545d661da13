"""What a job would send: calls, tokens and cost, estimated without sending anything."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from nextstep.core.records import Order, Request, Usage
from nextstep.core.rendering import estimate_tokens
from nextstep.models import is_offline
from nextstep.models.prices import cost_usd
from nextstep.pipeline.calibrate import Calibration
from nextstep.pipeline.calls import Purpose
from nextstep.pipeline.evaluate import Job
from nextstep.pipeline.stage import Task
from nextstep.store import Connection, Store
from nextstep.store.database import query

ANSWER_TOKENS = 1_500
"""Assumed output of one answer, thinking included; the estimate says so."""

AnyTask = TypeVar("AnyTask", bound=Task)
_A_STEP = "word " * 80


@dataclass
class PlannedCalls:
    """The calls of one model for one purpose. `cost_usd` is None where the model's price is not known."""

    purpose: Purpose
    model: str
    calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0

    @property
    def cost_usd(self) -> float | None:
        """At list price, without caches or batches; priced call by call, since some prices depend on a call's size."""
        if not self.calls:
            return 0.0
        each = Usage(input_tokens=self.input_tokens // self.calls, output_tokens=self.output_tokens // self.calls)
        price = cost_usd(self.model, each)
        return None if price is None else price * self.calls

    def add(self, request: Request, times: int = 1) -> None:
        """Count a request."""
        self.calls += times
        self.input_tokens += times * sum(map(estimate_tokens, (request.system, *request.content)))
        self.output_tokens += 0 if is_offline(self.model) else times * min(ANSWER_TOKENS, request.max_tokens)


def plan_calls(job: Job, store: Store) -> list[PlannedCalls]:
    """What the job would send now, at most: replies that the store has are not asked for again."""
    with store.read_or_empty() as connection:
        proposals = _unanswered(connection, job.due_proposals(connection))
        steps = job.due_rewrites(connection, expected={proposal.moment.moment_id for proposal in proposals})
        verdicts = _unanswered(connection, job.due_verdicts(connection))
        there = job.proposals(connection)
        planned = plan_tasks([*proposals, *_unanswered(connection, steps), *verdicts])
    coming = Counter(proposal.moment.moment_id for proposal in proposals)
    formless = {step.moment.moment_id for step in steps}
    coming.update(moment.moment_id for moment, _ in there if moment.moment_id in formless)
    for moment in job.moments:
        if not coming[moment.moment_id]:
            continue
        events = job.suite.events_of(moment)
        for judge in job.judges:
            request, _ = job.judge_prompt.request(
                events,
                moment.cut,
                (_A_STEP, moment.human_step),
                Order.MODEL_FIRST,
                judge,
                recovered_at=moment.recovered_at,
            )
            _of(planned, Purpose.JUDGE, judge.model).add(request, times=len(Order) * coming[moment.moment_id])
    return list(planned.values())


def plan_calibration(work: Calibration, store: Store) -> list[PlannedCalls]:
    """What a calibration would send now, about: steps that a scribe still owes are planned as if they were there."""
    with store.read_or_empty() as connection:
        owed = [*work.due_steps(connection), *work.due_made(connection, assumed=True)]
        tasks: list[Task] = [*owed, *work.due_questions(connection, assumed=True), *work.due_guesses(connection)]
        return list(plan_tasks(_unanswered(connection, tasks)).values())


def plan_tasks(tasks: Iterable[Task]) -> dict[tuple[Purpose, str], PlannedCalls]:
    """The calls of some tasks, by purpose and model; the same call counts once."""
    planned: dict[tuple[Purpose, str], PlannedCalls] = {}
    for call in {task.call.reply_id: task.call for task in tasks}.values():
        _of(planned, call.purpose, call.request.model).add(call.request)
    return planned


def _unanswered(connection: Connection, tasks: Sequence[AnyTask]) -> list[AnyTask]:
    """The tasks whose reply the store does not have."""
    rows = query(connection, "stored_replies", reply_ids=[task.call.reply_id for task in tasks])
    stored = {row["reply_id"] for row in rows}
    return [task for task in tasks if task.call.reply_id not in stored]


def _of(planned: dict[tuple[Purpose, str], PlannedCalls], purpose: Purpose, model: str) -> PlannedCalls:
    return planned.setdefault((purpose, model), PlannedCalls(purpose, model))
