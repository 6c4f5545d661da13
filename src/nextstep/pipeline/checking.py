"""Checks of everything that an evaluation needs, each told with what to do about it."""

import asyncio
import platform
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from nextstep import __version__
from nextstep.config import EvalConfig, JudgeSettings
from nextstep.core.records import RewriteKind
from nextstep.errors import NextstepError, UsageError
from nextstep.models import open_model
from nextstep.pipeline.prompting import CandidatePrompt, JudgePrompt, ScribePrompt, guess_prompt
from nextstep.sources.dataset import open_suite
from nextstep.sources.suite import MOMENTS
from nextstep.store import Store


@dataclass(frozen=True)
class Check:
    """One thing that was looked at."""

    name: str
    ok: bool
    detail: str


def check_all(config: EvalConfig, *, suite: str, store: Path, prompts: Path) -> Iterator[Check]:
    """Every check in turn; one that fails does not stop the others."""
    yield Check("nextstep", ok=True, detail=f"{__version__} on Python {platform.python_version()}")
    yield _checked("suite", lambda: _suite(suite))
    yield _checked("prompts", lambda: _prompts(prompts, config))
    yield _checked("store", lambda: _store(store))
    scribe = [config.judging.scribe] if config.judging.scribe else []
    names = list(dict.fromkeys(settings.model for settings in (*config.candidates, *config.judges, *scribe)))
    if not names:
        yield Check("models", ok=True, detail="none named yet; give --model and --judge, or write them in evals.yaml")
    for name in names:
        yield _checked(f"model {name}", partial(_model, name, config))


def _checked(name: str, look: Callable[[], str]) -> Check:
    try:
        return Check(name, ok=True, detail=look())
    except NextstepError as error:
        return Check(name, ok=False, detail=str(error))


def _suite(place: str) -> str:
    suite = open_suite(str(place), every=True)
    if not suite.moments:
        raise UsageError(f"{place}: has {len(suite.sessions)} sessions and no moment; mark some in {MOMENTS}")
    sets = [f"{sum(moment.set == name for moment in suite.moments)} {name}" for name in ("detour", "control")]
    return f"{place}: {len(suite.sessions)} sessions, {' and '.join(sets)} moments, {suite.suite_hash}"


def _prompts(folder: Path, config: EvalConfig) -> str:
    candidate = CandidatePrompt(folder, config.judging).prompt.digest
    if not config.judges:
        # The prompts are the same whoever is asked.
        config = config.model_copy(update={"judges": (JudgeSettings(model="any"),)})
    judge = JudgePrompt(folder, config).prompt.digest
    guess_prompt(folder, config)
    for kind in RewriteKind:
        ScribePrompt(folder, kind, config)
    return f"{folder}: candidate {candidate[:12]}, judge {judge[:12]}, and those of scribe and guess"


def _store(path: Path) -> str:
    if not path.exists():
        return f"{path}: not there yet; the first eval makes it"
    with Store(path, patience_s=2).read() as connection:
        (replies,) = connection.execute("SELECT count(*) FROM replies").fetchall()[0]
    return f"{path}: {replies} replies"


def _model(name: str, config: EvalConfig) -> str:
    return asyncio.run(_look_up(name, config))


async def _look_up(name: str, config: EvalConfig) -> str:
    model = open_model(name, config.endpoints, config.limits)
    try:
        return await model.look_up(name)
    finally:
        await model.aclose()
