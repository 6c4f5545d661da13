"""Send the calls of tasks, all that can go at once, and store every answer before anything is made of it.

A task waits in its model's queue until there is room, is asked as one call with all tasks that want the same answer,
and is over when a visit to the store has written what came. What that makes due goes in front of what is due already.
Whatever ends a run (an error, a limit, Ctrl-C), what was answered is stored first.
"""

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from nextstep.core.caching import UNSHARED, Node, Place
from nextstep.core.records import Usage
from nextstep.errors import BudgetReached, FatalModelError, ModelError
from nextstep.models.base import Model, NotSent, Sending
from nextstep.models.pace import Slots
from nextstep.pipeline.calls import Call, Trunk
from nextstep.pipeline.desk import Desk, Exchange, Follow, Outcome, Visit
from nextstep.pipeline.known import KnownReplies
from nextstep.pipeline.leading import Leads
from nextstep.pipeline.spending import Spend
from nextstep.pipeline.stage import StageResult, Task, unrendered
from nextstep.pipeline.watching import Watcher
from nextstep.store import Connection, Store

AHEAD = 16
"""Calls of a model that are made ready while all connections are taken."""
AT_ONCE = 16
"""Calls that are made ready before others have a turn."""
ANSWER_TOKENS = 1_500
"""Assumed output of one answer, thinking included, before it has come."""

IN_BATCH = ModelError("in_batch", "the call is in a batch that the server still works on")

Price: TypeAlias = Callable[[str, Usage], float | None]


@dataclass(eq=False)
class _Queue:
    """What one model is still to be asked, and how many of its calls are out."""

    model: str
    waiting: deque[Task] = field(default_factory=deque)
    out: int = 0
    wake: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass(eq=False)
class _Sent(Exchange):
    """An exchange on its way to a model."""

    call: Call
    place: Place = UNSHARED
    leads: tuple[Node, ...] = ()
    """The beginnings that it is the first to write."""
    read: int = 0
    """Characters that it is to read from the cache."""
    estimate_usd: float = 0.0
    is_under_way: bool = False
    went_at: float = 0.0
    """By the clock of `leads`, when it was last sent."""
    holds: bool = False
    """Whether it keeps its connection's place until it is stored, so that a kill loses few answers."""
    sending: "asyncio.Task[None] | None" = None

    @property
    def model(self) -> str:
        return self.tasks[0].model


def nothing_follows(_connection: Connection, _over: Sequence[Task]) -> Sequence[Task]:
    """What follows where a run has only the tasks that it is given."""
    return ()


