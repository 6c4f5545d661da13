"""Message Batches as they are documented: what each of their endpoints answers."""

import random
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from tests.loopback.batch import FATES, Batch
from tests.loopback.batch_items import Result, Worker, errored
from tests.loopback.paging import listing, page
from tests.loopback.replies import Body, Ending, Reply, as_json, http_error

if TYPE_CHECKING:
    from multidict import MultiMapping

CUSTOM_ID = re.compile(r"[a-zA-Z0-9_-]{1,64}")
POLL_ERRORS = (500, 503, 529)
MOST_POLL_ERRORS = 3
"""How many polls may fail in a row."""


@dataclass(frozen=True)
class Batches:
    """How batches go.

    `takes_s`: a batch's time. `errored`, `expired`: shares of the items. `cache_hits`: the share of the items that may
    read from the cache, which is best effort. `failed_polls`: the share of the looks at a batch or at the list of them
    that get a 5xx. `lost_creates`: so many batches are made without telling the client, which meets a reset or silence
    (`lost_by`). `cut_results`: so many downloads break off half way. What is drawn depends on the seed.
    """

    takes_s: float = 0.05
    errored: float = 0
    expired: float = 0
    cache_hits: float = 0.7
    failed_polls: float = 0
    lost_creates: int = 0
    lost_by: Literal["reset", "silence"] = "reset"
    cut_results: int = 0
    max_requests: int = 100_000
    max_bytes: int = 256 * 1024**2
    seed: int = 0

    def __post_init__(self) -> None:
        shares = (self.errored + self.expired, self.cache_hits, self.failed_polls)
        if not all(0 <= share <= 1 for share in shares) or self.takes_s < 0:
            raise ValueError(f"shares of batches are between 0 and 1, and times are not negative: {self}")


