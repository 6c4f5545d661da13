"""A message grown from the events of a stream is the one that comes in one piece, and the one that the SDK makes."""

from typing import Any

import pytest
from anthropic.lib.streaming._messages import accumulate_event
from hypothesis import given
from hypothesis import strategies as st

from nextstep.models.streaming import Growing
from tests.loopback import wire
from tests.loopback.replies import Reply

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
BLOCKS = st.one_of(
    st.builds(lambda text: {"type": "text", "text": text, "citations": None}, TEXT),
    st.builds(lambda text: {"type": "thinking", "thinking": text, "signature": "c2ln"}, TEXT),
    st.just({"type": "redacted_thinking", "data": "ZGF0YQ=="}),
)
COUNTS = st.fixed_dictionaries({}, optional=dict.fromkeys(["input_tokens", "output_tokens"], st.integers(1, 10**6)))
MESSAGES = st.builds(
    lambda blocks, usage, why: wire.message(Reply(blocks=blocks, usage=usage, stop_reason=why), {"model": "m"}, 1),
    st.lists(BLOCKS, max_size=4),
    COUNTS,
    st.sampled_from(["end_turn", "max_tokens", "refusal"]),
)


def grown(events: list[Any]) -> dict[str, Any]:
    growing = Growing()
    for event in events:
        growing.add(event)
    return growing.message


@given(MESSAGES)
def test_a_message_grown_from_its_events_is_the_message(whole: dict[str, Any]) -> None:
    assert grown(list(wire.events(whole))) == whole


@given(MESSAGES)
def test_it_grows_as_with_the_sdk(whole: dict[str, Any]) -> None:
    events = [event for event in wire.events(whole) if event["type"] != "ping"]
    snapshot: Any = None
    for event in events:
        snapshot = accumulate_event(event=event, current_snapshot=snapshot, json_bufs={})  # type: ignore[arg-type]
    assert grown(events) == snapshot.to_dict()


def test_citations_come_one_by_one() -> None:
    began = [
        {"type": "message_start", "message": {"content": []}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": "", "citations": None}},
    ]
    cited = [
        {"type": "content_block_delta", "index": 0, "delta": {"type": "citations_delta", "citation": {"n": number}}}
        for number in range(2)
    ]
    assert grown([*began, *cited])["content"][0]["citations"] == [{"n": 0}, {"n": 1}]


def test_what_is_told_as_null_takes_nothing_back() -> None:
    whole = wire.message(Reply(text="Look."), {"model": "m"}, 1)
    events = list(wire.events(whole))
    events[-2]["usage"] = dict.fromkeys(events[-2]["usage"]) | {"output_tokens": 7}
    assert grown(events)["usage"] == whole["usage"] | {
        "output_tokens": 7,
        "output_tokens_details": {"thinking_tokens": 0},
    }


def test_events_of_types_to_come_say_nothing() -> None:
    events = list(wire.events(wire.message(Reply(text="Look."), {"model": "m"}, 1)))
    odd = {"type": "content_block_delta", "index": 0, "delta": {"type": "smell_delta", "smell": "smoke"}}
    assert grown([*events[:4], {"type": "weather"}, odd, *events[4:]]) == grown(events)


@pytest.mark.parametrize("event", [[], "text", 5, None, {}, {"type": "message_start"}, {"type": "message_delta"}])
def test_what_cannot_be_next_is_an_error(event: Any) -> None:
    with pytest.raises((LookupError, TypeError)):
        grown([event])


def test_there_is_no_message_before_its_start() -> None:
    with pytest.raises(LookupError):
        grown([])
