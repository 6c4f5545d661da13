"""Every way in which a server can fail is told apart, tried again or not, and named."""

import asyncio
import json
import logging
import socket
from collections.abc import Callable
from typing import Any

import anthropic
import httpx2
import pytest

from nextstep.config import Limits
from nextstep.errors import FatalModelError, ModelError
from nextstep.models import messages_api
from nextstep.models.messages_api import MessagesModel, open_anthropic
from tests.loopback import (
    LoopbackServer,
    Reply,
    cut_stream,
    html_200,
    http_error,
    mid_stream_error,
    plain,
    reset,
    spend_limit,
    truncated_json,
    wire,
)
from tests.models.asking import STREAMED, Waits, answer, ask, fail, failure, in_turn, opened
from tests.models.made_up import KEY, KEY_NAME, MODEL, WHOLE, request

both_ways = pytest.mark.parametrize("max_tokens", [WHOLE, STREAMED], ids=["whole", "streamed"])

ENFORCED = "enforced_spend_limit_reached"
USAGE_LIMIT = "You have reached your specified API usage limits. You will regain access on 2026-12-01."


def raw(value: Any, **more: Any) -> Reply:
    """A reply with just these bytes, or this value as JSON."""
    return Reply(raw=value if isinstance(value, bytes) else json.dumps(value).encode(), **more)


ODD_INDEX = b"".join(
    wire.encode(event | ({"index": 7} if event["type"] == "content_block_delta" else {}))
    for event in wire.events(wire.message(plain("Look."), {"model": "m"}, 1))
)
"""A stream with words for a block that never began."""


# --- errors with a status


@both_ways
@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (http_error(400, message="messages.0: too long"), "invalid_request_error"),
        (http_error(413), "request_too_large"),
        (http_error(422), "api_error"),
        (raw(b"<html>Too large</html>", status=413, content_type="text/html"), "http_413"),
        (raw({"detail": "no"}, status=418), "http_418"),
        (http_error(529, headers={"x-should-retry": "false"}), "overloaded_error"),
        (http_error(429, headers={"x-should-retry": "false"}), "rate_limit_error"),
    ],
)
def test_an_error_of_the_request_itself_is_told_after_one_try(reply: Reply, kind: str, max_tokens: int) -> None:
    failed = failure(reply, max_tokens=max_tokens)
    assert (failed.kind, failed.error.exit_code, failed.fatal, failed.requests) == (kind, 4, False, 1)
    assert MODEL in str(failed.error)
    assert str(reply.status) in str(failed.error)
    assert (reply.message or "") in str(failed.error)


@both_ways
@pytest.mark.parametrize(
    ("reply", "kind", "exit_code", "hint"),
    [
        (http_error(401), "authentication", 2, "ANTHROPIC_API_KEY"),
        (http_error(402), "billing", 4, "billing page"),
        (http_error(403), "permission", 2, "may not use"),
        (http_error(404), "unknown_model", 2, "spelling"),
        (spend_limit(), "spend_limit", 4, "monthly spend limit"),
        (http_error(429, error_code="contract_spend_limit_reached"), "spend_limit", 4, "spend limit"),
        (http_error(429, error_code=ENFORCED, headers={"x-should-retry": "true"}), "spend_limit", 4, "spend limit"),
        (http_error(400, message=USAGE_LIMIT), "spend_limit", 4, "2026-12-01"),
        (http_error(400, message=USAGE_LIMIT, headers={"x-should-retry": "true"}), "spend_limit", 4, "2026-12-01"),
    ],
)
def test_an_error_that_no_other_call_can_escape_is_fatal_after_one_try(
    reply: Reply, kind: str, exit_code: int, hint: str, max_tokens: int
) -> None:
    failed = failure(reply, max_tokens=max_tokens)
    assert (failed.kind, failed.error.exit_code, failed.fatal, failed.requests) == (kind, exit_code, True, 1)
    assert MODEL in str(failed.error)
    assert hint in str(failed.error)


