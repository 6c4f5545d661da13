"""A judge measured by probes: pairs of steps whose right verdict is known, put before it as in the evaluation."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nextstep.config import EvalConfig
from nextstep.core.probes import Made, make_pairs
from nextstep.core.records import Moment, MomentSet, RewriteKind
from nextstep.core.stats import Figure
from nextstep.errors import UsageError
from nextstep.pipeline.engine import Engine
from nextstep.pipeline.evaluate import choose_moments
from nextstep.pipeline.health import judge_card
from nextstep.pipeline.juries import self_preference
from nextstep.pipeline.probing import GuessTask, ProbeTask, due_guesses, missing, note_probes, probe_tasks, repeats
from nextstep.pipeline.prompting import JudgePrompt, ScribePrompt, guess_prompt
from nextstep.pipeline.running import Errand, Opener, RunResult, Watcher, do_stage, perform
from nextstep.pipeline.scribe import RewriteTask, due_rewrites, human_steps, rewrites
from nextstep.sources.suite import Suite
from nextstep.store import Connection, Store

MADE_BY_SCRIBES = (RewriteKind.REWORDED, RewriteKind.WORSENED, RewriteKind.ORACLE)


@dataclass(frozen=True)
class Calibration:
    """Which judges are to be measured, at which moments of a suite, and how everybody is asked."""

    config: EvalConfig
    suite: Suite
    moments: tuple[Moment, ...]
    judge_prompt: JudgePrompt
    """The question of the evaluation."""
    guess_prompt: JudgePrompt
    """The question behind it: who wrote which step."""
    scribe_prompts: Mapping[RewriteKind, ScribePrompt]
    """How the steps are asked for that need a model."""
    seed: int = 0

    def steps(self, connection: Connection, *, assumed: bool = False) -> dict[str, str]:
        """The human's steps as judges read them, by moment; with `assumed`, their own words where a scribe owes one."""
        there = human_steps(connection, self.moments, self.judge_prompt.form)
        own = {moment.moment_id: moment.human_step for moment in self.moments} if assumed else {}
        return own | {moment_id: text for moment_id, (text, _) in there.items()}

    def due_steps(self, connection: Connection) -> list[RewriteTask]:
        """The human's steps that are to be brought into the one form first."""
        if self.judge_prompt.form is None:
            return []
        given = [(moment, moment.human_step) for moment in self.moments]
        return list(due_rewrites(connection, self.suite, given, self.judge_prompt.form))

    def due_made(self, connection: Connection, *, assumed: bool = False) -> list[RewriteTask]:
        """The made steps that a scribe owes."""
        steps = self.steps(connection, assumed=assumed)
        told = [moment for moment in self.moments if moment.moment_id in steps]
        detours = [moment for moment in told if moment.set is MomentSet.DETOUR]
        controls = [moment for moment in told if moment.set is MomentSet.CONTROL]
        given = {
            RewriteKind.REWORDED: [(moment, steps[moment.moment_id]) for moment in told],
            RewriteKind.WORSENED: [(moment, steps[moment.moment_id]) for moment in controls],
            RewriteKind.ORACLE: [(moment, moment.resolution) for moment in detours],
        }
        return [
            task
            for kind, prompt in self.scribe_prompts.items()
            for task in due_rewrites(connection, self.suite, given[kind], prompt)
        ]

    def pairs(self, connection: Connection, *, assumed: bool = False) -> list[Made]:
        """The made pairs, from what scribes have made so far; with `assumed`, as if they had made everything."""
        made = {
            kind: {moment.moment_id: f"{kind}: {moment.resolution}" for moment in self.moments if assumed}
            | {moment_id: text for moment_id, (text, _) in rewrites(connection, self.moments, prompt).items()}
            for kind, prompt in self.scribe_prompts.items()
        }
        return list(make_pairs(self.moments, self.steps(connection, assumed=assumed), made))

    def questions(self, pairs: Sequence[Made]) -> list[ProbeTask]:
        """Every question about the pairs, and some of them twice."""
        tasks = [list(probe_tasks(self.suite, pairs, judge, self.judge_prompt)) for judge in self.config.judges]
        return [*(task for some in tasks for task in some), *(t for some in tasks for t in repeats(some, self.seed))]

    def due_guesses(self, connection: Connection) -> list[GuessTask]:
        """The guesses that judges owe on what they have judged."""
        steps, prompts = self.steps(connection), (self.guess_prompt, self.judge_prompt)
        return [
            task
            for judge in self.config.judges
            for task in due_guesses(connection, self.suite, self.moments, steps, judge, prompts)
        ]


