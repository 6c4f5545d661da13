"""The whole evaluation as one run: propose, judge, score."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nextstep import __version__
from nextstep.config import CandidateSettings, EvalConfig, JudgeSettings
from nextstep.core.ids import make_id
from nextstep.core.records import Moment, MomentSet
from nextstep.errors import BudgetReached, FatalModelError, ModelError, UsageError
from nextstep.models import Model, open_model
from nextstep.pipeline.calls import Call
from nextstep.pipeline.engine import Engine, Spend
from nextstep.pipeline.ingest import store_suite
from nextstep.pipeline.judge import VerdictTask, due_verdicts
from nextstep.pipeline.prompting import CandidatePrompt, JudgePrompt
from nextstep.pipeline.propose import ProposalTask, due_proposals, note_asked, stored_proposals
from nextstep.pipeline.score import Contest, score
from nextstep.pipeline.stage import StageResult, Task, run_stage, stored_replies
from nextstep.sources.suite import Suite
from nextstep.store import Connection, Store
from nextstep.store.database import insert, utc_now


class Watcher:
    """Hears how a run goes; this one keeps it to itself."""

    def begin(self, stage: str, due: int) -> None:
        """A stage starts with this many results due."""

    def done(self, _call: Call, error: ModelError | None) -> None:
        """A call was answered, or gave up with an error."""


@dataclass(frozen=True)
class Job:
    """What is to be evaluated: a suite's chosen moments, who proposes, who judges, and how they are asked."""

    config: EvalConfig
    suite: Suite
    moments: tuple[Moment, ...]
    candidate_prompt: CandidatePrompt
    judge_prompt: JudgePrompt
    fresh: bool = False

    @property
    def candidates(self) -> tuple[CandidateSettings, ...]:
        """Who proposes."""
        return self.config.candidates

    @property
    def judges(self) -> tuple[JudgeSettings, ...]:
        """Who judges."""
        return self.config.judges

    def contests(self) -> list[Contest]:
        """Every candidate under every judge."""
        return [
            Contest(c.label, j.label, (c.model, j.model), self.candidate_prompt.hash(c), self.judge_prompt.hash(j))
            for c in self.candidates
            for j in self.judges
        ]

    def due_proposals(self, connection: Connection) -> list[ProposalTask]:
        """The proposals that are missing from the store."""
        tasks = due_proposals(
            connection, self.suite, self.moments, self.candidates, self.candidate_prompt, fresh=self.fresh
        )
        return list(tasks)

    def proposals(self, connection: Connection) -> list[tuple[Moment, dict[str, Any]]]:
        """The proposals in the store that are to be judged, those of one moment together."""
        moments = {moment.moment_id: moment for moment in self.moments}
        order = {moment_id: i for i, moment_id in enumerate(moments)}
        rows = [
            row
            for candidate in self.candidates
            for row in stored_proposals(connection, self.moments, candidate, self.candidate_prompt.hash(candidate))
        ]
        rows.sort(key=lambda row: order[row["moment_id"]])
        return [(moments[row["moment_id"]], row) for row in rows]

    def due_verdicts(self, connection: Connection) -> list[VerdictTask]:
        """The verdicts that are missing from the store, for the proposals that it has.

        With `fresh`, none is read from a stored reply: one that could not be read is asked for anew.
        """
        tasks = list(due_verdicts(connection, self.suite, self.proposals(connection), self.judges, self.judge_prompt))
        while self.fresh and (stored := stored_replies(connection, tasks)):
            tasks = [task.again() if task.call.reply_id in stored else task for task in tasks]
        return tasks


@dataclass
class RunResult:
    """How a run went, and the win rates it left in the store."""

    run_id: str
    suite_hash: str
    status: str = "running"
    stages: dict[str, StageResult] = field(default_factory=dict)
    spend: Spend = field(default_factory=Spend)
    win_rates: list[dict[str, Any]] = field(default_factory=list)
    stopped_by: Exception | None = None

    @property
    def failed(self) -> int:
        """Tasks that gave nothing."""
        return sum(stage.failed for stage in self.stages.values())