@both_ways
@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (http_error(408), "timeout_error"),
        (http_error(409), "conflict_error"),
        (http_error(429), "rate_limit_error"),
        (http_error(429, error_code="ramp_limit_exceeded"), "rate_limit_error"),
        (http_error(500), "api_error"),
        (http_error(502), "api_error"),
        (http_error(503), "api_error"),
        (http_error(504), "timeout_error"),
        (http_error(529), "overloaded_error"),
        (raw(b"<html>Bad gateway</html>", status=502, content_type="text/html"), "http_502"),
        (http_error(400, headers={"x-should-retry": "true"}), "invalid_request_error"),
        (http_error(500, message=USAGE_LIMIT), "api_error"),
    ],
)
def test_an_error_that_may_pass_is_tried_as_often_as_the_limits_say(reply: Reply, kind: str, max_tokens: int) -> None:
    failed = failure(reply, max_tokens=max_tokens)
    assert (failed.kind, failed.error.exit_code, failed.fatal, failed.requests) == (kind, 4, False, 3)
    assert failure(reply, max_tokens=max_tokens, limits={"attempts": 1}).requests == 1


@both_ways
@pytest.mark.parametrize("passing", [http_error(529), http_error(429), reset(), html_200(), truncated_json()])
def test_an_answer_after_failures_says_how_many_tries_it_took(passing: Reply, max_tokens: int) -> None:
    with LoopbackServer(answer=in_turn(passing, passing, plain("Look."))) as server:
        made = asyncio.run(ask(server.base_url, request(max_tokens=max_tokens)))
        assert len(server.requests) == 3
    assert (made.text, made.attempts) == ("Look.", 3)


@pytest.mark.parametrize("last", [http_error(400), http_error(401), spend_limit()])
def test_a_last_word_after_failures_that_may_pass_counts_every_try(last: Reply) -> None:
    assert failure(http_error(529), last).error.attempts == 2


def test_the_wrong_key_is_refused_by_the_server_and_said_to_be_wrong() -> None:
    with LoopbackServer() as server:
        server.bad_keys.add(KEY)
        error, waits = asyncio.run(fail(server.base_url, request()))
    assert (error.kind, error.exit_code, error.attempts, waits) == ("authentication", 2, 1, [])
    assert isinstance(error, FatalModelError)


def test_a_missing_key_is_told_before_anything_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    with LoopbackServer() as server:
        monkeypatch.setenv("ANTHROPIC_BASE_URL", server.base_url)
        for unset in (None, ""):
            if unset is not None:
                monkeypatch.setenv("ANTHROPIC_API_KEY", unset)

            async def ask_without_key() -> None:
                model = open_anthropic(Limits())
                try:
                    await model.ask(request(model="claude-opus-5-5"))
                finally:
                    await model.aclose()

            with pytest.raises(FatalModelError, match=r"claude-opus-5-5.*ANTHROPIC_API_KEY") as caught:
                asyncio.run(ask_without_key())
            assert (caught.value.kind, caught.value.exit_code, caught.value.attempts) == ("no_key", 2, 1)
        assert server.requests == []


# --- errors inside a 200


@pytest.mark.parametrize(
    ("status", "kind"),
    [(429, "rate_limit_error"), (500, "api_error"), (504, "timeout_error"), (529, "overloaded_error")],
)
def test_an_error_inside_a_stream_is_tried_again_by_its_type(status: int, kind: str) -> None:
    failed = failure(mid_stream_error(status=status), max_tokens=STREAMED)
    assert (failed.kind, failed.fatal, failed.requests) == (kind, False, 3)
    assert "the server said 200" in str(failed.error)


