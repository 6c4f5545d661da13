"""Comparisons and the regression gate as functions: what `nextstep compare` and `nextstep check` do."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from nextstep.api.waiting import wait_for
from nextstep.cli.settings import moment_set, set_up
from nextstep.core.gating import Verdict
from nextstep.pipeline.comparing import compare as compare_stored
from nextstep.pipeline.evaluate import evaluate as run_job
from nextstep.pipeline.evaluate import make_job
from nextstep.pipeline.gate import against as named
from nextstep.pipeline.gate import decide, not_comparable, sides_of
from nextstep.pipeline.parcels import Batching
from nextstep.pipeline.watching import Watcher
from nextstep.sources.dataset import open_suite
from nextstep.store import Store

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class Comparison:
    """Paired differences of models, on the moments that both were scored at."""

    differences: "pa.Table"
    """A pair of models under one judge on one set a row: the first minus the second, as in table `comparisons`."""
    changed: "pa.Table"
    """The moments whose scores differ most."""
    not_comparable: tuple[tuple[str, str, tuple[str, ...]], ...]
    """(first, second, why) of the pairs that were not judged alike."""


@dataclass(frozen=True)
class Check:
    """What the regression gate says of a new model."""

    verdict: Verdict
    """`pass`, `regression` or `no verdict`, over all sets."""
    gates: "pa.Table"
    """A set a row, as in table `gates`, with the reason and what would mend it."""
    changed: "pa.Table"
    """The moments whose scores differ most."""


def compare(
    *models: str,
    judges: str | list[str] | None = None,
    config: str | Path | None = None,
    store: str | Path | None = None,
    suite: str | None = None,
    set: Literal["detour", "control"] | None = None,  # noqa: A002 - the word of all commands
    most: int = 5,
) -> Comparison:
    """Compare two models or more, two by two, as `nextstep compare` does; nothing is sent.

    Of the suite scored last, or `suite`; `most` moments that changed most are given for each pair. Raises NextstepError
    for a model that the store does not know.
    """
    the_store = Store(set_up(_path(config), store=_path(store)).store)
    suite_hash = open_suite(suite).suite_hash if suite is not None else None
    wanted = [judges] if isinstance(judges, str) else judges or ()
    found = compare_stored(the_store, models, suite_hash=suite_hash, judges=wanted, only=moment_set(set), most=most)
    apart = tuple(
        (one.candidate, one.baseline, tuple(f"{why.what}; {why.remedy}" for why in one.reasons)) for one in found.apart
    )
    return Comparison(_table(found.rows), _table(found.changed), apart)


def check(
    model: str,
    *,
    against: str | Path,
    run: bool = True,
    judges: str | list[str] | None = None,
    config: str | Path | None = None,
    store: str | Path | None = None,
    suite: str | Path | None = None,
    limit: int | None = None,
    seed: int = 0,
    samples: int | None = None,
    max_connections: int | None = None,
    max_cost_usd: float | None = None,
    fresh: bool = False,
    batch: bool = False,
) -> Check:
    """Decide whether a new model is worse than an old one, or than a baseline's file, as `nextstep check` does.

    Evaluates what is missing first, unless `run` is false or the two cannot be compared whatever is run. Margin, alpha
    and sets stand in `gate:` of evals.yaml. Raises NextstepError, also for a budget that ended the run early: half of a
    run is no ground for a verdict. `batch` is that of `evaluate`.
    """
    old = named(str(against))
    setup = set_up(
        _path(config),
        store=_path(store),
        suite=str(suite) if suite is not None else None,
        models=list(dict.fromkeys([model] if old.baseline else [model, old.label])),
        judges=[judges] if isinstance(judges, str) else judges,
        samples=samples,
        max_connections=max_connections,
        max_cost=max_cost_usd,
    )
    job = make_job(setup.config, open_suite(setup.place), setup.prompts, limit=limit, seed=seed, fresh=fresh)
    the_store = Store(setup.store)
    if not run:
        with the_store.read():
            pass  # there must be one to decide by
    elif not not_comparable(sides_of(job, old)):
        way = Batching() if batch else None
        result = wait_for(lambda: run_job(job, the_store, Watcher(), command="check", batching=way))
        if result.stopped_by:
            raise result.stopped_by
    gate = decide(the_store, job, old)
    return Check(gate.verdict, _table(gate.rows), _table(gate.changed))


def _path(given: str | Path | None) -> Path | None:
    return Path(given) if given is not None else None


def _table(rows: Any) -> "pa.Table":
    import pyarrow as pa

    return pa.Table.from_pylist([dict(row) for row in rows])
