"""One way to read a reply, fresh from a server or from the store."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nextstep.core.records import Usage
from nextstep.models.base import answer_of, reply_body

TEXT = {"type": "text", "text": "Look."}


def read(**message: Any) -> tuple[str, str, Usage]:
    made = answer_of(json.dumps({"type": "message", "stop_reason": "end_turn"} | message))
    return made.text, made.stop_reason, made.usage


@settings(max_examples=50)
@given(st.text(), st.sampled_from(["end_turn", "max_tokens"]))
def test_a_body_says_what_it_was_made_to_say(text: str, stop_reason: str) -> None:
    body = reply_body(text, stop_reason)
    made = answer_of(body)
    assert (made.body, made.text, made.stop_reason, made.usage) == (body, text, stop_reason, Usage())


def test_a_body_is_read_in_the_store_as_it_was_said() -> None:
    assert "日本" in reply_body("日本")


def test_what_is_known_of_a_call_is_kept_beside_what_the_body_says() -> None:
    made = answer_of(reply_body("x"), request_id="req", latency_s=1.5, attempts=3)
    assert (made.request_id, made.latency_s, made.attempts) == ("req", 1.5, 3)
    stored = answer_of(reply_body("x"))
    assert (stored.request_id, stored.latency_s, stored.attempts) == (None, 0, 1)


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ([TEXT], "Look."),
        ([TEXT, TEXT], "Look.Look."),
        ([{"type": "thinking", "thinking": "Hm.", "text": "no"}, TEXT], "Look."),
        ([{"type": "redacted_thinking", "data": "x"}, TEXT], "Look."),
        ([{"type": "hunch", "text": "no"}, TEXT], "Look."),
        ([{"text": "no"}, TEXT], "Look."),
        ([{"type": "text", "text": None}, TEXT], "Look."),
        ([{"type": "text"}, TEXT], "Look."),
        ([{"type": "text", "text": 5}, TEXT], "Look."),
        ([], ""),
        (None, ""),
    ],
)
def test_the_text_is_that_of_the_text_blocks_alone(content: Any, text: str) -> None:
    assert read(content=content)[0] == text


def test_a_reply_without_content_has_no_text() -> None:
    assert read()[0] == ""


def test_half_a_surrogate_pair_does_not_keep_a_text_from_the_store() -> None:
    text = answer_of('{"content": [{"type": "text", "text": "a \\ud83d b"}], "stop_reason": "end_turn"}').text
    assert text == "a ? b"
    assert answer_of('{"content": [{"type": "text", "text": "\\ud83d\\udc3b"}]}').text == "\N{BEAR FACE}"


def test_usage_is_read_by_the_apis_names_each_token_once() -> None:
    said = {
        "input_tokens": 1,
        "output_tokens": 2,
        "cache_read_input_tokens": 3,
        "cache_creation_input_tokens": 4,
        "service_tier": "standard",
        "cache_creation": {"ephemeral_5m_input_tokens": 4},
    }
    expected = Usage(input_tokens=1, output_tokens=2, cache_read_tokens=3, cache_write_tokens=4)
    assert read(content=[TEXT], usage=said)[2] == expected


def test_a_count_of_nothing_is_nothing_and_not_unknown() -> None:
    assert read(usage={"input_tokens": 0, "output_tokens": 0})[2] == Usage(input_tokens=0, output_tokens=0)


@pytest.mark.parametrize("said", [None, {}, [], "many", 7, {"input_tokens": None}, {"tokens": 5}])
def test_usage_that_is_not_told_is_unknown(said: Any) -> None:
    assert read(content=[TEXT], usage=said) == ("Look.", "end_turn", Usage())


@pytest.mark.parametrize("odd", [-1, "12", 1.5, [3], {}])
def test_a_count_that_is_none_is_unknown_and_the_others_stand(odd: Any) -> None:
    assert read(usage={"input_tokens": odd, "output_tokens": 2})[2] == Usage(output_tokens=2)


@pytest.mark.parametrize("text", ["", "{", "<html>"])
def test_a_body_that_is_no_json_is_a_bug_and_not_an_answer(text: str) -> None:
    with pytest.raises(ValueError, match="line 1"):
        answer_of(text)
