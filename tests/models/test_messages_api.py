"""The adapter meets the real SDK over a loopback server: what is sent, what is read, and many at once."""

import asyncio
import json
import warnings
from collections.abc import Callable
from typing import Any

import anthropic
import httpx2
import pytest

from nextstep.config import Endpoint, Limits
from nextstep.core.caching import PLAIN
from nextstep.core.judging import ANSWER_SCHEMA, read_judge_answer
from nextstep.core.records import Answer, Usage
from nextstep.errors import FatalModelError, ModelError, UsageError
from nextstep.models import messages_api
from nextstep.models.base import NotSent, Sending, answer_of
from nextstep.models.messages_api import STREAM_ABOVE, MessagesModel, open_anthropic, open_endpoint
from nextstep.models.wire import body_of
from tests.loopback import (
    Faults,
    LoopbackServer,
    Received,
    Reply,
    empty,
    http_error,
    max_tokens,
    no_usage,
    plain,
    refusal,
    thinking_first,
    unknown_block,
    verdict,
    wire,
)
from tests.loopback.models import MODELS
from tests.loopback.replies import Body
from tests.models.asking import STREAMED, Waits, answer, ask, ask_all, in_turn, opened
from tests.models.made_up import KEY, KEY_NAME, WHOLE, request

both_ways = pytest.mark.parametrize("size", [WHOLE, STREAMED], ids=["whole", "streamed"])


# --- answers


ANSWERS = {
    "plain": plain("Look at the log. " * 10),
    "verdict": verdict("tie", "slight"),
    "refusal": refusal(),
    "refusal after a while": refusal("I was about to"),
    "max_tokens": max_tokens('{"reasoning": "The fir'),
    "no usage": no_usage("Look."),
    "empty": empty(),
    "thinking": thinking_first("Look.", "Hm. " * 20),
    "thinking omitted": thinking_first("Look."),
    "unknown block": unknown_block("Look."),
    "two texts": Reply(blocks=({"type": "text", "text": "Look "}, {"type": "text", "text": "here."})),
    "bored": Reply(text="x", stop_reason="bored"),
    "window": Reply(text="x", stop_reason="model_context_window_exceeded"),
    "letters": plain('日本 \N{BEAR FACE} \\ " \u2028 <b>&'),
    "cached": Reply(
        text="x", usage={"input_tokens": 30, "cache_read_input_tokens": 900, "cache_creation_input_tokens": 70}
    ),
}


def seen(made: Answer) -> tuple[Any, ...]:
    """All of an answer but what differs by the way it came."""
    return made.text, made.stop_reason, made.usage, made.attempts, json.loads(made.body)["content"]


@pytest.mark.parametrize("way", ANSWERS)
def test_a_streamed_answer_is_the_one_that_comes_in_one_piece(way: str) -> None:
    assert seen(answer(ANSWERS[way], max_tokens=STREAMED)) == seen(answer(ANSWERS[way]))


@both_ways
@pytest.mark.parametrize("way", ANSWERS)
def test_an_answer_read_again_from_its_body_is_the_same(way: str, size: int) -> None:
    made = answer(ANSWERS[way], max_tokens=size)
    again = answer_of(made.body, request_id=made.request_id, latency_s=made.latency_s, attempts=made.attempts)
    assert again == made


def test_an_answer_has_text_usage_request_id_and_the_body_as_it_came() -> None:
    made = answer(Reply(text="Look at the log.", usage={"input_tokens": 60, "output_tokens": 5}))
    assert (made.text, made.stop_reason) == ("Look at the log.", "end_turn")
    assert made.usage == Usage(
        input_tokens=60, output_tokens=5, cache_read_tokens=0, cache_write_tokens=0, cache_write_1h_tokens=0
    )
    assert made.request_id == "req_loopback000001"
    assert made.latency_s > 0
    assert json.loads(made.body)["usage"]["service_tier"] == "standard"


def test_a_streamed_answer_has_the_request_id_too() -> None:
    assert answer(plain("Look."), max_tokens=STREAMED).request_id == "req_loopback000001"


def test_cached_tokens_are_counted_on_their_own() -> None:
    usage = answer(ANSWERS["cached"]).usage
    assert (usage.input_tokens, usage.cache_read_tokens, usage.cache_write_tokens) == (30, 900, 70)


