"""The loopback server behaves as the Messages API is documented to, as seen by the real SDK.

"Fact n" is the numbered list at the head of the project's notes on the SDK and the API.
"""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal, get_args

import anthropic
import httpx2
import pydantic
import pytest
from anthropic.types import Message, ModelInfo, TextBlock
from anthropic.types.message_count_tokens_params import MessageCountTokensParams
from anthropic.types.message_create_params import MessageCreateParamsStreaming
from anthropic.types.model import Model as ModelName

from tests.loopback import (
    Faults,
    LoopbackServer,
    Reply,
    cut_stream,
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
from tests.loopback.models import MODELS
from tests.loopback.rules import MESSAGE_FIELDS, SHARED_FIELDS, first_problem

ROOT = Path(__file__).parents[1]
NEW = "claude-opus-5-5"
FORCED: dict[str, Any] = {
    "tools": [{"name": "record", "input_schema": {"type": "object"}}],
    "tool_choice": {"type": "tool", "name": "record"},
}
JUDGED = {
    "type": "object",
    "properties": {
        "reasoning": {"type": "string"},
        "choice": {"type": "string", "enum": ["A", "B", "tie"]},
        "strength": {"type": "string", "enum": ["slight", "clear"]},
    },
    "required": ["reasoning", "choice", "strength"],
    "additionalProperties": False,
}


class Verdict(pydantic.BaseModel):
    reasoning: str = pydantic.Field(min_length=1)
    choice: Literal["A", "B", "tie"]


@pytest.fixture(autouse=True)
def no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("ANTHROPIC_")]:
        monkeypatch.delenv(name)


def client_of(server: LoopbackServer, **options: Any) -> anthropic.AsyncAnthropic:
    """A client without the SDK's own retries, and without the certificates that take most of its start-up time."""
    settings: dict[str, Any] = {"api_key": "k", "base_url": server.base_url, "max_retries": 0}
    plain_http = anthropic.DefaultAsyncHttpxClient(verify=False, trust_env=False)
    return anthropic.AsyncAnthropic(**settings | {"http_client": plain_http} | options)


def request(text: str = "What next?", **changes: Any) -> dict[str, Any]:
    return {"model": NEW, "max_tokens": 500, "messages": [{"role": "user", "content": text}]} | changes


def shaped(schema: object) -> dict[str, Any]:
    return request(output_config={"format": {"type": "json_schema", "schema": schema}})


async def get(server: LoopbackServer, asked: dict[str, Any], **options: Any) -> Any:
    async with client_of(server, **options) as client:
        return await client.messages.create(**asked)


async def get_streamed(server: LoopbackServer, asked: dict[str, Any]) -> Any:
    async with client_of(server) as client, client.messages.stream(**asked) as stream:
        return await stream.get_final_message()


def ask(reply: Reply, *, streamed: bool = False, **changes: Any) -> Any:
    """What the SDK makes of a reply."""
    with LoopbackServer(answer=lambda _: reply) as server:
        return asyncio.run((get_streamed if streamed else get)(server, request(**changes)))


def refused(asked: dict[str, Any], **options: Any) -> str:
    """The message of the 400 that a request gets."""
    with LoopbackServer() as server, pytest.raises(anthropic.BadRequestError) as caught:
        asyncio.run(get(server, asked, **options))
    assert caught.value.type == "invalid_request_error"
    assert server.answered == []
    return caught.value.api_message or ""


def is_taken(asked: dict[str, Any], **options: Any) -> bool:
    with LoopbackServer() as server:
        return bool(asyncio.run(get(server, asked, **options)))


def texts(message: Message) -> str:
    return "".join(block.text for block in message.content if block.type == "text")


both_ways = pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])


# --- answers


@both_ways
def test_a_plain_answer_is_one_text_block_and_a_counted_usage(streamed: bool) -> None:
    message = ask(plain("Look at the log. " * 10), streamed=streamed)
    assert [block.type for block in message.content] == ["text"]
    assert texts(message) == "Look at the log. " * 10
    assert (message.stop_reason, message.model, message.usage.output_tokens) == ("end_turn", NEW, 43)


@both_ways
def test_a_verdict_is_json_in_the_order_of_the_schema(streamed: bool) -> None:
    answer = json.loads(texts(ask(verdict("tie", "slight", "Both."), streamed=streamed)))
    assert list(answer.items()) == [("reasoning", "Both."), ("choice", "tie"), ("strength", "slight")]


@both_ways
def test_a_refusal_is_a_200_with_its_category_and_no_content(streamed: bool) -> None:
    message = ask(refusal(category="bio"), streamed=streamed)
    assert (message.stop_reason, message.content, message.usage.output_tokens) == ("refusal", [], 0)
    assert (message.stop_details.type, message.stop_details.category) == ("refusal", "bio")


