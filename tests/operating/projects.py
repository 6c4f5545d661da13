"""Projects whose suite, config and store are real, and whose verdicts are drawn: what `nextstep check` is run on."""

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.random import Generator

from nextstep.config import load_config
from nextstep.core.probes import TOLERANCES
from nextstep.core.records import MomentSet
from nextstep.pipeline.evaluate import Job, make_job
from nextstep.pipeline.ingest import store_suite
from nextstep.sources.suite import load_suite
from nextstep.store import Store
from nextstep.store.database import insert, utc_now
from tests.builders import PROMPTS, moment_line, write_session
from tests.operating.worlds import CONTROL_RATE, LOSS, OLD_RATE, TIE, WIN, Outcomes, Truth, outcomes, rates
from tests.simulation.worlds import sessions

NEW, OLD, JUDGE = "new-model", "old-model", "the-judge"
CHOICES = {LOSS: ("human", "human"), TIE: ("tie", "tie"), WIN: ("model", "model")}


@dataclass(frozen=True)
class Shape:
    """How many detours, in how many sessions, with how many samples each; every session has one control as well."""

    moments: int
    sessions: int
    samples: int
    margin: float = 0.10


class Project:
    """A folder with a suite of one draw of session sizes, and a store in which all but the verdicts stands."""

    def __init__(self, folder: Path, shape: Shape, rng: Generator) -> None:
        self.folder, self.shape = folder, shape
        self.places = sessions(rng, shape.moments, shape.sessions)
        self._write_suite()
        config: dict[str, Any] = {
            "candidates": [{"model": NEW, "samples": shape.samples}, {"model": OLD, "samples": shape.samples}]
        }
        config |= {
            "judges": [JUDGE],
            "prompts": str(PROMPTS),
            "gate": {"margin": shape.margin},
            "store": "../nextstep.duckdb",
        }
        (folder / "evals.yaml").write_text(json.dumps(config))
        self._fill()

    @property
    def store(self) -> Path:
        """One for all projects beside each other: DuckDB keeps an instance for a path."""
        return self.folder.parent.absolute() / "nextstep.duckdb"

    def _write_suite(self) -> None:
        lines = []
        for place, count in enumerate(np.bincount(self.places)):
            name = f"s{place:03}"
            steps = [line for i in range(count + 1) for line in (f"a: result {i} of {name}", f"h: step {i} of {name}")]
            write_session(self.folder / "transcripts", name, ["h: why does {name} fail", *steps, "a: found"])
            cuts = range(2, 2 * (count + 1) + 1, 2)
            lines += [moment_line(name, cut, "control" if cut == 2 else "detour") for cut in cuts]
        text = "".join(json.dumps(line) + "\n" for line in lines)
        (self.folder / "transcripts" / "moments.jsonl").write_text(text)

    @cached_property
    def job(self) -> Job:
        return make_job(load_config(self.folder / "evals.yaml"), load_suite(self.folder / "transcripts"), PROMPTS)

    def _fill(self) -> None:
        """The suite, what was asked and proposed, and a card that clears the judge."""
        self.proposals = [row for contest in self.job.contests() for row in self._proposals(contest)]
        store = Store(self.folder / "template.duckdb")
        store_suite(store, self.job.suite)
        with store.write() as connection:
            named = ("candidate", "prompt_hash", "moment_id", "sample")
            insert(connection, "asked", [{name: row[name] for name in named} for row in self.proposals])
            insert(connection, "proposals", self.proposals)
            insert(connection, "judge_health", self._card())

    def _proposals(self, contest: Any) -> list[dict[str, Any]]:
        fixed = {"candidate": contest.candidate, "prompt_hash": contest.proposal_prompt_hash, "reply_id": "r"}
        fixed |= {"text": "step", "n_words": 1, "in_band": True, "shortened": False, "created_at": utc_now()}
        return [
            fixed | {"proposal_id": f"{contest.candidate}:{moment_id}:{k}", "moment_id": moment_id, "sample": k}
            for moment_id, samples in ((m.moment_id, self._samples(m.set)) for m in self._moments)
            for k in range(samples)
        ]

    @property
    def _moments(self) -> list[Any]:
        """Controls first, then detours, each by their place in the suite."""
        return sorted(self.job.moments, key=lambda m: (m.set is MomentSet.DETOUR, m.session, m.cut))

    def _samples(self, moment_set: MomentSet) -> int:
        return self.shape.samples if moment_set is MomentSet.DETOUR else 1

    def _card(self) -> list[dict[str, Any]]:
        contest = self.job.contests()[0]
        named = {"suite_hash": self.job.suite.suite_hash, "judge": JUDGE, "prompt_hash": contest.verdict_prompt_hash}
        figures = {"n": 60, "due": 60, "n_sessions": 40, "value": 0.5, "ci_low": 0.4, "ci_high": 0.6, "ok": True}
        more = {"expected": "", "status": "ok", "trust": "trusted", "offline": False, "updated_at": utc_now()}
        return [named | {"probe": probe} | figures | more for probe in TOLERANCES if probe != "control"]

    def judge(self, truth: Truth, rng: Generator) -> Path:
        """A store with verdicts drawn where the truth is this."""
        return self.give(self._outcomes(truth, rng))

    def give(self, drawn: Sequence[int | None]) -> Path:
        """A store with an outcome for each proposal: new's controls, its detours, the same of old; None for none."""
        shutil.copy(self.folder / "template.duckdb", self.store)
        judged = [
            (row["proposal_id"], CHOICES[o]) for row, o in zip(self.proposals, drawn, strict=True) if o is not None
        ]
        digest, way = self.job.contests()[0].verdict_prompt_hash, self.job.judge_prompt.way
        with Store(self.store).write() as connection:
            for order, at in (("model_first", 0), ("human_first", 1)):
                connection.execute(
                    "INSERT INTO verdicts SELECT id || $order, id, $judge, $order, choice, 1, '', false, $digest, 'r',"
                    " TIMESTAMP '2025-01-01', NULL, $way FROM (SELECT unnest($ids) AS id, unnest($choices) AS choice)",
                    {
                        "order": order,
                        "judge": JUDGE,
                        "digest": digest,
                        "way": way,
                        "ids": [proposal_id for proposal_id, _ in judged],
                        "choices": [choice[at] for _, choice in judged],
                    },
                )
        return self.store

    def _outcomes(self, truth: Truth, rng: Generator) -> list[int]:
        """In the order of the proposals: the new model's controls and detours, then the old one's."""
        detours = rates(rng, self.places, (truth.new_rate, OLD_RATE))
        controls = rates(rng, np.arange(self.shape.sessions), (CONTROL_RATE, CONTROL_RATE))
        drawn: list[Outcomes] = []
        for of_controls, of_detours in zip(controls, detours, strict=True):
            drawn += [outcomes(rng, of_controls, 1).ravel(), outcomes(rng, of_detours, truth.samples).ravel()]
        found: list[int] = np.concatenate(drawn).tolist()
        return found
