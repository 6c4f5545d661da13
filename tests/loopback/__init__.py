"""A Messages API server on 127.0.0.1, for tests that meet the real SDK without the network.

    replies.py   what a request gets: one builder for each behaviour, good and bad
    rules.py     which requests are refused, and with which message
    refusals.py  the rules of one server, and the models it knows
    schemas.py   which JSON schemas a structured output may ask for
    models.py    what is known about model names
    wire.py      a reply as JSON, as server-sent events, and the headers around it
    received.py  a request, and what became of it
    sending.py   bytes to the client
    server.py    the server, in its own thread
    process.py   the server, in its own process

What may go wrong or be scarce, each off unless it is set:

    faults.py    which requests fail for no reason of their own
    latency.py   how long answers take
    outages.py   when the whole service is overloaded
    limits.py    how many requests and tokens are let through
    caching.py   which part of a prompt was there before (`prompt.py`: the prompt in blocks)
    batches.py   many requests at once (`batch.py`: one batch, `batch_items.py`: what becomes of its items)
    admission.py these, but for batches and faults, in the order in which a request meets them

And what came of it: accounting.py bills what was answered, least.py says what it could have cost.

Nothing here was compared with the real API: it does what the vendor's pages and the SDK's source say.
"""

from tests.loopback.batches import Batches
from tests.loopback.faults import Faults
from tests.loopback.latency import Latency
from tests.loopback.limits import Limits
from tests.loopback.outages import Outages
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
    "Batches",
    "Ending",
    "Faults",
    "Latency",
    "Limits",
    "LoopbackServer",
    "Outages",
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
