"""What a request gets: a reply, one builder for each behaviour, and the answer that is given when a test has none."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal

import msgspec

Body = dict[str, Any]
"""A request's JSON."""

ERROR_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    408: "timeout_error",
    409: "conflict_error",
    413: "request_too_large",
    429: "rate_limit_error",
    504: "timeout_error",
    529: "overloaded_error",
}
"""The `error.type` that goes with a status; every other one is an `api_error`."""


class Ending(StrEnum):
    """How the sending of a reply ends."""

    WHOLE = "whole"
    RESET = "reset"
    """The connection is reset before a byte is sent."""
    CUT = "cut"
    """A stream closes cleanly before its `message_stop`; a reply that is not streamed loses its second half."""
    BROKEN = "broken"
    """The connection ends half way through `raw`."""
    ERROR = "error"
    """A stream ends with an `error` event; a reply that is not streamed is that error, with its HTTP status."""


@dataclass(frozen=True, kw_only=True)
class Reply:
    """What a request gets.

    `blocks` replaces the content made from `thinking` and `text`. `usage` None leaves it out; a mapping overrides the
    counted fields. `raw` is sent as it is, streamed or not. `message` and `error_code` belong to errors (`status` 400
    and above, or `Ending.ERROR`). `waits`: the server adds `retry-after` to a 429 or 529 whose `headers` lack it.
    """

    text: str = ""
    stop_reason: str | None = "end_turn"
    stop_details: Mapping[str, Any] | None = None
    thinking: str | None = None
    blocks: tuple[Mapping[str, Any], ...] | None = None
    usage: Mapping[str, Any] | Literal["counted"] | None = "counted"
    status: int = 200
    error_type: str | None = None
    error_code: str | None = None
    message: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    latency_s: float = 0
    raw: bytes | None = None
    content_type: str = "application/json"
    ending: Ending = Ending.WHOLE
    waits: bool = True

    @property
    def is_whole(self) -> bool:
        """Whether the client gets a whole message, if it stays to read it."""
        return self.status == 200 and self.raw is None and self.ending is Ending.WHOLE

    @property
    def error(self) -> dict[str, Any]:
        """The `error` object of the reply, when it is one."""
        kind = self.error_type or ERROR_TYPES.get(self.status, "api_error")
        details = {"details": {"error_code": self.error_code}} if self.error_code else {}
        return {"type": kind, "message": self.message or kind.replace("_", " ").capitalize(), **details}


def plain(text: str) -> Reply:
    """One text block, ended by the model."""
    return Reply(text=text)


def verdict(
    choice: Literal["A", "B", "tie"],
    strength: Literal["slight", "clear"] = "clear",
    reasoning: str = "One of the two looks at the evidence that is there.",
) -> Reply:
    """A judge's JSON, in the order in which the schema asks for it."""
    return Reply(text=json.dumps({"reasoning": reasoning, "choice": choice, "strength": strength}))


def refusal(text: str = "", category: str | None = "general_harms") -> Reply:
    """A refusal: HTTP 200 with no content, or with the part that was written before it."""
    details = {"type": "refusal", "category": category, "explanation": "This request was declined."}
    return Reply(text=text, stop_reason="refusal", stop_details=details)


def max_tokens(text: str) -> Reply:
    """A text that was cut off at `max_tokens`."""
    return Reply(text=text, stop_reason="max_tokens")


def no_usage(text: str) -> Reply:
    """A whole answer without `usage`, as some compatible servers give."""
    return Reply(text=text, usage=None)


def empty() -> Reply:
    """A turn that the model ended without any content."""
    return Reply()


def thinking_first(text: str, thinking: str = "") -> Reply:
    """A thinking block before the text. Its own text is empty on the newest models, and billed all the same."""
    return Reply(text=text, thinking=thinking)


def unknown_block(text: str) -> Reply:
    """A content block of a type that no SDK knows, before the text."""
    return Reply(blocks=({"type": "hunch", "hunch": "a warm day"}, {"type": "text", "text": text}))


def html_200() -> Reply:
    """A proxy's web page where a message should be, with status 200."""
    return Reply(raw=b"<html><body>Please log in.</body></html>", content_type="text/html")


def truncated_json() -> Reply:
    """A 200 whose JSON stops half way, with a content length that fits."""
    return Reply(raw=b'{"id": "msg_half", "type": "message", "role": "assistant", "content": [{"type": "te')


def reset() -> Reply:
    """No answer: the connection is reset."""
    return Reply(ending=Ending.RESET)


def cut_stream(text: str) -> Reply:
    """A stream that closes cleanly before its `message_stop`, and before the last piece of the text."""
    return Reply(text=text, ending=Ending.CUT)


def mid_stream_error(text: str = "The first half of an answer", *, status: int = 529) -> Reply:
    """A stream that ends with an `error` event, of the type that goes with `status`."""
    return Reply(text=text, status=status, ending=Ending.ERROR)


def http_error(
    status: int,
    error_type: str | None = None,
    headers: Mapping[str, str] | None = None,
    *,
    message: str | None = None,
    error_code: str | None = None,
) -> Reply:
    """An error response. The server adds `retry-after` to a 429 and a 529 unless `headers` holds one."""
    return Reply(status=status, error_type=error_type, headers=headers or {}, message=message, error_code=error_code)


def spend_limit() -> Reply:
    """The 429 of a spent monthly limit: no `retry-after`, and no use in waiting."""
    message = "Your organization has reached its monthly spend limit."
    return http_error(429, message=message, error_code="enforced_spend_limit_reached")


def as_json(value: Any) -> Reply:
    """A value as it is."""
    return Reply(raw=msgspec.json.encode(value))


def digest(body: Body) -> bytes:
    """32 bytes that are the same for the same request, streamed or not."""
    asked = {key: value for key, value in body.items() if key != "stream"}
    return hashlib.blake2b(json.dumps(asked, sort_keys=True).encode(), digest_size=32).digest()


def fingerprint(body: Body) -> bytes:
    """As `digest`, other bytes for a quarter of the time: for what is on the way of every request."""
    asked = {key: value for key, value in body.items() if key != "stream"}
    return hashlib.sha256(msgspec.json.encode(asked, order="deterministic")).digest()


VERBS = ("Rerun", "Repeat", "Rework", "Redo")
THINGS = ("the smallest failing case", "the last run", "the baseline", "the sweep", "the first half of the data")
WAYS = ("with the seed fixed", "with one change undone", "on shuffled labels", "in full precision", "without the cache")
CHECKS = ("the loss by group", "the first row that differs", "the time of each stage", "the counts of each class")
PARTS = (VERBS, THINGS, WAYS, CHECKS)


def default_answer(body: Body) -> Reply:
    """A verdict for a request that asks for structured output, else a step; both made from a hash of the request."""
    return drawn_answer(body, digest(body))


def quick_answer(body: Body) -> Reply:
    """As `default_answer`, drawn from the fingerprint, which the server has at hand."""
    return drawn_answer(body, fingerprint(body))


def drawn_answer(body: Body, drawn: bytes) -> Reply:
    """The answer to a request that these bytes draw."""
    if (body.get("output_config") or {}).get("format"):
        choices: tuple[Literal["A", "B", "tie"], ...] = ("A", "B", "tie")
        return verdict(choices[drawn[0] % 3], "clear" if drawn[1] % 2 else "slight")
    verb, thing, way, check = (words[byte % len(words)] for words, byte in zip(PARTS, drawn, strict=False))
    step = f"{verb} {thing} {way} and compare {check} with what we saw before."
    return plain(f"The evidence so far leaves one thing open.\n\n<next_step>{step}</next_step>")
