"""Run the due tasks of a stage: reuse stored replies, send the rest, read all, store rows or failures."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol, Self, TypeVar

from nextstep.core.ids import make_id
from nextstep.errors import ModelError, UnreadableReply
from nextstep.pipeline.calls import Call
from nextstep.pipeline.engine import Engine
from nextstep.store import Connection
from nextstep.store.database import insert, query, utc_now

READ_AT_ONCE = 500


class Task(Protocol):
    """A row that is due: the call that brings it, and how it is read from the reply."""

    @property
    def call(self) -> Call:
        """What to ask."""
        ...

    def result(self, body: str) -> dict[str, Any]:
        """The row in the reply's body; raises UnreadableReply when there is none."""
        ...

    def work(self) -> dict[str, Any]:
        """What a failure's row says of this task."""
        ...


@dataclass
class StageResult:
    """How a stage went: rows made, tasks that gave nothing, replies that were stored already."""

    made: int = 0
    failed: int = 0
    reused: int = 0


async def run_stage(engine: Engine, tasks: Sequence[Task], table: str, result: StageResult) -> None:
    """Do the tasks, store their rows in `table` and count them in `result`, also when the engine stops early."""
    with engine.store.read() as connection:
        stored = stored_replies(connection, tasks)
    missing = {task.call.reply_id: task.call for task in tasks if task.call.reply_id not in stored}
    result.reused = len(stored)
    try:
        await engine.send(list(missing.values()))
    finally:
        for some in _in_batches(tasks):
            _read_replies(engine, some, table, result)


def _in_batches(tasks: Sequence[Task]) -> list[Sequence[Task]]:
    return [tasks[start : start + READ_AT_ONCE] for start in range(0, len(tasks), READ_AT_ONCE)]


def stored_replies(connection: Connection, tasks: Sequence[Task]) -> set[str]:
    """The names of those replies to these tasks that the store has."""
    rows = query(connection, "stored_replies", reply_ids=[task.call.reply_id for task in tasks])
    return {row["reply_id"] for row in rows}


class Repeatable(Task, Protocol):
    """A task whose question can be asked anew."""

    def again(self) -> Self:
        """The same with the next sample of its call."""
        ...


AnyTask = TypeVar("AnyTask", bound=Repeatable)


def anew(connection: Connection, tasks: Sequence[AnyTask]) -> list[AnyTask]:
    """The tasks with samples that nobody has drawn: for answers that are there and could not be read."""
    renewed = list(tasks)
    while stored := stored_replies(connection, renewed):
        renewed = [task.again() if task.call.reply_id in stored else task for task in renewed]
    return renewed


def _read_replies(engine: Engine, tasks: Sequence[Task], table: str, result: StageResult) -> None:
    """Read the stored replies of some tasks into rows and failures, in one transaction."""
    rows: list[dict[str, Any]] = []
    failures: list[dict[str, Any]] = []
    with engine.store.write() as connection:
        bodies = _bodies(connection, tasks)
        for task in tasks:
            body, error = bodies.get(task.call.reply_id), engine.failed.get(task.call.reply_id)
            if body is not None:
                try:
                    rows.append(task.result(body))
                except UnreadableReply as unreadable:
                    failures.append(_failure_row(engine.run_id, task, unreadable))
            elif error is not None:
                failures.append(_failure_row(engine.run_id, task, error))
        insert(connection, table, rows)
        insert(connection, "failures", failures, replace=True)
    result.made += len(rows)
    result.failed += len(failures)


def _bodies(connection: Connection, tasks: Sequence[Task]) -> dict[str, str]:
    rows = query(connection, "replies_of", reply_ids=[task.call.reply_id for task in tasks])
    return {row["reply_id"]: row["body"] for row in rows}


def _failure_row(run_id: str, task: Task, error: ModelError | UnreadableReply) -> dict[str, Any]:
    work = task.work()
    return {
        "failure_id": make_id("failure", work, task.call.reply_id, error.kind),
        "run_id": run_id,
        **work,
        "kind": error.kind,
        "message": str(error),
        "attempts": error.attempts if isinstance(error, ModelError) else 1,
        "reply_id": task.call.reply_id,
        "created_at": utc_now(),
    }
