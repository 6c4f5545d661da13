"""A suite, a store and a server, to run evaluations with and without batches.

The answers depend on what is asked alone, not on how it is cut for a cache, so that all ways of asking end alike.
"""

import asyncio
import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from nextstep.config import EvalConfig
from nextstep.core.records import Request
from nextstep.pipeline.evaluate import Job, evaluate, make_job
from nextstep.pipeline.parcels import Batching
from nextstep.pipeline.running import RunResult
from nextstep.pipeline.watching import Watcher
from nextstep.sources.suite import load_suite
from nextstep.store import Store
from tests.builders import MODEL_STEP, PROMPTS, asked_for, judgement, rewritten, step, write_suite
from tests.loopback import Reply, plain
from tests.loopback.replies import Body
from tests.models.made_up import KEY_NAME

QUICK = Batching(look_s=0.03, settle_s=(0.05,))
NAMES = ("one", "two", "three", "four", "five")

TABLES = {
    "replies": "SELECT reply_id, purpose, model, sample, request_sha256, stop_reason, output_tokens,"
    " body::JSON ->> '$.content[0].text' FROM replies",
    "proposals": "SELECT * EXCLUDE (created_at) FROM proposals",
    "rewrites": "SELECT * EXCLUDE (created_at) FROM rewrites",
    "verdicts": "SELECT * EXCLUDE (created_at) FROM verdicts",
    "outcomes": "FROM outcomes",
    "win_rates": "SELECT * EXCLUDE (updated_at) FROM win_rates",
    "open_failures": "SELECT kind, stage, moment_id FROM open_failures",
}
"""What must be the same, however it was asked for."""


def request_of(body: Body) -> Request:
    """What the builders look at of a request."""
    system = body["system"] if isinstance(body["system"], str) else "".join(one["text"] for one in body["system"])
    blocks = [block["text"] for block in body["messages"][0]["content"]]
    schema = (body.get("output_config") or {}).get("format")
    return cast("Request", SimpleNamespace(system=system, content=(*blocks,), answer_schema=schema))


def answer(body: Body) -> Reply:
    """A reply that the pipeline can read, drawn from the words of the request and the model's name."""
    request = request_of(body)
    words = body["model"] + request.system + "".join(request.content)
    drawn = hashlib.blake2b(words.encode(), digest_size=4).digest()
    kind = asked_for(request)
    if kind == "propose":
        return plain(step(f"{MODEL_STEP}, number {drawn.hex()}"))
    if kind == "judge":
        return plain(judgement(("A", "B", "tie")[drawn[0] % 3]))
    return plain(rewritten(request))


@dataclass
class Heard(Watcher):
    """What a run told."""

    remarks: list[str] = field(default_factory=list)
    waits: list[tuple[int, int]] = field(default_factory=list)
    left: int = 0
    has_waited: asyncio.Event = field(default_factory=asyncio.Event)

    def due(self, stage: str, model: str, count: int) -> None:
        self.left += count

    def done(self, stage: str, model: str, error: Exception | None) -> None:
        self.left -= 1

    def dropped(self, stage: str, model: str, error: Exception) -> None:
        self.left -= 1

    def remark(self, text: str) -> None:
        self.remarks.append(text)

    def waiting(self, batches: int, calls: int, seconds: float) -> None:
        self.waits.append((batches, calls))
        self.has_waited.set()


@dataclass
class Place:
    """A folder with a suite and a store, and the address of a server."""

    folder: Path
    base_url: str
    store_name: str = "s.duckdb"
    samples: int = 1
    limits: dict[str, Any] = field(default_factory=dict)
    candidate: str = "local/claude-opus-5-5"
    judge: str = "local/claude-haiku-5-5"
    heard: Heard = field(default_factory=Heard)

    @property
    def store(self) -> Store:
        return Store(self.folder / self.store_name)

    def job(self, **more: Any) -> Job:
        suite = self.folder / "suite"
        if not suite.exists():
            write_suite(suite, NAMES)
        config = {
            "candidates": [{"model": self.candidate, "samples": self.samples}],
            "judges": [self.judge],
            "judging": {},
            "limits": {"attempts": 8, "timeout_s": 20} | self.limits,
            "endpoints": {"local": {"base_url": self.base_url, "api_key_env": KEY_NAME}},
        }
        return make_job(EvalConfig.model_validate(config), load_suite(suite), PROMPTS, **more)

    def run(self, batching: Batching | None = QUICK, **more: Any) -> RunResult:
        """Evaluate."""
        return asyncio.run(evaluate(self.job(**more), self.store, self.heard, batching=batching))

    def rows(self, statement: str) -> list[Any]:
        """What the store answers."""
        with self.store.read() as connection:
            return connection.execute(statement).fetchall()

    def final(self) -> dict[str, list[str]]:
        """All that must not depend on how it was asked for."""
        return {name: sorted(map(repr, self.rows(statement))) for name, statement in TABLES.items()}

    def flags(self) -> str:
        """What a client in another process needs to know."""
        return json.dumps(
            {"folder": str(self.folder), "base_url": self.base_url, "store_name": self.store_name}
            | {"samples": self.samples, "limits": self.limits, "candidate": self.candidate, "judge": self.judge}
        )


def batch_statuses(place: Place) -> list[str]:
    """How the store's batches stand."""
    return [status for (status,) in place.rows("SELECT status FROM batches ORDER BY created_at")]