@both_ways
def test_an_answer_without_usage_stands_and_its_usage_is_unknown(size: int) -> None:
    made = answer(no_usage("Look."), max_tokens=size)
    assert (made.text, made.stop_reason, made.usage) == ("Look.", "end_turn", Usage())


def events_of(text: str, **changes: Any) -> list[dict[str, Any]]:
    return list(wire.events(wire.message(Reply(text=text, **changes), {"model": "m"}, 1)))


def stream_of(events: list[dict[str, Any]]) -> Reply:
    return Reply(raw=b"".join(map(wire.encode, events)), content_type="text/event-stream")


@pytest.mark.parametrize("lacks", ["message_start", "message_delta"])
def test_a_stream_that_lacks_half_of_its_usage_is_answered_and_its_usage_unknown(lacks: str) -> None:
    events = events_of("Look.")
    for event in events:
        if event["type"] == lacks:
            event.get("message", event).pop("usage")
    made = answer(stream_of(events), max_tokens=STREAMED)
    assert (made.text, made.stop_reason, made.usage) == ("Look.", "end_turn", Usage())


@both_ways
@pytest.mark.parametrize(
    ("reply", "text", "stop_reason"),
    [
        (refusal("I was about to"), "I was about to", "refusal"),
        (refusal(), "", "refusal"),
        (max_tokens("The fir"), "The fir", "max_tokens"),
        (empty(), "", "end_turn"),
        (thinking_first("Look.", "Hm."), "Look.", "end_turn"),
        (unknown_block("Look."), "Look.", "end_turn"),
    ],
)
def test_a_reply_that_was_paid_for_is_an_answer_whatever_it_says(
    reply: Reply, text: str, stop_reason: str, size: int
) -> None:
    made = answer(reply, max_tokens=size)
    assert (made.text, made.stop_reason) == (text, stop_reason)


def test_an_unknown_block_in_a_stream_warns_of_nothing_and_tells_nothing_of_it() -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        made = answer(unknown_block("Look."), max_tokens=STREAMED)
    assert not [warning for warning in caught if "Pydantic" in str(warning.message)]
    assert json.loads(made.body)["content"][0] == {"type": "hunch", "hunch": "a warm day"}


@pytest.mark.parametrize(
    "message",
    [
        {"content": [{"type": "text", "text": "Look."}], "stop_reason": "end_turn"},
        {"type": "message", "content": [{"type": "text", "text": "Look."}], "stop_reason": "end_turn", "usage": "few"},
        {"type": "message", "content": [{"type": "text", "text": "Look."}, {}], "stop_reason": "end_turn"},
    ],
)
def test_a_compatible_server_may_be_a_little_odd(message: dict[str, Any]) -> None:
    made = answer(Reply(raw=json.dumps(message).encode()))
    assert (made.text, made.usage) == ("Look.", Usage())


def test_no_content_may_be_said_by_null() -> None:
    assert answer(Reply(raw=b'{"content": null, "stop_reason": "end_turn"}')).text == ""


def test_a_stream_cut_at_any_byte_is_a_failure_or_the_whole_answer_and_never_a_part_of_it() -> None:
    text = "Look at the log 日本."
    whole = b"".join(map(wire.encode, events_of(text, thinking="Hm.")))
    sizes = [*range(0, len(whole), 23), len(whole)]
    replies = in_turn(*(Reply(raw=whole[:size], content_type="text/event-stream") for size in sizes))

    async def go(url: str) -> list[Answer | BaseException]:
        async with opened(url, attempts=1) as model:
            outcomes: list[Answer | BaseException] = []
            for _ in sizes:
                model.slots.lines.clear()  # or it would wait, after some failures in a row, for the server to recover
                outcomes += await asyncio.gather(model.ask(request(max_tokens=STREAMED)), return_exceptions=True)
            return outcomes

    with LoopbackServer(answer=replies) as server:
        outcomes = asyncio.run(go(server.base_url))
    stopped = whole.index(b'"stop_reason": "end_turn"')
    for size, outcome in zip(sizes, outcomes, strict=True):
        if isinstance(outcome, Answer):
            assert size > stopped
            assert (outcome.text, outcome.stop_reason) == (text, "end_turn")
        else:
            assert isinstance(outcome, ModelError)
            assert outcome.kind in ("garbled", "truncated")
    assert isinstance(outcomes[-1], Answer)


