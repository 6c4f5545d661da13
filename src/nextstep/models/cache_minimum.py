"""From how many tokens on a server's cache keeps a prompt's beginning, by model.

Read from the vendor's page on prompt caching, November 2026. A shorter beginning is silently not kept, at no cost.
"""

import re

from nextstep.models.wire import wire_name

UNKNOWN = 1_024

LEAST = (
    (re.compile(r"claude-(?:fable|mythos)-5|claude-opus-5|claude-(?:sonnet|haiku)-5-5"), 512),
    (re.compile(r"claude-opus-4-8|claude-sonnet-(?:5|4-[56])"), 1_024),
    (re.compile(r"claude-opus-4-7|claude-mythos-preview"), 2_048),
    (re.compile(r"claude-opus-4-[56]|claude-haiku-4-5"), 4_096),
)


def least_tokens(model: str) -> int:
    """The shortest beginning that is kept, in tokens; for a model that is not known, a usual figure."""
    name = wire_name(model)
    return next((tokens for pattern, tokens in LEAST if pattern.search(name)), UNKNOWN)
