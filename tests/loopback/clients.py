"""The real SDK in front of the server, without what takes most of its start-up time."""

from typing import Any

import anthropic

MODEL = "claude-opus-5-5"


class Clock:
    """A time that stands still until it is moved on."""

    def __init__(self, now: float = 1_800_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def client_at(base_url: str, **options: Any) -> anthropic.AsyncAnthropic:
    """A client without the SDK's own retries, and without certificates."""
    plain_http = anthropic.DefaultAsyncHttpxClient(verify=False, trust_env=False)
    settings: dict[str, Any] = {"api_key": "k", "base_url": base_url, "max_retries": 0, "http_client": plain_http}
    return anthropic.AsyncAnthropic(**settings | options)


def asked(text: str = "What next?", **changes: Any) -> dict[str, Any]:
    """A valid request."""
    return {"model": MODEL, "max_tokens": 500, "messages": [{"role": "user", "content": text}]} | changes


def block(text: str, ttl: str | None = None) -> dict[str, Any]:
    """A text block, marked for the cache if it has a ttl."""
    mark = {"cache_control": {"type": "ephemeral", "ttl": ttl}} if ttl else {}
    return {"type": "text", "text": text, **mark}
