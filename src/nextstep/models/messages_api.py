"""The Messages API through the anthropic SDK: one retry policy, both timeouts, every way to fail told apart.

The SDK's own retries are off; tenacity is the only layer. The body is kept as it came and read by us, because a server
may answer 200 with HTML, with half a JSON, or without usage. Importing this module imports the SDK (about a second),
so it happens only when a model is opened.
"""

import asyncio
import json
import logging
import os
import random
import time
from typing import Any

import anthropic
import httpx2
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, stop_after_attempt, wait_exponential_jitter

from nextstep.config import Endpoint, Limits
from nextstep.core.records import Answer, Request
from nextstep.errors import FatalModelError, ModelError, UsageError
from nextstep.models.base import answer_of

log = logging.getLogger(__name__)

READ_TIMEOUT_S, CONNECT_TIMEOUT_S = 600.0, 10.0
LONGEST_WAIT_S = 300.0
STREAM_ABOVE = 21_000
"""The SDK refuses to wait for longer answers than this many tokens without a stream."""

RETRIED_TYPES = frozenset({"rate_limit_error", "overloaded_error", "api_error", "timeout_error"})
SPENT = frozenset({"enforced_spend_limit_reached", "contract_spend_limit_reached"})


class Garbled(Exception):
    """A 200 that is no reply: HTML, half a JSON, a stream that ended early. Tried again like a lost connection."""

    def __init__(self, kind: str, message: str) -> None:
        self.kind = kind
        super().__init__(message)


def open_anthropic(limits: Limits) -> "MessagesModel":
    """Anthropic's API, with the key and base URL that the SDK finds by itself."""
    return MessagesModel(anthropic.AsyncAnthropic(**_options()), limits)


def open_endpoint(endpoint: Endpoint, limits: Limits) -> "MessagesModel":
    """A server that speaks the Messages API, with a key from the variable that evals.yaml names."""
    key = os.environ.get(endpoint.api_key_env) if endpoint.api_key_env else "none"
    if not key:
        raise UsageError(f"the environment variable {endpoint.api_key_env} for {endpoint.base_url} is not set")
    return MessagesModel(anthropic.AsyncAnthropic(api_key=key, base_url=endpoint.base_url, **_options()), limits)


def open_cloud(name: str, limits: Limits) -> "MessagesModel":
    """Amazon Bedrock or Google Vertex AI through the SDK's own clients, with their own credentials."""
    client_class = {"bedrock": "AsyncAnthropicBedrock", "vertex": "AsyncAnthropicVertex"}[name]
    try:
        client = getattr(anthropic, client_class)(**_options())
    except (ImportError, anthropic.AnthropicError, ValueError) as error:
        hint = f"`pip install 'nextstep[{name}]'` brings what it needs"
        raise UsageError(f"{name}/... cannot be used: {error}; {hint}") from error
    return MessagesModel(client, limits)


def _options() -> dict[str, Any]:
    return {"max_retries": 0, "timeout": anthropic.Timeout(READ_TIMEOUT_S, connect=CONNECT_TIMEOUT_S)}