def make_job(
    config: EvalConfig,
    suite: Suite,
    prompts: Path,
    *,
    only: MomentSet | None = None,
    limit: int | None = None,
    seed: int = 0,
    fresh: bool = False,
) -> Job:
    """The job that a config and flags ask for; checks all that can be checked before anything is sent."""
    if not config.candidates:
        raise UsageError("there is no candidate: give --model, or `candidates:` in evals.yaml")
    if not config.judges:
        raise UsageError("there is no judge: give --judge, or `judges:` in evals.yaml")
    moments = choose_moments(suite, only=only, limit=limit, seed=seed)
    candidate_prompt, judge_prompt = CandidatePrompt(prompts), JudgePrompt(prompts, config.judging)
    return Job(config, suite, moments, candidate_prompt, judge_prompt, fresh)


def choose_moments(
    suite: Suite, *, only: MomentSet | None = None, limit: int | None = None, seed: int = 0
) -> tuple[Moment, ...]:
    """The suite's moments, of one set or both; with `limit`, a seeded choice in which a larger one holds a smaller."""
    moments = [moment for moment in suite.moments if only in (None, moment.set)]
    if not moments:
        kind = f"{only} moments" if only else "moments"
        raise UsageError(f"{suite.folder} has no {kind}; see moments.jsonl there")
    drawn = sorted(moments, key=lambda moment: make_id("pick", seed, moment.moment_id))
    chosen = set(drawn if limit is None else drawn[:limit])
    return tuple(moment for moment in moments if moment in chosen)


async def evaluate(
    job: Job,
    store: Store,
    watcher: Watcher,
    *,
    command: str = "eval",
    opener: Callable[[str], Model] | None = None,
) -> RunResult:
    """Do the job as one run and score it; what is stored already is not asked for again.

    Failures are rows and are counted in the result. A model that cannot answer at all, a spent budget or an
    interruption end the run early, with everything answered stored and scored; `result.stopped_by` says which.
    """
    limits = job.config.limits
    result = RunResult(new_run_id(), job.suite.suite_hash, spend=Spend(limits.max_cost_usd))
    open_one = opener or (lambda name: open_model(name, job.config.endpoints, limits))
    models = {settings.model: open_one(settings.model) for settings in (*job.candidates, *job.judges)}
    engine = Engine(result.run_id, store, models, limits.max_connections, result.spend, watcher.done)
    with store.write() as connection:
        store_suite(connection, job.suite)
        insert(connection, "runs", [_run_row(job, result, command)])
    try:
        await _stages(job, store, engine, watcher, result)
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
        _finish(job, store, result)
    return result


async def _stages(job: Job, store: Store, engine: Engine, watcher: Watcher, result: RunResult) -> None:
    with store.write() as connection:
        proposals = job.due_proposals(connection)
        note_asked(connection, proposals)
    await _stage("propose", "proposals", proposals, engine, watcher, result)
    with store.read() as connection:
        verdicts = job.due_verdicts(connection)
    await _stage("judge", "verdicts", verdicts, engine, watcher, result)
    for error in engine.dead.values():
        raise error


async def _stage(
    name: str, table: str, tasks: Sequence[Task], engine: Engine, watcher: Watcher, result: RunResult
) -> None:
    watcher.begin(name, len(tasks))
    result.stages[name] = StageResult()
    if tasks:
        await run_stage(engine, tasks, table, result.stages[name])


def _finish(job: Job, store: Store, result: RunResult) -> None:
    """Score what there is and close the run's row."""
    with store.write() as connection:
        result.win_rates = score(connection, job.suite.suite_hash, job.contests())
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


def _run_row(job: Job, result: RunResult, command: str) -> dict[str, Any]:
    hashes = {"candidate": job.candidate_prompt.prompt.digest, "judge": job.judge_prompt.prompt.digest}
    resolved = job.config.model_dump(mode="json") | {"prompt_hashes": hashes, "moments": len(job.moments)}
    return {
        "run_id": result.run_id,
        "command": command,
        "started_at": utc_now(),
        "status": result.status,
        "config": json.dumps(resolved),
        "suite_hash": job.suite.suite_hash,
        "version": __version__,
        "calls": 0,
        "failed": 0,
    }


def new_run_id() -> str:
    """A name for a run, in order of time; the one record that is an event and not content."""
    from uuid import uuid4

    return f"{utc_now():%Y%m%dT%H%M%S}-{uuid4().hex[:6]}"
