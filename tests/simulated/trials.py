"""One repetition: a suite, simulated models with one fault, an evaluation if the fault needs one, and a calibration."""

import asyncio
import os
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from nextstep.config import EvalConfig
from nextstep.models.scripted import ScriptedModel
from nextstep.pipeline.calibrate import calibrate, make_calibration
from nextstep.pipeline.evaluate import evaluate, make_job
from nextstep.pipeline.running import Opener
from nextstep.pipeline.watching import Watcher
from nextstep.sources.suite import load_suite
from nextstep.store import Store
from tests.builders import PROMPTS
from tests.loopback import LoopbackServer
from tests.simulated.reading import wire_name
from tests.simulated.simulation import Simulation
from tests.simulated.suite import write_world

JUDGES = ("claude-judge", "gpt-9-judge")
CANDIDATES = ("claude-candidate", "gpt-9-candidate")


@dataclass(frozen=True)
class Trial:
    """One repetition: a fault (None is a sound judge with noise), its strength, and how it is answered."""

    fault: str | None
    strength: float | None
    moments: int
    sessions: int
    seed: int
    over_http: bool


def alarms(trial: Trial) -> tuple[list[str], str]:
    """The figures with an alarm on the first judge's card, and what the card says as a whole."""
    sound, planted = (Simulation(fault, trial.strength, seed=trial.seed) for fault in (None, trial.fault))

    def simulation(model: str) -> Simulation:
        return planted if wire_name(model) == JUDGES[0] else sound

    with TemporaryDirectory() as name:
        if not trial.over_http:
            return _card(trial, Path(name), "", {}, lambda model: ScriptedModel(simulation(model).answer))
        with LoopbackServer(answer=lambda body: simulation(body["model"]).serve(body)) as server:
            os.environ["LOOPBACK_KEY"] = "any"
            endpoint = {"base_url": server.base_url, "api_key_env": "LOOPBACK_KEY"}
            return _card(trial, Path(name), "loop/", {"endpoints": {"loop": endpoint}}, None)


def _card(
    trial: Trial, folder: Path, prefix: str, more: dict[str, object], opener: Opener | None
) -> tuple[list[str], str]:
    suite = load_suite(write_world(folder / "suite", trial.moments, trial.sessions, seed=trial.seed))
    store = Store(folder / "s.duckdb")
    names = {"candidates": [prefix + name for name in CANDIDATES], "judges": [prefix + name for name in JUDGES]}
    if trial.fault in (None, "own_family"):
        config = EvalConfig.model_validate(names | more)
        asyncio.run(evaluate(make_job(config, suite, PROMPTS), store, Watcher(), opener=opener))
    config = EvalConfig.model_validate({"judges": names["judges"][:1]} | more)
    result = asyncio.run(calibrate(make_calibration(config, suite, PROMPTS), store, Watcher(), opener=opener))
    return [row["probe"] for row in result.health if row["ok"] is False], result.health[0]["trust"]
