"""Prompt caching as it is documented: what a request reads from the cache, what it writes, and from when on.

An entry is the exact prefix up to a marked block, under one model and one configuration. Thinking and effort are held
to the strictest model's rule: a change of either loses the whole prefix, not only the messages.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any

import msgspec

from tests.loopback.models import find
from tests.loopback.prompt import Block, blocks, tokens
from tests.loopback.replies import Body

LIFETIMES = {"5m": 300.0, "1h": 3600.0}
MOST_BREAKPOINTS = 4
LOOK_BACK = 20
"""How many blocks a breakpoint looks at for an entry, itself included."""

ROOT = ("model", "output_config", "thinking")
STAGES = {"tools": (), "system": ("speed",), "messages": ("speed", "tool_choice")}
"""What each stage of a prompt depends on, beyond `ROOT`."""

MINIMA = {
    ("opus", (4, 8)): 1024,
    ("sonnet", (5, 0)): 1024,
    ("sonnet", (4, 6)): 1024,
    ("sonnet", (4, 5)): 1024,
    ("opus", (4, 7)): 2048,
    ("opus", (4, 6)): 4096,
    ("opus", (4, 5)): 4096,
    ("haiku", (4, 5)): 4096,
}


def minimum(name: str) -> int:
    """The fewest tokens of a prefix that this model caches."""
    model = find(name)
    return 2048 if name == "claude-mythos-preview" else MINIMA.get((model.line or "", model.version), 512)


def root(body: Body) -> bytes:
    """What a request's whole prompt is cached under."""
    return msgspec.json.encode([body.get(name) for name in ROOT])


@dataclass(frozen=True, slots=True)
class Breakpoint:
    """A block that is to be written to the cache."""

    block: int
    ttl: str


@dataclass(slots=True)
class Entry:
    """A prefix that can be read until `expires`."""

    ttl: str
    expires: float


@dataclass
class Reading:
    """What caching makes of one request. It counts from `start` on; what it writes can be read after `begin`."""

    cache: "Cache"
    texts: Sequence[str]
    root: bytes
    total: int
    at: float
    read: int = 0
    written: dict[str, int] = field(default_factory=lambda: dict.fromkeys(LIFETIMES, 0))
    hits: Sequence[Entry] = ()
    writes: Sequence[tuple[bytes, str]] = ()

    @property
    def uncached(self) -> int:
        """The tokens that rate limits count: those that are not read from the cache."""
        return self.total - self.read

    def usage(self) -> dict[str, Any]:
        """The input fields of `usage`."""
        created = sum(self.written.values())
        return {
            "input_tokens": self.uncached - created,
            "cache_read_input_tokens": self.read,
            "cache_creation_input_tokens": created,
            "cache_creation": {f"ephemeral_{ttl}_input_tokens": count for ttl, count in self.written.items()},
        }

    def start(self) -> None:
        """The request is processed: the lifetime of what it reads starts anew."""
        for entry in self.hits:
            entry.expires = max(entry.expires, self.at + LIFETIMES[entry.ttl])

    def begin(self) -> None:
        """The response has begun: what the request writes can be read, for a lifetime from the request's start."""
        for key, ttl in self.writes:
            self.cache.keep(key, Entry(ttl, self.at + LIFETIMES[ttl]))