class MessagesModel:
    """One client of the SDK. It belongs to the event loop in which it is first used."""

    def __init__(self, client: Any, limits: Limits) -> None:
        self.client = client
        self.limits = limits
        self.answered = False
        """Whether the server has given any answer: until then, no connection means a wrong address."""

    async def ask(self, request: Request) -> Answer:
        """One answer; waits between tries as the server says, and gives up with a named error."""
        policy = AsyncRetrying(
            stop=stop_after_attempt(self.limits.attempts),
            wait=_wait,
            retry=retry_if_exception(_passing),
            before_sleep=_log_retry,
            reraise=True,
        )
        attempts = 0
        try:
            async for attempt in policy:
                with attempt:
                    attempts = attempt.retry_state.attempt_number
                    answer = await self._once(request, attempts)
        except ERRORS as error:
            raise self._named(error, request.model, attempts) from error
        self.answered = True
        return answer

    async def _once(self, request: Request, attempts: int) -> Answer:
        started = time.monotonic()
        send = self._streamed if request.max_tokens > STREAM_ABOVE else self._whole
        async with asyncio.timeout(self.limits.timeout_s):
            body, request_id = await send(_body(request))
        return _checked(body, request_id, time.monotonic() - started, attempts)

    async def _whole(self, body: dict[str, Any]) -> tuple[str, str | None]:
        response = await self.client.messages.with_raw_response.create(**body)
        return await response.text(), response.request_id

    async def _streamed(self, body: dict[str, Any]) -> tuple[str, str | None]:
        try:
            async with self.client.messages.stream(**body) as stream:
                message = await stream.get_final_message()
        except (AssertionError, AttributeError) as error:
            # What the SDK raises when a stream is not one (HTML, one JSON), or lacks its usage.
            raise Garbled("garbled", "the server said 200 and sent no readable stream") from error
        return message.to_json(indent=None), stream.request_id

    def _named(self, error: BaseException, model: str, attempts: int) -> ModelError:
        """The SDK's error as one of ours: what is wrong, and what to do."""
        if isinstance(error, anthropic.APIStatusError):
            return _status_error(error, model, attempts)
        if isinstance(error, TypeError) and "authentication method" in str(error):
            return FatalModelError("no_key", NO_KEY.format(model=model))
        kind, message = _transport(error)
        if kind == "connection" and not self.answered:
            where = f"{self.client.base_url} cannot be reached ({message}); check the address and the network"
            return FatalModelError("unreachable", where, attempts=attempts, exit_code=4)
        return ModelError(kind, f"{model}: {message}", attempts=attempts)

    async def look_up(self, name: str) -> str:
        """What the Models API says of the model; a server without that API only shows that it can be reached."""
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S * 2):
                model = await self.client.models.retrieve(_wire_name(name))
        except ERRORS as error:
            if isinstance(error, anthropic.NotFoundError) and error.type != "not_found_error":
                return f"{self.client.base_url} answers, but cannot say which models it has"
            raise self._named(error, name, 1) from error
        window = f", window {model.max_input_tokens:,} tokens" if model.max_input_tokens else ""
        return f"{getattr(model, 'display_name', None) or name}{window}"

    async def aclose(self) -> None:
        """Close the client's connections."""
        await self.client.close()


def _body(request: Request) -> dict[str, Any]:
    """The arguments of `messages.create`; an endpoint's or cloud's name is taken off the model's."""
    output: dict[str, Any] = {"effort": request.effort} if request.effort else {}
    if request.answer_schema:
        output["format"] = {"type": "json_schema", "schema": request.answer_schema}
    body: dict[str, Any] = {
        "model": _wire_name(request.model),
        "max_tokens": request.max_tokens,
        "system": request.system,
        "messages": [{"role": "user", "content": [{"type": "text", "text": text} for text in request.content]}],
    }
    return body | ({"output_config": output} if output else {})


def _wire_name(model: str) -> str:
    """The model's name as its server knows it."""
    return model.partition("/")[2] or model


def _checked(body: str, request_id: str | None, latency_s: float, attempts: int) -> Answer:
    """The answer in a 200's body, or Garbled when the body is no whole reply."""
    try:
        message = json.loads(body)
    except ValueError as error:
        start = body[:60].lstrip().lower()
        kind = "html" if start.startswith(("<!doctype", "<html")) else "truncated"
        raise Garbled(kind, f"the server said 200 and sent {'HTML' if kind == 'html' else 'broken JSON'}") from error
    if not isinstance(message, dict) or message.get("type", "message") != "message":
        raise Garbled("garbled", "the server said 200 and sent JSON that is no message")
    if message.get("stop_reason") is None:
        raise Garbled("truncated", "the reply ended before the model had stopped")
    return answer_of(body, request_id=request_id, latency_s=latency_s, attempts=attempts)


ERRORS = (anthropic.AnthropicError, httpx2.HTTPError, Garbled, TimeoutError, TypeError, ValueError)
"""What a try can raise; a TypeError is the SDK's word for having found no key."""

