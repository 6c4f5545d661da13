"""The whole evaluation as one run: propose, bring the human's steps into the form, judge, score."""

from collections.abc import Collection
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from nextstep.config import CandidateSettings, EvalConfig, JudgeSettings, ModelSettings
from nextstep.core.ids import make_id
from nextstep.core.records import Moment, MomentSet
from nextstep.errors import UsageError
from nextstep.pipeline.engine import Engine
from nextstep.pipeline.judge import VerdictTask, due_verdicts
from nextstep.pipeline.prompting import CandidatePrompt, JudgePrompt
from nextstep.pipeline.propose import ProposalTask, due_proposals, note_asked, stored_proposals
from nextstep.pipeline.running import Errand, Opener, RunResult, Watcher, do_stage, perform
from nextstep.pipeline.score import Contest, score
from nextstep.pipeline.scribe import RewriteTask, due_rewrites, own_words
from nextstep.pipeline.stage import anew
from nextstep.sources.suite import Suite
from nextstep.store import Connection, Store


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
        form = self.judge_prompt.form
        return [
            Contest(
                c.label,
                j.label,
                (c.model, j.model),
                self.candidate_prompt.hash(c),
                self.judge_prompt.hash(j),
                form.hash if form else None,
                self.candidate_prompt.way,
                self.judge_prompt.way,
            )
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

    def scribes(self) -> tuple[ModelSettings, ...]:
        """Who brings the human's steps into the one form; nobody where they stay as they are."""
        return (self.judge_prompt.form.scribe,) if self.judge_prompt.form else ()

    def due_rewrites(self, connection: Connection, *, expected: Collection[str] = ()) -> list[RewriteTask]:
        """The human's steps that are to be brought into the one form and are not there yet.

        Of moments with something to be judged: a proposal in the store, or an `expected` one (moment_ids).
        """
        if self.judge_prompt.form is None:
            return []
        wanted = {moment.moment_id for moment, _ in self.proposals(connection)} | set(expected)
        given = own_words(self.suite, (moment for moment in self.moments if moment.moment_id in wanted))
        tasks = list(due_rewrites(connection, self.suite, given, self.judge_prompt.form))
        return anew(connection, tasks) if self.fresh else tasks

    def prompt_hashes(self) -> dict[str, str]:
        """The digests of the prompts, for the run's record."""
        hashes = {"candidate": self.candidate_prompt.prompt.digest, "judge": self.judge_prompt.prompt.digest}
        return hashes | ({"scribe": self.judge_prompt.form.prompt.digest} if self.judge_prompt.form else {})

    def due_verdicts(self, connection: Connection) -> list[VerdictTask]:
        """The verdicts that are missing from the store, for the proposals that it has.

        With `fresh`, none is read from a stored reply: one that could not be read is asked for anew.
        """
        tasks = list(due_verdicts(connection, self.suite, self.proposals(connection), self.judges, self.judge_prompt))
        return anew(connection, tasks) if self.fresh else tasks


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
    candidate_prompt, judge_prompt = CandidatePrompt(prompts, config.judging), JudgePrompt(prompts, config)
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
    opener: Opener | None = None,
) -> RunResult:
    """Do the job as one run and score it; what is stored already is not asked for again.

    How it can end early is told at `perform`; what is there then is scored all the same.
    """

    async def work(engine: Engine, result: RunResult) -> None:
        await _stages(job, engine, watcher, result)

    def close(connection: Connection, result: RunResult) -> None:
        band, cutoffs = job.config.control.band, job.config.cutoffs
        result.win_rates = score(connection, job.suite.suite_hash, job.contests(), band=band, cutoffs=cutoffs)

    contests = [asdict(contest) for contest in job.contests()]
    facts = {"prompt_hashes": job.prompt_hashes(), "moments": len(job.moments), "contests": contests}
    errand = Errand(command, job.config, job.suite, (*job.candidates, *job.scribes(), *job.judges), facts)
    return await perform(errand, work, close, store, watcher, opener)


async def _stages(job: Job, engine: Engine, watcher: Watcher, result: RunResult) -> None:
    with engine.store.write() as connection:
        proposals = job.due_proposals(connection)
        note_asked(connection, proposals)
    await do_stage("propose", "proposals", proposals, engine, watcher, result)
    with engine.store.read() as connection:
        steps = job.due_rewrites(connection)
    if steps:
        await do_stage("scribe", "rewrites", steps, engine, watcher, result)
    with engine.store.read() as connection:
        verdicts = job.due_verdicts(connection)
    await do_stage("judge", "verdicts", verdicts, engine, watcher, result)
    for error in engine.dead.values():
        raise error
