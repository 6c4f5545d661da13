"""Ask a loopback server through the real SDK, and see what came of it."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from nextstep.config import Endpoint, Limits
from nextstep.core.records import Answer, Request
from nextstep.errors import FatalModelError, ModelError
from nextstep.models.messages_api import STREAM_ABOVE, MessagesModel, open_endpoint
from tests.loopback import LoopbackServer, Reply
from tests.loopback.replies import Body
from tests.models.made_up import KEY_NAME, request

STREAMED = STREAM_ABOVE + 1
"""A `max_tokens` whose answer is streamed."""


@dataclass
class Waits:
    """Stands where the waiting between tries is done: notes the seconds, lets others go first, and turns the clock."""

    seconds: list[float] = field(default_factory=list)

    async def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)
        await asyncio.sleep(0)

    def clock(self) -> float:
        """The time as it is for whoever waits here."""
        return time.monotonic() + sum(self.seconds)


@asynccontextmanager
async def opened(base_url: str, **limits: Any) -> AsyncIterator[MessagesModel]:
    """A model on this server that never really waits between tries, closed in the end."""
    model = open_endpoint(Endpoint(base_url=base_url, api_key_env=KEY_NAME), Limits(**{"attempts": 3} | limits))
    waits = Waits()
    model.sleep, model.slots.now = waits, waits.clock
    try:
        yield model
    finally:
        await model.aclose()


async def ask(base_url: str, asked: Request, **limits: Any) -> Answer:
    async with opened(base_url, **limits) as model:
        return await model.ask(asked)


def answer(reply: Reply, **changes: Any) -> Answer:
    """The answer that a reply makes, from one try."""
    with LoopbackServer(answer=lambda _: reply) as server:
        made = asyncio.run(ask(server.base_url, request(**changes)))
        assert (len(server.requests), made.attempts) == (1, 1)
    return made


def in_turn(*replies: Reply) -> Callable[[Body], Reply]:
    """One reply after another; the last one stays."""
    left = list(replies)
    return lambda _: left.pop(0) if len(left) > 1 else left[0]


@dataclass
class Failed:
    """What asking ended in, and what it took."""

    error: ModelError
    waits: list[float]
    requests: int

    @property
    def kind(self) -> str:
        return self.error.kind

    @property
    def fatal(self) -> bool:
        return isinstance(self.error, FatalModelError)


async def fail(base_url: str, asked: Request, **limits: Any) -> tuple[ModelError, list[float]]:
    async with opened(base_url, **limits) as model:
        try:
            made = await model.ask(asked)
        except ModelError as error:
            assert isinstance(model.sleep, Waits)
            return error, model.sleep.seconds
    raise AssertionError(f"answered: {made}")


def failure(*replies: Reply, limits: dict[str, Any] | None = None, **changes: Any) -> Failed:
    """How replies make a request fail. Whatever happens, one try is one request."""
    with LoopbackServer(answer=in_turn(*replies)) as server:
        error, waits = asyncio.run(fail(server.base_url, request(**changes), **limits or {}))
        sent = server.requests
    assert len(sent) == error.attempts == len(waits) + 1
    assert {each.headers["x-stainless-retry-count"] for each in sent} <= {"0"}
    return Failed(error, waits, len(sent))


async def ask_all(model: MessagesModel, asked: Sequence[Request]) -> list[Answer]:
    return await asyncio.gather(*(model.ask(each) for each in asked))
