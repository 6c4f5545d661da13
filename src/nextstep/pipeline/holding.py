"""Which calls are in which batches, and who waits for their answers."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from nextstep.pipeline.batch_rows import Batch
from nextstep.pipeline.stage import Task, unrendered


@dataclass(eq=False)
class _Held:
    """A call in a batch, and who waits for its answer."""

    batch_key: str
    tasks: list[Task] = field(default_factory=list)


class Holding:
    """The open batches that a run knows of. Tasks are kept without their rendered requests."""

    def __init__(self) -> None:
        self.batches: dict[str, Batch] = {}
        """By batch_key."""
        self._held: dict[str, _Held] = {}
        """By reply_id."""

    def add(self, batch: Batch, waiting: Mapping[str, Sequence[Task]]) -> None:
        """A batch, with those who wait for each of its calls; a call that is in another batch already stays there."""
        self.batches[batch.batch_key] = batch
        for reply_id, tasks in waiting.items():
            held = self._held.setdefault(reply_id, _Held(batch.batch_key))
            held.tasks += [unrendered(task) for task in tasks]

    def joins(self, reply_id: str, task: Task) -> bool:
        """Whether the call is in a batch; then the task waits for it too."""
        if reply_id not in self._held:
            return False
        self._held[reply_id].tasks.append(unrendered(task))
        return True

    def take(self, reply_id: str, batch: Batch) -> list[Task]:
        """Those who waited for this batch to bring the reply, which it has brought."""
        held = self._held.get(reply_id)
        if held is None or held.batch_key != batch.batch_key:
            return []
        return self._held.pop(reply_id).tasks

    def let_go(self, batch: Batch) -> list[Task]:
        """Forget a batch; gives those whose calls it has not brought."""
        del self.batches[batch.batch_key]
        left = [name for name, held in self._held.items() if held.batch_key == batch.batch_key]
        return [task for name in left for task in self._held.pop(name).tasks]

    def leave(self, model: str) -> list[Task]:
        """Wait no more for the batches of a model, which stay open; gives those who did."""
        keys = {batch.batch_key for batch in self.batches.values() if batch.model == model}
        held = [one for one in self._held.values() if one.batch_key in keys]
        tasks = [task for one in held for task in one.tasks]
        for one in held:
            one.tasks = []
        return tasks

    @property
    def waiting(self) -> tuple[int, int]:
        """How many batches are waited for, and for how many of their calls."""
        keys = [held.batch_key for held in self._held.values() if held.tasks]
        return len(set(keys)), len(keys)

    @property
    def reply_ids(self) -> frozenset[str]:
        """The replies that are still to come."""
        return frozenset(self._held)

    def by_model(self) -> Counter[str]:
        """By model, the calls in open batches. Safe to ask from another thread."""
        counts: Counter[str] = Counter()
        batches: Iterable[Batch] = list(self.batches.values())
        for batch in batches:
            counts[batch.model] += batch.n_requests
        return counts