@dataclass
class Cache:
    """The entries of one server. Nothing is removed before it is looked for: tests and benchmarks are short."""

    entries: dict[bytes, Entry] = field(default_factory=dict)

    def keep(self, key: bytes, entry: Entry) -> None:
        """Add an entry; one that lives longer stays."""
        there = self.entries.get(key)
        if there is None or there.expires < entry.expires:
            self.entries[key] = entry

    def look(self, body: Body, now: float, *, may_hit: bool = True) -> Reading:
        """What this valid request would read and write, if it were processed now. Nothing is changed."""
        parts = blocks(body)
        ends = [tokens(end) for end in accumulate(len(part.text) for part in parts)]
        reading = Reading(self, [part.text for part in parts], root(body), ends[-1], now)
        points = [point for point in breakpoints(body, parts) if ends[point.block] >= minimum(body["model"])]
        if not points:
            return reading
        keys = list(_keys(body, reading.root, parts[: points[-1].block + 1]))
        found = [self._longest(keys, point.block, now) for point in points] if may_hit else []
        reading.hits = [self.entries[keys[place]] for place in found if place is not None]
        last = max((place for place in found if place is not None), default=-1)
        reading.read = ends[last] if last >= 0 else 0
        _write(reading, [point for point in points if point.block > last], keys, ends)
        return reading

    def _longest(self, keys: Sequence[bytes], block: int, now: float) -> int | None:
        for place in range(block, max(-1, block - LOOK_BACK), -1):
            entry = self.entries.get(keys[place])
            if entry is not None and entry.expires > now:
                return place
        return None


def _write(reading: Reading, points: Sequence[Breakpoint], keys: Sequence[bytes], ends: Sequence[int]) -> None:
    """Bill each breakpoint for the tokens since the one before it, or since what was read."""
    begun = reading.read
    for point in points:
        reading.written[point.ttl] += ends[point.block] - begun
        begun = ends[point.block]
    reading.writes = [(keys[point.block], point.ttl) for point in points]


def _keys(body: Body, rooted: bytes, parts: Sequence[Block]) -> Iterator[bytes]:
    """The key of the prefix that ends with each block."""
    drawn, stage = hashlib.sha256(rooted), ""
    for part in parts:
        found = part.place if part.place in STAGES else "messages"
        if found != stage:
            stage = found
            drawn.update(msgspec.json.encode([stage, *(body.get(name) for name in STAGES[stage])]))
        text = part.text.encode()
        drawn.update(f"{part.place}:{len(text)}:".encode())
        drawn.update(text)
        yield drawn.digest()


def breakpoints(body: Body, parts: Sequence[Block]) -> list[Breakpoint]:
    """The marked blocks of a valid request, in order. The top-level mark is one on the last block."""
    marked = [Breakpoint(place, _ttl(part.mark)) for place, part in enumerate(parts) if part.mark]
    automatic = body.get("cache_control")
    last = len(parts) - 1
    if automatic and not (marked and marked[-1].block == last):
        marked.append(Breakpoint(last, _ttl(automatic)))
    return marked


def _ttl(mark: Mapping[str, Any]) -> str:
    return str(mark.get("ttl") or "5m")


def first_problem(body: Body) -> str | None:
    """Why the API would answer 400 to the `cache_control`s of a request that is valid otherwise."""
    return next(_problems(body, blocks(body)), None)


def _problems(body: Body, parts: Sequence[Block]) -> Iterator[str]:
    automatic, marked = body.get("cache_control"), [part for part in parts if part.mark is not None]
    for mark in [part.mark for part in marked] + [automatic] * (automatic is not None):
        if not isinstance(mark, dict) or mark.get("type") != "ephemeral":
            yield "cache_control.type: Input should be 'ephemeral'"
        elif mark.get("ttl") not in (None, *LIFETIMES):
            yield f"cache_control.ttl: Input should be one of {', '.join(LIFETIMES)}"
    if not all(part.markable and part.text for part in marked):
        yield "cache_control: cannot be set on thinking blocks or on empty blocks"
    if (count := len(marked) + (automatic is not None)) > MOST_BREAKPOINTS:
        yield f"cache_control: at most {MOST_BREAKPOINTS} blocks may have it; found {count}"
    if automatic and parts[-1].mark and _ttl(parts[-1].mark) != _ttl(automatic):
        yield "cache_control.ttl: automatic caching asks for another ttl than the last block"
    lives = [point.ttl for point in breakpoints(body, parts)]
    if lives != sorted(lives):
        yield "cache_control.ttl: a ttl of 1h must not come after a ttl of 5m"
