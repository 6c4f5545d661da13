"""The Messages API through the anthropic SDK: one retry policy, both timeouts, every way to fail told apart.

The SDK's own retries are off; tenacity is the only layer. The body is kept as it came and read by us, because a server
may answer 200 with HTML, with half a JSON, or without usage. Importing this module imports the SDK (about a second),
so it happens only when a model is opened.
"""

import asyncio
import json
import os
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from typing import Any
from urllib.request import getproxies

import anthropic
import httpx2
import msgspec
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, stop_after_attempt

from nextstep.config import Endpoint, Limits
from nextstep.core.caching import PLAIN
from nextstep.core.records import Answer, Request
from nextstep.errors import FatalModelError, ModelError, UsageError
from nextstep.models.api_errors import (
    ERRORS,
    NO_KEY,
    Garbled,
    is_refusal,
    log_retry,
    may_pass,
    retry_after,
    status_failure,
    transport_failure,
    wait,
)
from nextstep.models.base import AS_IT_IS, Sending, read_answer
from nextstep.models.pace import Slots, Turn
from nextstep.models.streaming import Growing
from nextstep.models.wire import body_of, model_class, wire_name

MESSAGES = "/v1/messages"
READ_TIMEOUT_S, CONNECT_TIMEOUT_S, KEEP_ALIVE_S = 600.0, 10.0, 60.0
LOOK_UP_TIMEOUT_S = 20.0
SHORTEST_SECRET = 8
"""Shorter keys are made up, such as `none` for a server without keys, and are parts of common words."""
STREAM_ABOVE = 21_000
"""The SDK refuses to wait for longer answers than this many tokens without a stream."""


def open_anthropic(limits: Limits, slots: Slots | None = None) -> "MessagesModel":
    """Anthropic's API, with the key and base URL that the SDK finds by itself."""
    return _open(limits, slots)


def open_endpoint(endpoint: Endpoint, limits: Limits, slots: Slots | None = None) -> "MessagesModel":
    """A server that speaks the Messages API, with a key from the variable that evals.yaml names."""
    key = os.environ.get(endpoint.api_key_env) if endpoint.api_key_env else "none"
    if not key:
        raise UsageError(f"the environment variable {endpoint.api_key_env} for {endpoint.base_url} is not set")
    return _open(limits, slots, api_key=key, base_url=endpoint.base_url)


def _open(limits: Limits, slots: Slots | None, **arguments: Any) -> "MessagesModel":
    try:
        client = anthropic.AsyncAnthropic(**arguments, **_options(), http_client=_transport(limits))
    except (anthropic.AnthropicError, httpx2.InvalidURL, ValueError) as error:
        raise UsageError(f"the Messages API cannot be used: {error}") from error
    if any(key.strip() != key or not key.isprintable() for key in _secrets(client)):
        # h11 would refuse it too, and repeat it in its error.
        raise UsageError("the key holds a blank at one of its ends, or a line's end; set it without")
    return MessagesModel(client, limits, slots)


def _transport(limits: Limits) -> Any:
    """aiohttp, which takes half of httpx2's time for a call and keeps it at hundreds of connections.

    None (the SDK's own, httpx2) where the environment names a proxy: that one knows all of their settings.
    """
    if getproxies():
        return None
    most = limits.max_connections
    pool = httpx2.Limits(max_connections=None, max_keepalive_connections=most, keepalive_expiry=KEEP_ALIVE_S)
    return anthropic.DefaultAioHttpClient(limits=pool, timeout=timeouts(READ_TIMEOUT_S))


def _secrets(client: Any) -> list[str]:
    """What must not be told: the key that the client sends."""
    return [key for key in (getattr(client, name, None) for name in ("api_key", "auth_token")) if key]


CLOUDS = {"bedrock": ("AsyncAnthropicBedrock", "boto3"), "vertex": ("AsyncAnthropicVertex", "google.auth")}
"""The SDK's client for a cloud, and the library that it imports only when the first call is sent."""


def open_cloud(name: str, limits: Limits, slots: Slots | None = None) -> "MessagesModel":
    """Amazon Bedrock or Google Vertex AI through the SDK's own clients, with their own credentials."""
    client_class, library = CLOUDS[name]
    try:
        import_module(library)
        client = getattr(anthropic, client_class)(**_options())
    except (ImportError, anthropic.AnthropicError, ValueError) as error:
        hint = f"`pip install 'nextstep[{name}]'` brings what it needs"
        raise UsageError(f"{name}/... cannot be used: {error}; {hint}") from error
    return MessagesModel(client, limits, slots)


def _options() -> dict[str, Any]:
    """What all clients share: one layer of retries, and no spans of OpenTelemetry.

    Nobody collects them in this program, and making them takes an eighth of the SDK's CPU time for a call.
    """
    return {"max_retries": 0, "timeout": timeouts(READ_TIMEOUT_S), "open_telemetry": False}


def timeouts(read_s: float) -> anthropic.Timeout:
    """How long to wait for a connection, and for each piece of an answer."""
    return anthropic.Timeout(read_s, connect=CONNECT_TIMEOUT_S)


