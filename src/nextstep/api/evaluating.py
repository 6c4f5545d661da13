"""An evaluation as a function: what `nextstep eval` does, with the results in hand."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from nextstep.api.waiting import wait_for
from nextstep.cli.settings import moment_set, set_up, the_shard
from nextstep.errors import BudgetReached
from nextstep.pipeline.evaluate import Job, make_job
from nextstep.pipeline.evaluate import evaluate as run_job
from nextstep.pipeline.parcels import Batching
from nextstep.pipeline.running import RunResult
from nextstep.pipeline.watching import Watcher
from nextstep.sources.dataset import open_suite
from nextstep.store import Store
from nextstep.store.arrow import query_arrow

if TYPE_CHECKING:
    import pyarrow as pa

Names = str | Sequence[str]


@dataclass(frozen=True)
class Evaluation:
    """How an evaluation went, and what the store then says of its candidates under its judges.

    The tables are Arrow tables; `.to_pandas()` and `.to_pylist()` on them make data frames and lists.
    """

    win_rates: "pa.Table"
    """An estimate a row: one candidate, one judge (or `jury`), one set."""
    outcomes: "pa.Table"
    """A judged pair a row: both orders folded into win, loss, tie or flip."""
    run_id: str
    suite_hash: str
    store: Path
    status: Literal["done", "failed", "over_budget"]
    """`failed`: some work gave nothing; all the rest counts, and the same call tries again what was lost."""
    requests: int
    """Answers that were paid for now."""
    reused: int
    """Answers that the store had."""
    failed: int
    """Pieces of work that gave nothing now; the store's `failures()` say why."""
    cost_usd: float
    unpriced: int
    """Answers whose price is not known and not in `cost_usd`."""


def evaluate(
    models: Names | None = None,
    *,
    judges: Names | None = None,
    config: str | Path | None = None,
    store: str | Path | None = None,
    suite: str | Path | None = None,
    set: Literal["detour", "control"] | None = None,  # noqa: A002 - the word of all commands
    limit: int | None = None,
    seed: int = 0,
    shard: str | None = None,
    samples: int | None = None,
    max_connections: int | None = None,
    max_cost_usd: float | None = None,
    fresh: bool = False,
    batch: bool = False,
) -> Evaluation:
    """Evaluate models as `nextstep eval` does: propose, judge, score; wait for it, and give the results.

    Works in scripts and in notebooks alike. What is not given comes from evals.yaml (in this folder, or `config`), and
    what the store has is not asked for again. Nothing is asked before it spends: bound it by `max_cost_usd`. A spent
    budget and failed work are told by `status`; a model that cannot answer at all (key, name, account) and wrong
    arguments raise NextstepError. Ctrl-C ends it with everything answered stored. With `batch`, calls go in batches,
    at half the price: it waits for them, up to a day, and where it is interrupted, the next run collects them.
    """
    setup = set_up(
        Path(config) if config is not None else None,
        store=Path(store) if store is not None else None,
        suite=str(suite) if suite is not None else None,
        models=_names(models),
        judges=_names(judges),
        samples=samples,
        max_connections=max_connections,
        max_cost=max_cost_usd,
    )
    job = make_job(
        setup.config,
        open_suite(setup.place),
        setup.prompts,
        only=moment_set(set),
        limit=limit,
        seed=seed,
        fresh=fresh,
        shard=the_shard(shard),
    )
    the_store = Store(setup.store)
    batching = Batching() if batch else None
    result = wait_for(lambda: run_job(job, the_store, Watcher(), batching=batching))
    if result.stopped_by and not isinstance(result.stopped_by, BudgetReached):
        raise result.stopped_by
    return _evaluation(job, the_store, result)


def _names(given: Names | None) -> list[str] | None:
    return [given] if isinstance(given, str) else list(given) if given is not None else None


def _evaluation(job: Job, store: Store, result: RunResult) -> Evaluation:
    with store.read() as connection:
        win_rates = query_arrow(connection, "results/win_rates", suite_hash=result.suite_hash)
        outcomes = query_arrow(connection, "results/outcomes", suite_hash=result.suite_hash)
    rates = {(row["candidate"], row["judge"], row["set"], row["prompt_hash"]) for row in result.win_rates}
    contests = {(c.candidate, c.judge, c.proposal_prompt_hash, c.verdict_prompt_hash) for c in job.contests()}
    asked = ("candidate", "judge", "proposal_prompt_hash", "verdict_prompt_hash")
    status: Literal["done", "failed", "over_budget"] = "failed" if result.failed else "done"
    return Evaluation(
        win_rates=_only(win_rates, ("candidate", "judge", "set", "prompt_hash"), rates),
        outcomes=_only(outcomes, asked, contests),
        run_id=result.run_id,
        suite_hash=result.suite_hash,
        store=store.path,
        status="over_budget" if result.stopped_by else status,
        requests=result.spend.calls,
        reused=sum(stage.reused for stage in result.stages.values()),
        failed=result.failed,
        cost_usd=result.spend.usd,
        unpriced=result.spend.unpriced,
    )


def _only(table: "pa.Table", columns: Sequence[str], wanted: Collection[tuple[str, ...]]) -> "pa.Table":
    """The rows whose columns say one of these."""
    import pyarrow as pa

    keys = zip(*(table.column(column).to_pylist() for column in columns), strict=True)
    return table.filter(pa.array([key in wanted for key in keys], pa.bool_()))
