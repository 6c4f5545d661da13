"""Small pieces of work for the engine, models whose answers are scripted, and who counts what became of them.

Everything runs in a time that passes at once; the store is DuckDB.
"""

import asyncio
import json
import shutil
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, ClassVar, Self

from nextstep.core.records import Answer, Moment, MomentSet, Request, Usage
from nextstep.errors import ModelError, UnreadableReply
from nextstep.models.base import AS_IT_IS, Model, Sending, answer_of
from nextstep.models.pace import Slots
from nextstep.pipeline.calls import Call, Purpose, Trunk
from nextstep.pipeline.engine import Engine
from nextstep.pipeline.leading import Leads
from nextstep.pipeline.prompting import Beginning
from nextstep.pipeline.spending import Spend
from nextstep.pipeline.watching import Watcher
from nextstep.store import Connection, Store
from nextstep.store.database import utc_now
from tests.virtual import now

KEPT_S = 300.0
"""How long the cache of a scripted model keeps what nobody reads."""
STEM = "\n<e1>" + "stem " * 2_000
"""What pieces with a trunk begin with: long enough for any cache."""


@dataclass(frozen=True)
class Piece:
    """A row that is due. Pieces of one model with the same question are the same call."""

    number: int
    asks: int = 0
    model: str = "m"
    follows: tuple["Piece", ...] = ()
    """What becomes due once it is over."""
    trunk_of: int | None = None
    sample: int = 0

    table: ClassVar[str] = "proposals"
    stage: ClassVar[str] = str(Purpose.PROPOSE)

    @property
    def moment(self) -> Moment:
        return Moment(
            session_id="s",
            session="s",
            cut=self.number,
            set=MomentSet.DETOUR,
            human_step="x",
            why="",
            recovered_at=self.number + 1,
            resolution="",
        )

    @property
    def trunk(self) -> Trunk | None:
        if self.trunk_of is None:
            return None
        first = self.first
        return Trunk(("propose", self.model), self.trunk_of, lambda: Beginning("system", first, shortened=False))

    @property
    def first(self) -> str:
        return "" if self.trunk_of is None else f"{STEM}\n<end>{self.trunk_of}" + "x" * 3_000

    @cached_property
    def call(self) -> Call:
        asked = Request(model=self.model, system="system", content=(self.first, str(self.asks)), max_tokens=100)
        return Call(Purpose.PROPOSE, asked, self.sample)

    def result(self, body: str) -> dict[str, Any]:
        text = answer_of(body).text
        if text == "bug":
            raise KeyError("a bug in reading")
        if text == "unreadable":
            raise UnreadableReply("unreadable", "no step")
        name = {"proposal_id": f"p{self.number}", "moment_id": f"m{self.number}", "candidate": self.model}
        more = {"text": text, "n_words": 1, "in_band": True, "shortened": False, "prompt_hash": "h"}
        return name | more | {"sample": 0, "reply_id": self.call.reply_id, "created_at": utc_now()}

    def again(self) -> Self:
        return replace(self, sample=self.sample + 1)

    def work(self) -> dict[str, Any]:
        judged = {"proposal_id": None, "judge": None, "order": None}
        return {
            "stage": self.stage,
            "moment_id": f"m{self.number}",
            "candidate": self.model,
            "sample": 0,
            "model": self.model,
            "prompt_hash": "h",
        } | judged


def follow(_: Connection, over: Sequence[Any]) -> Sequence[Piece]:
    return [piece for task in over for piece in task.follows]


def body(text: str, output_tokens: int = 10, **usage: int) -> str:
    said = {"type": "message", "content": [{"type": "text", "text": text}], "stop_reason": "end_turn"}
    return json.dumps(said | {"usage": {"input_tokens": 0, "output_tokens": output_tokens} | usage})


Says = Callable[[Request], str | Exception]