@both_ways
def test_an_answer_cut_at_max_tokens_says_so(streamed: bool) -> None:
    message = ask(max_tokens('{"reasoning": "The fir'), streamed=streamed)
    assert (message.stop_reason, texts(message)) == ("max_tokens", '{"reasoning": "The fir')


@both_ways
def test_an_ended_turn_may_have_no_content(streamed: bool) -> None:
    message = ask(empty(), streamed=streamed)
    assert (message.stop_reason, message.content) == ("end_turn", [])


@both_ways
def test_fact_7_a_thinking_block_comes_before_the_text_and_is_billed(streamed: bool) -> None:
    message = ask(thinking_first("Look at the log."), streamed=streamed)
    assert [block.type for block in message.content] == ["thinking", "text"]
    assert message.content[0].thinking == ""
    assert message.content[0].signature
    details = message.usage.output_tokens_details
    assert 0 < details.thinking_tokens < message.usage.output_tokens


@both_ways
def test_fact_8_an_unknown_block_poses_as_a_text_block_without_text(streamed: bool) -> None:
    message = ask(unknown_block("Look at the log."), streamed=streamed)
    stranger = message.content[0]
    assert (stranger.type, stranger.text) == ("hunch", None)
    assert isinstance(stranger, TextBlock)
    assert texts(message) == "Look at the log."


@both_ways
def test_fact_8_an_unknown_stop_reason_passes_through(streamed: bool) -> None:
    assert ask(Reply(text="x", stop_reason="bored"), streamed=streamed).stop_reason == "bored"


def test_fact_9_a_cut_stream_gives_part_of_the_text_and_no_stop_reason() -> None:
    message = ask(cut_stream("Look at the log."), streamed=True)
    assert message.stop_reason is None
    assert "Look at the log.".startswith(texts(message))
    assert 0 < len(texts(message)) < len("Look at the log.")


def test_fact_10_an_error_inside_a_stream_is_a_status_error_with_status_200() -> None:
    with pytest.raises(anthropic.APIStatusError) as caught:
        ask(mid_stream_error(), streamed=True)
    assert type(caught.value) is anthropic.APIStatusError
    assert (caught.value.status_code, caught.value.type) == (200, "overloaded_error")
    assert "retry-after" not in caught.value.response.headers


def test_fact_10_the_sdk_does_not_retry_an_error_inside_a_stream() -> None:
    async def read(server: LoopbackServer) -> None:
        async with client_of(server, max_retries=3) as client, client.messages.stream(**request()) as stream:
            await stream.get_final_message()

    with LoopbackServer(answer=lambda _: mid_stream_error()) as server, pytest.raises(anthropic.APIStatusError):
        asyncio.run(read(server))
    assert len(server.requests) == 1


def test_an_error_meant_for_a_stream_is_an_http_error_without_one() -> None:
    with pytest.raises(anthropic.OverloadedError) as caught:
        ask(mid_stream_error())
    assert caught.value.status_code == 529


def test_fact_11_a_web_page_with_status_200_is_a_string() -> None:
    assert ask(html_200()) == "<html><body>Please log in.</body></html>"


@pytest.mark.parametrize("reply", [truncated_json(), cut_stream("Look at the log.")], ids=["truncated", "cut"])
def test_fact_11_half_a_json_body_is_a_decode_error_and_no_api_error(reply: Reply) -> None:
    with pytest.raises(json.JSONDecodeError):
        ask(reply)


@pytest.mark.parametrize("reply", [html_200(), truncated_json()], ids=["html", "truncated"])
def test_a_stream_answered_with_no_events_is_an_assertion_error(reply: Reply) -> None:
    with pytest.raises(AssertionError):
        ask(reply, streamed=True)


def test_fact_12_a_message_without_usage_is_no_error() -> None:
    message = ask(no_usage("Look at the log."))
    assert (message.usage, texts(message)) == (None, "Look at the log.")


def test_fact_12_a_stream_without_usage_breaks_the_sdk() -> None:
    with pytest.raises(AttributeError, match="output_tokens"):
        ask(no_usage("Look at the log."), streamed=True)


@pytest.mark.parametrize("reply", [max_tokens('{"reasoning": "The fir'), refusal("No.")], ids=["cut", "refused"])
def test_fact_13_parse_loses_a_message_that_create_keeps(reply: Reply) -> None:
    async def parse(server: LoopbackServer) -> None:
        async with client_of(server) as client:
            await client.messages.parse(**request(), output_format=Verdict)

    with LoopbackServer(answer=lambda _: reply) as server:
        with pytest.raises(pydantic.ValidationError):
            asyncio.run(parse(server))
        message = asyncio.run(get(server, server.requests[0].body))
    assert (message.stop_reason, message.usage.output_tokens > 0) == (reply.stop_reason, True)
    assert len(server.answered) == 2