@pytest.mark.parametrize("status", [400, 413])
def test_an_error_inside_a_stream_that_will_not_pass_is_told_after_one_try(status: int) -> None:
    assert failure(mid_stream_error(status=status), max_tokens=STREAMED).requests == 1


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (html_200(), "html"),
        (raw(b"\n  <!DOCTYPE html>\n<title>Log in</title>", content_type="text/html"), "html"),
        (truncated_json(), "truncated"),
        (raw(b""), "truncated"),
        (raw(b"\xff\xfe{"), "truncated"),
        (raw(b"[" * 100_000), "truncated"),
        (cut_stream("Look at the log."), "truncated"),
        (raw(None), "garbled"),
        (raw([1]), "garbled"),
        (raw("Look"), "garbled"),
        (raw({"ok": True}), "garbled"),
        (raw({"type": "error", "error": {"type": "api_error", "message": "?"}}), "garbled"),
        (raw({"type": "message", "content": "Look", "stop_reason": "end_turn"}), "garbled"),
        (raw({"type": "message", "content": ["Look"], "stop_reason": "end_turn"}), "garbled"),
        (raw({"type": "completion", "content": [], "stop_reason": "end_turn"}), "garbled"),
        (Reply(text="Look", stop_reason=None), "truncated"),
    ],
)
def test_a_200_that_is_no_whole_reply_is_tried_again_and_named(reply: Reply, kind: str) -> None:
    failed = failure(reply)
    assert (failed.kind, failed.error.exit_code, failed.fatal, failed.requests) == (kind, 4, False, 3)
    assert MODEL in str(failed.error)


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (html_200(), "garbled"),
        (truncated_json(), "garbled"),
        (raw(b"", content_type="text/event-stream"), "garbled"),
        (raw(b"event: message_start\ndata: {\n\n", content_type="text/event-stream"), "garbled"),
        (raw(ODD_INDEX, content_type="text/event-stream"), "garbled"),
        (cut_stream("Look at the log."), "truncated"),
        (Reply(text="Look", stop_reason=None), "truncated"),
    ],
)
def test_a_stream_that_is_none_or_does_not_end_is_tried_again_and_named(reply: Reply, kind: str) -> None:
    failed = failure(reply, max_tokens=STREAMED)
    assert (failed.kind, failed.error.exit_code, failed.fatal, failed.requests) == (kind, 4, False, 3)


# --- no answer at all


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@both_ways
def test_an_address_where_nobody_listens_is_fatal_and_told(max_tokens: int) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    error, waits = asyncio.run(fail(url, request(max_tokens=max_tokens)))
    assert isinstance(error, FatalModelError)
    assert (error.kind, error.exit_code, error.attempts, len(waits)) == ("unreachable", 4, 3, 2)
    assert url in str(error)


@both_ways
def test_a_server_that_never_said_a_word_is_taken_for_a_wrong_address(max_tokens: int) -> None:
    failed = failure(reset(), max_tokens=max_tokens)
    assert (failed.kind, failed.fatal, failed.error.exit_code, failed.requests) == ("unreachable", True, 4, 3)


@both_ways
@pytest.mark.parametrize(
    "word", [plain("Look."), http_error(529), html_200(), Reply(text="Look.", stop_reason=None)], ids=lambda r: r.text
)
def test_a_lost_connection_to_a_server_that_spoke_before_is_one_failure(word: Reply, max_tokens: int) -> None:
    async def ask_twice(url: str) -> ModelError:
        async with opened(url) as model:
            for _ in range(2):
                try:
                    await model.ask(request(max_tokens=max_tokens))
                except ModelError as error:
                    lost = error
            return lost

    with LoopbackServer(answer=in_turn(word, reset())) as server:
        error = asyncio.run(ask_twice(server.base_url))
    assert (type(error), error.kind, error.attempts) == (ModelError, "connection", 3)


def over(handler: Callable[[httpx2.Request], httpx2.Response], **limits: Any) -> MessagesModel:
    """A model behind the SDK's own client, whose transport is the handler."""
    transport = httpx2.AsyncClient(transport=httpx2.MockTransport(handler))
    client = anthropic.AsyncAnthropic(
        api_key=KEY, base_url="http://user:word@server.test/api", max_retries=0, http_client=transport
    )
    model = MessagesModel(client, Limits(**{"attempts": 2} | limits))
    model.sleep = Waits()
    return model


def fails_with(error: Exception, *, answered: bool = False, **changes: Any) -> ModelError:
    """What becomes of an error of the transport."""

    def handler(_: httpx2.Request) -> httpx2.Response:
        raise error

    async def go() -> None:
        model = over(handler)
        model.answered = answered
        try:
            await model.ask(request(**changes))
        finally:
            await model.aclose()

    with pytest.raises(ModelError) as caught:
        asyncio.run(go())
    assert caught.value.attempts == 2
    return caught.value


@both_ways
def test_an_address_that_swallows_connections_is_unreachable_and_no_slow_answer(max_tokens: int) -> None:
    error = fails_with(httpx2.ConnectTimeout(""), max_tokens=max_tokens)
    assert (error.kind, error.exit_code) == ("unreachable", 4)
    assert "ConnectTimeout" in str(error)


def test_no_user_or_password_of_an_address_is_told() -> None:
    message = str(fails_with(httpx2.ConnectError("no route")))
    assert "http://server.test/api" in message
    assert "no route" in message
    assert "word" not in message


