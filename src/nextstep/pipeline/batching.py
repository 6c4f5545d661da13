"""A run whose calls go out in batches: half the price, answered within a day.

It goes in rounds. What is due becomes calls, the calls become batches, the batches are looked at from time to time, and
what becomes due by their answers makes the next round. Models whose server has no batches are asked one by one.
"""

import asyncio
import random
from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from nextstep.errors import BudgetReached, FatalModelError, ModelError
from nextstep.models import is_offline
from nextstep.models.batches import NoBatches, batches_of
from nextstep.models.prices import in_batch
from nextstep.pipeline.batch_rows import Batch, calls_of, next_attempts, open_batches
from nextstep.pipeline.calls import Trunk
from nextstep.pipeline.clerk import Arrived, Clerk, StillUnsure
from nextstep.pipeline.desk import Desk, Exchange, Follow
from nextstep.pipeline.engine import Engine, nothing_follows
from nextstep.pipeline.holding import Holding
from nextstep.pipeline.leading import Leads
from nextstep.pipeline.parcels import Batching, Parcel
from nextstep.pipeline.stage import StageResult, Task, unrendered
from nextstep.store import Connection
from nextstep.store.database import query

AT_ONCE = 200
"""Calls that are looked up in the store together."""
MOST_TROUBLES = 30
"""Looks at a batch in a row that may fail."""
TOO_LARGE = frozenset({"request_too_large", "http_413"})
TOO_MUCH = "rate_limit_error"


