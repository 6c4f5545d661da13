"""What a piece of work is to the engine, and what came of the pieces of a stage."""

from dataclasses import dataclass, replace
from typing import Any, ClassVar, Protocol, Self, cast

from nextstep.core.ids import make_id
from nextstep.core.records import Moment
from nextstep.errors import ModelError, UnreadableReply
from nextstep.pipeline.calls import Call, Trunk
from nextstep.store.database import utc_now


class Task(Protocol):
    """A row that is due: the call that brings it, and how it is read from the reply.

    It is light until its `call` is looked at, which renders the request.
    """

    table: ClassVar[str]
    """Where its row goes."""

    @property
    def stage(self) -> str:
        """What it is part of."""
        ...

    @property
    def model(self) -> str:
        """Who is asked."""
        ...

    @property
    def moment(self) -> Moment:
        """What it is about."""
        ...

    @property
    def trunk(self) -> Trunk | None:
        """What its request begins with, where others share it."""
        ...

    @property
    def call(self) -> Call:
        """What to ask."""
        ...

    def result(self, body: str) -> dict[str, Any]:
        """The row in the reply's body; raises UnreadableReply when there is none."""
        ...

    def again(self) -> Self | None:
        """The same with another sample, for when the stored answer cannot be read; None where there is no other way."""
        ...

    def work(self) -> dict[str, Any]:
        """What a failure's row says of this task."""
        ...


def unrendered(task: Task) -> Task:
    """The same task without its request, which is made again when it is looked at."""
    return cast("Task", replace(cast("Any", task)))


@dataclass
class StageResult:
    """How a stage went: rows made, tasks that gave nothing, replies that were stored already."""

    made: int = 0
    failed: int = 0
    reused: int = 0


def failure_row(run_id: str, task: Task, error: ModelError | UnreadableReply) -> dict[str, Any]:
    """What the store keeps of a task that gave nothing."""
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
