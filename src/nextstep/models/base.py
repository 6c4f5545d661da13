"""What every model is to the pipeline, and the one way in which a reply is read."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from nextstep.core.caching import PLAIN, Layout
from nextstep.core.records import Answer, Request, Usage


class NotSent(Exception):
    """Whoever asked does not want the request to be sent any more."""


@dataclass(frozen=True)
class Sending:
    """How a request goes out."""

    layout: Layout = PLAIN
    """What of it goes through the server's cache."""
    go: Callable[[], None] | None = None
    """Called each time just before it is sent; may raise NotSent."""
    paused: Callable[[], None] | None = None
    """Called each time a try has failed and another is waited for; may raise NotSent."""
    begun: Callable[[], None] | None = None
    """Called when the answer begins to come: from then on, others can read from the cache what it wrote there."""


AS_IT_IS = Sending()


class Model(Protocol):
    """Something that answers requests. The one seam that tests replace, since behind it lies the network."""

    async def ask(self, request: Request, sending: Sending = AS_IT_IS) -> Answer:
        """One answer, retried as far as makes sense.

        Raises ModelError when there is none, and FatalModelError when no other request can succeed either.
        """
        ...

    async def look_up(self, name: str) -> str:
        """What is known of the model of this name, without sending a prompt. Raises ModelError when it is not there."""
        ...

    async def count_tokens(self, request: Request) -> int | None:
        """The tokens of the request as its server counts them, without an answer; None where it cannot."""
        ...

    async def aclose(self) -> None:
        """Let go of connections."""
        ...


def reply_text(message: dict[str, Any]) -> str:
    """The text blocks of a Messages API reply, joined; thinking and unknown blocks are left out."""
    blocks = message.get("content") or []
    texts = (block.get("text") for block in blocks if block.get("type") == "text")
    # Half a surrogate pair, which JSON can spell, could not be stored.
    return "".join(text for text in texts if isinstance(text, str)).encode("utf-8", "replace").decode("utf-8")


def reply_usage(message: dict[str, Any]) -> Usage:
    """The tokens that a Messages API reply says it used; all None where the server says nothing."""
    said = message.get("usage")
    usage = said if isinstance(said, dict) else {}
    hour = usage.get("cache_creation")
    return Usage(
        input_tokens=_count(usage.get("input_tokens")),
        output_tokens=_count(usage.get("output_tokens")),
        cache_read_tokens=_count(usage.get("cache_read_input_tokens")),
        cache_write_tokens=_count(usage.get("cache_creation_input_tokens")),
        cache_write_1h_tokens=_count(hour.get("ephemeral_1h_input_tokens")) if isinstance(hour, dict) else None,
    )


def _count(value: Any) -> int | None:
    """The value if it is a count: an answer that was paid for is not lost for an odd one."""
    return value if isinstance(value, int) and value >= 0 else None


def answer_of(body: str, *, request_id: str | None = None, latency_s: float = 0.0, attempts: int = 1) -> Answer:
    """The answer in the JSON body of a Messages API reply, fresh from the server or from the store."""
    return read_answer(body, json.loads(body), request_id=request_id, latency_s=latency_s, attempts=attempts)


def read_answer(
    body: str, message: dict[str, Any], *, request_id: str | None, latency_s: float, attempts: int
) -> Answer:
    """The answer in a reply whose body is parsed already."""
    return Answer(
        body=body,
        text=reply_text(message),
        stop_reason=str(message.get("stop_reason")),
        usage=reply_usage(message),
        request_id=request_id,
        latency_s=latency_s,
        attempts=attempts,
    )


def reply_body(text: str, stop_reason: str = "end_turn") -> str:
    """The body of a Messages API reply that says `text`, for models that run here."""
    message = {"type": "message", "role": "assistant", "content": [{"type": "text", "text": text}]}
    return json.dumps(message | {"stop_reason": stop_reason}, ensure_ascii=False)