class MessagesModel:
    """One client of the SDK. It belongs to the event loop in which it is first used."""

    def __init__(self, client: Any, limits: Limits, slots: Slots | None = None) -> None:
        self.client = client
        self.limits = limits
        self.slots = slots or Slots(limits.max_connections)
        """The connections that it shares with the other models of a run."""
        self.answered = False
        """Whether the server has said anything yet, be it an error; until then, no connection means a wrong address."""
        self.sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
        """How the time between two tries is waited for."""
        self.is_direct = type(client) is anthropic.AsyncAnthropic
        """Whether what it is given is what the Messages API gets, not what a cloud makes of it."""

    async def ask(self, request: Request, sending: Sending = AS_IT_IS) -> Answer:
        """One answer; waits for its turn, and between tries as the server says, and gives up with a named error."""
        body, characters = body_of(request, sending.layout), sending.layout.unread(request)
        stream = sending.begun is not None or request.max_tokens > STREAM_ABOVE
        line = self.slots.line(f"{self.address} {model_class(body['model'])}")

        async def attempt(number: int) -> Answer:
            async with line.turn(characters) as turn:
                if sending.go:
                    sending.go()
                send = self._streamed(body, sending.begun) if stream else self._whole(body)
                return await self._once(send, turn, number)

        try:
            answer = await attempt(1)
        except ERRORS as error:
            answer = await self._again(attempt, error, request.model, sending)
        line.learn(request.characters, answer.usage.all_input, answer.usage.output_tokens)
        return answer

    async def _again(
        self, attempt: Callable[[int], Awaitable[Answer]], first: BaseException, model: str, sending: Sending
    ) -> Answer:
        """One answer after a first attempt that failed: most succeed, and need no policy of their own."""

        def paused(state: RetryCallState) -> None:
            log_retry(state)
            if sending.paused:
                sending.paused()

        policy = AsyncRetrying(
            sleep=self.sleep,
            stop=stop_after_attempt(self.limits.attempts),
            wait=wait,
            retry=retry_if_exception(may_pass),
            before_sleep=paused,
            reraise=True,
        )
        number = 1
        try:
            async for attempted in policy:
                with attempted:
                    number = attempted.retry_state.attempt_number
                    if number == 1:
                        raise first
                    answer = await attempt(number)
        except ERRORS as error:
            raise self.named(error, model, number) from error
        return answer

    async def _once(self, sent: Awaitable["Received"], turn: Turn, attempts: int) -> Answer:
        """One try, and what the line learns from how it went."""
        started = time.monotonic()
        try:
            async with asyncio.timeout(self.limits.timeout_s):
                received = await sent
            answer = checked(received, time.monotonic() - started, attempts)
        except anthropic.APIStatusError as error:
            self.answered = True
            _tell(turn, error)
            raise
        except Garbled:
            self.answered = True
            turn.failed(None)
            raise
        except ERRORS:
            turn.failed(None)
            raise
        self.answered = True
        turn.answered(received.headers)
        return answer

    async def _whole(self, body: dict[str, Any]) -> "Received":
        # The server is silent while the model writes: nothing but the total may bound it.
        options = {"timeout": timeouts(self.limits.timeout_s)}
        response = await self._post(body, cast_to=httpx2.Response, options=options)
        return _received(response.content.decode("utf-8", "replace"), response)  # JSON is UTF-8, whatever a header says

    async def _post(self, body: dict[str, Any], **how: Any) -> Any:
        """What `messages.create` sends, encoded here: the SDK would copy it and take a fifth of its time to encode it.

        A cloud's client has yet to put the model into the address.
        """
        sent = {"content": msgspec.json.encode(body)} if self.is_direct else {"body": body}
        return await self.client.post(MESSAGES, **sent, **how)

    async def _streamed(self, body: dict[str, Any], begun: Callable[[], None] | None) -> "Received":
        growing = Growing()
        how = {"stream": True, "stream_cls": anthropic.AsyncStream[object]}
        async with await self._post(body | {"stream": True}, cast_to=object, **how) as events:
            try:
                async for event in events:
                    growing.add(event)
                    if begun:
                        begun()
                        begun = None
                message = growing.message
            except (AttributeError, LookupError, TypeError, ValueError) as error:
                # A stream that is not one (HTML, one JSON), or has odd events.
                raise Garbled("garbled", "the server said 200 and sent no readable stream") from error
        # Half a surrogate pair, which JSON can spell, could not be stored.
        text = json.dumps(message, ensure_ascii=False).encode("utf-8", "replace").decode("utf-8")
        return _received(text, events.response)

    def named(self, error: BaseException, model: str, attempts: int) -> ModelError:
        """The SDK's error as one of ours: what is wrong, and what to do."""
        if isinstance(error, anthropic.APIStatusError):
            return status_failure(error, model, self.repeatable(str(error.api_message or error.message)), attempts)
        if isinstance(error, (anthropic.CredentialsError, RuntimeError)):
            text = f"{model}: the client cannot send: {self.repeatable(str(error))}"
            return FatalModelError("client", text, attempts=attempts)
        if isinstance(error, TypeError) and "authentication method" in str(error):
            return FatalModelError("no_key", NO_KEY.format(model=model))
        kind, message = transport_failure(error)
        if kind == "connection" and not self.answered:
            where = f"{self.address} cannot be reached ({message}); check the address and the network"
            return FatalModelError("unreachable", where, attempts=attempts, exit_code=4)
        return ModelError(kind, f"{model}: {message}", attempts=attempts)

    def repeatable(self, text: str) -> str:
        """The start of somebody else's words on one line, without the key where they repeat it."""
        for secret in _secrets(self.client):
            text = text.replace(secret, "[the key]") if len(secret) >= SHORTEST_SECRET else text
        return "".join(character if character.isprintable() else " " for character in text)[:300]

    @cached_property
    def address(self) -> str:
        """The base URL, without a user or password in it."""
        return str(self.client.base_url.copy_with(userinfo=b""))

    async def look_up(self, name: str) -> str:
        """What the Models API says of the model; a server without that API only shows that it can be reached."""
        unknown = f"{self.address} answers, but cannot say which models it has"
        models = getattr(self.client, "models", None)
        if models is None:
            return f"{self.address} cannot say which models it has; only a call can tell"
        try:
            async with asyncio.timeout(LOOK_UP_TIMEOUT_S):
                model = await models.retrieve(wire_name(name))
        except TimeoutError as error:
            raise ModelError("timeout", f"{name}: {self.address} gave no answer in time") from error
        except ERRORS as error:
            if isinstance(error, json.JSONDecodeError) or _has_no_such_page(error):
                return unknown
            raise self.named(error, name, 1) from error
        if not getattr(model, "id", None):
            return unknown
        size = getattr(model, "max_input_tokens", None)
        window = f", window {size:,} tokens" if isinstance(size, int) else ""
        return f"{getattr(model, 'display_name', None) or name}{window}"

    async def count_tokens(self, request: Request) -> int | None:
        """What the server counts; None where it has no such call. Raises ModelError when it cannot be asked."""
        body = body_of(request, PLAIN)
        del body["max_tokens"]
        try:
            async with asyncio.timeout(LOOK_UP_TIMEOUT_S):
                counted = await self.client.messages.count_tokens(**body)
        except TimeoutError as error:
            raise ModelError("timeout", f"{request.model}: {self.address} gave no answer in time") from error
        except ERRORS as error:
            if isinstance(error, json.JSONDecodeError) or _has_no_such_page(error):
                return None
            raise self.named(error, request.model, 1) from error
        tokens = getattr(counted, "input_tokens", None)
        return tokens if isinstance(tokens, int) and tokens > 0 else None

    async def aclose(self) -> None:
        """Close the client's connections."""
        await self.client.close()


