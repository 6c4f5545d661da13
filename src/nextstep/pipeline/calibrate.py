"""A judge measured by probes: pairs of steps whose right verdict is known, put before it as in the evaluation."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nextstep.config import EvalConfig
from nextstep.core.probes import Made, make_pairs, partner
from nextstep.core.records import Moment, MomentSet, RewriteKind
from nextstep.errors import UsageError
from nextstep.pipeline.engine import Engine
from nextstep.pipeline.evaluate import choose_moments
from nextstep.pipeline.health import Asked, judge_card
from nextstep.pipeline.juries import self_preference, strongest
from nextstep.pipeline.parcels import Batching
from nextstep.pipeline.probing import (
    GuessTask,
    ProbeTask,
    due_guesses,
    guess_hash,
    missing,
    note_probes,
    probe_tasks,
    repeats,
)
from nextstep.pipeline.prompting import JudgePrompt, ScribePrompt, guess_prompt
from nextstep.pipeline.running import Errand, Opener, RunResult, perform
from nextstep.pipeline.scribe import RewriteTask, due_rewrites, human_steps, own_words, rewrites
from nextstep.pipeline.watching import Watcher
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
    fresh: bool = False
    """Whether what could not be read is asked for anew."""

    @property
    def concerned(self) -> tuple[Moment, ...]:
        """The chosen moments, and those from whose sessions their pairs borrow a step or the hindsight."""
        partners = {one.moment_id for moment in self.moments if (one := partner(moment, self.suite.moments))}
        chosen = {moment.moment_id for moment in self.moments}
        return tuple(moment for moment in self.suite.moments if moment.moment_id in chosen | partners)

    def steps(self, connection: Connection, *, assumed: bool = False) -> dict[str, str]:
        """The suite's human steps as judges read them, by moment; with `assumed`, their own words where one is owed."""
        there = human_steps(connection, self.suite, self.suite.moments, self.judge_prompt.form)
        own = {moment.moment_id: moment.human_step for moment in self.concerned} if assumed else {}
        return own | {moment_id: text for moment_id, (text, _) in there.items()}

    def due_steps(self, connection: Connection) -> list[RewriteTask]:
        """The human's steps that are to be brought into the one form first."""
        if self.judge_prompt.form is None:
            return []
        given = own_words(self.suite, self.concerned)
        return list(due_rewrites(connection, self.suite, given, self.judge_prompt.form))

    def _given(
        self, kind: RewriteKind, moments: Sequence[Moment], steps: Mapping[str, str]
    ) -> list[tuple[Moment, str]]:
        """What a scribe makes its steps of: the human's step, or what resolved the matter."""
        if kind is RewriteKind.ORACLE:
            return [(one, one.resolution) for one in moments if one.set is MomentSet.DETOUR and one.resolution.strip()]
        told = [one for one in moments if one.moment_id in steps]
        wanted = [one for one in told if kind is RewriteKind.REWORDED or one.set is MomentSet.CONTROL]
        return [(one, steps[one.moment_id]) for one in wanted]

    def due_made(self, connection: Connection, *, assumed: bool = False) -> list[RewriteTask]:
        """The made steps that a scribe owes."""
        steps = self.steps(connection, assumed=assumed)
        return [
            task
            for kind, prompt in self.scribe_prompts.items()
            for task in due_rewrites(connection, self.suite, self._given(kind, self.moments, steps), prompt)
        ]

    def pairs(self, connection: Connection, moments: Sequence[Moment], *, assumed: bool = False) -> list[Made]:
        """The made pairs of some moments, of what scribes have made so far; with `assumed`, as if they had made all."""
        steps = self.steps(connection, assumed=assumed)
        made: dict[RewriteKind, dict[str, str]] = {}
        for kind, prompt in self.scribe_prompts.items():
            given = self._given(kind, moments, steps)
            owed = {moment.moment_id: f"{kind}: {text}" for moment, text in given if assumed}
            made[kind] = owed | {name: text for name, (text, _) in rewrites(connection, given, prompt).items()}
        return list(make_pairs(moments, self.suite.moments, steps, made))

    def due_questions(self, connection: Connection, *, assumed: bool = False) -> list[ProbeTask]:
        """The questions about the pairs of the chosen moments that judges owe an answer to."""
        return missing(connection, self.questions(self.pairs(connection, self.moments, assumed=assumed)))

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
    fresh: bool = False,
) -> Calibration:
    """What a config and flags ask for; checks all that can be checked before anything is sent."""
    if not config.judges:
        raise UsageError("there is no judge: give --judge, or `judges:` in evals.yaml")
    moments = choose_moments(suite, only=only, limit=limit, seed=seed)
    scribes = {kind: ScribePrompt(prompts, kind, config) for kind in MADE_BY_SCRIBES}
    return Calibration(
        config, suite, moments, JudgePrompt(prompts, config), guess_prompt(prompts, config), scribes, seed, fresh
    )


async def calibrate(
    work: Calibration,
    store: Store,
    watcher: Watcher,
    *,
    command: str = "calibrate",
    opener: Opener | None = None,
    batching: Batching | None = None,
) -> RunResult:
    """Measure the judges as one run, and store and give a card for each, of all the answers that are there.

    What the store has is not asked for again. How a run can end early is told at `perform`.
    """

    async def stages(engine: Engine, _: RunResult) -> None:
        await _stages(work, engine)

    def close(connection: Connection, result: RunResult) -> None:
        result.health = _cards(work, connection)

    scribe = next(iter(work.scribe_prompts.values())).scribe
    facts = {
        "prompt_hashes": {kind: prompt.prompt.digest for kind, prompt in work.scribe_prompts.items()},
        "moments": len(work.moments),
    }
    errand = Errand(command, work.config, work.suite, (scribe, *work.config.judges), facts)
    return await perform(errand, stages, close, store, watcher, opener, fresh=work.fresh, batching=batching)


async def _stages(work: Calibration, engine: Engine) -> None:
    """The human's steps in the one form, what scribes make of them, the questions about that, and the guesses."""
    for due in (work.due_steps, work.due_made):
        with engine.store.read() as connection:
            tasks = due(connection)
        await engine.run(tasks)
    with engine.store.write() as connection:
        note_probes(connection, work.pairs(connection, work.moments))
        questions = work.due_questions(connection)
    await engine.run(questions)
    with engine.store.read() as connection:
        guesses = work.due_guesses(connection)
    await engine.run(guesses)
    for error in engine.dead.values():
        raise error


def _cards(work: Calibration, connection: Connection) -> list[dict[str, Any]]:
    """The cards over all of the suite that was ever asked about, so that a smaller run adds to them."""
    pairs, prompt = work.pairs(connection, work.suite.moments), work.judge_prompt
    biases: dict[tuple[str, str], list[Mapping[str, Any]]] = defaultdict(list)
    for row in self_preference(connection, work.suite.suite_hash):
        biases[row["judge"], row["prompt_hash"]].append(row)
    rows = []
    for judge in work.config.judges:
        asked = Asked(judge, prompt.hash(judge), guess_hash(judge, work.guess_prompt, prompt))
        bias = strongest(biases[judge.label, asked.prompt_hash])
        rows += judge_card(connection, work.config, work.suite, asked, pairs, bias)
    return rows
