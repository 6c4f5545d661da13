"""Bytes to the client: whole, as a stream, half, or not at all."""

import asyncio
import socket
import struct
from collections.abc import Callable, Mapping, Sequence

from aiohttp import web

from tests.loopback import wire
from tests.loopback.received import Received

RESET_ON_CLOSE = struct.pack("ii", 1, 0)


def response(received: Received, status: int, payload: bytes, headers: Mapping[str, str]) -> web.Response:
    """A response that is sent as one."""
    received.status = status
    return web.Response(status=status, body=payload, headers=headers)


def is_open(request: web.Request) -> bool:
    """Whether the client is still there."""
    return request.transport is not None and not request.transport.is_closing()


def reset(request: web.Request) -> web.Response:
    """Close the connection so that the client sees a reset, not an end."""
    if request.transport is not None:
        request.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
        request.transport.abort()
    return web.Response()


async def broken(request: web.Request, received: Received, payload: bytes, headers: Mapping[str, str]) -> web.Response:
    """Send half of what the headers promise, then close the connection."""
    sent = web.StreamResponse(headers={**headers, "content-length": str(len(payload))})
    received.status = 200
    await sent.prepare(request)
    await sent.write(payload[: len(payload) // 2])
    if request.transport is not None:
        request.transport.close()
    return web.Response()


async def pause(seconds: float) -> None:
    """Wait, or go on at once when there is nothing to wait for."""
    if seconds > 0:
        await asyncio.sleep(seconds)


async def stream(
    request: web.Request,
    received: Received,
    events: Sequence[wire.Event],
    headers: Mapping[str, str],
    *,
    lasts: float,
    finish: Callable[[], None],
) -> web.StreamResponse:
    """Send the first event, the others after so many seconds, and `finish` before the last one leaves.

    The request is whole by then, so that no client can be quicker.
    """
    sent = web.StreamResponse(headers={**headers, "content-type": "text/event-stream; charset=utf-8"})
    pieces = [wire.encode(event) for event in events]
    received.status = 200
    await sent.prepare(request)
    begun = 0
    if lasts > 0:
        await sent.write(pieces[0])
        await asyncio.sleep(lasts)
        begun = 1
    await sent.write(b"".join(pieces[begun:-1]))
    finish()
    await sent.write(pieces[-1])
    await sent.write_eof()
    return sent