def test_parse_reads_a_verdict() -> None:
    async def parse(server: LoopbackServer) -> Any:
        async with client_of(server) as client:
            return await client.messages.parse(**request(), output_format=Verdict)

    with LoopbackServer(answer=lambda _: verdict("B")) as server:
        assert asyncio.run(parse(server)).parsed_output.choice == "B"


def test_a_reset_is_a_connection_error_with_no_status() -> None:
    with LoopbackServer(answer=lambda _: reset()) as server, pytest.raises(anthropic.APIConnectionError):
        asyncio.run(get(server, request()))
    assert [(received.status, received.whole) for received in server.requests] == [(None, False)]


def test_usage_can_be_set_field_by_field() -> None:
    usage = ask(Reply(text="x", usage={"cache_read_input_tokens": 9000})).usage
    assert (usage.cache_read_input_tokens, usage.cache_creation_input_tokens) == (9000, 0)


def test_a_warm_up_without_output_is_not_answered_by_the_test() -> None:
    message = ask(plain("never"), max_tokens=0)
    assert (message.stop_reason, message.content, message.usage.output_tokens) == ("max_tokens", [], 0)


# --- the default answer


@pytest.mark.parametrize("changes", [{}, {"output_config": {"format": {"type": "json_schema", "schema": JUDGED}}}])
def test_the_default_answer_is_the_same_for_the_same_request_streamed_or_not(changes: dict[str, Any]) -> None:
    with LoopbackServer() as server:
        first, again = (asyncio.run(get(server, request(**changes))) for _ in range(2))
        third = asyncio.run(get_streamed(server, request(**changes)))
    assert texts(first) == texts(again) == texts(third) != ""
    assert first.usage == again.usage
    assert first.usage.input_tokens == third.usage.input_tokens
    assert first.usage.output_tokens == third.usage.output_tokens
    assert len({first.id, again.id, third.id}) == 3


def test_default_steps_differ_and_are_one_element_of_ten_to_sixty_words() -> None:
    with LoopbackServer() as server:
        answers = {texts(asyncio.run(get(server, request(f"Moment {number}")))) for number in range(12)}
    assert len(answers) > 6
    for answer in answers:
        _, inside, _ = answer.replace("</next_step>", "<next_step>").split("<next_step>")
        assert 10 <= len(inside.split()) <= 60


def test_default_verdicts_use_every_choice_and_strength() -> None:
    with LoopbackServer() as server:
        asked = [shaped(JUDGED) | {"system": f"Judge {number}."} for number in range(30)]
        verdicts = [json.loads(texts(asyncio.run(get(server, each)))) for each in asked]
    assert {each["choice"] for each in verdicts} == {"A", "B", "tie"}
    assert {each["strength"] for each in verdicts} == {"slight", "clear"}


# --- what goes over the wire


def test_fact_2_the_sdk_sends_a_bearer_key_and_the_api_version() -> None:
    with LoopbackServer() as server:
        asyncio.run(get(server, request(), api_key="secret"))
    (received,) = server.requests
    assert received.headers["authorization"] == "Bearer secret"
    assert received.headers["anthropic-version"] == "2026-10-21"
    assert "x-api-key" not in received.headers
    assert (received.path, received.body, received.status) == ("/v1/messages", request(), 200)


def test_fact_2_a_key_in_x_api_key_alone_is_refused() -> None:
    with LoopbackServer() as server, pytest.raises(anthropic.AuthenticationError):
        asyncio.run(get(server, request(), api_key=None, default_headers={"X-Api-Key": "k"}))


def test_a_bad_key_is_an_authentication_error() -> None:
    with LoopbackServer() as server:
        server.bad_keys.add("revoked")
        with pytest.raises(anthropic.AuthenticationError) as caught:
            asyncio.run(get(server, request(), api_key="revoked"))
        assert asyncio.run(get(server, request(), api_key="good"))
    assert caught.value.type == "authentication_error"


@pytest.mark.filterwarnings("ignore:The model 'claude-opus-4-1':DeprecationWarning")
@pytest.mark.parametrize("name", ["cand-nowhere", "claude-opus-4-1"])
def test_an_unknown_or_retired_model_is_not_found(name: str) -> None:
    with LoopbackServer() as server:
        server.unknown_models.add("cand-nowhere")
        with pytest.raises(anthropic.NotFoundError) as caught:
            asyncio.run(get(server, request(model=name)))
    assert (caught.value.type, caught.value.api_message) == ("not_found_error", f"model: {name}")


def test_a_base_url_that_ends_in_v1_finds_nothing() -> None:
    with LoopbackServer() as server, pytest.raises(anthropic.NotFoundError):
        asyncio.run(get(server, request(), base_url=server.base_url + "/v1"))


