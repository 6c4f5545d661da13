"""What stands between a valid message request and its answer: outages, the cache, rate limits, latency."""

from dataclasses import dataclass, field

from tests.loopback import prompt, wire
from tests.loopback.caching import Cache
from tests.loopback.latency import Delays
from tests.loopback.limits import Gate
from tests.loopback.outages import Outages
from tests.loopback.received import Received
from tests.loopback.replies import Body, Reply


@dataclass
class Desk:
    """Each part that is None is not there."""

    started: float
    outages: Outages = field(default_factory=Outages)
    cache: Cache | None = None
    gate: Gate | None = None
    delays: Delays | None = None

    def admit(self, received: Received, now: float) -> Reply | None:
        """Account the request; what it gets instead of an answer, if it gets none."""
        if away := self.outages.reply(self.started, now):
            return away
        body = received.body
        received.reading = self.cache.look(body, now) if self.cache else None
        if self.gate:
            tokens = received.reading.uncached if received.reading else self.count(body)
            received.limits, refusal = self.gate.take(body["model"], received.fingerprint, tokens, now)
            if refusal:
                return refusal
        if received.reading:
            received.reading.start()
        return None

    def count(self, body: Body) -> int:
        """The input tokens of a request, cached or not."""
        return prompt.input_tokens(body) if self.cache else wire.input_tokens(body)

    def delay(self, received: Received) -> tuple[float, float]:
        """Seconds to the first event and to the end of this answer."""
        return self.delays.draw(received.fingerprint) if self.delays else (0.0, 0.0)
