"""Send calls with bounded concurrency, and store every answer raw before anything reads it.

An answer reaches the store within moments, in short transactions that leave the file free for others in between.
Whatever ends a run (an error, a limit, Ctrl-C), what was answered is stored first.
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from nextstep.core.records import Answer
from nextstep.errors import BudgetReached, FatalModelError, ModelError
from nextstep.models import Model
from nextstep.models.prices import cost_usd
from nextstep.pipeline.calls import Call
from nextstep.store import Store
from nextstep.store.database import insert, utc_now

GATHER_S = 0.05
"""Seconds for which answers are gathered before they are written together."""


@dataclass
class Spend:
    """What a run has paid so far, and the most that it may."""

    limit_usd: float | None = None
    usd: float = 0.0
    unpriced: int = 0
    calls: int = 0

    def add(self, cost: float | None) -> None:
        """Count one answer."""
        self.calls += 1
        self.usd += cost or 0.0
        self.unpriced += cost is None

    @property
    def reached(self) -> bool:
        """Whether no further call may be sent; an answer of unknown cost exhausts any limit, for it is not nothing."""
        return self.limit_usd is not None and (self.usd >= self.limit_usd or self.unpriced > 0)

    @property
    def reason(self) -> str:
        """Why no further call may be sent."""
        if self.unpriced:
            return "an answer came whose cost is not known, so the cost limit cannot be kept; leave it out to go on"
        return f"the cost limit of ${self.limit_usd:.2f} is reached; run again to go on"


@dataclass
class Engine:
    """One run's way to the models: their clients, the store, the spend, and who wants to know of progress."""

    run_id: str
    store: Store
    models: Mapping[str, Model]
    max_connections: int
    spend: Spend
    on_done: Callable[[Call, ModelError | None], None]
    """Called after each call, with its error if it gave no answer."""
    failed: dict[str, ModelError] = field(default_factory=dict)
    """By reply_id, the calls of this run that gave no answer."""
    dead: dict[str, FatalModelError] = field(default_factory=dict)
    """By model, why no further call to it is sent."""

    async def send(self, calls: Sequence[Call]) -> None:
        """Send all calls and store their answers; calls that fail are in `failed`, models that cannot answer in `dead`.

        Raises BudgetReached when calls are left that the budget does not cover.
        """
        queue = iter(calls)
        writer = _Writer(self.store)
        workers = [asyncio.create_task(self._work(queue, writer)) for _ in range(min(self.max_connections, len(calls)))]
        writing = asyncio.create_task(writer.run())
        try:
            await _all_or_first_error([*workers], writing)
        finally:
            for worker in workers:
                worker.cancel()
            await asyncio.gather(*workers, return_exceptions=True)
            writer.close()
            await asyncio.shield(writing)
        if self.spend.reached and next(queue, None) is not None:
            raise BudgetReached(self.spend.reason)

    async def _work(self, queue: Iterator[Call], writer: "_Writer") -> None:
        """Take calls until there are none, or none may be sent."""
        while not self.spend.reached and (call := next(queue, None)) is not None:
            if call.request.model in self.dead:
                continue
            try:
                answer = await self.models[call.request.model].ask(call.request)
            except ModelError as error:
                self._note_failure(call, error)
                continue
            cost = cost_usd(call.request.model, answer.usage)
            writer.add(_reply_row(self.run_id, call, answer, cost))
            self.spend.add(cost)
            self.on_done(call, None)

    def _note_failure(self, call: Call, error: ModelError) -> None:
        """Remember a failure; an error that is not the call's own stops the model instead, and the call stays due."""
        if isinstance(error, FatalModelError):
            self.dead.setdefault(call.request.model, error)
        else:
            self.failed[call.reply_id] = error
        self.on_done(call, error)


async def _all_or_first_error(workers: Sequence["asyncio.Task[None]"], writing: "asyncio.Task[None]") -> None:
    """Wait for the workers; an error of any of them, or of the writer, ends the waiting at once."""
    waited = {*workers}
    while waited:
        done, _ = await asyncio.wait({*waited, writing}, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
        waited -= done


class _Writer:
    """Writes rows in the order in which they came, those of a short while together."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.rows: list[dict[str, Any]] = []
        self.closed = False
        self.wake = asyncio.Event()

    def add(self, row: dict[str, Any]) -> None:
        self.rows.append(row)
        self.wake.set()

    def close(self) -> None:
        self.closed = True
        self.wake.set()

    async def run(self) -> None:
        while not (self.closed and not self.rows):
            await self.wake.wait()
            self.wake.clear()
            rows, self.rows = self.rows, []
            if rows:
                await asyncio.to_thread(self._write, rows)
            if not self.closed:
                await asyncio.sleep(GATHER_S)

    def _write(self, rows: list[dict[str, Any]]) -> None:
        with self.store.write() as connection:
            insert(connection, "replies", rows)


def _reply_row(run_id: str, call: Call, answer: Answer, cost: float | None) -> dict[str, Any]:
    return {
        "reply_id": call.reply_id,
        "run_id": run_id,
        "purpose": str(call.purpose),
        "model": call.request.model,
        "sample": call.sample,
        "request_sha256": call.request_sha256,
        "body": answer.body,
        "stop_reason": answer.stop_reason,
        **answer.usage.model_dump(),
        "cost_usd": cost,
        "latency_s": answer.latency_s,
        "attempts": answer.attempts,
        "request_id": answer.request_id,
        "created_at": utc_now(),
    }