# --- what is sent


def sent(asked: Any, reply: Reply | None = None) -> Received:
    """What the server gets."""
    with LoopbackServer(answer=lambda _: reply or plain("Look.")) as server:
        asyncio.run(ask(server.base_url, asked))
        (received,) = server.requests
    return received


def test_a_request_is_sent_with_its_text_and_nothing_else() -> None:
    received = sent(request(content=("The session.", "What next?")))
    assert received.path == "/v1/messages"
    assert received.body == {
        "model": "claude-opus-5-5",
        "max_tokens": WHOLE,
        "system": "Be brief.",
        "messages": [
            {
                "role": "user",
                "content": [{"type": "text", "text": "The session."}, {"type": "text", "text": "What next?"}],
            }
        ],
    }


ODD = '"quoted" \\ \n\t \x7f \N{BEAR FACE} \u2028 <b>&</b> \N{LATIN SMALL LETTER E WITH ACUTE}'


@both_ways
def test_what_is_sent_is_byte_for_byte_what_the_sdks_own_call_sends(size: int) -> None:
    asked = request(ODD, max_tokens=size, effort="low", answer_schema=ANSWER_SCHEMA)
    streaming = {"stream": True} if size > WHOLE else {}

    async def by_the_sdk(url: str) -> None:
        async with opened(url) as model:
            made = await model.client.messages.create(**body_of(asked, PLAIN), **streaming)
            if streaming:
                await made.close()

    with LoopbackServer(answer=lambda _: verdict("A")) as server:
        asyncio.run(ask(server.base_url, asked))
        asyncio.run(by_the_sdk(server.base_url))
        ours, theirs = server.requests
    assert ours.body == theirs.body
    assert (ours.path, ours.size) == (theirs.path, theirs.size)
    assert ours.headers.keys() == theirs.headers.keys()


@pytest.mark.parametrize(
    ("size", "verb"), [(WHOLE, "rawPredict"), (STREAMED, "streamRawPredict")], ids=["whole", "streamed"]
)
def test_a_clouds_client_still_puts_the_model_into_the_address(size: int, verb: str) -> None:
    async def go(url: str) -> None:
        client = anthropic.AsyncAnthropicVertex(
            region="nowhere", project_id="mine", access_token=KEY, base_url=url, max_retries=0
        )
        try:
            await MessagesModel(client, Limits(attempts=1)).ask(
                request(model="vertex/claude-opus-5-5", max_tokens=size)
            )
        finally:
            await client.close()

    with LoopbackServer() as server:
        with pytest.raises(ModelError):  # this server is no cloud
            asyncio.run(go(server.base_url))
        (received,) = server.requests
    assert received.path == f"/projects/mine/locations/nowhere/publishers/anthropic/models/claude-opus-5-5:{verb}"
    assert "model" not in received.body
    assert received.body["system"] == "Be brief."


def test_effort_and_schema_are_sent_as_output_config() -> None:
    low = sent(request(effort="low")).body["output_config"]
    shaped = sent(request(answer_schema=ANSWER_SCHEMA)).body["output_config"]
    both = sent(request(effort="max", answer_schema=ANSWER_SCHEMA), verdict("A")).body["output_config"]
    assert low == {"effort": "low"}
    assert shaped == {"format": {"type": "json_schema", "schema": ANSWER_SCHEMA}}
    assert both == low | shaped | {"effort": "max"}


@both_ways
def test_no_sampling_parameter_is_ever_sent(size: int) -> None:
    body = sent(request(max_tokens=size, effort="high", answer_schema=ANSWER_SCHEMA)).body
    assert not body.keys() & {"temperature", "top_p", "top_k", "thinking", "tool_choice"}


@both_ways
def test_the_key_goes_as_a_bearer_token_to_the_server_under_the_newest_version(size: int) -> None:
    headers = sent(request(max_tokens=size)).headers
    assert headers["authorization"] == f"Bearer {KEY}"
    assert "x-api-key" not in headers
    assert headers["anthropic-version"] == "2026-10-21"
    assert headers["x-stainless-retry-count"] == "0"


