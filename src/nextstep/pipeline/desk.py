"""The one way of a run into its store: short visits, each of which writes what has come and finds what it makes due.

A visit is one transaction, so that other processes find the file free in between. Answers are written raw before
anything is read from them, and stay written if reading them fails.
"""

import asyncio
import time
from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, TypeAlias

from nextstep.core.records import Answer
from nextstep.errors import ModelError, UnreadableReply
from nextstep.pipeline.calls import Named
from nextstep.pipeline.stage import Task, failure_row
from nextstep.store import Connection, Store
from nextstep.store.database import AlreadyThere, insert, query, utc_now

GATHER_S = 0.02
"""Seconds for which answers are gathered at least before they are written together."""
AWAY = 6
"""How many times as long as a visit takes the next one is waited for: visits cost CPU, and others want the file."""

Follow: TypeAlias = Callable[[Connection, Sequence[Task]], Sequence[Task]]
"""What becomes due once these tasks are over, as the store tells."""


@dataclass(eq=False)
class Exchange:
    """A call with the tasks that wait for its answer, and what came of it; nothing where they are left undone."""

    call: Named
    tasks: list[Task]
    answer: Answer | None = None
    cost_usd: float | None = None
    error: ModelError | None = None
    is_stored: bool = False
    """Whether the answer stands in the store already."""


@dataclass
class Outcome:
    """What came of an exchange's tasks: rows, and failures with their tasks."""

    exchange: Exchange
    made: list[tuple[Task, dict[str, Any]]] = field(default_factory=list)
    failed: list[tuple[Task, ModelError | UnreadableReply]] = field(default_factory=list)

    @property
    def is_over(self) -> bool:
        """Whether anything came of it; else the reply that the store was said to have is not there."""
        return bool(self.made or self.failed)


@dataclass
class Visit:
    """What a visit to the store did, and what it brings back."""

    outcomes: list[Outcome] = field(default_factory=list)
    dropped: Sequence[Task] = ()
    due: Sequence[Task] = ()
    """What can be done now."""
    others: Sequence[str] = ()
    """Replies that other runs have stored meanwhile."""


