"""What becomes of a batch's items."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tests.loopback import wire
from tests.loopback.accounting import Ledger
from tests.loopback.caching import Cache
from tests.loopback.replies import Body, Reply, fingerprint, http_error

Result = dict[str, Any]


@dataclass
class Worker:
    """Answers items as the server answers messages: `answer` takes a request and its fingerprint."""

    answer: Callable[[Body, bytes], Reply]
    refuse: Callable[[Body], Reply | None]
    ledger: Ledger
    cache: Cache | None
    done: int = 0

    def result(self, params: Body, now: float, *, may_hit: bool) -> Result:
        """The result of an item that is come to. Only a whole message is billed, and only it uses the cache."""
        problem = next(_problems(params), None)
        refusal = http_error(400, message=problem) if problem else self.refuse(params)
        drawn = fingerprint(params)
        reply = refusal or self.answer(params, drawn)
        if reply.status >= 400 or not reply.is_whole:
            return errored(reply.error if reply.status >= 400 else http_error(500).error)
        self.ledger.times_answered[drawn] += 1
        return self._succeeded(params, reply, now, may_hit)

    def _succeeded(self, params: Body, reply: Reply, now: float, may_hit: bool) -> Result:
        self.done += 1
        reading = self.cache.look(params, now, may_hit=may_hit) if self.cache else None
        if reading:
            reading.start()
            reading.begin()
        message = wire.message(reply, params, self.done, reading.usage() if reading else None)
        message["id"] = f"msg_loopback_batch{self.done:06d}"
        if usage := message.get("usage"):
            usage["service_tier"] = "batch"
        self.ledger.bill(usage or {}, reading, batch=True)
        return {"type": "succeeded", "message": message}


def _problems(params: Mapping[str, Any]) -> Iterator[str]:
    """What only batches refuse."""
    if params.get("stream"):
        yield "stream: not supported in batches"
    if "speed" in params:
        yield "speed: not supported in batches"
    if params.get("max_tokens") == 0:
        yield "max_tokens: must be at least 1 in batches"


def errored(error: Mapping[str, Any]) -> Result:
    """The result of an item that failed."""
    return {"type": "errored", "error": {"type": "error", "error": error, "request_id": None}}
