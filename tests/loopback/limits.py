"""Rate limits: a token bucket for each limit and class of models, and the headers that tell of them."""

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from tests.loopback.models import NEWEST, find
from tests.loopback.replies import Reply
from tests.loopback.wire import UNENFORCED, rfc3339


@dataclass(frozen=True)
class Limits:
    """What each class of models is allowed in a minute; None: as much as it likes.

    `burst_s` is for how many seconds' worth a bucket has room: 60 lets a minute's worth through at once, 1 enforces 60
    requests a minute as one a second. A request that is larger than the bucket passes when the bucket is full.
    `classes` has the limits of single classes, by their names (`model_class`).
    """

    rpm: float | None = None
    itpm: float | None = None
    otpm: float | None = None
    burst_s: float = 60
    classes: Mapping[str, "Limits"] = field(default_factory=dict)

    def buckets(self, now: float) -> dict[str, "Bucket"]:
        """A full bucket for each limit that is enforced, by its name in headers."""
        found = {"requests": self.rpm, "input-tokens": self.itpm, "output-tokens": self.otpm}
        room = {name: max(1.0, value * self.burst_s / 60) for name, value in found.items() if value is not None}
        return {name: Bucket(found[name] or 0, size, size, now) for name, size in room.items()}


@lru_cache(maxsize=1024)
def model_class(name: str) -> str:
    """The models that share a bucket: Opus 4.5 to 4.8, Sonnet 4.5 and 4.6; each other one has its own."""
    model = find(name)
    if model.version == NEWEST or model.line is None:
        return name
    if (4, 5) <= model.version < (5, 0) and model.line in ("opus", "sonnet"):
        return f"{model.line}-4"
    return f"{model.line}-{model.version[0]}-{model.version[1]}"


@dataclass(slots=True)
class Bucket:
    """An allowance that refills continuously. What it holds may be negative: that is paid off first."""

    per_minute: float
    capacity: float
    held: float
    at: float

    def refill(self, now: float) -> None:
        self.held = min(self.capacity, self.held + max(0.0, now - self.at) * self.per_minute / 60)
        self.at = max(now, self.at)

    def wait(self, amount: float) -> float:
        """Seconds until this much can be taken. More than fits can be taken from a full bucket."""
        missing = min(amount, self.capacity) - self.held
        return max(0.0, missing * 60 / self.per_minute) if missing > 1e-9 else 0.0

    @property
    def full_in(self) -> float:
        return (self.capacity - self.held) * 60 / self.per_minute


@dataclass
class Gate:
    """The buckets of one server."""

    limits: Limits
    buckets: dict[str, dict[str, Bucket]] = field(default_factory=dict)
    not_before: dict[bytes, float] = field(default_factory=dict)
    refused: Counter[str] = field(default_factory=Counter)

    def take(self, model: str, fingerprint: bytes, tokens: int, now: float) -> tuple[Mapping[str, str], Reply | None]:
        """The limits' headers for a request of so many uncached input tokens, and its refusal if there is one.

        A request that comes back before its `retry-after` is over is refused, whatever the buckets hold by then.
        """
        held = self._held(model_class(model), now)
        cost = {"requests": 1, "input-tokens": tokens, "output-tokens": 1}
        wait = max((bucket.wait(cost[name]) for name, bucket in held.items()), default=0.0)
        wait = max(wait, self.not_before.get(fingerprint, now) - now)
        if wait > 1e-6:
            self.refused[model] += 1
            seconds = math.ceil(wait - 1e-6)
            self.not_before[fingerprint] = now + seconds
            headers = {"retry-after": str(seconds)}
            return _headers(held, now), Reply(status=429, headers=headers, message="This would exceed a rate limit.")
        self.not_before.pop(fingerprint, None)
        for name in held.keys() - {"output-tokens"}:
            held[name].held -= cost[name]
        return _headers(held, now), None

    def spend(self, model: str, output_tokens: int, now: float) -> None:
        """Take the tokens that an answer turned out to have."""
        if bucket := self._held(model_class(model), now).get("output-tokens"):
            bucket.held -= output_tokens

    def headers(self, model: str, now: float) -> Mapping[str, str]:
        """The limits' headers of an answer that takes nothing."""
        return _headers(self._held(model_class(model), now), now)

    def _held(self, name: str, now: float) -> dict[str, Bucket]:
        held = self.buckets.get(name)
        if held is None:
            held = self.buckets[name] = self.limits.classes.get(name, self.limits).buckets(now)
        for bucket in held.values():
            bucket.refill(now)
        return held


def _headers(held: Mapping[str, Bucket], now: float) -> dict[str, str]:
    """The headers of each limit. Those of all tokens are those of the scarcer kind; tokens are told in thousands."""
    told: dict[str, tuple[float, float, float]] = {}
    for name, allowed in UNENFORCED.items():
        bucket = held.get(name)
        told[name] = (bucket.per_minute, bucket.held, bucket.full_in) if bucket else (allowed, allowed, 0.0)
    kinds = [told["input-tokens"], told["output-tokens"]]
    told["tokens"] = min(kinds, key=lambda kind: kind[1] / kind[0])
    made = {}
    for name, (limit, left, full_in) in told.items():
        whole = max(0, int(left + 1e-9))
        made[f"anthropic-ratelimit-{name}-limit"] = str(int(limit))
        made[f"anthropic-ratelimit-{name}-remaining"] = str(whole if name == "requests" else round(whole, -3))
        made[f"anthropic-ratelimit-{name}-reset"] = rfc3339(math.ceil(now + full_in))
    return made
