"""A run: its row in the store, models that are opened and closed, and an end that is always written."""

import asyncio
import json
import signal
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeAlias

from nextstep import __version__
from nextstep.config import EvalConfig, ModelSettings
from nextstep.errors import BudgetReached, FatalModelError
from nextstep.models import is_offline, open_model
from nextstep.models.base import Model
from nextstep.models.pace import Slots
from nextstep.models.prices import cost_usd
from nextstep.pipeline.batch_rows import open_batches
from nextstep.pipeline.engine import Engine
from nextstep.pipeline.ingest import store_suite
from nextstep.pipeline.parcels import Batching
from nextstep.pipeline.spending import Spend
from nextstep.pipeline.stage import StageResult
from nextstep.pipeline.watching import Watcher
from nextstep.sources.suite import Suite
from nextstep.store import Connection, Store
from nextstep.store.database import insert, utc_now

Opener: TypeAlias = Callable[[str], Model]


@dataclass
class RunResult:
    """How a run went, and the win rates or the judges' health that it left in the store."""

    run_id: str
    suite_hash: str
    status: str = "running"
    stages: dict[str, StageResult] = field(default_factory=dict)
    spend: Spend = field(default_factory=Spend)
    win_rates: list[dict[str, Any]] = field(default_factory=list)
    health: list[dict[str, Any]] = field(default_factory=list)
    stopped_by: Exception | None = None
    in_batches: tuple[tuple[str, int], ...] = ()
    """By the server's name, the batches that are still processed, and how many calls each has; a later run collects."""

    @property
    def failed(self) -> int:
        """Tasks that gave nothing."""
        return sum(stage.failed for stage in self.stages.values())


@dataclass(frozen=True)
class Errand:
    """What a run is for: the command, what it depends on, and the models that it asks."""

    command: str
    config: EvalConfig
    suite: Suite
    models: tuple[ModelSettings, ...]
    facts: dict[str, Any]
    """What else the run's record says of its config."""


async def perform(
    errand: Errand,
    work: Callable[[Engine, RunResult], Awaitable[None]],
    close: Callable[[Connection, RunResult], None],
    store: Store,
    watcher: Watcher,
    opener: Opener | None = None,
    *,
    fresh: bool = False,
    batching: Batching | None = None,
) -> RunResult:
    """Do the `work` as one run, and `close` it with what can be said of the answers that are there, however it ended.

    Failures are rows and are counted in the result. A model that cannot answer at all, a spent budget or an
    interruption end the run early, with everything answered stored; `result.stopped_by` says which.
    """
    limits = errand.config.limits
    result = RunResult(new_run_id(), errand.suite.suite_hash, spend=Spend(limits.max_cost_usd))
    slots = Slots(limits.max_connections)
    open_one = opener or (lambda name: open_model(name, errand.config.endpoints, limits, slots))
    models = {settings.model: open_one(settings.model) for settings in errand.models}
    price = partial(cost_usd, prices=errand.config.prices)
    engine = Engine(result.run_id, store, models, slots, result.spend, watcher, price, fresh=fresh)
    if batching:
        engine = _in_batches(engine, batching)
    result.stages = engine.stages
    for name in filter(is_offline, models):
        engine.leads.keeps_nothing(name)
    watcher.begin(engine)
    store_suite(store, errand.suite)
    with store.write() as connection:
        insert(connection, "runs", [_run_row(errand, result)])
    try:
        with finishing_on_interrupt(engine, watcher):
            engine.held = frozenset() if batching else await _collect_early(engine)
            await work(engine, result)
        result.status = "failed" if result.failed else "done"
    except (BudgetReached, FatalModelError) as error:
        result.status = "over_budget" if isinstance(error, BudgetReached) else "failed"
        result.stopped_by = error
    except Exception as error:
        result.status, result.stopped_by = "failed", error
        raise
    except BaseException:
        result.status = "interrupted"
        raise
    finally:
        for model in models.values():
            await model.aclose()
        with store.write() as connection:
            close(connection, result)
            _end(connection, result)
            left = open_batches(connection, models)
        result.in_batches = tuple((one.batch_id or one.batch_key, one.n_requests) for one in left)
        if left:
            watcher.remark(_left_in_batches(result.in_batches))
    return result


@contextmanager
def finishing_on_interrupt(engine: Engine, watcher: Watcher) -> Iterator[None]:
    """The first Ctrl-C sends nothing more and waits for what is under way; the second ends the run at once.

    Only where this loop may hear signals: in the main thread, and not on Windows.
    """
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    heard = 0

    def interrupt() -> None:
        nonlocal heard
        heard += 1
        if heard == 1:
            watcher.interrupted(engine.waited_for)
            engine.finish(KeyboardInterrupt())
        elif task:
            task.cancel()

    try:
        loop.add_signal_handler(signal.SIGINT, interrupt)
    except (NotImplementedError, RuntimeError, ValueError):
        yield
        return
    try:
        yield
    except asyncio.CancelledError:
        if heard > 1:
            raise KeyboardInterrupt from None
        raise
    finally:
        loop.remove_signal_handler(signal.SIGINT)


def _in_batches(engine: Engine, batching: Batching) -> Engine:
    """The same engine, for batches."""
    from nextstep.pipeline.batching import in_batches  # with the SDK, which takes long to load

    return in_batches(engine, batching)


async def _collect_early(engine: Engine) -> frozenset[str]:
    """Store what batches of earlier runs have brought by now; gives the replies that are still to come."""
    with engine.store.read() as connection:
        if not open_batches(connection, engine.models):
            return frozenset()
    from nextstep.pipeline.batching import collect

    return await collect(engine)


def _left_in_batches(batches: Sequence[tuple[str, int]]) -> str:
    """That batches are still open, and what to do."""
    calls, names = sum(n for _, n in batches), ", ".join(name for name, _ in batches)
    what = f"{calls} calls are in {len(batches)} {'batch' if len(batches) == 1 else 'batches'} that are still processed"
    return f"{what} ({names}); the same command collects them later"


def _end(connection: Connection, result: RunResult) -> None:
    """Close the run's row."""
    connection.execute(
        "UPDATE runs SET finished_at = $at, status = $status, error = $error, calls = $calls, failed = $failed,"
        " cost_usd = $cost WHERE run_id = $run_id",
        {
            "at": utc_now(),
            "status": result.status,
            "error": str(result.stopped_by) if result.stopped_by else None,
            "calls": result.spend.calls,
            "failed": result.failed,
            "cost": None if result.spend.unpriced else result.spend.usd,
            "run_id": result.run_id,
        },
    )


def _run_row(errand: Errand, result: RunResult) -> dict[str, Any]:
    return {
        "run_id": result.run_id,
        "command": errand.command,
        "started_at": utc_now(),
        "status": result.status,
        "config": json.dumps(errand.config.model_dump(mode="json") | errand.facts),
        "suite_hash": errand.suite.suite_hash,
        "version": __version__,
        "calls": 0,
        "failed": 0,
    }


def new_run_id() -> str:
    """A name for a run, in order of time; the one record that is an event and not content."""
    from uuid import uuid4

    return f"{utc_now():%Y%m%dT%H%M%S}-{uuid4().hex[:6]}"