class Desk:
    """Takes in what calls brought; `on_done` hears what came of it."""

    def __init__(self, store: Store, run_id: str, follow: Follow, on_done: Callable[["Visit"], None]) -> None:
        self.store = store
        self.run_id = run_id
        self.follow = follow
        self.on_done = on_done
        self._landed: list[Exchange] = []
        self._dropped: list[Task] = []
        self._others_until = utc_now()
        self._wake = asyncio.Event()
        self._hurry = asyncio.Event()
        self._closed = False
        self._is_away = False

    def land(self, exchange: Exchange) -> None:
        """Something came of an exchange."""
        self._landed.append(exchange)
        self._wake.set()

    def drop(self, tasks: Sequence[Task]) -> None:
        """These are left undone in this run; what waits for them need not."""
        self._dropped += tasks
        self._wake.set()

    @property
    def is_idle(self) -> bool:
        """Whether nothing waits for a visit."""
        return not (self._landed or self._dropped or self._is_away)

    def close(self) -> None:
        """Let `run` end after the last visit."""
        self._closed = True
        self._wake.set()
        self._hurry.set()

    def hurry(self) -> None:
        """Nothing goes on anywhere until the next visit: do it now."""
        self._hurry.set()

    async def run(self) -> None:
        """Visit the store whenever there is something to do there."""
        while not (self._closed and self.is_idle):
            if not self._closed:
                await self._wake.wait()
            self._wake.clear()
            started = time.monotonic()
            if not self.is_idle:
                await self._visit()
            if not self._closed:
                await self._gather(AWAY * (time.monotonic() - started))

    async def _gather(self, seconds: float) -> None:
        """Stay away from the store for some time, or until somebody is in a hurry."""
        self._hurry.clear()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._hurry.wait(), max(GATHER_S, seconds))

    async def _visit(self) -> None:
        landed, self._landed = self._landed, []
        dropped, self._dropped = self._dropped, []
        self._is_away = True
        visit = await asyncio.to_thread(self.work, landed, dropped)
        self._is_away = False
        self.on_done(visit)

    async def save(self) -> None:
        """Write the answers that came while a visit failed, raw; nothing is read from them in this run."""
        landed, self._landed = self._landed, []
        await asyncio.to_thread(self._save, landed)

    def _save(self, landed: Sequence[Exchange]) -> None:
        with self.store.write() as connection:
            self._insert_replies(connection, landed)

    def _insert_replies(
        self, connection: Connection, landed: Sequence[Exchange], *, new: bool = False
    ) -> frozenset[str]:
        """Write the raw answers; gives the names of those that another process has stored first."""
        rows = [_reply_row(self.run_id, one, one.answer) for one in landed if one.answer]
        return frozenset(name for (name,) in insert(connection, "replies", rows, new=new))

    def work(self, landed: Sequence[Exchange], dropped: Sequence[Task]) -> Visit:
        """One transaction. What a bug in reading raises is raised after the raw answers are stored.

        Hardly ever has another process stored the same: it is looked for once a row turns out to be there already.
        """
        try:
            return self._work(landed, dropped, new=True)
        except AlreadyThere:
            return self._work(landed, dropped, new=False)

    def _work(self, landed: Sequence[Exchange], dropped: Sequence[Task], *, new: bool) -> Visit:
        bug: Exception | None = None
        visit = Visit(dropped=dropped)
        with self.store.write(settle=False) as connection:
            others = self._insert_replies(connection, landed, new=new)
            try:
                visit.outcomes = _read(connection, landed, others)
            except Exception as error:  # raised once the answers are safe
                bug = error
            else:
                self._write(connection, visit.outcomes, new=new)
                over = [*dropped, *(task for one in visit.outcomes if one.is_over for task in one.exchange.tasks)]
                visit.due = self.follow(connection, over) if over else ()
                visit.others = self._of_others(connection)
        if bug:
            raise bug
        return visit

    def _of_others(self, connection: Connection) -> list[str]:
        """What other runs have stored since the last look; a little of it again, since clocks and commits differ."""
        since, self._others_until = self._others_until - timedelta(seconds=2), utc_now()
        rows = query(connection, "replies_of_others", since=since, run_id=self.run_id)
        return [row["reply_id"] for row in rows]

    def _write(self, connection: Connection, outcomes: Sequence[Outcome], *, new: bool) -> None:
        """Rows and failures."""
        tables: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for outcome in outcomes:
            for task, row in outcome.made:
                tables[task.table].append(row)
        for table, rows in tables.items():
            insert(connection, table, rows, new=new)
        failures = [failure_row(self.run_id, task, error) for outcome in outcomes for task, error in outcome.failed]
        insert(connection, "failures", failures, replace=True)


def _read(connection: Connection, landed: Sequence[Exchange], others: Collection[str]) -> list[Outcome]:
    """What the answers of exchanges hold, for each of their tasks.

    Where another process stored an answer to the same call first (`others`), that one is read, for that one stays.
    """
    names = [exchange.call.reply_id for exchange in landed]
    wanted = [name for name, one in zip(names, landed, strict=True) if one.is_stored or name in others]
    rows = query(connection, "replies_of", reply_ids=wanted) if wanted else []
    bodies = {row["reply_id"]: row["body"] for row in rows}
    outcomes = []
    for name, exchange in zip(names, landed, strict=True):
        outcomes.append(_outcome(exchange, bodies.get(name, exchange.answer.body if exchange.answer else None)))
    return outcomes


def _outcome(exchange: Exchange, body: str | None) -> Outcome:
    outcome = Outcome(exchange)
    for task in exchange.tasks:
        if body is not None:
            try:
                outcome.made.append((task, task.result(body)))
            except UnreadableReply as unreadable:
                outcome.failed.append((task, unreadable))
        elif exchange.error:
            outcome.failed.append((task, exchange.error))
    return outcome


def _reply_row(run_id: str, exchange: Exchange, answer: Answer) -> dict[str, Any]:
    call = exchange.call
    return {
        "reply_id": call.reply_id,
        "run_id": run_id,
        "purpose": str(call.purpose),
        "model": call.model,
        "sample": call.sample,
        "request_sha256": call.request_sha256,
        "body": answer.body,
        "stop_reason": answer.stop_reason,
        **answer.usage.model_dump(),
        "cost_usd": exchange.cost_usd,
        "latency_s": answer.latency_s,
        "attempts": answer.attempts,
        "request_id": answer.request_id,
        "created_at": utc_now(),
    }