NO_KEY = (
    "no key for {model}: set ANTHROPIC_API_KEY, or name an endpoint in evals.yaml; "
    "`nextstep demo` and offline/... models need none"
)


def _passing(error: BaseException) -> bool:
    """Whether another try may succeed. Cancellation is not an error of the server and never comes here."""
    if isinstance(error, anthropic.APIStatusError):
        hint = error.response.headers.get("x-should-retry")
        if error.error_code in SPENT or _usage_limit(error):
            return False
        if hint in ("true", "false"):
            return hint == "true"
        if error.status_code == 200:
            return error.type in RETRIED_TYPES
        return error.status_code in (408, 409, 429) or error.status_code >= 500
    return isinstance(error, (anthropic.APIConnectionError, httpx2.HTTPError, Garbled, TimeoutError))


def _usage_limit(error: anthropic.APIStatusError) -> bool:
    return error.status_code == 400 and "specified API usage limits" in str(error.api_message or error.message)


_backoff = wait_exponential_jitter(multiplier=0.5, max=30, jitter=0.5)


def _wait(state: RetryCallState) -> float:
    """Seconds to wait: what the server asked for, with some jitter, else exponential backoff."""
    asked = _retry_after(state.outcome.exception() if state.outcome else None)
    if asked is None:
        return _backoff(state)
    return min(asked, LONGEST_WAIT_S) + random.uniform(0, min(1.0, 0.1 * asked))  # noqa: S311 - jitter guards nothing


def _retry_after(error: BaseException | None) -> float | None:
    """The server's `retry-after-ms` or `retry-after`, in seconds."""
    headers = error.response.headers if isinstance(error, anthropic.APIStatusError) else {}
    for name, scale in (("retry-after-ms", 1000.0), ("retry-after", 1.0)):
        try:
            seconds = float(headers.get(name, "")) / scale
        except ValueError:
            continue
        if seconds > 0:
            return seconds
    return None


def _log_retry(state: RetryCallState) -> None:
    error = state.outcome.exception() if state.outcome else None
    wait = state.next_action.sleep if state.next_action else 0.0
    log.info("try %d failed (%s); next in %.1f s", state.attempt_number, _short(error), wait)


def _short(error: BaseException | None) -> str:
    """An error's kind and code, without its text: that may repeat parts of a prompt."""
    status = getattr(error, "status_code", None)
    return f"{type(error).__name__}{f' {status}' if status else ''}"


def _transport(error: BaseException) -> tuple[str, str]:
    if isinstance(error, Garbled):
        return error.kind, str(error)
    if isinstance(error, (TimeoutError, anthropic.APITimeoutError)):
        return "timeout", "no whole answer in time; raise limits.timeout_s in evals.yaml"
    if isinstance(error, (anthropic.APIConnectionError, httpx2.HTTPError)):
        return "connection", f"the connection failed: {error.__cause__ or error}"
    return "client", f"the client refused the request: {error}"


STATUSES = {
    401: ("authentication", "the key was refused; check ANTHROPIC_API_KEY or the endpoint's api_key_env", 2),
    402: ("billing", "the account cannot pay; look at its billing page", 4),
    403: ("permission", "the key may not use this model", 2),
    404: ("unknown_model", "the server knows no such model; check its spelling, or it is retired", 2),
}
"""Statuses after which no other call of the model can succeed: the failure's kind, the remedy, the exit code."""


def _status_error(error: anthropic.APIStatusError, model: str, attempts: int) -> ModelError:
    said = str(error.api_message or error.message)[:300]
    if error.error_code in SPENT or _usage_limit(error):
        text = f"{model}: the account's spend limit is reached: {said}"
        return FatalModelError("spend_limit", text, attempts=attempts, exit_code=4)
    if error.status_code in STATUSES:
        kind, remedy, exit_code = STATUSES[error.status_code]
        text = f"{model}: {remedy} (the server said {error.status_code}: {said})"
        return FatalModelError(kind, text, attempts=attempts, exit_code=exit_code)
    kind = error.type or f"http_{error.status_code}"
    return ModelError(str(kind), f"{model}: the server said {error.status_code}: {said}", attempts=attempts)
