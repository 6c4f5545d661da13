"""A server with rate limits and outages, and clients in front of it, in a time that passes at once."""

import asyncio
import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import count

from nextstep.models.pace import Pace, Slots
from tests.loopback.limits import Gate, Limits
from tests.loopback.replies import Reply
from tests.virtual import now, run

MODEL = "claude-opus-5-5"
AHEAD = 16
"""Calls that wait in line while all connections are taken."""
WAY_S = 0.03
"""The longest that a request takes to the server."""


@dataclass(frozen=True)
class Setting:
    """A server, and what is asked of it. A call has `tokens` that no cache holds."""

    limits: Limits
    latency_s: tuple[float, float]
    tokens: int = 1_000
    most: int = 512
    lasts_s: float = 120.0
    other_rps: float = 0.0
    """Requests a second of a client that keeps to this rate, whatever it is told."""
    outage: tuple[float, float] = (0.0, 0.0)


@dataclass
class Server:
    """What came to it and when, by clients' names."""

    setting: Setting
    gate: Gate
    began: float
    taken: dict[str, list[float]] = field(default_factory=dict)
    refused: dict[str, list[float]] = field(default_factory=dict)
    failed: list[float] = field(default_factory=list)

    def take(self, name: str, number: int) -> tuple[Mapping[str, str], Reply | None]:
        """The limits' headers, and the refusal if there is one."""
        at = now() - self.began
        low, high = self.setting.outage
        if low <= at < high:
            self.failed.append(at)
            return {}, Reply(status=529)
        headers, refusal = self.gate.take(MODEL, f"{name}{number}".encode(), self.setting.tokens, now())
        (self.refused if refusal else self.taken).setdefault(name, []).append(at)
        return headers, refusal

    def rate(self, low: float, high: float, name: str = "us") -> float:
        """Requests a second that were let through in this time."""
        return sum(low <= at < high for at in self.taken[name]) / (high - low)

    def share_refused(self, after_s: float = 0.0) -> float:
        """Of our requests."""
        refused, taken = (sum(at >= after_s for at in some.get("us", ())) for some in (self.refused, self.taken))
        return refused / (refused + taken)


def simulate(setting: Setting, seed: int = 0) -> Server:
    """A server after a client with one line has asked it as fast as the line let it."""
    return run(_simulate(setting, random.Random(seed)))


async def _simulate(setting: Setting, drawn: random.Random) -> Server:
    server = Server(setting, Gate(setting.limits), now())
    slots = Slots(setting.most, now)
    numbers = count()
    line = slots.line("server")
    workers = [asyncio.create_task(_work(server, line, drawn, numbers)) for _ in range(setting.most + AHEAD)]
    if setting.other_rps:
        workers.append(asyncio.create_task(_other(server, drawn, numbers)))
    await asyncio.sleep(setting.lasts_s)
    for worker in workers:
        worker.cancel()
    await asyncio.gather(*workers, return_exceptions=True)
    assert (slots.used, line.under_way, len(line.waiting)) == (0, 0, 0)
    return server


async def _work(server: Server, line: Pace, drawn: random.Random, numbers: "count[int]") -> None:
    """One call after another, each until it is answered."""
    characters = 4 * server.setting.tokens
    while True:
        number, tries = next(numbers), 0
        while seconds := await _once(server, line, drawn, number, 2**tries):
            tries += 1
            await asyncio.sleep(seconds * drawn.uniform(1.0, 1.1))
        line.learn(characters, server.setting.tokens, 300)


async def _once(server: Server, line: Pace, drawn: random.Random, number: int, backoff: float) -> float:
    """Seconds until the call is to be tried again; 0 when it was answered."""
    async with line.turn(4 * server.setting.tokens) as turn:
        await asyncio.sleep(drawn.uniform(0.0, WAY_S))
        headers, refusal = server.take("us", number)
        if refusal and refusal.status == 529:
            await asyncio.sleep(WAY_S)
            turn.failed(None)
            return 0.5 * backoff
        if refusal:
            await asyncio.sleep(WAY_S)
            seconds = float(refusal.headers["retry-after"])
            turn.refused(headers, seconds)
            return seconds
        await asyncio.sleep(drawn.uniform(*server.setting.latency_s))
        server.gate.spend(MODEL, 300, now())
        turn.answered(headers)
        return 0.0


async def _other(server: Server, drawn: random.Random, numbers: "count[int]") -> None:
    while True:
        await asyncio.sleep(drawn.expovariate(server.setting.other_rps))
        server.take("other", next(numbers))
