"""The errors of the anthropic SDK: which of them may pass, how long to wait, and what each is called.

Importing this module imports the SDK; only the modules that speak to it may.
"""

import logging
import random

import anthropic
import httpx2
from tenacity import RetryCallState, wait_exponential_jitter

from nextstep.errors import FatalModelError, ModelError

log = logging.getLogger(__name__)

LONGEST_WAIT_S = 300.0
RETRIED_TYPES = frozenset({"rate_limit_error", "overloaded_error", "api_error", "timeout_error"})
SPENT = frozenset({"enforced_spend_limit_reached", "contract_spend_limit_reached"})


class Garbled(Exception):
    """A 200 that is no reply: HTML, half a JSON, a stream that ended early. Tried again like a lost connection."""

    def __init__(self, kind: str, message: str) -> None:
        self.kind = kind
        super().__init__(message)


ERRORS = (anthropic.AnthropicError, httpx2.HTTPError, Garbled, TimeoutError, TypeError, ValueError, RuntimeError)
"""What a try can raise. A TypeError is the SDK's word for no key, a RuntimeError that for no project of a cloud."""

NO_KEY = (
    "no key for {model}: set ANTHROPIC_API_KEY, or name an endpoint in evals.yaml; "
    "`nextstep demo` and offline/... models need none"
)


def may_pass(error: BaseException) -> bool:
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


def wait(state: RetryCallState) -> float:
    """Seconds to wait: what the server asked for, with some jitter, else exponential backoff."""
    asked = retry_after(state.outcome.exception() if state.outcome else None)
    if asked is None:
        return _backoff(state)
    return asked + random.uniform(0, min(1.0, 0.1 * asked))  # noqa: S311 - jitter guards nothing


def is_refusal(error: anthropic.APIStatusError) -> bool:
    """Whether the server wants fewer requests of this account, and is otherwise in order."""
    return error.status_code == 429 or error.type == "rate_limit_error"


def retry_after(error: BaseException | None) -> float | None:
    """The server's `retry-after-ms` or `retry-after`, in seconds and no more than are ever waited."""
    headers = error.response.headers if isinstance(error, anthropic.APIStatusError) else {}
    for name, scale in (("retry-after-ms", 1000.0), ("retry-after", 1.0)):
        try:
            seconds = float(headers.get(name, "")) / scale
        except ValueError:
            continue
        if seconds > 0:
            return min(seconds, LONGEST_WAIT_S)
    return None


def log_retry(state: RetryCallState) -> None:
    """Note that a try failed, and how long the next one waits."""
    error = state.outcome.exception() if state.outcome else None
    seconds = state.next_action.sleep if state.next_action else 0.0
    log.info("try %d failed (%s); next in %.1f s", state.attempt_number, _short(error), seconds)


def _short(error: BaseException | None) -> str:
    """An error's kind and code, without its text: that may repeat parts of a prompt."""
    status = getattr(error, "status_code", None)
    return f"{type(error).__name__}{f' {status}' if status else ''}"


def transport_failure(error: BaseException) -> tuple[str, str]:
    """The kind of a failure that is no answer of the server, and what is wrong."""
    if isinstance(error, Garbled):
        return error.kind, str(error)
    if isinstance(error, TimeoutError):
        return "timeout", "no whole answer in time; raise limits.timeout_s in evals.yaml"
    cause = error.__cause__ or error
    if isinstance(cause, httpx2.TimeoutException) and not isinstance(cause, httpx2.ConnectTimeout):
        return "timeout", "the server fell silent in the middle of its answer"
    if isinstance(error, (anthropic.APIConnectionError, httpx2.HTTPError)):
        return "connection", f"the connection failed: {str(cause) or type(cause).__name__}"
    return "client", f"the client refused the request: {error}"


STATUSES = {
    401: ("authentication", "the key was refused; check ANTHROPIC_API_KEY or the endpoint's api_key_env", 2),
    402: ("billing", "the account cannot pay; look at its billing page", 4),
    403: ("permission", "the key may not use this model", 2),
    404: ("unknown_model", "the server knows no such model; check its spelling, or it is retired", 2),
}
"""Statuses after which no other call of the model can succeed: the failure's kind, the remedy, the exit code."""


def status_failure(error: anthropic.APIStatusError, model: str, said: str, attempts: int) -> ModelError:
    """The server's error as one of ours; `said` is its message, fit to be repeated."""
    if error.error_code in SPENT or _usage_limit(error):
        text = f"{model}: the account's spend limit is reached: {said}"
        return FatalModelError("spend_limit", text, attempts=attempts, exit_code=4, stops_run=True)
    if error.status_code in STATUSES:
        kind, remedy, exit_code = STATUSES[error.status_code]
        text = f"{model}: {remedy} (the server said {error.status_code}: {said})"
        return FatalModelError(kind, text, attempts=attempts, exit_code=exit_code)
    kind = error.type or f"http_{error.status_code}"
    return ModelError(str(kind), f"{model}: the server said {error.status_code}: {said}", attempts=attempts)