@both_ways
@pytest.mark.parametrize("answered", [False, True])
def test_silence_of_the_server_is_a_timeout_and_never_a_wrong_address(answered: bool, max_tokens: int) -> None:
    error = fails_with(httpx2.ReadTimeout(""), answered=answered, max_tokens=max_tokens)
    assert (type(error), error.kind) == (ModelError, "timeout")
    assert "silent" in str(error)


def test_silence_within_a_stream_is_a_timeout() -> None:
    class Stalls(httpx2.AsyncByteStream):
        async def __aiter__(self) -> Any:
            yield b'event: ping\ndata: {"type": "ping"}\n\n'
            raise httpx2.ReadTimeout("")

    def handler(_: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, headers={"content-type": "text/event-stream"}, stream=Stalls())

    async def go() -> None:
        model = over(handler)
        try:
            await model.ask(request(max_tokens=STREAMED))
        finally:
            await model.aclose()

    with pytest.raises(ModelError, match="silent") as caught:
        asyncio.run(go())
    assert (caught.value.kind, caught.value.attempts) == ("timeout", 2)


# --- both timeouts


@both_ways
def test_an_answer_that_takes_longer_than_the_limit_is_given_up_and_tried_again(max_tokens: int) -> None:
    slow = Reply(text="late", latency_s=60)
    failed = failure(slow, max_tokens=max_tokens, limits={"timeout_s": 0.5, "attempts": 2})
    assert (failed.kind, failed.fatal, failed.error.exit_code, failed.requests) == ("timeout", False, 4, 2)
    assert "limits.timeout_s" in str(failed.error)


def test_a_stream_may_not_be_silent_for_longer_than_the_read_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(messages_api, "READ_TIMEOUT_S", 0.5)
    failed = failure(Reply(text="late", latency_s=60), max_tokens=STREAMED, limits={"attempts": 2})
    assert (failed.kind, failed.requests) == ("timeout", 2)
    assert "limits.timeout_s" not in str(failed.error)


def test_a_whole_answer_may_be_silent_until_the_total_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(messages_api, "READ_TIMEOUT_S", 0.05)
    assert answer(Reply(text="late", latency_s=0.4)).text == "late"


# --- waits


def waited(*replies: Reply, **limits: Any) -> list[float]:
    return failure(*replies, limits=limits).waits


@pytest.mark.parametrize("status", [408, 429, 500, 529])
def test_the_server_says_how_long_to_wait(status: int) -> None:
    waits = waited(http_error(status, headers={"retry-after": "7"}))
    assert len(waits) == 2
    assert all(7 <= wait <= 7.7 for wait in waits)


@pytest.mark.parametrize(
    ("headers", "low", "high"),
    [
        ({"retry-after-ms": "1500"}, 1.5, 1.65),
        ({"retry-after-ms": "1500", "retry-after": "60"}, 1.5, 1.65),
        ({"retry-after-ms": "soon", "retry-after": "60"}, 60, 61),
        ({"retry-after-ms": "0", "retry-after": "60"}, 60, 61),
        ({"retry-after": "86400"}, 300, 301),
        ({"retry-after": "inf"}, 300, 301),
    ],
)
def test_the_shortest_unit_goes_first_and_no_wait_is_longer_than_five_minutes(
    headers: dict[str, str], low: float, high: float
) -> None:
    (wait,) = waited(http_error(429, headers=headers), attempts=2)
    assert low <= wait <= high


def test_many_who_are_told_the_same_wait_do_not_come_back_at_the_same_time() -> None:
    waits = waited(http_error(429, headers={"retry-after": "10"}), attempts=6)
    assert len(set(waits)) == 5


@pytest.mark.parametrize("said", ["", "soon", "0", "-5", "nan", "Sat, 21 Nov 2026 07:28:00 GMT"])
def test_a_server_that_names_no_time_is_left_alone_for_twice_as_long_each_time(said: str) -> None:
    waits = waited(http_error(429, headers={"retry-after": said}), attempts=9)
    for wait, least in zip(waits, (0.5, 1, 2, 4, 8, 16, 30, 30), strict=True):
        assert least <= wait <= min(least + 0.5, 30)