def test_every_answer_has_a_request_id_and_rate_limit_headers() -> None:
    async def read(server: LoopbackServer) -> tuple[Any, Any]:
        async with client_of(server) as client:
            first = await client.messages.with_raw_response.create(**request())
            second = await client.messages.with_raw_response.create(**request())
            assert texts(await second.parse()).count("<next_step>") == 1
            return first, second

    with LoopbackServer() as server:
        first, second = asyncio.run(read(server))
    assert first.request_id.startswith("req_")
    assert first.request_id != second.request_id
    assert first.headers["anthropic-organization-id"]
    for limit in ("requests", "tokens", "input-tokens", "output-tokens"):
        assert {f"anthropic-ratelimit-{limit}-{part}" for part in ("limit", "remaining", "reset")} <= set(first.headers)
    left = [int(raw.headers["anthropic-ratelimit-requests-remaining"]) for raw in (first, second)]
    assert left == [999_999, 999_998]
    assert int(second.headers["anthropic-ratelimit-tokens-remaining"]) % 1000 == 0


def test_an_error_carries_its_request_id_in_header_and_body() -> None:
    with pytest.raises(anthropic.InternalServerError) as caught:
        ask(http_error(500))
    assert isinstance(caught.value.body, dict)
    assert caught.value.request_id == caught.value.body["request_id"] != ""


@pytest.mark.parametrize(
    ("status", "kind", "raised"),
    [
        (400, "invalid_request_error", anthropic.BadRequestError),
        (403, "permission_error", anthropic.PermissionDeniedError),
        (402, "billing_error", anthropic.PaymentRequiredError),
        (409, "conflict_error", anthropic.ConflictError),
        (413, "request_too_large", anthropic.ContentTooLargeError),
        (429, "rate_limit_error", anthropic.RateLimitError),
        (500, "api_error", anthropic.InternalServerError),
        (503, "api_error", anthropic.ServiceUnavailableError),
        (504, "timeout_error", anthropic.GatewayTimeoutError),
        (529, "overloaded_error", anthropic.OverloadedError),
    ],
)
@both_ways
def test_an_http_error_has_the_type_of_its_status(
    status: int, kind: str, raised: type[anthropic.APIStatusError], streamed: bool
) -> None:
    with pytest.raises(raised) as caught:
        ask(http_error(status), streamed=streamed)
    assert type(caught.value) is raised
    assert (caught.value.status_code, caught.value.type) == (status, kind)


@pytest.mark.parametrize(("status", "waits"), [(429, "0.05"), (529, "0.05"), (500, None), (503, None)])
def test_only_429_and_529_say_when_to_come_back(status: int, waits: str | None) -> None:
    with pytest.raises(anthropic.APIStatusError) as caught:
        ask(http_error(status))
    assert caught.value.response.headers.get("retry-after") == waits


def test_retry_after_can_be_set_for_the_server_and_for_a_reply() -> None:
    replies = iter([http_error(429), http_error(429, "rate_limit_error", {"Retry-After": "7"})])
    found = []
    with LoopbackServer(answer=lambda _: next(replies), retry_after=30) as server:
        for _ in range(2):
            with pytest.raises(anthropic.RateLimitError) as caught:
                asyncio.run(get(server, request()))
            found.append(caught.value.response.headers["retry-after"])
    assert found == ["30", "7"]


def test_a_spend_limit_has_its_own_class_and_no_retry_after() -> None:
    with pytest.raises(anthropic.RateLimitError) as caught:
        ask(spend_limit())
    assert type(caught.value).__name__ == "EnforcedSpendLimitReachedError"
    assert caught.value.error_code == "enforced_spend_limit_reached"
    assert "retry-after" not in caught.value.response.headers


def test_a_stream_sends_the_documented_events_in_order() -> None:
    async def read(server: LoopbackServer) -> list[Any]:
        async with client_of(server) as client:
            return [event async for event in await client.messages.create(**request(), stream=True)]

    with LoopbackServer(answer=lambda _: thinking_first("Look at the log.", "Hm.")) as server:
        events = asyncio.run(read(server))
    kinds = [event.type for event in events]
    started, stopped = kinds.index("content_block_start"), kinds.index("content_block_stop")
    assert (kinds[0], kinds[-2:]) == ("message_start", ["message_delta", "message_stop"])
    assert set(kinds[started + 1 : stopped]) == {"content_block_delta"}
    assert events[0].message.stop_reason is None
    assert events[0].message.usage.input_tokens == events[-2].usage.input_tokens > 0
    assert events[0].message.usage.output_tokens < events[-2].usage.output_tokens
    deltas = [event.delta.type for event in events if event.type == "content_block_delta"]
    assert deltas[deltas.index("signature_delta") + 1 :] == ["text_delta"] * 4


