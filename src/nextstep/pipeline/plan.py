"""What a job would send: calls, tokens and cost, estimated without sending anything."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from nextstep.config import Price
from nextstep.core.records import Order, Request, Usage
from nextstep.core.rendering import CHARS_PER_TOKEN
from nextstep.errors import NextstepError
from nextstep.models import is_offline
from nextstep.models.base import Model
from nextstep.models.prices import NO_PRICES, cost_usd, in_batch
from nextstep.pipeline.calibrate import Calibration
from nextstep.pipeline.calls import Purpose
from nextstep.pipeline.engine import ANSWER_TOKENS
from nextstep.pipeline.evaluate import Job
from nextstep.pipeline.judge import VerdictTask
from nextstep.pipeline.leading import Leads
from nextstep.pipeline.stage import Task
from nextstep.store import Connection, Store
from nextstep.store.database import query

COUNTED = 4
"""Requests of each model and purpose that are counted."""

_A_STEP = "word " * 80


@dataclass
class PlannedCalls:
    """The calls of one model for one purpose. Costs are None where the model's price is not known."""

    purpose: Purpose
    model: str
    prices: Mapping[str, Price] = field(default_factory=lambda: NO_PRICES)
    calls: int = 0
    characters: int = 0
    read: int = 0
    """Of the characters, those that a cache will hold by then."""
    written: int = 0
    """Those that go into a cache."""
    output_tokens: int = 0
    chars_per_token: float = CHARS_PER_TOKEN
    counted: bool = False
    """Whether the server has counted some of the requests, so that `chars_per_token` is its own."""
    some: list[Request] = field(default_factory=list)
    """A few of the requests, to be counted."""

    @property
    def input_tokens(self) -> int:
        """Of all calls."""
        return int(self.characters / self.chars_per_token)

    @property
    def cost_usd(self) -> float | None:
        """At list price, without caches or batches; priced call by call, since some prices depend on a call's size."""
        return self._cost(0, 0)

    @property
    def cached_usd(self) -> float | None:
        """With the cache as it will be used."""
        return self._cost(self.read, self.written)

    @property
    def batch_usd(self) -> float | None:
        """In batches, without caches: there they are best effort."""
        return in_batch(self.cost_usd)

    def _cost(self, read: int, written: int) -> float | None:
        if not self.calls:
            return 0.0
        scale = self.chars_per_token * self.calls
        usage = Usage(
            input_tokens=int((self.characters - read - written) / scale),
            cache_read_tokens=int(read / scale),
            cache_write_tokens=int(written / scale),
            output_tokens=self.output_tokens // self.calls,
        )
        price = cost_usd(self.model, usage, self.prices)
        return None if price is None else price * self.calls

    def add(self, request: Request, times: int = 1, *, read: int = 0, written: int = 0) -> None:
        """Count a request."""
        self.calls += times
        self.characters += times * request.characters
        self.read += read
        self.written += written
        self.output_tokens += 0 if is_offline(self.model) else times * min(ANSWER_TOKENS, request.max_tokens)
        if len(self.some) < COUNTED:
            self.some.append(request)


def plan_calls(job: Job, store: Store) -> list[PlannedCalls]:
    """What the job would send now, at most: replies that the store has are not asked for again."""
    with store.read_or_empty() as connection:
        proposals = _unanswered(connection, sorted(job.due_proposals(connection), key=job.place_of))
        expected = {proposal.moment.moment_id for proposal in proposals}
        steps = job.due_rewrites(connection, expected=expected)
        verdicts = job.due_verdicts(connection)
        there = job.proposals(connection)
        due = [*_unanswered(connection, steps, fresh=job.fresh), *_unanswered(connection, verdicts, fresh=job.fresh)]
    coming = Counter(proposal.moment.moment_id for proposal in proposals)
    formless = {step.moment.moment_id for step in steps}
    coming.update(moment.moment_id for moment, _ in there if moment.moment_id in formless)
    return plan_tasks([*proposals, *due, *_assumed(job, coming)], job.config.prices)


def _assumed(job: Job, coming: Mapping[str, int]) -> Iterator[VerdictTask]:
    """The questions about proposals that are not there yet, so many at each moment."""
    for judge in job.judges:
        prompt_hash = job.judge_prompt.hash(judge)
        for moment in job.moments:
            events = job.suite.events_of(moment)
            for number in range(coming.get(moment.moment_id, 0)):
                for order in Order:
                    step = {"text": f"{_A_STEP}{number}", "proposal_id": ""}
                    yield VerdictTask(
                        moment, step, judge, order, moment.human_step, None, events, job.judge_prompt, prompt_hash
                    )


def plan_calibration(work: Calibration, store: Store) -> list[PlannedCalls]:
    """What a calibration would send now, about: steps that a scribe still owes are planned as if they were there."""
    with store.read_or_empty() as connection:
        owed = [*work.due_steps(connection), *work.due_made(connection, assumed=True)]
        tasks: list[Task] = [*owed]
        tasks += [*work.due_questions(connection, assumed=True), *work.due_guesses(connection)]
        return plan_tasks(_unanswered(connection, tasks, fresh=work.fresh), work.config.prices)


def plan_tasks(tasks: Sequence[Task], prices: Mapping[str, Price] = NO_PRICES) -> list[PlannedCalls]:
    """The calls of some tasks by purpose and model, with what the cache would hold; the same call counts once."""
    leads, planned, seen = Leads(now=lambda: 0.0), dict[tuple[Purpose, str], PlannedCalls](), set[str]()
    leads.expect_tasks(tasks)
    for model in {task.model for task in tasks if is_offline(task.model)}:
        leads.keeps_nothing(model)
    for task in tasks:
        call, place = task.call, leads.place(task)
        if call.reply_id in seen:
            continue
        seen.add(call.reply_id)
        read = leads.characters_read(place)
        leads.let_go(leads.lead(place))
        leads.used(place, at=0.0)
        key = (call.purpose, task.model)
        of = planned.setdefault(key, PlannedCalls(*key, prices))
        of.add(call.request, read=read, written=max(0, max(place.depths, default=0) - read))
    return list(planned.values())


def _unanswered(connection: Connection, tasks: Sequence[Task], *, fresh: bool = False) -> list[Task]:
    """The tasks whose reply the store does not have; with `fresh`, also those that are asked anew."""
    rows = query(connection, "stored_replies", reply_ids=[task.call.reply_id for task in tasks])
    stored = {row["reply_id"] for row in rows}
    return [task for task in tasks if task.call.reply_id not in stored or (fresh and task.again())]


async def count(planned: Sequence[PlannedCalls], opener: Callable[[str], Model]) -> None:
    """Have the servers count a few requests of each model, where they can; no answer is asked for, and nothing paid."""
    for of in planned:
        if is_offline(of.model):
            continue
        with suppress(NextstepError):
            model = opener(of.model)
            try:
                counts = await asyncio.gather(*(model.count_tokens(request) for request in of.some))
            finally:
                await model.aclose()
            told = [(request.characters, tokens) for request, tokens in zip(of.some, counts, strict=True) if tokens]
            if told:
                of.chars_per_token = sum(size for size, _ in told) / sum(tokens for _, tokens in told)
                of.counted = True
