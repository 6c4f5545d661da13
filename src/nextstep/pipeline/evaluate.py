"""The whole evaluation as one run: propose, bring the human's steps into the form, judge, score."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from nextstep.config import CandidateSettings, EvalConfig, JudgeSettings, ModelSettings
from nextstep.core.ids import make_id
from nextstep.core.records import Moment, MomentSet, Order
from nextstep.core.shards import Shard
from nextstep.errors import UsageError
from nextstep.pipeline.calls import Trunk
from nextstep.pipeline.engine import Engine
from nextstep.pipeline.judge import VerdictTask, due_verdicts, judge_trunk
from nextstep.pipeline.parcels import Batching
from nextstep.pipeline.prompting import CandidatePrompt, JudgePrompt, forget_renderings
from nextstep.pipeline.propose import ProposalTask, due_proposals, note_asked, stored_proposals
from nextstep.pipeline.running import Errand, Opener, RunResult, perform
from nextstep.pipeline.score import Contest, score
from nextstep.pipeline.scribe import RewriteTask, due_rewrites, own_words
from nextstep.pipeline.stage import Task
from nextstep.pipeline.watching import Watcher
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
    shard: Shard | None = None
    """Of the chosen moments, those of its sessions alone."""

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

    def proposals(
        self, connection: Connection, moments: Sequence[Moment] | None = None
    ) -> list[tuple[Moment, dict[str, Any]]]:
        """The proposals in the store that are to be judged, of some moments or all, those of one moment together."""
        wanted = {moment.moment_id: moment for moment in (self.moments if moments is None else moments)}
        order = {moment_id: i for i, moment_id in enumerate(wanted)}
        asked = [(candidate, self.candidate_prompt.hash(candidate)) for candidate in self.candidates]
        rows = stored_proposals(connection, list(wanted.values()), asked)
        rows.sort(key=lambda row: order[row["moment_id"]])
        return [(wanted[row["moment_id"]], row) for row in rows]

    def place_of(self, task: Task) -> tuple[int, int]:
        """Where a task stands in the order of the work: session after session, each from its beginning."""
        return self._sessions[task.moment.session], task.moment.cut

    @cached_property
    def _sessions(self) -> dict[str, int]:
        return {name: i for i, name in enumerate(dict.fromkeys(moment.session for moment in self.moments))}

    def scribes(self) -> tuple[ModelSettings, ...]:
        """Who brings the human's steps into the one form; nobody where they stay as they are."""
        return (self.judge_prompt.form.scribe,) if self.judge_prompt.form else ()

    def due_rewrites(
        self, connection: Connection, moments: Sequence[Moment] | None = None, *, expected: Collection[str] = ()
    ) -> list[RewriteTask]:
        """The human's steps, at some moments or all, that are to be brought into the one form and are not there yet.

        Of moments with something to be judged: a proposal in the store, or an `expected` one (moment_ids).
        """
        if self.judge_prompt.form is None:
            return []
        chosen = self.moments if moments is None else moments
        wanted = {moment.moment_id for moment, _ in self.proposals(connection, chosen)} | set(expected)
        given = own_words(self.suite, (moment for moment in chosen if moment.moment_id in wanted))
        return list(due_rewrites(connection, self.suite, given, self.judge_prompt.form))

    def prompt_hashes(self) -> dict[str, str]:
        """The digests of the prompts, for the run's record."""
        hashes = {"candidate": self.candidate_prompt.prompt.digest, "judge": self.judge_prompt.prompt.digest}
        return hashes | ({"scribe": self.judge_prompt.form.prompt.digest} if self.judge_prompt.form else {})

    def due_verdicts(self, connection: Connection, moments: Sequence[Moment] | None = None) -> list[VerdictTask]:
        """The verdicts that are missing from the store, for the proposals that it has of some moments, or of all."""
        proposals = self.proposals(connection, moments)
        return list(due_verdicts(connection, self.suite, proposals, self.judges, self.judge_prompt))

    def judge_trunks(self, times: Mapping[str, int]) -> Iterator[tuple[Trunk, int]]:
        """What the judges' questions begin with, by moment_id so many of each judge."""
        for judge in self.judges:
            prompt_hash = self.judge_prompt.hash(judge)
            for moment in self.moments:
                if moment.moment_id in times:
                    events = self.suite.events_of(moment)
                    yield (
                        judge_trunk(moment, events, judge, self.judge_prompt, prompt_hash),
                        times[moment.moment_id],
                    )


def make_job(
    config: EvalConfig,
    suite: Suite,
    prompts: Path,
    *,
    only: MomentSet | None = None,
    limit: int | None = None,
    seed: int = 0,
    fresh: bool = False,
    shard: Shard | None = None,
) -> Job:
    """The job that a config and flags ask for; checks all that can be checked before anything is sent."""
    if not config.candidates:
        raise UsageError("there is no candidate: give --model, or `candidates:` in evals.yaml")
    if not config.judges:
        raise UsageError("there is no judge: give --judge, or `judges:` in evals.yaml")
    moments = choose_moments(suite, only=only, limit=limit, seed=seed, shard=shard)
    candidate_prompt, judge_prompt = CandidatePrompt(prompts, config.judging), JudgePrompt(prompts, config)
    return Job(config, suite, moments, candidate_prompt, judge_prompt, fresh, shard)


