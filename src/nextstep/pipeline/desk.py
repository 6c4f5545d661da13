"""The one way of a run into its store: short visits, each of which writes what has come and looks up what is asked.

A visit is one transaction, so that other processes find the file free in between. Answers are written raw before
anything is read from them, and stay written if reading them fails.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from nextstep.core.records import Answer
from nextstep.errors import ModelError, UnreadableReply
from nextstep.pipeline.calls import Call
from nextstep.pipeline.stage import Task, failure_row
from nextstep.store import Connection, Store
from nextstep.store.database import insert, query, utc_now

GATHER_S = 0.025
"""Seconds for which answers are gathered before they are written together."""

Follow: TypeAlias = Callable[[Connection, Sequence[Task]], Sequence[Task]]
"""What becomes due once these tasks are over, as the store tells."""


@dataclass(eq=False)
class Exchange:
    """A call with the tasks that wait for its answer, and what came of it; nothing where they are left undone."""

    call: Call
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


@dataclass
class Visit:
    """What a visit to the store did, and what it brings back."""

    outcomes: list[Outcome] = field(default_factory=list)
    dropped: Sequence[Task] = ()
    due: Sequence[Task] = ()
    """What can be done now."""
    stored: frozenset[str] = frozenset()
    """Of the replies that were asked about."""


class Desk:
    """Takes in what calls brought, and answers whether a reply is stored; `on_done` hears of every visit's outcomes."""

    def __init__(self, store: Store, run_id: str, follow: Follow, on_done: Callable[["Visit"], None]) -> None:
        self.store = store
        self.run_id = run_id
        self.follow = follow
        self.on_done = on_done
        self._landed: list[Exchange] = []
        self._dropped: list[Task] = []
        self._asked: list[tuple[list[str], asyncio.Future[frozenset[str]]]] = []
        self._wake = asyncio.Event()
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

    async def stored(self, reply_ids: list[str]) -> frozenset[str]:
        """Those of these replies that the store has."""
        answer: asyncio.Future[frozenset[str]] = asyncio.get_running_loop().create_future()
        self._asked.append((reply_ids, answer))
        self._wake.set()
        return await answer

    @property
    def is_idle(self) -> bool:
        """Whether nothing waits for a visit."""
        return not (self._landed or self._dropped or self._asked or self._is_away)

    def close(self) -> None:
        """Let `run` end after the last visit."""
        self._closed = True
        self._wake.set()

    async def run(self) -> None:
        """Visit the store whenever there is something to do there."""
        while not (self._closed and self.is_idle):
            if not self._closed:
                await self._wake.wait()
            self._wake.clear()
            if not self.is_idle:
                await self._visit()
            if not self._closed:
                await asyncio.sleep(GATHER_S)

    async def _visit(self) -> None:
        landed, self._landed = self._landed, []
        dropped, self._dropped = self._dropped, []
        asked, self._asked = self._asked, []
        self._is_away = True
        names = [name for some, _ in asked for name in some]
        try:
            visit = await asyncio.to_thread(self._work, landed, dropped, names)
        except BaseException:
            for _, answer in asked:
                answer.cancel()
            raise
        self._is_away = False
        for some, answer in asked:
            if not answer.done():
                answer.set_result(visit.stored.intersection(some))
        self.on_done(visit)

    async def save(self) -> None:
        """Write the answers that came while a visit failed, raw; nothing is read from them in this run."""
        landed, self._landed = self._landed, []
        await asyncio.to_thread(self._save, landed)

    def _save(self, landed: Sequence[Exchange]) -> None:
        with self.store.write() as connection:
            self._insert_replies(connection, landed)

    def _insert_replies(self, connection: Connection, landed: Sequence[Exchange]) -> None:
        insert(connection, "replies", [_reply_row(self.run_id, one, one.answer) for one in landed if one.answer])

    def _work(self, landed: Sequence[Exchange], dropped: Sequence[Task], names: Sequence[str]) -> Visit:
        """One transaction. What a bug in reading raises is raised after the raw answers are stored."""
        bug: Exception | None = None
        visit = Visit(dropped=dropped)
        answered = [one.call.reply_id for one in landed if one.answer]
        with self.store.write() as connection:
            others = _stored(connection, answered)
            self._insert_replies(connection, landed)
            try:
                visit.outcomes = _read(connection, landed, others)
            except Exception as error:  # kept until the answers are safe, and raised then
                bug = error
            else:
                self._write(connection, visit.outcomes)
                over = [*dropped, *(task for exchange in landed for task in exchange.tasks)]
                visit.due = self.follow(connection, over) if over else ()
            visit.stored = _stored(connection, names)
        if bug:
            raise bug
        return visit

    def _write(self, connection: Connection, outcomes: Sequence[Outcome]) -> None:
        """Rows and failures."""
        tables: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for outcome in outcomes:
            for task, row in outcome.made:
                tables[task.table].append(row)
        for table, rows in tables.items():
            insert(connection, table, rows)
        failures = [failure_row(self.run_id, task, error) for outcome in outcomes for task, error in outcome.failed]
        insert(connection, "failures", failures, replace=True)


def _stored(connection: Connection, names: Sequence[str]) -> frozenset[str]:
    """Those of these replies that are there."""
    rows = query(connection, "stored_replies", reply_ids=list(names)) if names else []
    return frozenset(row["reply_id"] for row in rows)


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
        "model": call.request.model,
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
