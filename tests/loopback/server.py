"""The server: one thread with its own event loop, from the `with` line to its end."""

import asyncio
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from typing import Any, Self

import msgspec
from aiohttp import web

from tests.loopback import sending, wire
from tests.loopback.accounting import Ledger
from tests.loopback.admission import Desk
from tests.loopback.batch_items import Worker
from tests.loopback.batches import BatchDesk, Batches, Moment
from tests.loopback.caching import Cache
from tests.loopback.faults import FaultLine, Faults, reply_of
from tests.loopback.latency import Delays, Latency
from tests.loopback.limits import Gate, Limits
from tests.loopback.models import find, page
from tests.loopback.outages import Outages
from tests.loopback.received import Received
from tests.loopback.refusals import Refusals
from tests.loopback.replies import (
    Body,
    Ending,
    Reply,
    as_json,
    default_answer,
    digest,
    drawn_answer,
    http_error,
    quick_answer,
)

__all__ = ["LoopbackServer", "Received"]

MAX_BODY = 32 * 1024**2
TOO_LARGE = http_error(413, message="Request exceeds the maximum allowed number of bytes.")


class LoopbackServer:
    """A Messages API on 127.0.0.1 for as long as the `with` block lasts.

    `answer` is called in the server's thread, one call at a time, for each request that is valid and meets no fault; to
    be slow, let it give a `latency_s`. When it raises, the request gets a 400, and leaving the block raises the error.
    `retry_after` is in seconds, for each 429 and 529 without a header of its own (the real API sends whole seconds).

    All else is off unless it is set: prompt `caching`, rate `limits`, `latency`, `outages`, `batches`. `trusting`
    leaves out the rules of valid requests. `forgetful` keeps of a request only what became of it. `clock` is in seconds
    since 1970.
    """

    def __init__(
        self,
        answer: Callable[[Body], Reply] = default_answer,
        faults: Faults | None = None,
        *,
        port: int = 0,
        retry_after: float = 0.05,
        caching: bool = False,
        limits: Limits | None = None,
        latency: Latency | None = None,
        outages: Outages | None = None,
        batches: Batches | None = None,
        trusting: bool = False,
        forgetful: bool = False,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.answer = answer
        self.retry_after = retry_after
        self.bad_keys: set[str] = set()
        self._refusals = Refusals(cached=caching, trusting=trusting)
        self.unknown_models = self._refusals.unknown_models
        self.base_url = ""
        self.ledger = Ledger()
        self._port = port
        self._forgetful = forgetful
        self._clock = clock
        self._fault_line = FaultLine(faults) if faults else None
        self._desk = Desk(
            clock(),
            outages or Outages(),
            Cache() if caching else None,
            Gate(limits) if limits else None,
            Delays(latency) if latency else None,
        )
        worker = Worker(self._made, self._refusals.of_item, self.ledger, self._desk.cache)
        self._batch_desk = BatchDesk(batches, worker) if batches else None
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

    @property
    def refused(self) -> Counter[str]:
        """How many requests of each model met a rate limit."""
        return Counter(self._desk.gate.refused if self._desk.gate else {})

    def outage(self, seconds: float) -> None:
        """Answer every message request with a 529 for so long from now on."""
        self._desk.outages.until = self._clock() + seconds

    def summary(self) -> dict[str, Any]:
        """What was asked and answered so far, and what it would be billed for, as JSON."""
        statuses = Counter(str(received.status) for received in self.requests)
        faults, refused = dict(self.faulted), dict(self.refused)
        counts = {"requests": len(self.requests), "statuses": dict(statuses), "faults": faults, "refused": refused}
        batches = {"batches": self._batch_desk.summary()} if self._batch_desk else {}
        return counts | self.ledger.summary() | batches

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
        largest = self._batch_desk.rules.max_bytes if self._batch_desk else 0
        app = web.Application(client_max_size=max(MAX_BODY, largest))
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
            if self._batch_desk:
                self._batch_desk.settle(self._clock())

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        names = {name.lower(): value for name, value in request.headers.items()}
        received = Received(request.path, names, {}, at=time.monotonic())
        with self._lock:
            self._requests.append(received)
            number = len(self._requests)
        try:
            reply = await self._read(request, received) or self._decide(request, received)
            await sending.pause(reply.latency_s)
            return await self._send(request, received, reply, number)
        except (ConnectionError, web.RequestPayloadError):
            received.whole = False
            raise
        except Exception as error:
            self._bugs.append(error)
            bug = http_error(400, message=f"the test's server raised {error!r}")
            return await self._send(request, received, bug, number)
        finally:
            if self._forgetful:
                received.forget()

    async def _read(self, request: web.Request, received: Received) -> Reply | None:
        """Put the request's JSON into `received`; the refusal when it cannot be read."""
        if request.method != "POST":
            return None
        try:
            payload = await request.read()
            received.size = len(payload)
            body = msgspec.json.decode(payload) if payload or not request.path.endswith("/cancel") else {}
        except web.HTTPRequestEntityTooLarge:
            return TOO_LARGE
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
                counted = self._refuse(received, counting=True)
                return counted or as_json({"input_tokens": self._desk.count(received.body)})
            case (_, "v1", "messages", "batches", *rest) if self._batch_desk:
                moment = Moment(self._clock(), f"http://{request.host}", received.size)
                return self._batch_desk.reply(request.method, rest, request.query, received.body, moment)
            case ("GET", "v1", "models"):
                return as_json(page(request.query, self.unknown_models))
            case ("GET", "v1", "models", name):
                return self._refusals.of_model(name) or as_json(find(name).to_json())
            case _:
                return http_error(404, message=f"{request.method} {request.path} is not there")

    def _refuse(self, received: Received, *, counting: bool = False) -> Reply | None:
        if received.size > MAX_BODY:
            return TOO_LARGE
        return self._refusals.of(received.body, received.headers.get("anthropic-version", ""), counting=counting)

    def _answer(self, received: Received) -> Reply:
        self.ledger.arrive(self._clock())
        if instead := self._desk.admit(received, self._clock()):
            return instead
        if self._fault_line and (kind := self._fault_line.draw(digest(received.body))):
            received.fault = kind
            return reply_of(kind)
        if received.body.get("max_tokens") == 0:
            return Reply(stop_reason="max_tokens")
        return self._made(received.body, received.fingerprint)

    def _made(self, body: Body, drawn: bytes) -> Reply:
        """The answer to a request with this fingerprint, which is not worked out again."""
        return drawn_answer(body, drawn) if self.answer is quick_answer else self.answer(body)

    async def _send(self, request: web.Request, received: Received, reply: Reply, number: int) -> web.StreamResponse:
        if reply.ending is Ending.RESET:
            return sending.reset(request)
        failed = reply.status >= 400 and not (_is_streamed(received) and reply.ending is Ending.ERROR)
        headers = self._headers(received, reply, number, failed)
        if reply.raw is not None and reply.ending is Ending.BROKEN:
            return await sending.broken(request, received, reply.raw, headers)
        if reply.raw is not None:
            return sending.response(received, reply.status, reply.raw, headers)
        if failed:
            error = wire.error_body(reply.error, headers["request-id"])
            return sending.response(received, reply.status, msgspec.json.encode(error), headers)
        return await self._send_message(request, received, reply, number, headers)

    async def _send_message(
        self, request: web.Request, received: Received, reply: Reply, number: int, headers: Mapping[str, str]
    ) -> web.StreamResponse:
        first_s, whole_s = self._desk.delay(received)
        streamed, reading = _is_streamed(received), received.reading
        await sending.pause(first_s if streamed else whole_s)
        if reading:
            reading.begin()
        whole = wire.message(reply, received.body, number, reading.usage() if reading else None)
        self._bill(received, whole)

        def finish() -> None:
            if reply.is_whole and sending.is_open(request):
                received.whole = True
                self.ledger.answer(received.body["model"], received.fingerprint, self._clock())

        if streamed:
            events = wire.stream(reply, whole, headers["request-id"])
            return await sending.stream(request, received, events, headers, lasts=whole_s - first_s, finish=finish)
        payload = msgspec.json.encode(whole)
        finish()
        return sending.response(received, 200, payload if reply.is_whole else payload[: len(payload) // 2], headers)

    def _headers(self, received: Received, reply: Reply, number: int, failed: bool) -> dict[str, str]:
        own = {"content-type": reply.content_type} | {name.lower(): value for name, value in reply.headers.items()}
        waits = reply.waits and reply.status in (429, 529)
        waits = waits and not (reply.error_code or "").endswith("spend_limit_reached")
        asked = {"retry-after": f"{self.retry_after:g}"} if failed and waits else {}
        return {**wire.headers(number), **self._limits(received, number), **asked, **own}

    def _limits(self, received: Received, number: int) -> Mapping[str, str]:
        if self._desk.gate is None:
            return wire.limits(self._spent | {"requests": number})
        return received.limits or self._desk.gate.headers(str(received.body.get("model")), self._clock())

    def _bill(self, received: Received, whole: Mapping[str, Any]) -> None:
        usage = whole.get("usage") or {}
        self.ledger.bill(usage, received.reading)
        read, written = usage.get("input_tokens") or 0, usage.get("output_tokens") or 0
        self._spent.update({"input-tokens": read, "output-tokens": written, "tokens": read + written})
        if self._desk.gate:
            self._desk.gate.spend(received.body["model"], written, self._clock())


def _is_streamed(received: Received) -> bool:
    return received.body.get("stream") is True