@dataclass(eq=False)
class BatchEngine(Engine):
    """An engine that sends what it can in batches, and asks the rest as any other."""

    batching: Batching = field(default_factory=Batching)

    def __post_init__(self) -> None:
        super().__post_init__()
        found = {name: batches_of(model, name) for name, model in self.models.items() if not is_offline(name)}
        self.servers = {name: batches for name, batches in found.items() if batches}
        if singly := [name for name in found if name not in self.servers]:
            self.watcher.remark(f"{', '.join(singly)}: not in batches; these are asked one by one, at the full price")
        self.clerk = Clerk(self.run_id, self.store, self.servers, self.batching.settle_s)
        self.shared = Leads(hour=True)
        self._due: defaultdict[str, deque[Task]] = defaultdict(deque)
        self.holding = Holding()
        self._troubles: dict[str, int] = {}
        self._most_bytes: dict[str, int] = {}
        self._given_up: set[str] = set()
        """Models whose batches are left to a later run."""
        self._is_over_budget = self._is_refused = False
        self._later: list[Task] = []
        self._start(nothing_follows)

    def _start(self, follow: Follow) -> None:
        self._follow = follow
        self._book = self._desk = Desk(self.store, self.run_id, follow, lambda _: None)

    async def run(
        self, tasks: Sequence[Task], *, follow: Follow = nothing_follows, coming: Iterable[tuple[Trunk, int]] = ()
    ) -> None:
        """Do the tasks as `Engine.run` does; when nobody waits, those whose answers are still to come stay due."""
        self._start(follow)
        coming = list(coming)
        self.shared.expect_tasks(tasks)
        self.shared.expect(coming)
        self.leads.expect(coming)
        await self._pick_up()
        self._take_in(tasks)
        while await self._round():
            pass

    async def collected_early(self) -> frozenset[str]:
        """Store what batches of earlier runs have brought by now; gives the replies that are still to come."""
        await self._pick_up()
        await self._look_at_all()
        for batch in self.holding.batches.values():
            self.spend.end(batch.estimate_usd, batch.n_requests)
        return self.holding.reply_ids

    @property
    def under_way(self) -> dict[str, int]:
        """By model, the calls that are out, in batches or on their own."""
        return dict(self.holding.by_model() + Counter(super().under_way))

    async def _round(self) -> bool:
        """Send what is due, and look what came; whether there is more to do."""
        self._is_over_budget = self._is_refused = False
        for model in list(self._due):
            await self._send_all(model)
        await self._ask_singly()
        came = await self._look_at_all()
        if self._closing:
            raise self._closing
        if came:
            return True
        batches, waiting = self.holding.waiting
        if self._is_over_budget and not (waiting and self.batching.wait):
            raise BudgetReached(self.spend.reason)
        unsent = sum(map(len, self._due.values()))
        if not self.batching.wait and unsent:
            self.watcher.remark(
                f"the server takes no more batches now, so {unsent} pieces of work wait for a later run"
            )
        if not self.batching.wait or not (waiting or unsent):
            return False
        await self._pause(batches, waiting)
        return True

    async def _pause(self, batches: int, calls: int) -> None:
        """Wait until the next look, or until the run is to finish."""
        seconds = self.batching.look_s * random.uniform(0.9, 1.1)  # noqa: S311 - jitter guards nothing
        self.watcher.waiting(batches, calls, seconds)
        self._over = asyncio.Event()
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._over.wait()

    # --- what is due

    def _take_in(self, tasks: Iterable[Task]) -> None:
        """New tasks. Those that will be asked on their own are announced when they are.

        Copies are kept: whoever gave the tasks may hold on to them, and rendered ones are large.
        """
        for task in tasks:
            self.stages.setdefault(task.stage, StageResult())
            if task.model in self.servers:
                self.watcher.due(task.stage, task.model, 1)
            self._due[task.model].append(unrendered(task))

    def _put_back_due(self, tasks: Iterable[Task]) -> None:
        for task in tasks:
            self._due[task.model].append(task)

    async def _ask_singly(self) -> None:
        """Ask the models whose server has no batches."""
        tasks: list[Task] = []
        for model in [model for model in self._due if model not in self.servers]:
            tasks += self._due.pop(model)
        if tasks:
            await super().run(tasks, follow=self._follow_singly)
            later, self._later = self._later, []
            self._take_in(later)

    def _follow_singly(self, connection: Connection, over: Sequence[Task]) -> Sequence[Task]:
        """What follows and is asked one by one too; the rest is for the next round."""
        due = self._follow(connection, over)
        self._later += [task for task in due if task.model in self.servers]
        return [task for task in due if task.model not in self.servers]

    # --- into batches

    async def _send_all(self, model: str) -> None:
        """Send what is due of a model, as far as the budget and the server let."""
        queue = self._due[model]
        while queue and model in self.servers and not (self._is_over_budget or self._is_refused or self._closing):
            if model in self.dead:
                await self._write((), list(queue))
                queue.clear()
                return
            parcel = await self._filled(model, queue)
            if parcel.calls:
                await self._submit(model, parcel)

    async def _filled(self, model: str, queue: deque[Task]) -> Parcel:
        """The next calls that nobody has answered yet, as many as one batch takes."""
        parcel = Parcel(self.batching.most_requests, self._most_bytes.get(model, self.batching.most_bytes))
        while queue and not parcel.is_full and not self._is_over_budget:
            some = deque(queue.popleft() for _ in range(min(AT_ONCE, len(queue))))
            stored, attempts = await asyncio.to_thread(self._look_up, model, [task.call.reply_id for task in some])
            reused: list[Exchange] = []
            while some and self._place(some[0], parcel, stored, attempts, reused):
                some.popleft()
            queue.extendleft(reversed(some))
            await self._write(reused)
        return parcel

    def _place(
        self, task: Task, parcel: Parcel, stored: frozenset[str], attempts: dict[str, int], reused: list[Exchange]
    ) -> bool:
        """Find a task's answer, or who brings it already, or put it into the parcel; False when it has to wait."""
        reply_id = task.call.reply_id
        if self.holding.joins(reply_id, task):
            return True
        if reply_id in parcel.tasks:
            parcel.tasks[reply_id].append(task)
        elif reply_id in stored:
            renewed = task.again() if self.fresh and reply_id not in self._mine else None
            if renewed:
                self._due[task.model].append(renewed)
            else:
                reused.append(Exchange(task.call, [task], is_stored=True))
        else:
            return self._add_to(parcel, task, attempts.get(reply_id, 1))
        return True

    def _add_to(self, parcel: Parcel, task: Task, attempt: int) -> bool:
        estimate = in_batch(self._estimate(task.call, 0)) or 0.0
        if not self.spend.has_room(estimate):
            self._is_over_budget = True
            return False
        if not parcel.add(task, attempt, self.shared.place(task).layout, estimate):
            return False
        self.spend.begin(estimate)
        return True

    def _look_up(self, model: str, reply_ids: Sequence[str]) -> tuple[frozenset[str], dict[str, int]]:
        """Those of these replies that the store has, and which attempts the next ones of the others are."""
        with self.store.read_or_empty() as connection:
            rows = query(connection, "stored_replies", reply_ids=list(reply_ids))
            attempts = next_attempts(connection, reply_ids, self._most_attempts(model))
        return frozenset(row["reply_id"] for row in rows), attempts

    def _most_attempts(self, model: str) -> int:
        return self.servers[model].model.limits.attempts

    async def _submit(self, model: str, parcel: Parcel) -> None:
        """Send a batch; where there is none in the end, its tasks wait again, fail or are left, by the reason why."""
        try:
            batch = await self.clerk.submit(parcel.calls, parcel.items, parcel.estimate_usd)
        except StillUnsure as unsure:
            batch = unsure.batch
        except NoBatches:
            self.spend.end(parcel.estimate_usd, len(parcel.calls))
            self._without_batches(model, parcel)
            return
        except ModelError as error:
            self.spend.end(parcel.estimate_usd, len(parcel.calls))
            await self._refused(model, parcel, error)
            return
        self.holding.add(batch, parcel.tasks)

    def _without_batches(self, model: str, parcel: Parcel) -> None:
        """Ask a model one by one from now on."""
        address = self.servers.pop(model).address
        self.watcher.remark(f"{model}: {address} has no batches; its calls are sent one by one, at the full price")
        tasks = [*parcel.all_tasks(), *self._due[model]]
        for task in tasks:
            self.watcher.due(task.stage, task.model, -1)  # whoever asks them one by one announces them
        self._due[model] = deque(tasks)

    async def _refused(self, model: str, parcel: Parcel, error: ModelError) -> None:
        """There is no batch, and the server has said why."""
        tasks = parcel.all_tasks()
        if isinstance(error, FatalModelError):
            await self._bury_model(model, error, tasks)
        elif error.kind in TOO_LARGE and len(parcel.calls) > 1:
            self._most_bytes[model] = parcel.size // 2
            self._due[model].extendleft(reversed(tasks))
        elif error.kind == TOO_MUCH and self.holding.batches:
            self._is_refused = True
            self._due[model].extendleft(reversed(tasks))
        else:
            await self._write([Exchange(call, parcel.tasks[call.reply_id], error=error) for call in parcel.calls])

    async def _bury_model(self, model: str, error: FatalModelError, tasks: Sequence[Task]) -> None:
        """Ask a model no more; where the account is spent, nobody."""
        self.dead.setdefault(model, error)
        await self._write((), tasks)
        if error.stops_run:
            self.finish(error)

    # --- out of batches

    async def _pick_up(self) -> None:
        """The batches of earlier runs that may still bring answers."""
        new = [batch for batch in await self.clerk.known() if batch.batch_key not in self.holding.batches]
        new = [batch for batch in new if batch.status != "lost"]
        with self.store.read_or_empty() as connection:
            calls = calls_of(connection, new)
        for batch in new:
            self.spend.begin(batch.estimate_usd, batch.n_requests)
            self.holding.add(batch, {call.reply_id: () for call in calls[batch.batch_key]})

    async def _look_at_all(self) -> bool:
        """Look at every batch once, and take in what came; whether that changes what is due."""
        came = False
        for batch in list(self.holding.batches.values()):
            if batch.model not in self._given_up:
                came = await self._look(batch) or came
        return came

    async def _look(self, batch: Batch) -> bool:
        try:
            batch = self.holding.batches[batch.batch_key] = await self.clerk.settled(batch)
            seen = await self.clerk.look(batch) if batch.status == "open" else None
            if seen and not seen.has_ended:
                self._troubles.pop(batch.batch_key, None)
                return False
            if seen:
                async for portion in self.clerk.collected(batch, seen):
                    await self._land_all(batch, portion)
            elif batch.batch_id:
                self.watcher.remark(
                    f"{batch.address} knows no batch {batch.batch_id} any more; its calls are due again"
                )
        except ModelError as error:
            return await self._had_trouble(batch, error)
        self._let_go(batch)
        return True

    def _let_go(self, batch: Batch) -> None:
        """A batch is over, or not what it was taken for: its calls that nothing came of are due again."""
        with self.store.read() as connection:
            still = {one.batch_key: one for one in open_batches(connection, [batch.model])}
        if batch.batch_key in still:
            self.holding.batches[batch.batch_key] = still[batch.batch_key]
            return
        self.spend.end(batch.estimate_usd, batch.n_requests)
        self._put_back_due(self.holding.let_go(batch))

    async def _had_trouble(self, batch: Batch, error: ModelError) -> bool:
        """A look failed. Batches go on without us, so that only a lasting problem ends the waiting for one."""
        key = batch.batch_key
        self._troubles[key] = self._troubles.get(key, 0) + 1
        lasting = self._troubles[key] >= MOST_TROUBLES
        if not (lasting or isinstance(error, FatalModelError)):
            return False
        fatal = error if isinstance(error, FatalModelError) else FatalModelError(error.kind, str(error), exit_code=4)
        self._given_up.add(batch.model)
        self.watcher.remark(f"the batches of {batch.model} are left to a later run: {fatal}")
        await self._bury_model(batch.model, fatal, self.holding.leave(batch.model))
        return True

    async def _land_all(self, batch: Batch, portion: Sequence[Arrived]) -> None:
        """Store what came, and make rows of it for those who wait; what may pass is due again."""
        model = batch.model
        stored, _ = await asyncio.to_thread(self._look_up, model, [one.call.reply_id for one in portion])
        exchanges: list[Exchange] = []
        dropped: list[Task] = []
        for one in portion:
            tasks = self.holding.take(one.call.reply_id, batch)
            result, is_stored = one.result, one.call.reply_id in stored
            if result.answer or is_stored:
                exchanges.append(self._answered(one, tasks, is_stored=is_stored))
            elif isinstance(result.error, FatalModelError):
                self.dead.setdefault(model, result.error)
                dropped += tasks
            elif result.may_pass and one.call.attempt < self._most_attempts(model):
                self._put_back_due(tasks)
            elif result.error:
                result.error.attempts = one.call.attempt
                exchanges.append(Exchange(one.call, tasks, error=result.error))
        await self._write(exchanges, dropped)

    def _answered(self, one: Arrived, tasks: list[Task], *, is_stored: bool) -> Exchange:
        """An answer that is paid for now, or was stored before."""
        exchange = Exchange(one.call, tasks, is_stored=is_stored)
        if one.result.answer and not is_stored:
            exchange.answer = one.result.answer.model_copy(update={"attempts": one.call.attempt})
            exchange.cost_usd = in_batch(self.price(one.call.model, exchange.answer.usage))
            self.spend.add(exchange.cost_usd, exchange.answer.usage)
            self._mine.add(one.call.reply_id)
        return exchange

    async def _write(self, exchanges: Sequence[Exchange], dropped: Sequence[Task] = ()) -> None:
        """One visit to the store, with all that follows from it."""
        if not exchanges and not dropped:
            return
        visit = await asyncio.to_thread(self._book.work, exchanges, dropped)
        self._take_in(visit.due)
        for outcome in visit.outcomes:
            self._tell(outcome)
        for task in dropped:
            self.watcher.dropped(task.stage, task.model, self.dead[task.model])


def in_batches(engine: Engine, batching: Batching) -> BatchEngine:
    """What sends the same run's calls in batches."""
    return BatchEngine(
        engine.run_id,
        engine.store,
        engine.models,
        engine.slots,
        engine.spend,
        engine.watcher,
        engine.price,
        fresh=engine.fresh,
        batching=batching,
    )


async def collect(engine: Engine) -> frozenset[str]:
    """Store what batches of earlier runs have brought by now; gives the replies that are still to come."""
    return await in_batches(engine, Batching()).collected_early()