@pytest.mark.parametrize("reply", [http_error(500), reset(), html_200()])
def test_other_failures_are_waited_for_in_the_same_way(reply: Reply) -> None:
    waits = waited(reply, attempts=4)
    assert all(least <= wait <= least + 0.5 for wait, least in zip(waits, (0.5, 1, 2), strict=True))


# --- what is told to nobody


BAD_WAYS = {
    "401": http_error(401, message=f"the key {KEY} is wrong"),
    "400": http_error(400, message=f"header Authorization: Bearer {KEY}"),
    "429": http_error(429, message=f"{KEY} was here too often"),
    "spent": http_error(429, message=f"{KEY} is spent", error_code=ENFORCED),
    "long": http_error(500, message="x" * 290 + KEY),
    "text": Reply(status=500, raw=f"who is {KEY}?".encode(), content_type="text/plain"),
    "stream": Reply(text="a", status=529, message=f"{KEY} must wait", ending=mid_stream_error().ending),
    "html": html_200(),
    "reset": reset(),
}


@both_ways
@pytest.mark.parametrize("way", BAD_WAYS)
def test_the_key_is_in_no_message_and_no_log_record(
    way: str, max_tokens: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    failed = failure(BAD_WAYS[way], max_tokens=max_tokens)
    told = [str(failed.error), *(record.getMessage() for record in caplog.records)]
    assert len(told) > 1
    for part in (KEY, KEY[:10]):
        assert not [text for text in told if part in text]


def test_a_token_is_told_as_little_as_a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    async def ask_with_token() -> None:
        model = open_anthropic(Limits())
        try:
            await model.ask(request(model="claude-opus-5-5"))
        finally:
            await model.aclose()

    with LoopbackServer(answer=lambda _: BAD_WAYS["401"]) as server:
        monkeypatch.setenv("ANTHROPIC_BASE_URL", server.base_url)
        monkeypatch.setenv("ANTHROPIC_AUTH_TOKEN", KEY)
        with pytest.raises(FatalModelError) as caught:
            asyncio.run(ask_with_token())
        (received,) = server.requests
    assert received.headers["authorization"] == f"Bearer {KEY}"
    assert KEY not in str(caught.value)
    assert "the key [the key] is wrong" in str(caught.value)


def test_a_short_made_up_key_does_not_maul_the_servers_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KEY_NAME, "none")
    assert "none of these" in str(failure(http_error(400, message="none of these")).error)


def test_the_servers_words_come_on_one_line_without_control_characters_and_not_too_long() -> None:
    message = str(failure(http_error(400, message="one\n\x1b[31mtwo\u202e" + "x" * 5000)).error)
    assert message.isprintable()
    assert "one" in message
    assert "[31mtwo" in message
    assert len(message) < 400


def test_a_retry_is_logged_by_kind_and_status_without_a_word_of_the_prompt(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="nextstep")
    failure(http_error(529, message="you said: secret plan"), text="secret plan")
    failure(html_200(), text="secret plan")
    told = [record.getMessage() for record in caplog.records if record.name.startswith("nextstep")]
    assert len(told) == 4
    assert told[0].startswith("try 1 failed (OverloadedError 529); next in ")
    assert told[3].startswith("try 2 failed (Garbled); next in ")
    assert "secret" not in "".join(told)


# --- errors of the client


def test_credentials_that_the_client_cannot_find_are_fatal() -> None:
    async def ask_vertex() -> None:
        client = anthropic.AsyncAnthropicVertex(region="nowhere", access_token=KEY, max_retries=0)
        model = MessagesModel(client, Limits())
        try:
            await model.ask(request(model="vertex/claude-opus-5-5"))
        finally:
            await model.aclose()

    with pytest.raises(FatalModelError, match="project_id") as caught:
        asyncio.run(ask_vertex())
    assert (caught.value.kind, caught.value.exit_code, caught.value.attempts) == ("client", 2, 1)


@pytest.mark.parametrize("odd", [{"text": "half a pair: \ud83d"}, {"answer_schema": {"type": object()}}])
def test_a_request_that_cannot_be_sent_is_told_after_one_try(odd: dict[str, Any]) -> None:
    with LoopbackServer() as server:
        error, waits = asyncio.run(fail(server.base_url, request(**odd)))
        assert server.requests == []
    assert (type(error), error.kind, error.attempts, waits) == (ModelError, "client", 1, [])