@dataclass(frozen=True)
class Received:
    """A 200 as it came."""

    body: str
    request_id: str | None
    headers: Mapping[str, str]


def _received(body: str, response: httpx2.Response) -> Received:
    """The body with what its headers tell: looking one up among the response's own takes longer than to copy them."""
    raw = response.headers.raw
    headers = {name.decode("ascii", "replace").lower(): value.decode("ascii", "replace") for name, value in raw}
    return Received(body, headers.get("request-id"), headers)


def _tell(turn: Turn, error: anthropic.APIStatusError) -> None:
    """What an error with a status means for the line: to wait, that the server is out of order, or nothing."""
    headers, seconds = error.response.headers, retry_after(error)
    if not may_pass(error):
        turn.answered(headers)
    elif is_refusal(error):
        turn.refused(headers, seconds)
    else:
        turn.failed(seconds)


def _has_no_such_page(error: BaseException) -> bool:
    """Whether a 404 is not about the model: the server has no Models API."""
    return isinstance(error, anthropic.NotFoundError) and error.type != "not_found_error"


def checked(received: Received, latency_s: float, attempts: int) -> Answer:
    """The answer in a 200's body, or Garbled when the body is no whole reply."""
    body = received.body
    try:
        message = json.loads(body)
    except (ValueError, RecursionError) as error:
        start = body[:60].lstrip().lower()
        kind = "html" if start.startswith(("<!doctype", "<html")) else "truncated"
        raise Garbled(kind, f"the server said 200 and sent {'HTML' if kind == 'html' else 'broken JSON'}") from error
    if not _is_message(message):
        raise Garbled("garbled", "the server said 200 and sent JSON that is no message")
    if message.get("stop_reason") is None:
        raise Garbled("truncated", "the reply ended before the model had stopped")
    return read_answer(body, message, request_id=received.request_id, latency_s=latency_s, attempts=attempts)


def _is_message(value: Any) -> bool:
    """Whether JSON has the shape of a reply; a server may leave out the type, or say null for no content."""
    if not isinstance(value, dict) or "content" not in value or value.get("type", "message") != "message":
        return False
    blocks = [] if value["content"] is None else value["content"]
    return isinstance(blocks, list) and all(isinstance(block, dict) for block in blocks)