@pytest.mark.parametrize(
    ("name", "on_the_wire"),
    [("claude-opus-5-5", "claude-opus-5-5"), ("local/qwen", "qwen"), ("hub/anthropic/claude-x", "anthropic/claude-x")],
)
def test_the_name_of_the_endpoint_is_taken_off_the_models(name: str, on_the_wire: str) -> None:
    assert sent(request(model=name)).body["model"] == on_the_wire


@pytest.mark.parametrize(("tokens", "streamed"), [(1, False), (STREAM_ABOVE, False), (STREAM_ABOVE + 1, True)])
def test_only_long_answers_are_streamed(tokens: int, streamed: bool) -> None:
    assert sent(request(max_tokens=tokens)).body.get("stream", False) is streamed


def test_the_longest_answer_that_is_not_streamed_is_one_the_sdk_lets_pass() -> None:
    seconds_a_token = 3600 / 128_000
    assert STREAM_ABOVE * seconds_a_token <= 600


def test_the_judges_schema_is_taken_for_every_model_and_its_answer_read() -> None:
    async def go(url: str) -> list[Answer]:
        async with opened(url) as model:
            alive = [name for name, known in MODELS.items() if known.lifecycle != "retired"]
            return await ask_all(model, [request(model=name, answer_schema=ANSWER_SCHEMA) for name in alive])

    with LoopbackServer(answer=lambda _: verdict("B", "slight")) as server:
        answers = asyncio.run(go(server.base_url))
    assert len(answers) > 15
    assert {read_judge_answer(each).letter for each in answers} == {"B"}