@dataclass
class InLine(Model):
    """A model behind the run's line, which takes its time and then says what `says` gives: a text, or an error."""

    slots: Slots
    says: Says
    latency_s: float = 1.0
    tokens: int = 10
    caches: bool = False
    gate: "asyncio.Event | None" = None
    sent: list[Request] = field(default_factory=list)
    answered: list[Request] = field(default_factory=list)
    under_way: int = 0
    most: int = 0
    kept: dict[str, float] = field(default_factory=dict)
    """By the beginnings that were written, when a request last wrote or read them."""
    read: int = 0

    async def ask(self, request: Request, sending: Sending = AS_IT_IS) -> Answer:
        async with self.slots.line(request.model).turn(request.characters) as turn:
            if sending.go:
                sending.go()
            self.sent.append(request)
            self.under_way += 1
            self.most = max(self.most, self.under_way)
            try:
                return await self._answer(request, sending)
            finally:
                self.under_way -= 1
                turn.answered({})

    async def _answer(self, request: Request, sending: Sending) -> Answer:
        beginning = request.content[0]
        sent_at = now()
        hit = sent_at - self.kept.get(beginning, -KEPT_S) < KEPT_S
        await asyncio.sleep(self.latency_s / 2)
        said = self.says(request)
        if isinstance(said, Exception):
            raise said
        self.kept[beginning] = max(sent_at, self.kept.get(beginning, sent_at))
        if sending.begun:
            sending.begun()
        await asyncio.sleep(self.latency_s / 2)
        self.answered.append(request)
        self.read += hit
        usage = {"cache_read_input_tokens" if hit else "cache_creation_input_tokens": 9} if self.caches else {}
        return answer_of(body(said, self.tokens, **usage))

    async def count_tokens(self, _: Request) -> None:
        return

    async def look_up(self, name: str) -> str:
        return name

    async def aclose(self) -> None:
        return


class Counting(Watcher):
    """What became of each piece, as far as watchers hear of it."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()

    def due(self, stage: str, model: str, count: int) -> None:
        self.counts["due"] += count

    def done(self, stage: str, model: str, error: Exception | None) -> None:
        self.counts["failed" if error else "made"] += 1

    def dropped(self, stage: str, model: str, error: ModelError) -> None:
        self.counts["dropped"] += 1

    @property
    def left(self) -> int:
        over = self.counts["made"] + self.counts["failed"] + self.counts["dropped"]
        return self.counts["due"] - over


@cache
def _empty() -> tuple[TemporaryDirectory[str], Path]:
    folder = TemporaryDirectory()
    path = Path(folder.name) / "empty.duckdb"
    with Store(path).write():
        pass
    return folder, path


def new_store(folder: Path) -> Store:
    """An empty store, migrated already."""
    number = len(list(folder.glob("*.duckdb")))
    return Store(Path(shutil.copy(_empty()[1], folder / f"{number}.duckdb")))


def cost(_: str, usage: Usage) -> float:
    """A cent a token of output."""
    return 0.01 * (usage.output_tokens or 0)


class Bench:
    """An engine over scripted models, one for every name. Make it inside the loop's run."""

    def __init__(
        self,
        store: Store,
        says: Says = lambda _: "step",
        *,
        most: int = 4,
        limit_usd: float | None = None,
        fresh: bool = False,
        **model: Any,
    ) -> None:
        self.store = store
        self.slots = Slots(most, now)
        self.model = InLine(self.slots, says, **model)
        self.watcher = Counting()
        models: Mapping[str, Model] = dict.fromkeys("mno", self.model)
        spend = Spend(limit_usd)
        leads = Leads(now=now)
        self.engine = Engine("run", store, models, self.slots, spend, self.watcher, cost, fresh=fresh, leads=leads)

    async def run(self, pieces: Sequence[Piece]) -> Exception | None:
        """What ended the run early, if anything did."""
        try:
            await self.engine.run(pieces, follow=follow)
        except Exception as error:
            return error
        return None

    def rows(self, statement: str) -> list[Any]:
        with self.store.read() as connection:
            return connection.execute(statement).fetchall()

    def count(self, table: str) -> int:
        return int(self.rows(f"SELECT count(*) FROM {table}")[0][0])