@dataclass(eq=False)
class Engine:
    """One run's way to the models: their clients, the store, the spend, and who wants to know of progress."""

    run_id: str
    store: Store
    models: Mapping[str, Model]
    slots: Slots
    spend: Spend
    watcher: Watcher
    price: Price
    fresh: bool = False
    """Whether tasks with a stored answer that cannot be read are asked anew."""
    leads: Leads = field(default_factory=Leads)
    stages: dict[str, StageResult] = field(default_factory=dict)
    """How each stage goes."""
    dead: dict[str, FatalModelError] = field(default_factory=dict)
    """By model, why no further call to it is sent."""
    held: frozenset[str] = frozenset()
    """Replies that are to come from batches, so that nobody asks for them here."""
    missed: int = 0
    """Answers that should have been read from a server's cache in part, and were not."""
    to_read: int = 0
    """Answers that should have been."""

    def __post_init__(self) -> None:
        self._queues: dict[str, _Queue] = {}
        self._open: dict[str, _Sent] = {}
        self._landing: dict[str, list[Task]] = {}
        """By the name of a reply that is on its way into the store, tasks that want the same one."""
        self._mine: set[str] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._left = 0
        self._unsaved = 0
        self._holding = 0
        self._closing: BaseException | None = None
        self._bug: BaseException | None = None
        self._is_short = False
        self._over = asyncio.Event()

    async def run(
        self, tasks: Sequence[Task], *, follow: Follow = nothing_follows, coming: Iterable[tuple[Trunk, int]] = ()
    ) -> None:
        """Do the tasks, and what `follow` makes due of them, until nothing is left; rows and failures are stored.

        `coming` tells how calls of tasks that will follow begin. Tasks of a model that cannot answer stay due; `dead`
        says why. Raises BudgetReached when calls are left that the budget does not cover, and what `finish` was given.
        """
        if not tasks:
            return
        with self.store.read() as connection:
            self._known = KnownReplies(connection)
        self.leads.expect_tasks(tasks)
        self.leads.expect(coming)
        self._queues, self._over = {}, asyncio.Event()
        self._desk = Desk(self.store, self.run_id, follow, self._landed)
        visiting = asyncio.create_task(self._desk.run())
        visiting.add_done_callback(lambda _: self._over.set())
        self._add(tasks)
        self._look_whether_over()
        try:
            await self._over.wait()
        finally:
            await self._end(visiting)
        if ended_by := self._bug or self._closing:
            raise ended_by

    def finish(self, reason: BaseException) -> None:
        """Send nothing more; `run` raises the reason once what is under way has come and is stored."""
        self._closing = self._closing or reason
        for sent in self._open.values():
            if sent.sending and not sent.is_under_way:
                sent.sending.cancel()
        self._look_whether_over()

    async def _end(self, visiting: "asyncio.Task[None]") -> None:
        """Let go of what is under way, and store what was answered."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._desk.close()
        try:
            await asyncio.shield(visiting)
        except Exception:
            await self._desk.save()
            raise

    @property
    def under_way(self) -> dict[str, int]:
        """By model, the calls that are with it. Safe to ask from another thread."""
        return dict(Counter(sent.model for sent in list(self._open.values()) if sent.is_under_way))

    @property
    def waited_for(self) -> int:
        """The calls that an end of the run waits for."""
        return sum(sent.is_under_way for sent in self._open.values())

    # --- queues

    def _add(self, tasks: Iterable[Task], *, in_front: bool = False) -> None:
        """Put new tasks into their queues."""
        by_model: dict[str, list[Task]] = {}
        for task in tasks:
            by_model.setdefault(task.model, []).append(task)
            self.stages.setdefault(task.stage, StageResult())
            self.watcher.due(task.stage, task.model, 1)
            self._left += 1
        for model, some in by_model.items():
            queue = self._queue(model)
            if in_front:
                queue.waiting.extendleft(reversed(some))
            else:
                queue.waiting.extend(some)
            queue.wake.set()

    def _put_back(self, tasks: Iterable[Task]) -> None:
        """Put tasks that were taken out in front again."""
        for task in reversed(list(tasks)):
            queue = self._queue(task.model)
            queue.waiting.appendleft(task)
            queue.wake.set()

    def _queue(self, model: str) -> _Queue:
        if model not in self._queues:
            queue = self._queues[model] = _Queue(model)
            self._spawn(self._feed(queue))
        return self._queues[model]

    async def _feed(self, queue: _Queue) -> None:
        """Make calls ready, and send those whose answer the store does not have."""
        while True:
            taken = self._take(queue)
            if not taken:
                queue.wake.clear()
                await queue.wake.wait()
                continue
            for sent in taken:
                if sent.call.reply_id in self._known:
                    self._reuse(sent)
                else:
                    sent.sending = self._spawn(self._send(sent))
            await asyncio.sleep(0)

    def _take(self, queue: _Queue) -> list[_Sent]:
        """The next calls, as many as there is room for; tasks whose beginning is being written have to wait."""
        taken: list[_Sent] = []
        if queue.model in self.dead:
            self._drop(queue)
        while queue.waiting and self._may_take(queue) and len(taken) < AT_ONCE:
            task = unrendered(queue.waiting.popleft())  # whoever gave it may hold on to it
            if self.held and task.call.reply_id in self.held:
                self._desk.drop([task])
                continue
            place = self.leads.place(task)
            if self.leads.park(task, place):
                continue
            if same := self._open.get(task.call.reply_id):
                same.tasks.append(task)
                continue
            if (landing := self._landing.get(task.call.reply_id)) is not None:
                landing.append(task)
                continue
            read = self.leads.characters_read(place)
            sent = _Sent(task.call, [task], place=place, leads=self.leads.lead(place), read=read)
            self._open[task.call.reply_id] = sent
            queue.out += 1
            taken.append(sent)
        return taken

    def _may_take(self, queue: _Queue) -> bool:
        return queue.out < self.slots.most + AHEAD and not self._is_short and not self._closing

    def _drop(self, queue: _Queue) -> None:
        """Leave the tasks of a model that cannot answer undone; what waits for them hears that they are over."""
        if queue.waiting:
            self._desk.drop(list(queue.waiting))
            queue.waiting.clear()

    def _reuse(self, sent: _Sent) -> None:
        """Read an answer that the store has; with `fresh`, one that was there before this run is asked for anew."""
        self._let_others(sent, is_answered=False)
        again = [task.again() for task in sent.tasks] if self.fresh and sent.call.reply_id not in self._mine else []
        renewed = [task for task in again if task]
        if renewed:
            self._take_off(sent)
            self._put_back(renewed)
        else:
            sent.is_stored = True
            self._land(sent)

    # --- calls

    async def _send(self, sent: _Sent) -> None:
        """Ask for one answer, and hand over what came of it."""
        call = sent.call
        layout = replace(sent.place.layout, read=sent.read)
        begun = (lambda: self._let_others(sent, is_answered=True)) if sent.leads else None
        sending = Sending(layout, go=lambda: self._go(sent), paused=lambda: self._paused(sent), begun=begun)
        try:
            if self._closing:
                raise NotSent
            sent.answer = await self.models[call.request.model].ask(call.request, sending)
        except NotSent:
            self._give_back(sent)
            return
        except FatalModelError as error:
            self._bury(sent, error)
            return
        except ModelError as error:
            sent.error = error
        except BaseException as error:
            if isinstance(error, asyncio.CancelledError) and self._is_called_back(sent):
                self._give_back(sent)
                return
            self._break(error)
            raise
        finally:
            self._let_others(sent, is_answered=sent.answer is not None)
            self._stay(sent)
        if sent.answer:
            self._count(sent, sent.answer.usage)
        self._land(sent)

    def _paused(self, sent: _Sent) -> None:
        """A try has failed, which costs nothing, and another is waited for. Raises NotSent if there is to be none."""
        self._stay(sent)
        if self._closing or self._bug:
            raise NotSent

    def _stay(self, sent: _Sent) -> None:
        """A call is not under way, or no longer."""
        if sent.is_under_way:
            sent.is_under_way = False
            self.spend.end(sent.estimate_usd)

    def _is_called_back(self, sent: _Sent) -> bool:
        """Whether a call that was cancelled only waited in line as the run was to finish."""
        return self._closing is not None and not self._over.is_set() and not sent.is_under_way

    def _go(self, sent: _Sent) -> None:
        """A call's turn has come, for the first time or again. Raises NotSent when it is to stay here after all."""
        if self._closing or self._bug:
            raise NotSent
        sent.estimate_usd = self._estimate(sent.call, sent.read)
        if not self.spend.has_room(sent.estimate_usd):
            self._is_short = True
            raise NotSent
        sent.is_under_way, sent.went_at = True, self.leads.now()
        self.spend.begin(sent.estimate_usd)

    def _estimate(self, call: Call, read: int) -> float:
        """What a call may cost; 0 where nobody limits it."""
        if self.spend.limit_usd is None:
            return 0.0
        request = call.request
        unread = (request.characters - read) // 4
        usage = Usage(
            input_tokens=unread, cache_read_tokens=read // 4, output_tokens=min(ANSWER_TOKENS, request.max_tokens)
        )
        return self.price(request.model, usage) or 0.0

    def _give_back(self, sent: _Sent) -> None:
        """A call that was not sent: its tasks wait again."""
        self._take_off(sent)
        self._put_back(sent.tasks)
        self._look_whether_over()

    def _bury(self, sent: _Sent, error: FatalModelError) -> None:
        """Ask a model no more; where the account is spent, nobody."""
        self.dead.setdefault(sent.model, error)
        self._take_off(sent)
        self._desk.drop(sent.tasks)
        self._queue(sent.model).wake.set()
        if error.stops_run:
            self.finish(error)

    def _take_off(self, sent: _Sent) -> None:
        """The exchange is over here: something came of it, or it comes to nothing."""
        del self._open[sent.call.reply_id]
        queue = self._queue(sent.model)
        queue.out -= 1
        queue.wake.set()

    def _count(self, sent: _Sent, usage: Usage) -> None:
        """Note what an answer cost, and whether the cache did what it should."""
        sent.cost_usd = self.price(sent.model, usage)
        self.spend.add(sent.cost_usd, usage)
        if self.fresh:
            self._mine.add(sent.call.reply_id)
        if sent.read and usage.input_tokens is not None:
            self.to_read += 1
            self.missed += not usage.cache_read_tokens
        elif not usage.cache_read_tokens and not usage.cache_write_tokens:
            self.leads.kept_nothing(sent.place, sent.model)

    def _let_others(self, sent: _Sent, *, is_answered: bool) -> None:
        """Those who waited for what this call writes may go."""
        leads, sent.leads = sent.leads, ()
        if is_answered:  # what was just written is there now, however long its answer took to begin
            self.leads.used(sent.place, at=self.leads.now() if leads else sent.went_at)
        self._put_back(self.leads.let_go(leads))

    def _land(self, sent: _Sent) -> None:
        """Hand over to the desk."""
        self._take_off(sent)
        self._landing[sent.call.reply_id] = []
        if sent.answer:
            self._unsaved += 1
            sent.holds = self._unsaved > self.slots.most
            if sent.holds:
                self.slots.hold()
                self._holding += 1
        self._desk.land(sent)
        self._hurry()

    def _hurry(self) -> None:
        """Do not let the desk wait for more where connections wait for it, or no call is under way to bring more."""
        if self._holding or not self.slots.used:
            self._desk.hurry()

    # --- what came

    def _landed(self, visit: Visit) -> None:
        """A visit to the store is over: count what it wrote, and go on with what became due."""
        self._is_short = self._is_short and not visit.outcomes and not visit.dropped
        self._known.add(visit.others)
        self._add(visit.due, in_front=True)
        for outcome in visit.outcomes:
            exchange = outcome.exchange
            if exchange.answer:
                self._known.add([exchange.call.reply_id])
                self._is_safe(exchange)
            if outcome.is_over:
                self._tell(outcome)
                self._left -= len(exchange.tasks)
            else:
                self._known.forget(exchange.call.reply_id)
                self._put_back(exchange.tasks)
            self._put_back(self._landing.pop(exchange.call.reply_id, ()))
        for task in visit.dropped:
            self.watcher.dropped(task.stage, task.model, self.dead.get(task.model, IN_BATCH))
        self._left -= len(visit.dropped)
        for queue in self._queues.values():
            queue.wake.set()
        self._look_whether_over()

    def _is_safe(self, exchange: Exchange) -> None:
        """An answer is stored."""
        self._unsaved -= 1
        if isinstance(exchange, _Sent) and exchange.holds:
            self.slots.let_go()
            self._holding -= 1

    def _tell(self, outcome: Outcome) -> None:
        for task, _ in outcome.made:
            self.stages[task.stage].made += 1
            self.watcher.done(task.stage, task.model, None)
        for task, error in outcome.failed:
            self.stages[task.stage].failed += 1
            self.watcher.done(task.stage, task.model, error)
        for task in outcome.exchange.tasks:
            self.stages[task.stage].reused += outcome.exchange.is_stored

    def _look_whether_over(self) -> None:
        """Whether all is done, or nothing more will be."""
        if self._is_short and not self._open and self._desk.is_idle:
            self._closing = self._closing or BudgetReached(self.spend.reason)
        is_done = self._left == 0 or self._closing
        if is_done and not self._open and self._desk.is_idle:
            self._over.set()

    def _spawn(self, work: Coroutine[None, None, None]) -> "asyncio.Task[None]":
        """Do something beside everything else; what it raises ends the run."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: "asyncio.Task[None]") -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            self._break(error)

    def _break(self, error: BaseException) -> None:
        """Something that is no answer and no error of a model: the run ends at once."""
        if not self._over.is_set():
            self._bug = error
            self._over.set()
