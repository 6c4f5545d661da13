"""The server: one thread with its own event loop, from the `with` line to its end."""

import asyncio
import json
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Self

from aiohttp import web

from tests.loopback import wire
from tests.loopback.faults import FaultLine, Faults, reply_of
from tests.loopback.models import find, page
from tests.loopback.replies import Body, Ending, Reply, default_answer, digest, http_error
from tests.loopback.rules import first_problem

MAX_BODY = 32 * 1024**2
RESET_ON_CLOSE = struct.pack("ii", 1, 0)


@dataclass
class Received:
    """A request, and what became of it.

    `headers` has lower-case names. `body` is empty when there was none, or none that is a JSON object. `status` is None
    while nothing was sent, and stays so when the connection was reset. `at` is of `time.monotonic`. `fault` names the
    fault that it met. `whole`: it was a message request and got all of a message.
    """

    path: str
    headers: Mapping[str, str]
    body: Body
    status: int | None = None
    at: float = 0
    fault: str | None = None
    whole: bool = False


class LoopbackServer:
    """A Messages API on 127.0.0.1 for as long as the `with` block lasts.

    `answer` is called in the server's thread, one call at a time, for each request that is valid and meets no fault; to
    be slow, let it give a `latency_s`. When it raises, the request gets a 400, and leaving the block raises the error.
    `retry_after` is in seconds, for each 429 and 529 without a header of its own (the real API sends whole seconds).
    """

    def __init__(
        self,
        answer: Callable[[Body], Reply] = default_answer,
        faults: Faults | None = None,
        *,
        port: int = 0,
        retry_after: float = 0.05,
    ) -> None:
        self.answer = answer
        self.retry_after = retry_after
        self.bad_keys: set[str] = set()
        self.unknown_models: set[str] = set()
        self.base_url = ""
        self._port = port
        self._fault_line = FaultLine(faults) if faults else None
        self._requests: list[Received] = []
        self._bugs: list[Exception] = []
        self._spent: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._ready: Future[tuple[str, Callable[[], object]]] = Future()
        self._thread = threading.Thread(target=self._run, name="loopback-server", daemon=True)

    @property
    def requests(self) -> list[Received]:
        """Every request so far, in the order of arrival."""
        with self._lock:
            return list(self._requests)

    @property
    def answered(self) -> list[Received]:
        """The message requests that got the whole of a message: those that would be billed."""
        return [received for received in self.requests if received.whole]

    @property
    def faulted(self) -> Counter[str]:
        """How many requests met each kind of fault."""
        return Counter(received.fault for received in self.requests if received.fault)

    def __enter__(self) -> Self:
        self._thread.start()
        self.base_url, self._stop = self._ready.result()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop()
        self._thread.join()
        if self._bugs:
            raise self._bugs[0]

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except Exception as error:
            if self._ready.done():
                raise
            self._ready.set_exception(error)

    async def _serve(self) -> None:
        app = web.Application(client_max_size=MAX_BODY)
        app.router.add_route("*", "/{path:.*}", self._handle)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", self._port, backlog=1024).start()
            host, port = runner.addresses[0][:2]
            loop, stop = asyncio.get_running_loop(), asyncio.Event()
            self._ready.set_result((f"http://{host}:{port}", lambda: loop.call_soon_threadsafe(stop.set)))
            await stop.wait()
        finally:
            await runner.cleanup()

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        names = {name.lower(): value for name, value in request.headers.items()}
        received = Received(request.path, names, {}, at=time.monotonic())
        with self._lock:
            self._requests.append(received)
            number = len(self._requests)
        try:
            reply = await self._read(request, received) or self._decide(request, received)
            await asyncio.sleep(reply.latency_s)
            return await self._send(request, received, reply, number)
        except (ConnectionError, web.RequestPayloadError):
            received.whole = False
            raise
        except Exception as error:
            self._bugs.append(error)
            bug = http_error(400, message=f"the test's server raised {error!r}")
            return await self._send(request, received, bug, number)

    async def _read(self, request: web.Request, received: Received) -> Reply | None:
        """Put the request's JSON into `received`; the refusal when it cannot be read."""
        if request.method != "POST":
            return None
        try:
            body = json.loads(await request.read())
        except web.HTTPRequestEntityTooLarge:
            return http_error(413, message="Request exceeds the maximum allowed number of bytes.")
        except ValueError:
            return http_error(400, message="The request body is not valid JSON.")
        if not isinstance(body, dict):
            return http_error(400, message="The request body should be a JSON object.")
        received.body = body
        return None

    def _decide(self, request: web.Request, received: Received) -> Reply:
        """What the request gets, apart from how it is sent."""
        scheme, _, key = received.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not key or key in self.bad_keys:
            return http_error(401, message="invalid bearer token")
        match (request.method, *request.path.strip("/").split("/")):
            case ("POST", "v1", "messages"):
                return self._refuse(received) or self._answer(received)
            case ("POST", "v1", "messages", "count_tokens"):
                return self._refuse(received, counting=True) or _json(wire.count(received.body))
            case ("GET", "v1", "models"):
                return _json(page(request.query, self.unknown_models))
            case ("GET", "v1", "models", name):
                return self._refuse_model(name) or _json(find(name).to_json())
            case _:
                return http_error(404, message=f"{request.method} {request.path} is not there")

    def _refuse(self, received: Received, *, counting: bool = False) -> Reply | None:
        problem = first_problem(received.body, received.headers.get("anthropic-version", ""), counting=counting)
        if problem:
            return http_error(400, message=problem)
        return self._refuse_model(received.body["model"], retired=True)

    def _refuse_model(self, name: str, *, retired: bool = False) -> Reply | None:
        gone = retired and find(name).lifecycle == "retired"
        return http_error(404, message=f"model: {name}") if gone or name in self.unknown_models else None

    def _answer(self, received: Received) -> Reply:
        if self._fault_line and (kind := self._fault_line.draw(digest(received.body))):
            received.fault = kind
            return reply_of(kind)
        if received.body["max_tokens"] == 0:
            return Reply(stop_reason="max_tokens")
        return self.answer(received.body)

    async def _send(self, request: web.Request, received: Received, reply: Reply, number: int) -> web.StreamResponse:
        if reply.ending is Ending.RESET:
            return _reset(request)
        streamed = received.body.get("stream") is True
        failed = reply.status >= 400 and not (streamed and reply.ending is Ending.ERROR)
        headers = self._headers(reply, number, failed)
        if reply.raw is not None:
            return _response(received, reply.status, reply.raw, headers)
        if failed:
            error = wire.error_body(reply.error, headers["request-id"])
            return _response(received, reply.status, _dump(error), headers)
        whole = wire.message(reply, received.body, number)
        self._spend(whole.get("usage") or {})
        if streamed:
            return await _stream(request, received, reply, wire.stream(reply, whole, headers["request-id"]), headers)
        payload = _dump(whole)
        received.whole = reply.is_whole and _is_open(request)
        return _response(received, 200, payload if reply.is_whole else payload[: len(payload) // 2], headers)

    def _headers(self, reply: Reply, number: int, failed: bool) -> dict[str, str]:
        own = {"content-type": reply.content_type} | {name.lower(): value for name, value in reply.headers.items()}
        waits = reply.status in (429, 529) and not (reply.error_code or "").endswith("spend_limit_reached")
        asked = {"retry-after": f"{self.retry_after:g}"} if failed and waits else {}
        return wire.headers(number, self._spent | {"requests": number}) | asked | own

    def _spend(self, usage: Mapping[str, Any]) -> None:
        read, written = usage.get("input_tokens") or 0, usage.get("output_tokens") or 0
        self._spent.update({"input-tokens": read, "output-tokens": written, "tokens": read + written})


def _dump(value: Any) -> bytes:
    return json.dumps(value).encode()


def _json(value: Any) -> Reply:
    return Reply(raw=_dump(value))


def _response(received: Received, status: int, payload: bytes, headers: Mapping[str, str]) -> web.Response:
    received.status = status
    return web.Response(status=status, body=payload, headers=headers)


def _is_open(request: web.Request) -> bool:
    return request.transport is not None and not request.transport.is_closing()


def _reset(request: web.Request) -> web.Response:
    """Close the connection so that the client sees a reset, not an end."""
    if request.transport is not None:
        request.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
        request.transport.abort()
    return web.Response()


async def _stream(
    request: web.Request, received: Received, reply: Reply, events: list[wire.Event], headers: Mapping[str, str]
) -> web.StreamResponse:
    """Send the events. The request is whole before its last event leaves, so that no client can be quicker."""
    response = web.StreamResponse(headers={**headers, "content-type": "text/event-stream; charset=utf-8"})
    pieces = [wire.encode(event) for event in events]
    received.status = 200
    await response.prepare(request)
    for piece in pieces[:-1]:
        await response.write(piece)
    received.whole = reply.is_whole and _is_open(request)
    await response.write(pieces[-1])
    await response.write_eof()
    return response