def test_pings_are_sent_and_swallowed_by_the_sdk() -> None:
    async def read(server: LoopbackServer) -> list[str | None]:
        async with client_of(server) as client:
            response = await client.messages.with_raw_response.create(**request(), stream=True)
            stream = await response.parse()
            return [event.event async for event in stream.raw_events(stream.response)]

    with LoopbackServer() as server:
        assert "ping" in asyncio.run(read(server))


@both_ways
def test_a_slow_answer_meets_the_client_s_timeout_and_is_not_counted(streamed: bool) -> None:
    with LoopbackServer(answer=lambda _: Reply(text="late", latency_s=0.3)) as server:
        with pytest.raises(anthropic.APITimeoutError):
            asyncio.run(get(server, request(stream=streamed), timeout=httpx2.Timeout(10, read=0.05)))
        time.sleep(0.5)
        assert (len(server.requests), server.answered) == (1, [])


# --- requests that are refused


@pytest.mark.parametrize("model", [NEW, "claude-sonnet-4-6", "claude-haiku-4-5", "cand-local"])
@pytest.mark.parametrize("name", ["temperature", "top_p", "top_k"])
def test_fact_3_sampling_is_refused_on_every_model_even_at_default_values(name: str, model: str) -> None:
    assert refused(request(model=model, extra_body={name: 1})).startswith(f"{name}:")


def test_fact_3_an_older_model_takes_a_temperature_under_the_older_version() -> None:
    older = {"default_headers": {"anthropic-version": "2023-06-01"}}
    assert is_taken(request(model="claude-sonnet-4-6", extra_body={"temperature": 0}), **older)
    assert refused(request(model="claude-opus-4-7", extra_body={"temperature": 0}), **older).startswith("temperature:")


@pytest.mark.parametrize("model", [NEW, "claude-sonnet-5-5", "claude-fable-5-1", "claude-mythos-5-2", "cand-local"])
def test_fact_5_the_newest_models_refuse_a_forced_tool(model: str) -> None:
    assert refused(request(model=model, **FORCED)).startswith("tool_choice:")
    assert is_taken(request(model=model, **FORCED | {"tool_choice": {"type": "auto"}}))


@pytest.mark.parametrize("model", ["claude-haiku-5-5", "claude-opus-5", "claude-sonnet-5", "claude-fable-5"])
def test_fact_5_other_models_take_a_forced_tool(model: str) -> None:
    assert is_taken(request(model=model, **FORCED))


def test_fact_6_prefill_is_refused_from_version_4_6_on() -> None:
    messages = [{"role": "user", "content": "What next?"}, {"role": "assistant", "content": "Look at"}]
    for model in (NEW, "claude-sonnet-4-6", "cand-local"):
        assert refused(request(model=model, messages=messages)).startswith("messages:")
    assert is_taken(request(model="claude-haiku-4-5", messages=messages))


@pytest.mark.parametrize("field", ["model", "max_tokens", "messages"])
def test_a_missing_field_is_named(field: str) -> None:
    with LoopbackServer() as server:
        status, body = post(server, json.dumps({name: value for name, value in request().items() if name != field}))
    assert (status, body["error"]["message"]) == (400, f"{field}: Field required")


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"extra_body": {"n": 2}}, "n"),
        ({"max_tokens": -1}, "max_tokens"),
        ({"messages": []}, "messages"),
        ({"messages": [{"role": "tool", "content": "x"}]}, "messages.0.role"),
        ({"messages": [{"role": "user", "content": "  "}]}, "messages.0.content"),
        ({"messages": [{"role": "user", "content": [{"type": "text", "text": ""}]}]}, "messages.0.content.0.text"),
        ({"system": [{"type": "text", "text": ""}]}, "system.0.text"),
        ({"output_config": {"effort": "huge"}}, "output_config.effort"),
        ({"output_config": {"effort": "low"}, "model": "claude-haiku-4-5"}, "output_config.effort"),
        ({"output_config": {"format": {"type": "json"}}}, "output_config.format.type"),
        ({"output_config": {"format": {"type": "json_schema"}}}, "output_config.format.schema"),
        ({"thinking": {"type": "disabled"}}, "thinking.type"),
        ({"thinking": {"type": "adaptive"}, "model": "claude-haiku-4-5"}, "thinking.type"),
        ({"thinking": {"type": "enabled", "budget_tokens": 9}, "model": "claude-opus-4-5"}, "thinking.budget_tokens"),
    ],
)
def test_a_request_that_does_not_fit_is_refused_by_the_field_s_name(changes: dict[str, Any], field: str) -> None:
    assert refused(request(**changes)).startswith(f"{field}: ")


def test_a_structured_answer_or_a_stream_needs_at_least_one_token() -> None:
    assert "output_config.format" in refused(shaped(JUDGED) | {"max_tokens": 0})
    assert "stream" in refused(request(max_tokens=0, stream=True))