def make_calibration(
    config: EvalConfig,
    suite: Suite,
    prompts: Path,
    *,
    only: MomentSet | None = None,
    limit: int | None = None,
    seed: int = 0,
) -> Calibration:
    """What a config and flags ask for; checks all that can be checked before anything is sent."""
    if not config.judges:
        raise UsageError("there is no judge: give --judge, or `judges:` in evals.yaml")
    moments = choose_moments(suite, only=only, limit=limit, seed=seed)
    scribes = {kind: ScribePrompt(prompts, kind, config) for kind in MADE_BY_SCRIBES}
    return Calibration(
        config, suite, moments, JudgePrompt(prompts, config), guess_prompt(prompts, config), scribes, seed
    )


async def calibrate(
    work: Calibration, store: Store, watcher: Watcher, *, command: str = "calibrate", opener: Opener | None = None
) -> RunResult:
    """Measure the judges as one run, and store and give a card for each, of all the answers that are there.

    What the store has is not asked for again. How a run can end early is told at `perform`.
    """

    async def stages(engine: Engine, result: RunResult) -> None:
        await _stages(work, engine, watcher, result)

    def close(connection: Connection, result: RunResult) -> None:
        result.health = _cards(work, connection)

    scribe = next(iter(work.scribe_prompts.values())).scribe
    facts = {
        "prompt_hashes": {kind: prompt.prompt.digest for kind, prompt in work.scribe_prompts.items()},
        "moments": len(work.moments),
    }
    errand = Errand(command, work.config, work.suite, (scribe, *work.config.judges), facts)
    return await perform(errand, stages, close, store, watcher, opener)


async def _stages(work: Calibration, engine: Engine, watcher: Watcher, result: RunResult) -> None:
    for name, due in (("scribe", work.due_steps), ("probe steps", work.due_made)):
        with engine.store.read() as connection:
            tasks = due(connection)
        if tasks:
            await do_stage(name, "rewrites", tasks, engine, watcher, result)
    with engine.store.write() as connection:
        pairs = work.pairs(connection)
        note_probes(connection, pairs)
        questions = missing(connection, work.questions(pairs))
    await do_stage("probe", "probe_verdicts", questions, engine, watcher, result)
    with engine.store.read() as connection:
        guesses = work.due_guesses(connection)
    if guesses:
        await do_stage("guess", "guesses", guesses, engine, watcher, result)
    for error in engine.dead.values():
        raise error


def _cards(work: Calibration, connection: Connection) -> list[dict[str, Any]]:
    pairs, prompt, suite = work.pairs(connection), work.judge_prompt, work.suite.suite_hash
    biases: dict[tuple[str, str], list[Mapping[str, Any]]] = defaultdict(list)
    for row in self_preference(connection, suite):
        biases[row["judge"], row["prompt_hash"]].append(row)
    return [
        row
        for judge in work.config.judges
        for row in judge_card(
            connection,
            work.config,
            suite,
            judge,
            prompt.hash(judge),
            work.moments,
            pairs,
            _strongest(biases[judge.label, prompt.hash(judge)]),
        )
    ]


def _strongest(rows: Sequence[Mapping[str, Any]]) -> Figure | None:
    """The comparison with another judge that shows the most of a preference, if there is any."""
    if not rows:
        return None
    row = max(rows, key=lambda row: -2.0 if row["ci_low"] is None else row["ci_low"])
    return Figure(row["value"], row["ci_low"], row["ci_high"], row["n"], row["n_sessions"], row["status"])