@dataclass
class BatchDesk:
    """The batches of one server."""

    rules: Batches
    worker: Worker
    batches: dict[str, Batch] = field(default_factory=dict)
    items: Counter[str] = field(default_factory=Counter)
    """What became of the items of all batches that ended."""
    events: Counter[str] = field(default_factory=Counter)
    _failed_in_a_row: int = 0

    def reply(self, method: str, rest: Sequence[str], query: "MultiMapping[str]", body: Body, at: "Moment") -> Reply:
        """What a request to /v1/messages/batches/... gets."""
        self.settle(at.now)
        match (method, *rest):
            case ("POST",):
                return self._create(body, at)
            case ("GET",):
                return self._failed_poll() or self._list(query, at)
            case (_, name, *_) if name not in self.batches:
                return http_error(404, message=f"batch {name} is not there")
            case ("GET", name):
                return self._failed_poll() or as_json(self.batches[name].to_json(at.now, at.base_url))
            case ("POST", name, "cancel"):
                return self._cancel(self.batches[name], at)
            case ("DELETE", name):
                return self._delete(self.batches[name], at)
            case ("GET", name, "results"):
                return self._results(self.batches[name], at)
            case _:
                return http_error(404, message=f"{method} batches/{'/'.join(rest)} is not there")

    def settle(self, now: float) -> None:
        """Work out the results of the batches that ended."""
        for batch in self.batches.values():
            if batch.results is None and now >= batch.ends_at:
                lines = list(self._lines(batch))
                random.Random(f"{self.rules.seed}:{batch.id}:results").shuffle(lines)
                batch.results = b"".join(lines)
                batch.items = ()
                self.items.update(batch.counts)

    def summary(self) -> dict[str, Any]:
        """What became of batches and items."""
        return {**self.events, "items": {fate: self.items[fate] for fate in FATES}}

    def _lines(self, batch: Batch) -> Iterator[bytes]:
        chance = random.Random(f"{self.rules.seed}:{batch.id}:fates")
        for item, fate in batch.in_order(str(self.rules.seed)):
            result = {"type": fate} if fate else self._drawn(item["params"], batch.ends_at, chance)
            batch.counts[str(result["type"])] += 1
            yield msgspec.json.encode({"custom_id": item["custom_id"], "result": result}) + b"\n"

    def _drawn(self, params: Body, now: float, chance: random.Random) -> Result:
        drawn, may_hit = chance.random(), chance.random() < self.rules.cache_hits
        if drawn < self.rules.errored:
            return errored(http_error(chance.choice((500, 529))).error)
        if drawn < self.rules.errored + self.rules.expired:
            return {"type": "expired"}
        return self.worker.result(params, now, may_hit=may_hit)

    def _create(self, body: Body, at: "Moment") -> Reply:
        if problem := next(_problems(body), None):
            return http_error(400, message=problem)
        if at.size > self.rules.max_bytes or len(body["requests"]) > self.rules.max_requests:
            return http_error(413, message="The batch is larger than a batch may be.")
        self.events["created"] += 1
        batch = Batch(f"msgbatch_loopback{self.events['created']:06d}", body["requests"], at.now, self.rules.takes_s)
        self.batches[batch.id] = batch
        if self.events["lost"] < self.rules.lost_creates:
            self.events["lost"] += 1
            return Reply(ending=Ending.RESET, latency_s=3600 * (self.rules.lost_by == "silence"))
        return as_json(batch.to_json(at.now, at.base_url))

    def _list(self, query: "MultiMapping[str]", at: "Moment") -> Reply:
        try:
            names, has_more = page(list(reversed(self.batches)), query)
        except ValueError as error:
            return http_error(400, message=str(error))
        return as_json(listing([self.batches[name].to_json(at.now, at.base_url) for name in names], has_more))

    def _failed_poll(self) -> Reply | None:
        self.events["polls"] += 1
        chance = random.Random(f"{self.rules.seed}:poll:{self.events['polls']}")
        if chance.random() >= self.rules.failed_polls or self._failed_in_a_row >= MOST_POLL_ERRORS:
            self._failed_in_a_row = 0
            return None
        self._failed_in_a_row += 1
        return http_error(chance.choice(POLL_ERRORS))

    def _cancel(self, batch: Batch, at: "Moment") -> Reply:
        if batch.status(at.now) == "ended":
            return http_error(400, message=f"batch {batch.id} has ended and cannot be canceled")
        batch.canceled = at.now if batch.canceled is None else batch.canceled
        return as_json(batch.to_json(at.now, at.base_url) | {"processing_status": "canceling"})

    def _delete(self, batch: Batch, at: "Moment") -> Reply:
        if batch.status(at.now) != "ended":
            return http_error(400, message=f"batch {batch.id} has not ended; cancel it first")
        del self.batches[batch.id]
        return as_json({"id": batch.id, "type": "message_batch_deleted"})

    def _results(self, batch: Batch, at: "Moment") -> Reply:
        if batch.results is None or batch.is_archived(at.now):
            return http_error(404, message=f"batch {batch.id} has no results (any more)")
        self.events["downloads"] += 1
        cut = self.events["downloads"] <= self.rules.cut_results
        ending = Ending.BROKEN if cut else Ending.WHOLE
        return Reply(raw=batch.results, content_type="application/x-jsonl", ending=ending)


@dataclass(frozen=True)
class Moment:
    """When and how a request came."""

    now: float
    base_url: str
    size: int


def _problems(body: Body) -> Iterator[str]:
    """Why a batch is refused at once. Whether its items are valid shows only in their results."""
    yield from (f"{name}: Extra inputs are not permitted" for name in body.keys() - {"requests"})
    items = body.get("requests")
    if not isinstance(items, list) or not items:
        yield "requests: at least one request is required"
        return
    seen: set[str] = set()
    for place, item in enumerate(items):
        yield from _item_problems(item, f"requests.{place}", seen)


def _item_problems(item: Any, where: str, seen: set[str]) -> Iterator[str]:
    if not isinstance(item, dict) or not isinstance(item.get("params"), dict):
        yield f"{where}.params: Field required"
        return
    yield from (f"{where}.{name}: Extra inputs are not permitted" for name in item.keys() - {"custom_id", "params"})
    custom_id = item.get("custom_id")
    if not isinstance(custom_id, str) or not CUSTOM_ID.fullmatch(custom_id):
        yield f"{where}.custom_id: String should match pattern '^[a-zA-Z0-9_-]{{1,64}}$'"
    elif custom_id in seen:
        yield f"{where}.custom_id: custom_id must be unique; {custom_id} is not"
    seen.add(str(custom_id))