@pytest.mark.parametrize(
    ("part", "field"),
    [
        ({"type": "string", "minLength": 1}, "minLength"),
        ({"type": "string", "maxLength": 9}, "maxLength"),
        ({"type": "integer", "minimum": 1}, "minimum"),
        ({"type": "integer", "multipleOf": 2}, "multipleOf"),
        ({"type": "array", "items": {"type": "string"}, "minItems": 2}, "minItems"),
        ({"type": "string", "pattern": "^(?!no)"}, "pattern"),
        ({"$ref": "https://example.org/a.json"}, "$ref"),
        ({"type": "array", "items": {"type": "object", "properties": {}}}, "items"),
        ({"anyOf": [{"type": "object", "additionalProperties": True}, {"type": "null"}]}, "anyOf.0"),
    ],
)
def test_a_schema_the_api_does_not_support_is_refused_where_it_is(part: dict[str, Any], field: str) -> None:
    message = refused(shaped({"type": "object", "properties": {"a": part}, "additionalProperties": False}))
    assert message.startswith("output_config.format.schema.properties.a")
    assert field in message.partition(": ")[0]


def test_a_schema_that_refers_to_itself_is_refused() -> None:
    node = {"type": "object", "properties": {"next": {"$ref": "#/$defs/node"}}, "additionalProperties": False}
    assert "recursive" in refused(shaped({"$ref": "#/$defs/node", "$defs": {"node": node}}))


def test_a_schema_may_use_one_definition_twice_and_name_a_property_like_a_keyword() -> None:
    properties = {"minimum": {"$ref": "#/$defs/word"}, "maxLength": {"$ref": "#/$defs/word"}}
    schema = {"type": "object", "properties": properties, "additionalProperties": False}
    assert is_taken(shaped(schema | {"$defs": {"word": {"type": "string"}}}))


def test_a_schema_with_too_many_optional_fields_is_refused() -> None:
    properties = {f"field_{number}": {"type": "string"} for number in range(25)}
    schema = {"type": "object", "properties": properties, "additionalProperties": False}
    assert "too complex" in refused(shaped(schema))
    assert is_taken(shaped(schema | {"required": ["field_0"]}))


def test_a_schema_that_the_sdk_transformed_is_taken_and_the_plain_one_is_not() -> None:
    assert refused(shaped(Verdict.model_json_schema()))
    assert is_taken(shaped(anthropic.transform_schema(Verdict)))


def post(server: LoopbackServer, body: str | bytes, path: str = "/v1/messages") -> tuple[int, Any]:
    """Status and JSON of a request that the SDK would not send."""
    headers = {"authorization": "Bearer k", "anthropic-version": "2026-10-21"}
    with httpx2.Client(base_url=server.base_url, headers=headers, trust_env=False) as client:
        response = client.post(path, content=body)
        return response.status_code, response.json()


@pytest.mark.parametrize("body", ["", "{", "[]", "null", b"\xff"])
def test_a_body_that_is_no_json_object_is_an_invalid_request(body: str | bytes) -> None:
    with LoopbackServer() as server:
        status, answer = post(server, body)
    assert (status, answer["type"], answer["error"]["type"]) == (400, "error", "invalid_request_error")


def test_a_body_over_32_mb_is_too_large() -> None:
    with LoopbackServer() as server:
        status, answer = post(server, b" " * (32 * 1024**2 + 1))
    assert (status, answer["error"]["type"]) == (413, "request_too_large")


def odd_versions(value: Any) -> Iterator[Any]:
    """A value with each of its parts replaced in turn by something that does not belong there."""
    yield from (None, 0, -1.5, True, "", "x", [], {}, [1], [None], {"type": 1}, {"a": [{}]})
    for key, inner in value.items() if isinstance(value, dict) else ():
        yield from ({**value, key: odd} for odd in odd_versions(inner))
    for place, inner in enumerate(value) if isinstance(value, list) else ():
        yield from ([*value[:place], odd, *value[place + 1 :]] for odd in odd_versions(inner))


def test_no_odd_value_breaks_the_rules() -> None:
    body = shaped({**JUDGED, "$defs": {"a": {"$ref": "#/$defs/b"}}, "anyOf": [{"type": ["string", "null"]}]})
    body |= FORCED | {"model": "claude-opus-4-6", "system": [{"type": "text", "text": "Judge."}], "stream": False}
    body |= {"thinking": {"type": "enabled", "budget_tokens": 1024}, "messages": [{"role": "user", "content": [{}]}]}
    odd = [each for each in odd_versions(body) if isinstance(each, dict)]
    found = [first_problem(each, "2026-10-21", counting=counting) for each in odd for counting in (False, True)]
    assert len(found) > 500
    assert all(problem is None or ": " in problem for problem in found)


# --- the SDK's own lists


