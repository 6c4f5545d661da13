"""A reply as JSON, as server-sent events, and the headers around it."""

import json
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from tests.loopback.replies import Body, Ending, Reply

Event = dict[str, Any]

ORGANIZATION = "00000000-0000-4000-8000-000000000000"
UNENFORCED = {"requests": 1_000_000, "input-tokens": 2_000_000_000, "output-tokens": 400_000_000}
LIMITS = UNENFORCED | {"tokens": 2_400_000_000}
"""What headers tell of limits that are not enforced: far away, since nothing here fills them up again."""
PIECES = 4
"""Into how many deltas a text of some length is cut."""


def tokens(value: Any) -> int:
    """About the tokens of all the strings inside a value: a quarter of their characters, and at least one."""
    return max(1, _characters(value) // 4)


def _characters(value: Any) -> int:
    if isinstance(value, str):
        return len(value)
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list | tuple) else ()
    return sum(_characters(item) for item in inner)


def input_tokens(body: Body) -> int:
    """What a request is counted as."""
    return tokens([body.get(name) for name in ("system", "messages", "tools", "output_config")])


def count(body: Body) -> dict[str, int]:
    """The answer of count_tokens."""
    return {"input_tokens": input_tokens(body)}


def message(reply: Reply, body: Body, number: int, counted: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The reply as a message; `number` goes into its id. `counted`: fields of `usage` that are known better."""
    made = {
        "id": f"msg_loopback{number:06d}",
        "type": "message",
        "role": "assistant",
        "model": body["model"],
        "content": _content(reply),
        "stop_reason": reply.stop_reason,
        "stop_sequence": None,
        "stop_details": dict(reply.stop_details) if reply.stop_details else None,
    }
    return made if reply.usage is None else made | {"usage": _usage(reply, body, made["content"], counted)}


def _content(reply: Reply) -> list[dict[str, Any]]:
    if reply.blocks is not None:
        return [dict(block) for block in reply.blocks]
    thinking = {"type": "thinking", "thinking": reply.thinking, "signature": "bG9vcGJhY2s="}
    text = {"type": "text", "text": reply.text}
    return [thinking] * (reply.thinking is not None) + [text] * bool(reply.text)


def _usage(
    reply: Reply, body: Body, content: list[dict[str, Any]], counted: Mapping[str, Any] | None
) -> dict[str, Any]:
    thought = 0 if reply.thinking is None else max(32, tokens(reply.thinking))
    written = sum(tokens(block) for block in content if block["type"] != "thinking")
    usage = {
        **(counted or _uncached(body)),
        "output_tokens": thought + written or int(reply.stop_reason == "end_turn"),
        "output_tokens_details": {"thinking_tokens": thought},
        "server_tool_use": None,
        "service_tier": "standard",
        "inference_geo": "global",
    }
    return usage | dict(reply.usage if isinstance(reply.usage, Mapping) else {})


def _uncached(body: Body) -> dict[str, Any]:
    return {
        "input_tokens": input_tokens(body),
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": 0,
        "cache_creation": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 0},
    }


def error_body(error: dict[str, Any], request_id: str) -> dict[str, Any]:
    """The body of an error response, and of an `error` event."""
    return {"type": "error", "error": error, "request_id": request_id}


def events(whole: dict[str, Any]) -> Iterator[Event]:
    """A message as the events of a stream, from `message_start` to `message_stop`."""
    usage = whole.get("usage")
    begun = whole | {"content": [], "stop_reason": None, "stop_details": None}
    yield {"type": "message_start", "message": begun | ({"usage": usage | {"output_tokens": 1}} if usage else {})}
    yield {"type": "ping"}
    for index, block in enumerate(whole["content"]):
        start, deltas = _opened(block)
        yield {"type": "content_block_start", "index": index, "content_block": start}
        for delta in deltas:
            yield {"type": "content_block_delta", "index": index, "delta": delta}
        yield {"type": "content_block_stop", "index": index}
    delta = {name: whole[name] for name in ("stop_reason", "stop_sequence", "stop_details")}
    yield {"type": "message_delta", "delta": delta} | ({"usage": _cumulative(usage)} if usage else {})
    yield {"type": "message_stop"}


def _cumulative(usage: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in usage.items() if name.endswith(("_tokens", "_details"))}


def _opened(block: dict[str, Any]) -> tuple[dict[str, Any], list[Event]]:
    """A block as it starts, and the deltas that complete it. A block of another type starts complete."""
    if block["type"] == "text":
        return block | {"text": ""}, [{"type": "text_delta", "text": piece} for piece in _pieces(block["text"])]
    if block["type"] == "thinking":
        thoughts = [{"type": "thinking_delta", "thinking": piece} for piece in _pieces(block["thinking"])]
        signed = {"type": "signature_delta", "signature": block["signature"]}
        return block | {"thinking": "", "signature": ""}, [*thoughts, signed]
    return block, []


def _pieces(text: str) -> list[str]:
    size = max(1, -(-len(text) // PIECES))
    return [text[at : at + size] for at in range(0, len(text), size)]


def until_cut(whole: dict[str, Any]) -> list[Event]:
    """The events of a stream that breaks before the last delta."""
    made = list(events(whole))
    deltas = [place for place, event in enumerate(made) if event["type"] == "content_block_delta"]
    return made[: deltas[-1] if deltas else 1]


def stream(reply: Reply, whole: dict[str, Any], request_id: str) -> list[Event]:
    """The events that a streamed reply sends."""
    if reply.ending is Ending.WHOLE:
        return list(events(whole))
    last = [error_body(reply.error, request_id)] if reply.ending is Ending.ERROR else []
    return [*until_cut(whole), *last]


def encode(event: Event) -> bytes:
    """One server-sent event."""
    return f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode()


def headers(number: int) -> dict[str, str]:
    """The headers that every answer has, apart from its limits."""
    return {"request-id": f"req_loopback{number:06d}", "anthropic-organization-id": ORGANIZATION}


def limits(spent: Mapping[str, int]) -> dict[str, str]:
    """Headers of limits that are not enforced. `spent`: what went out of each; tokens left are told in thousands."""
    now = rfc3339(int(time.time()))
    made = {}
    for name, limit in LIMITS.items():
        left = max(0, limit - spent.get(name, 0))
        made[f"anthropic-ratelimit-{name}-limit"] = str(limit)
        made[f"anthropic-ratelimit-{name}-remaining"] = str(left if name == "requests" else round(left, -3))
        made[f"anthropic-ratelimit-{name}-reset"] = now
    return made


@lru_cache(maxsize=4096)
def rfc3339(seconds: int) -> str:
    """A time as the API writes it."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
