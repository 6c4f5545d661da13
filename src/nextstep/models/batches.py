"""Message Batches through the anthropic SDK: made, looked at, listed and read, with every way to fail told apart.

Importing this module imports the SDK. Results are fetched from their place on the server that the key is for: the
`results_url` of a batch is never followed, since whatever host it names would get the key.
"""

import asyncio
import json
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar
from urllib.parse import quote

import anthropic
from anthropic._decoders.jsonl import AsyncJSONLDecoder
from tenacity import AsyncRetrying, retry_if_exception, stop_after_attempt

from nextstep.core.records import Answer
from nextstep.errors import FatalModelError, ModelError
from nextstep.models.api_errors import ERRORS, STATUSES, Garbled, is_refusal, log_retry, may_pass, wait
from nextstep.models.base import Model
from nextstep.models.messages_api import MessagesModel, Received, checked, timeouts

LOOK_TIMEOUT_S = 60.0
PAGE = 100
"""Batches that are listed at once."""
HAS_NO_BATCHES = frozenset({404, 405, 501})
REFUSED_FOR_ALL = {"authentication_error": 401, "billing_error": 402, "permission_error": 403, "not_found_error": 404}
"""Errors of an item that every other call of the model would meet: the status that they have on their own."""
FOR_GOOD = frozenset({"invalid_request_error", "request_too_large"})
"""Errors of an item that it would meet again."""

Item = dict[str, Any]
"""A call as a batch takes it: its `custom_id` and the `params` of `messages.create`."""
Got = TypeVar("Got")


class NoBatches(Exception):
    """The server has no Message Batches."""


class Unsure(Exception):
    """Nobody can tell whether a batch was made; `error` is what was met."""

    def __init__(self, error: ModelError) -> None:
        self.error = error
        super().__init__(str(error))


@dataclass(frozen=True)
class Seen:
    """A batch as the server shows it. Times are UTC without a zone, as in the store."""

    batch_id: str
    n_requests: int
    has_ended: bool
    created_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True)
class Result:
    """What came of an item: an answer, or an error that may pass when it is sent again, or not."""

    custom_id: str
    outcome: str
    answer: Answer | None = None
    error: ModelError | None = None
    may_pass: bool = False


def batches_of(model: Model, name: str) -> "Batches | None":
    """The Message Batches of a model's server; None where the model's client has none."""
    if isinstance(model, MessagesModel) and model.is_direct:
        return Batches(model, name)
    return None