def test_the_known_fields_are_those_of_the_sdk() -> None:
    sent_as_headers = {"user_profile_id", "workspace_id"}
    create, count = (
        params.__required_keys__ | params.__optional_keys__
        for params in (MessageCreateParamsStreaming, MessageCountTokensParams)
    )
    assert create - sent_as_headers == MESSAGE_FIELDS
    assert count - sent_as_headers == SHARED_FIELDS


def test_the_table_knows_every_model_name_of_the_sdk() -> None:
    assert set(get_args(get_args(ModelName)[0])) <= set(MODELS)


@both_ways
def test_a_message_is_complete_by_the_sdk_s_own_model(streamed: bool) -> None:
    message = ask(refusal("No."), streamed=streamed)
    assert Message.model_validate(message.to_dict()).to_dict() == Message.construct(**message.to_dict()).to_dict()


# --- the other endpoints


def test_count_tokens_counts_what_the_message_is_billed_for() -> None:
    async def count(server: LoopbackServer) -> Any:
        async with client_of(server) as client:
            asked = {name: value for name, value in request("word " * 400).items() if name != "max_tokens"}
            return await client.messages.count_tokens(**asked)

    with LoopbackServer() as server:
        counted = asyncio.run(count(server)).input_tokens
        billed = asyncio.run(get(server, request("word " * 400))).usage.input_tokens
        assert [received.path for received in server.answered] == ["/v1/messages"]
    assert counted == billed
    assert 480 <= counted <= 520


def test_count_tokens_refuses_what_it_does_not_know() -> None:
    with LoopbackServer() as server:
        status, answer = post(server, json.dumps(request()), "/v1/messages/count_tokens")
    assert (status, answer["error"]["message"]) == (400, "max_tokens: Extra inputs are not permitted")


def test_a_model_s_info_says_which_thinking_it_would_refuse() -> None:
    async def read(server: LoopbackServer, name: str) -> ModelInfo:
        async with client_of(server) as client:
            return await client.models.retrieve(name)

    with LoopbackServer() as server:
        for name in ("claude-opus-5-5", "claude-haiku-5-5", "claude-sonnet-5-5", "claude-haiku-4-5", "cand-local"):
            info = ModelInfo.model_validate(asyncio.run(read(server, name)).to_dict())
            assert (info.id, info.capabilities is not None) == (name, True)
            for kind in ("adaptive", "disabled", "between_tools"):
                asked = request(model=name, thinking={"type": kind})
                types: Any = info.capabilities.thinking.types if info.capabilities else None
                assert getattr(types, kind).supported is (first_problem(asked, "2026-10-21") is None)
        server.unknown_models.add("cand-nowhere")
        with pytest.raises(anthropic.NotFoundError):
            asyncio.run(read(server, "cand-nowhere"))


def test_the_models_list_pages_through_all_and_hides_the_retired() -> None:
    async def names(server: LoopbackServer, **query: Any) -> list[str]:
        async with client_of(server) as client:
            return [model.id async for model in client.models.list(**query)]

    with LoopbackServer() as server:
        shown = asyncio.run(names(server, limit=5))
        pages = len(server.requests)
        assert asyncio.run(names(server, lifecycle=["retired"])) == ["claude-opus-4-1", "claude-3-haiku-20240307"]
        assert asyncio.run(names(server, before_id=shown[-1], limit=4))[:4] == shown[-5:-1]
    assert shown == [name for name, model in MODELS.items() if model.lifecycle != "retired"]
    assert pages == -(-len(shown) // 5)


# --- faults


async def persist(server: LoopbackServer, asked: dict[str, Any], attempts: int) -> int:
    """How many attempts a request takes."""
    async with client_of(server) as client:
        for attempt in range(1, attempts + 1):
            try:
                await client.messages.create(**asked)
            except (anthropic.APIConnectionError, anthropic.InternalServerError):
                continue
            return attempt
    raise AssertionError(f"no answer in {attempts} attempts")


def test_a_client_with_one_attempt_more_than_max_repeats_always_gets_through() -> None:
    with LoopbackServer(faults=Faults(share=1.0, max_repeats=3)) as server:
        assert [asyncio.run(persist(server, request(), 4)) for _ in range(2)] == [4, 4]
    assert (sum(server.faulted.values()), len(server.answered), len(server.requests)) == (6, 2, 8)


def test_the_share_and_the_kinds_of_faults_are_kept() -> None:
    async def many(server: LoopbackServer) -> None:
        await asyncio.gather(*(persist(server, request(f"Moment {number}"), 6) for number in range(100)))

    with LoopbackServer(faults=Faults(share=0.3, kinds=("529", "500", "reset"), seed=1)) as server:
        asyncio.run(many(server))
    assert set(server.faulted) == {"529", "500", "reset"}
    assert 0.15 < sum(server.faulted.values()) / len(server.requests) < 0.45
    assert len(server.answered) == 100
    statuses = {"529": 529, "500": 500, "reset": None}
    assert all(received.status == statuses[received.fault] for received in server.requests if received.fault)


def test_faults_depend_on_the_seed_and_the_body_and_not_on_the_order() -> None:
    def faults(order: range, seed: int) -> dict[str, list[str | None]]:
        with LoopbackServer(faults=Faults(share=0.5, seed=seed)) as server:
            for number in order:
                asyncio.run(persist(server, request(f"Moment {number}"), 6))
            met: dict[str, list[str | None]] = {}
            for received in server.requests:
                met.setdefault(received.body["messages"][0]["content"], []).append(received.fault)
        return met

    assert faults(range(12), 1) == faults(range(11, -1, -1), 1)
    assert faults(range(12), 1) != faults(range(12), 2)


@both_ways
def test_every_named_fault_can_be_met(streamed: bool) -> None:
    kinds = ("cut_stream", "html_200", "mid_stream_error", "truncated_json", "reset", "429")
    with LoopbackServer(faults=Faults(share=1, kinds=kinds, max_repeats=9)) as server:
        for number in range(40):
            try:
                asyncio.run((get_streamed if streamed else get)(server, request(f"Moment {number % 20}")))
            except (anthropic.APIError, json.JSONDecodeError, AssertionError):
                continue
    assert set(server.faulted) == set(kinds)
    assert server.answered == []


def test_an_invalid_request_is_refused_before_it_meets_a_fault() -> None:
    with LoopbackServer(faults=Faults(share=1)) as server, pytest.raises(anthropic.BadRequestError):
        asyncio.run(get(server, request(messages=[])))
    assert not server.faulted


@pytest.mark.parametrize("options", [{"kinds": ("flood",)}, {"kinds": ()}, {"share": 1.5}])
def test_faults_that_cannot_be_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="faults"):
        Faults(**options)


