"""A request as the Messages API takes it: blocks of text, some marked for the cache."""

import re
from itertools import pairwise
from typing import Any

from nextstep.core.caching import Layout
from nextstep.core.records import Request

SHARED_LIMITS = (
    (re.compile(r"claude-opus-4-[5-8]\b"), "claude-opus-4.5 to 4.8"),
    (re.compile(r"claude-sonnet-4-[56]\b"), "claude-sonnet-4.5 and 4.6"),
)
"""Models that share one rate limit."""
DATE = re.compile(r"-20\d{6}$")
"""At the end of a name: the same model."""


def body_of(request: Request, layout: Layout) -> dict[str, Any]:
    """The arguments of `messages.create`; an endpoint's or cloud's name is taken off the model's."""
    output: dict[str, Any] = {"effort": request.effort} if request.effort else {}
    if request.answer_schema:
        output["format"] = {"type": "json_schema", "schema": request.answer_schema}
    shared, *rest = request.content
    blocks = [*_blocks(shared, layout), *(_text(text) for text in rest)]
    body: dict[str, Any] = {
        "model": wire_name(request.model),
        "max_tokens": request.max_tokens,
        "system": [_marked(request.system, layout)] if layout.system else request.system,
        "messages": [{"role": "user", "content": blocks}],
    }
    return body | ({"output_config": output} if output else {})


def wire_name(model: str) -> str:
    """The model's name as its server knows it."""
    return model.partition("/")[2] or model


def model_class(name: str) -> str:
    """What a server limits together: a model, or a few that share one limit."""
    return next((shared for pattern, shared in SHARED_LIMITS if pattern.search(name)), DATE.sub("", name))


def _blocks(text: str, layout: Layout) -> list[dict[str, Any]]:
    """The shared text, cut where the layout says."""
    ends = [0, *layout.cuts]
    pieces = [
        _marked(text[start:end], layout) if end in layout.marks else _text(text[start:end])
        for start, end in pairwise(ends)
    ]
    last = text[ends[-1] :]
    return [*pieces, _text(last)] if last else pieces


def _text(text: str) -> dict[str, Any]:
    return {"type": "text", "text": text}


def _marked(text: str, layout: Layout) -> dict[str, Any]:
    lifetime = {"ttl": "1h"} if layout.hour else {}
    return _text(text) | {"cache_control": {"type": "ephemeral", **lifetime}}