def test_anthropics_api_is_called_with_the_key_and_base_url_of_the_sdks_variables(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def go() -> Answer:
        model = open_anthropic(Limits())
        try:
            return await model.ask(request(model="claude-opus-5-5"))
        finally:
            await model.aclose()

    with LoopbackServer() as server:
        monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
        monkeypatch.setenv("ANTHROPIC_BASE_URL", server.base_url)
        asyncio.run(go())
        (received,) = server.answered
    assert received.headers["authorization"] == f"Bearer {KEY}"


@pytest.mark.parametrize("variable", ["ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN"])
@pytest.mark.parametrize("key_env", [None, KEY_NAME])
def test_anthropics_key_is_never_sent_to_another_endpoint(
    variable: str, key_env: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, "of-somebody-else")

    async def go(url: str) -> None:
        model = open_endpoint(Endpoint(base_url=url, api_key_env=key_env), Limits())
        try:
            await model.ask(request())
        finally:
            await model.aclose()

    with LoopbackServer() as server:
        asyncio.run(go(server.base_url))
        (received,) = server.requests
    assert received.headers["authorization"] == f"Bearer {KEY if key_env else 'none'}"
    assert "of-somebody-else" not in str(received.headers)


def test_a_base_url_may_have_a_path() -> None:
    with LoopbackServer() as server, pytest.raises(FatalModelError, match="/proxy/v1/messages is not there"):
        asyncio.run(ask(f"{server.base_url}/proxy", request()))


@pytest.mark.parametrize("key", [f"{KEY}\n", f"{KEY}\r\n", f" {KEY}", f"{KEY}\x7fx", f"{KEY}\n{KEY}"])
@pytest.mark.parametrize("name", [KEY_NAME, "ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN"])
def test_a_key_that_cannot_be_sent_is_refused_without_being_told(
    name: str, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, key)
    local = Endpoint(base_url="http://127.0.0.1:9", api_key_env=KEY_NAME)
    with pytest.raises(UsageError, match="key") as caught:
        open_endpoint(local, Limits()) if name == KEY_NAME else open_anthropic(Limits())
    assert KEY not in str(caught.value)


# --- many at once


def echo(body: Body) -> Reply:
    return plain(body["messages"][0]["content"][0]["text"])


EVERY_FAULT = ("529", "500", "429", "reset", "cut_stream", "html_200", "truncated_json", "mid_stream_error")


@both_ways
@pytest.mark.parametrize("kinds", [("529", "500", "reset"), EVERY_FAULT], ids=["usual", "every"])
def test_fifty_at_once_with_faults_are_all_answered_each_with_its_own(size: int, kinds: tuple[str, ...]) -> None:
    async def go(url: str) -> list[Answer]:
        async with opened(url, attempts=4) as model:
            return await ask_all(model, [request(f"Moment {n}", max_tokens=size) for n in range(50)])

    with LoopbackServer(answer=echo, faults=Faults(share=0.2, kinds=kinds, seed=3)) as server:
        answers = asyncio.run(go(server.base_url))
        assert sum(server.faulted.values()) > 3
        assert len(server.requests) == 50 + sum(server.faulted.values())
        tries: dict[str, int] = {}
        for received in server.requests:
            text = received.body["messages"][0]["content"][0]["text"]
            tries[text] = tries.get(text, 0) + 1
    assert [made.text for made in answers] == [f"Moment {n}" for n in range(50)]
    assert [made.attempts for made in answers] == [tries[f"Moment {n}"] for n in range(50)]
    assert max(made.attempts for made in answers) > 1


def test_one_failure_among_many_is_that_ones_alone() -> None:
    def moody(body: Body) -> Reply:
        reply = echo(body)
        return http_error(400, message="no") if reply.text.endswith("7") else reply

    async def go(url: str) -> list[Answer | BaseException]:
        async with opened(url) as model:
            return await asyncio.gather(*(model.ask(request(f"Moment {n}")) for n in range(20)), return_exceptions=True)

    with LoopbackServer(answer=moody) as server:
        outcomes = asyncio.run(go(server.base_url))
    assert [n for n, outcome in enumerate(outcomes) if isinstance(outcome, ModelError)] == [7, 17]
    assert all(isinstance(outcome, Answer) for n, outcome in enumerate(outcomes) if n not in (7, 17))


# --- cancellation


async def cancel_when(asking: "asyncio.Task[Answer]", is_time: Callable[[], object]) -> None:
    """Cancel the task once it is time; it ends by that."""
    while not is_time():  # noqa: ASYNC110 - the server that knows is in another thread
        await asyncio.sleep(0.005)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking


@both_ways
def test_a_request_that_is_cancelled_under_way_is_not_tried_again(size: int) -> None:
    async def go(server: LoopbackServer) -> list[float]:
        async with opened(server.base_url) as model:
            asking = asyncio.create_task(model.ask(request(max_tokens=size)))
            await cancel_when(asking, lambda: server.requests)
            assert isinstance(model.sleep, Waits)
            return model.sleep.seconds

    with LoopbackServer(answer=lambda _: Reply(text="late", latency_s=60)) as server:
        assert asyncio.run(go(server)) == []
        assert len(server.requests) == 1


def test_a_request_that_is_cancelled_between_two_tries_is_not_tried_again() -> None:
    async def go(server: LoopbackServer) -> None:
        model = open_endpoint(Endpoint(base_url=server.base_url, api_key_env=KEY_NAME), Limits())
        waiting = asyncio.Event()

        async def wait(seconds: float) -> None:
            waiting.set()
            await asyncio.sleep(seconds)

        assert model.sleep is asyncio.sleep
        model.sleep = wait
        await cancel_when(asyncio.create_task(model.ask(request())), waiting.is_set)
        await model.aclose()

    with LoopbackServer(answer=lambda _: http_error(429, headers={"retry-after": "60"})) as server:
        asyncio.run(go(server))
        assert len(server.requests) == 1


def test_whoever_asked_hears_of_every_pause_and_may_call_the_request_off() -> None:
    told: list[str] = []

    def paused() -> None:
        told.append("paused")
        if told.count("paused") == 2:
            raise NotSent

    async def go(server: LoopbackServer) -> None:
        async with opened(server.base_url) as model:
            with pytest.raises(NotSent):
                await model.ask(request(), Sending(go=lambda: told.append("sent"), paused=paused))
            assert model.slots.used == 0

    with LoopbackServer(answer=lambda _: http_error(529), retry_after=0.01) as server:
        asyncio.run(go(server))
        assert len(server.requests) == 2
    assert told == ["sent", "paused"] * 2


def test_a_limit_of_time_around_the_call_ends_it() -> None:
    async def go(url: str) -> None:
        async with opened(url) as model, asyncio.timeout(0.5):
            await model.ask(request())

    with LoopbackServer(answer=lambda _: Reply(text="late", latency_s=60)) as server:
        with pytest.raises(TimeoutError):
            asyncio.run(go(server.base_url))
        assert len(server.requests) == 1


# --- looking models up


async def look_up(url: str, name: str) -> str:
    async with opened(url) as model:
        return await model.look_up(name)


def test_a_model_that_is_there_is_told_with_its_window_and_no_prompt_is_sent() -> None:
    with LoopbackServer() as server:
        said = asyncio.run(look_up(server.base_url, "local/claude-haiku-4-5-20251001"))
        (received,) = server.requests
    assert said == "Claude Haiku 4 5 20251001, window 200,000 tokens"
    assert received.path == "/v1/models/claude-haiku-4-5-20251001"


def test_a_model_that_is_not_there_is_a_wrong_name() -> None:
    with LoopbackServer() as server:
        server.unknown_models.add("claude-opus-9")
        with pytest.raises(FatalModelError, match=r"local/claude-opus-9.*spelling") as caught:
            asyncio.run(look_up(server.base_url, "local/claude-opus-9"))
        assert len(server.requests) == 1
    assert (caught.value.kind, caught.value.exit_code, caught.value.attempts) == ("unknown_model", 2, 1)


def test_a_wrong_key_is_told_when_looking_up() -> None:
    with LoopbackServer() as server:
        server.bad_keys.add(KEY)
        with pytest.raises(FatalModelError) as caught:
            asyncio.run(look_up(server.base_url, "local/x"))
    assert (caught.value.kind, caught.value.exit_code) == ("authentication", 2)


def looked_up(handler: Callable[[httpx2.Request], httpx2.Response]) -> str:
    """What looking up makes of a server like the handler."""

    async def go() -> str:
        transport = httpx2.AsyncClient(transport=httpx2.MockTransport(handler))
        client = anthropic.AsyncAnthropic(
            api_key=KEY, base_url="http://server.test", max_retries=0, http_client=transport
        )
        model = MessagesModel(client, Limits())
        try:
            return await model.look_up("local/qwen")
        finally:
            await model.aclose()

    return asyncio.run(go())


@pytest.mark.parametrize(
    "response",
    [
        httpx2.Response(404, json={"detail": "Not Found"}),
        httpx2.Response(404, text="404 page not found"),
        httpx2.Response(200, html="<html>Welcome</html>"),
        httpx2.Response(200, headers={"content-type": "application/json"}, content=b"{"),
        httpx2.Response(200, json=[]),
        httpx2.Response(200, json={"data": []}),
    ],
)
def test_a_server_without_a_models_api_only_shows_that_it_is_there(response: httpx2.Response) -> None:
    assert looked_up(lambda _: response) == "http://server.test answers, but cannot say which models it has"


@pytest.mark.parametrize("more", [{}, {"max_input_tokens": None}, {"max_input_tokens": "many"}])
def test_a_server_that_knows_only_the_models_name_tells_that(more: dict[str, Any]) -> None:
    known = {"id": "qwen", "object": "model"} | more
    assert looked_up(lambda _: httpx2.Response(200, json=known)) == "local/qwen"


def test_a_server_that_cannot_be_reached_is_told_when_looking_up() -> None:
    def handler(_: httpx2.Request) -> httpx2.Response:
        raise httpx2.ConnectError("no route")

    with pytest.raises(FatalModelError, match=r"http://server.test.*no route") as caught:
        looked_up(handler)
    assert (caught.value.kind, caught.value.exit_code) == ("unreachable", 4)


def test_a_server_that_is_slow_to_look_up_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(messages_api, "LOOK_UP_TIMEOUT_S", 0.1)

    async def handler(_: httpx2.Request) -> httpx2.Response:
        await asyncio.sleep(60)
        raise AssertionError

    with pytest.raises(ModelError, match="no answer in time") as caught:
        looked_up(handler)  # type: ignore[arg-type]
    assert caught.value.kind == "timeout"
