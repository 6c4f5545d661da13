"""Calls on their way into one batch, within what a batch may hold."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from nextstep.core.caching import Layout
from nextstep.core.ids import canonical
from nextstep.models.wire import body_of
from nextstep.pipeline.batch_rows import BatchCall
from nextstep.pipeline.stage import Task, unrendered

MOST_REQUESTS = 100_000
MOST_BYTES = 240_000_000
"""An API takes 256 MB; the rest is for what is not counted here."""
NAME_BYTES = 100
"""What an item has beside its request."""


@dataclass(frozen=True)
class Batching:
    """How a run sends its calls in batches. Without `wait` it submits what is due, and leaves."""

    wait: bool = True
    look_s: float = 60.0
    """Between two looks at the batches."""
    settle_s: Sequence[float] = (1.0, 5.0, 15.0)
    """How long to wait before each look for a batch that was sent and not confirmed."""
    most_requests: int = MOST_REQUESTS
    most_bytes: int = MOST_BYTES


@dataclass(eq=False)
class Parcel:
    """The calls of one batch, rendered, with the tasks that wait for each."""

    most_requests: int
    most_bytes: int
    calls: list[BatchCall] = field(default_factory=list)
    items: list[dict[str, Any]] = field(default_factory=list)
    tasks: dict[str, list[Task]] = field(default_factory=dict)
    """By reply_id."""
    size: int = 0
    estimate_usd: float = 0.0
    is_full: bool = False

    def add(self, task: Task, attempt: int, layout: Layout, estimate_usd: float) -> bool:
        """Take in a task's call, which is not here yet; False when it does not fit. One alone always does."""
        params = body_of(task.call.request, layout)
        size = len(canonical(params)) + NAME_BYTES
        self.is_full = bool(self.calls) and (
            len(self.calls) >= self.most_requests or self.size + size > self.most_bytes
        )
        if self.is_full:
            return False
        self.calls.append(BatchCall.of(task.call, attempt))
        self.items.append({"params": params})
        self.tasks[task.call.reply_id] = [task]
        self.size += size
        self.estimate_usd += estimate_usd
        return True

    def all_tasks(self) -> list[Task]:
        """Every task, in the order of the calls, without its rendered request."""
        return [unrendered(task) for some in self.tasks.values() for task in some]
