"""A Messages API server on 127.0.0.1, for tests that meet the real SDK without the network.

    replies.py   what a request gets: one builder for each behaviour, good and bad
    rules.py     which requests are refused, and with which message
    schemas.py   which JSON schemas a structured output may ask for
    models.py    what is known about model names
    wire.py      a reply as JSON, as server-sent events, and the headers around it
    faults.py    which requests fail for no reason of their own
    server.py    the server, in its own thread

Nothing here was compared with the real API: it does what the vendor's pages and the SDK's source say. Prompt caching
and batches are not there.
"""

from tests.loopback.faults import Faults
from tests.loopback.replies import (
    Ending,
    Reply,
    cut_stream,
    default_answer,
    empty,
    html_200,
    http_error,
    max_tokens,
    mid_stream_error,
    no_usage,
    plain,
    refusal,
    reset,
    spend_limit,
    thinking_first,
    truncated_json,
    unknown_block,
    verdict,
)
from tests.loopback.server import LoopbackServer, Received

__all__ = [
    "Ending",
    "Faults",
    "LoopbackServer",
    "Received",
    "Reply",
    "cut_stream",
    "default_answer",
    "empty",
    "html_200",
    "http_error",
    "max_tokens",
    "mid_stream_error",
    "no_usage",
    "plain",
    "refusal",
    "reset",
    "spend_limit",
    "thinking_first",
    "truncated_json",
    "unknown_block",
    "verdict",
]