def choose_moments(
    suite: Suite, *, only: MomentSet | None = None, limit: int | None = None, seed: int = 0, shard: Shard | None = None
) -> tuple[Moment, ...]:
    """The suite's moments, of one set or both; with `limit`, a seeded choice in which a larger one holds a smaller.

    With `shard`, those of the choice that are its: all shards together choose what one run chooses. It may have none.
    """
    moments = [moment for moment in suite.moments if only in (None, moment.set)]
    if not moments:
        kind = f"{only} moments" if only else "moments"
        raise UsageError(f"{suite.folder} has no {kind}; see moments.jsonl there")
    drawn = sorted(moments, key=lambda moment: make_id("pick", seed, moment.moment_id))
    chosen = set(drawn if limit is None else drawn[:limit])
    return tuple(m for m in moments if m in chosen and (shard is None or shard.holds(m.session_id)))


async def evaluate(
    job: Job,
    store: Store,
    watcher: Watcher,
    *,
    command: str = "eval",
    opener: Opener | None = None,
    batching: Batching | None = None,
) -> RunResult:
    """Do the job as one run and score it; what is stored already is not asked for again.

    How it can end early is told at `perform`; what is there then is scored all the same.
    """

    async def work(engine: Engine, _: RunResult) -> None:
        await _flow(job, engine)

    def close(connection: Connection, result: RunResult) -> None:
        forget_renderings()  # no more calls share them
        band, cutoffs = job.config.control.band, job.config.cutoffs
        result.win_rates = score(connection, job.suite.suite_hash, job.contests(), band=band, cutoffs=cutoffs)

    facts = {
        "prompt_hashes": job.prompt_hashes(),
        "moments": len(job.moments),
        "shard": job.shard and str(job.shard),
        "contests": [asdict(contest) for contest in job.contests()],
    }
    errand = Errand(command, job.config, job.suite, (*job.candidates, *job.scribes(), *job.judges), facts)
    return await perform(errand, work, close, store, watcher, opener, fresh=job.fresh, batching=batching)


async def _flow(job: Job, engine: Engine) -> None:
    """Propose; bring the human's step of a moment into the form, and judge there, as soon as all proposals are in.

    So the questions to a judge about a moment go out together, and share what they begin with.
    """
    with engine.store.write() as connection:
        proposals = sorted(job.due_proposals(connection), key=job.place_of)
        note_asked(connection, proposals)
        way = _Way(job, proposals)
        first = way.due(connection, [moment for moment in job.moments if not way.pending[moment.moment_id]])
        coming = list(way.coming(connection))
    await engine.run([*first, *proposals], follow=way.follow, coming=coming)
    for error in engine.dead.values():
        raise error


class _Way:
    """What becomes due of a run's moments as their proposals come in."""

    def __init__(self, job: Job, proposals: Sequence[ProposalTask]) -> None:
        self.job = job
        self.pending = Counter(task.moment.moment_id for task in proposals)
        """By moment_id, what must be over before its judges are asked."""
        self.formed: set[str] = set()
        """Moments whose human step was given to a scribe in this run, whatever came of it."""

    def follow(self, connection: Connection, over: Sequence[Task]) -> Sequence[Task]:
        """What can be done now that these tasks are over."""
        before = Counter(task.moment.moment_id for task in over if task.stage != VerdictTask.stage)
        self.pending.subtract(before)
        return self.due(connection, [moment for moment in self.job.moments if self._is_complete(moment, before)])

    def _is_complete(self, moment: Moment, before: Collection[str]) -> bool:
        return moment.moment_id in before and not self.pending[moment.moment_id]

    def due(self, connection: Connection, complete: Sequence[Moment]) -> Sequence[Task]:
        """What is due of moments with all their proposals: the human's step in the form, or else the verdicts."""
        unformed = [moment for moment in complete if moment.moment_id not in self.formed]
        steps = self.job.due_rewrites(connection, unformed) if unformed else []
        waiting = {task.moment.moment_id for task in steps}
        self.formed |= waiting
        self.pending.update(waiting)
        ready = [moment for moment in complete if moment.moment_id not in waiting]
        return [*steps, *(self.job.due_verdicts(connection, ready) if ready else ())]

    def coming(self, connection: Connection) -> Iterator[tuple[Trunk, int]]:
        """What the requests begin with that will follow the proposals."""
        waiting = [moment for moment in self.job.moments if self.pending[moment.moment_id]]
        if not waiting:
            return
        expected = {moment.moment_id for moment in waiting}
        steps = self.job.due_rewrites(connection, waiting, expected=expected)
        yield from ((task.trunk, 1) for task in steps if task.moment.moment_id not in self.formed)
        stored = self.job.due_verdicts(connection, waiting)
        judged = Counter(task.moment.moment_id for task in stored)
        times = {name: len(Order) * self.pending[name] + judged[name] // len(self.job.judges) for name in expected}
        yield from self.job.judge_trunks(times)