# --- the server itself


def test_many_requests_at_once_are_answered_in_the_order_of_their_own_bodies() -> None:
    async def many(server: LoopbackServer) -> list[Any]:
        async with client_of(server) as client:
            asked = [request(f"Moment {number}", stream=False) for number in range(120)]
            return await asyncio.gather(*(client.messages.create(**each) for each in asked))

    def echo(body: dict[str, Any]) -> Reply:
        return Reply(text=body["messages"][0]["content"], latency_s=0.2)

    with LoopbackServer(answer=echo) as server:
        messages = asyncio.run(many(server))
        assert len(server.requests) == len(server.answered) == 120
    assert [texts(message) for message in messages] == [f"Moment {number}" for number in range(120)]
    assert all(first.at <= second.at for first, second in pairwise(server.requests))


def test_the_server_leaves_no_thread_and_no_open_port() -> None:
    before = threading.active_count()
    with LoopbackServer() as server:
        asyncio.run(get(server, request()))
        port = int(server.base_url.rpartition(":")[2])
    assert threading.active_count() == before
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0


def test_the_server_stops_quickly_while_a_request_waits() -> None:
    failed: list[Exception] = []

    def wait(server: LoopbackServer) -> None:
        try:
            asyncio.run(get(server, request()))
        except anthropic.APIConnectionError as error:
            failed.append(error)

    with LoopbackServer(answer=lambda _: Reply(text="late", latency_s=60)) as server:
        waiting = threading.Thread(target=wait, args=(server,))
        waiting.start()
        while not server.requests:
            time.sleep(0.01)
        started = time.monotonic()
    assert time.monotonic() - started < 2
    waiting.join()
    assert (len(failed), server.answered) == (1, [])


def test_a_taken_port_is_an_error_at_once() -> None:
    with LoopbackServer() as server:
        port = int(server.base_url.rpartition(":")[2])
        with pytest.raises(OSError, match="address already in use"), LoopbackServer(port=port):
            pass


@pytest.mark.parametrize("answer", [lambda body: body["no such key"], lambda _: "no reply"], ids=["raises", "no reply"])
def test_a_bug_in_the_test_s_answer_ends_the_block(answer: Any) -> None:
    def ask_once() -> None:
        with LoopbackServer(answer=answer) as server:
            with pytest.raises(anthropic.BadRequestError, match="the test's server raised"):
                asyncio.run(get(server, request()))
            assert len(server.requests) == 1

    with pytest.raises((KeyError, AttributeError)):
        ask_once()


def test_the_command_serves_until_it_is_told_to_stop() -> None:
    command = [sys.executable, "-m", "tests.loopback", "--port", "0", "--faults", "0.5"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        url = process.stdout.readline().split()[0].removeprefix("ANTHROPIC_BASE_URL=")
        server = LoopbackServer()
        server.base_url = url
        attempts = asyncio.run(persist(server, request(), 6))
        process.send_signal(signal.SIGINT)
        said = process.stdout.read()
    assert process.returncode == 0
    assert said.startswith(f"{attempts} requests, 1 answered; faults: ")