class Batches:
    """The Message Batches of one model's client."""

    def __init__(self, model: MessagesModel, name: str) -> None:
        self.model = model
        self.name = name

    @property
    def address(self) -> str:
        """Where they are, without secrets."""
        return self.model.address

    async def create(self, items: Sequence[Item]) -> Seen:
        """A new batch. What the server surely refused is tried again where that may help; what it may have made is not.

        Raises Unsure, NoBatches and ModelError.
        """

        async def create() -> Seen:
            limit = self.model.limits.timeout_s
            async with asyncio.timeout(limit):
                return _seen(await self._api.create(requests=list(items), timeout=timeouts(limit)))

        try:
            return await self._tried(create, again=_is_surely_refused)
        except _Failed as failed:
            if _was_surely_not_made(failed.cause):
                raise failed.error from failed.cause
            raise Unsure(failed.error) from failed.cause

    async def look(self, batch_id: str) -> Seen | None:
        """The batch as it is now; None when the server does not know it. Raises ModelError."""

        async def retrieved() -> Seen:
            return _seen(await self._api.retrieve(batch_id))

        try:
            return await self._looked(retrieved)
        except NoBatches:
            return None
        except _Failed as failed:
            raise failed.error from failed.cause

    async def made_since(self, since: datetime) -> list[Seen]:
        """The batches that were made since then, the last first, whoever made them. Raises ModelError and NoBatches."""

        async def listed() -> list[Seen]:
            found: list[Seen] = []
            async for batch in self._api.list(limit=PAGE):
                seen = _seen(batch)
                if seen.created_at < since:
                    break
                found.append(seen)
            return found

        try:
            return await self._looked(listed)
        except _Failed as failed:
            raise failed.error from failed.cause

    async def results(self, batch: Seen) -> AsyncGenerator[Result]:
        """The results of a batch that has ended, in any order, each maybe more than once.

        Raises ModelError when the server stops before their end, and NoBatches when it has them no more.
        """
        latency_s = ((batch.ended_at or batch.created_at) - batch.created_at).total_seconds()
        path = f"/v1/messages/batches/{quote(batch.batch_id, safe='')}/results"
        try:
            lines = await self._tried(
                lambda: self.model.client.get(path, cast_to=AsyncJSONLDecoder[object], stream=True), again=may_pass
            )
        except _Failed as failed:
            raise failed.error from failed.cause
        try:
            async for line in lines:
                yield self._result(line, latency_s)
        except ERRORS as error:
            raise self.model.named(error, self.name, 1) from error
        finally:
            await lines.close()

    def _result(self, line: Any, latency_s: float) -> Result:
        """One line of the results. Raises ValueError when it is none."""
        try:
            custom_id, result = str(line["custom_id"]), line["result"]
            kind = str(result["type"])
            if kind == "succeeded":
                body = json.dumps(result["message"], separators=(",", ":"))
                return Result(custom_id, kind, checked(Received(body, None, {}), latency_s, 1))
            error = result["error"]["error"] if kind == "errored" else {"type": kind}
            return self._failed(custom_id, str(error["type"]), str(error.get("message", "")))
        except Garbled as garbled:
            return self._failed(custom_id, garbled.kind, str(garbled))
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError("a line of the results is no result") from error

    def _failed(self, custom_id: str, kind: str, message: str) -> Result:
        said = self.model.repeatable(message)
        if kind in REFUSED_FOR_ALL:
            name, remedy, exit_code = STATUSES[REFUSED_FOR_ALL[kind]]
            fatal = FatalModelError(name, f"{self.name}: {remedy} (in a batch: {said})", exit_code=exit_code)
            return Result(custom_id, kind, error=fatal)
        error = ModelError(kind, f"{self.name}: the call's end in a batch was {kind}{': ' if said else ''}{said}")
        return Result(custom_id, kind, error=error, may_pass=kind not in FOR_GOOD)

    @property
    def _api(self) -> Any:
        return self.model.client.messages.batches

    async def _looked(self, look: Callable[[], Awaitable[Got]]) -> Got:
        async def bounded() -> Got:
            async with asyncio.timeout(LOOK_TIMEOUT_S):
                return await look()

        return await self._tried(bounded, again=may_pass)

    async def _tried(self, work: Callable[[], Awaitable[Got]], *, again: Callable[[BaseException], bool]) -> Got:
        """What the work gives, tried again while `again` says so. Raises _Failed, and NoBatches for a 404."""
        policy = AsyncRetrying(
            sleep=self.model.sleep,
            stop=stop_after_attempt(self.model.limits.attempts),
            wait=wait,
            retry=retry_if_exception(again),
            before_sleep=log_retry,
            reraise=True,
        )
        attempts = 0
        try:
            async for attempt in policy:
                with attempt:
                    attempts = attempt.retry_state.attempt_number
                    got = await work()
        except ERRORS as error:
            if isinstance(error, anthropic.APIStatusError):
                self.model.answered = True
                if error.status_code in HAS_NO_BATCHES:
                    raise NoBatches from error
            raise _Failed(self.model.named(error, self.name, attempts), error) from error
        self.model.answered = True
        return got


class _Failed(Exception):
    """What a try ended in, named and as it came."""

    def __init__(self, error: ModelError, cause: BaseException) -> None:
        self.error = error
        self.cause = cause
        super().__init__(str(error))


def _is_surely_refused(error: BaseException) -> bool:
    """Whether the server said no for now, so that nothing was made and asking again may help."""
    return isinstance(error, anthropic.APIStatusError) and is_refusal(error) and may_pass(error)


def _was_surely_not_made(error: BaseException) -> bool:
    """Whether the request was refused, or never left."""
    if isinstance(error, anthropic.APIStatusError):
        return is_refusal(error) or not may_pass(error)
    return isinstance(error, (TypeError, RuntimeError, anthropic.CredentialsError))


def _seen(batch: Any) -> Seen:
    """What matters of a batch. Raises Garbled when it is none."""
    try:
        counts = batch.request_counts
        total = counts.processing + counts.succeeded + counts.errored + counts.canceled + counts.expired
        ended = batch.ended_at and _naive(batch.ended_at)
        return Seen(batch.id, total, batch.processing_status == "ended", _naive(batch.created_at), ended)
    except (AttributeError, TypeError) as error:
        raise Garbled("garbled", "the server said 200 and sent JSON that is no batch") from error


def _naive(time: datetime) -> datetime:
    return time.astimezone(UTC).replace(tzinfo=None)
