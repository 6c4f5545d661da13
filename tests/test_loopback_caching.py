"""Prompt caching on the loopback server, as the vendor documents it, seen by the real SDK."""

import asyncio
import random
import string
from collections.abc import Sequence
from typing import Any

import anthropic
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.loopback import Latency, LoopbackServer, cut_stream, http_error
from tests.loopback.caching import Cache, minimum
from tests.loopback.clients import MODEL, Clock, asked, block, client_at
from tests.loopback.least import READ, WRITE, common, least
from tests.loopback.prompt import tokens

LONG = 4 * 600
"""Characters that are above the smallest minimum."""


def text(seed: object, length: int = LONG) -> str:
    return "".join(random.Random(str(seed)).choices(string.ascii_lowercase, k=length))


def turn(*blocks: Any, **changes: Any) -> dict[str, Any]:
    return asked(messages=[{"role": "user", "content": list(blocks)}], **changes)


def usages(bodies: Sequence[dict[str, Any]], server: LoopbackServer) -> list[Any]:
    """The usage of each request, one after the other."""

    async def run() -> list[Any]:
        async with client_at(server.base_url) as client:
            return [(await client.messages.create(**body)).usage for body in bodies]

    return asyncio.run(run())


def counts(usage: Any) -> tuple[int, int, int]:
    return usage.input_tokens, usage.cache_creation_input_tokens, usage.cache_read_input_tokens


def play(*bodies: dict[str, Any], clock: Clock | None = None) -> list[tuple[int, int, int]]:
    with LoopbackServer(caching=True, clock=clock or Clock()) as server:
        return [counts(usage) for usage in usages(bodies, server)]


def look(cache: Cache, body: dict[str, Any], now: float = 0, *, begin: bool = True) -> tuple[int, int, int]:
    """What one request is counted as, without a server."""
    reading = cache.look(body, now)
    reading.start()
    if begin:
        reading.begin()
    usage = reading.usage()
    return usage["input_tokens"], usage["cache_creation_input_tokens"], usage["cache_read_input_tokens"]


def refused(body: dict[str, Any]) -> str:
    with LoopbackServer(caching=True) as server, pytest.raises(anthropic.BadRequestError) as caught:
        usages([body], server)
    return caught.value.api_message or ""


# --- writing and reading


def test_a_marked_prefix_is_written_once_and_read_afterwards() -> None:
    bodies = [turn(block(text(1), "5m"), block(f"case {number}")) for number in range(3)]
    assert play(*bodies) == [(2, 600, 0), (2, 0, 600), (2, 0, 600)]


def test_usage_tells_the_lifetimes_apart() -> None:
    body = turn(block(text(1), "1h"), block(text(2, 400), "5m"), block("case"))
    with LoopbackServer(caching=True) as server:
        written, read = usages([body, body], server)
    assert (written.cache_creation.ephemeral_1h_input_tokens, written.cache_creation.ephemeral_5m_input_tokens) == (
        600,
        100,
    )
    assert counts(read) == (1, 0, 700)
    assert read.cache_creation.ephemeral_1h_input_tokens == 0


def test_nothing_is_written_without_a_mark_and_nothing_without_the_setting() -> None:
    assert play(turn(block(text(1))), turn(block(text(1), "5m"))) == [(600, 0, 0), (0, 600, 0)]
    body = turn(block(text(1), "5m"))
    with LoopbackServer() as server:
        assert [counts(usage)[1:] for usage in usages([body, body], server)] == [(0, 0), (0, 0)]


def test_tools_and_system_come_before_the_messages() -> None:
    tools = [{"name": "record", "description": text(1), "input_schema": {"type": "object"}}]
    body = asked(tools=tools, system=[block(text(2), "5m")])
    (first, second, other) = play(body, body, body | {"tools": [tools[0] | {"description": text(3)}]})
    assert first[1] == second[2] == other[1] > 1200
    assert other[2] == 0


def test_a_mark_on_the_varying_block_is_paid_every_time_and_never_read() -> None:
    bodies = [turn(block(text(1)), block(f"case {number}", "5m")) for number in range(3)]
    assert play(*bodies) == [(0, 602, 0)] * 3


def test_a_longer_prefix_pays_only_for_what_is_new() -> None:
    first, longer = turn(block(text(1), "5m")), turn(block(text(1)), block(text(2), "5m"))
    assert play(first, longer, longer) == [(0, 600, 0), (0, 600, 600), (0, 0, 1200)]


def test_automatic_caching_marks_the_last_block() -> None:
    talk = [{"role": "user", "content": text(1)}, {"role": "assistant", "content": "Yes."}]
    first = asked(messages=talk[:1], cache_control={"type": "ephemeral"})
    second = first | {"messages": [*talk, {"role": "user", "content": "And then?"}]}
    assert play(first, second) == [(0, 600, 0), (0, 4, 600)]


@pytest.mark.parametrize(("between", "read"), [(19, 600), (20, 0)])
def test_a_breakpoint_looks_back_at_twenty_blocks(between: int, read: int) -> None:
    start = turn(block(text(1), "5m"))
    parts = [block("x" * 4) for _ in range(between)]
    parts[-1] = block("x" * 4, "5m")
    assert play(start, turn(block(text(1)), *parts))[1][2] == read


def test_an_entry_is_the_exact_prefix_of_the_same_configuration() -> None:
    body = turn(block(text(1), "5m"))
    changes: list[dict[str, Any]] = [
        {"model": "claude-fable-5-2"},
        {"output_config": {"effort": "low"}},
        {"thinking": {"type": "adaptive"}},
        {
            "output_config": {
                "format": {"type": "json_schema", "schema": {"type": "object", "additionalProperties": False}}
            }
        },
        {"tool_choice": {"type": "none"}},
        {"messages": [{"role": "user", "content": [block(text(1) + ".", "5m")]}]},
        {"messages": [{"role": "user", "content": [block(text(1)[:9]), block(text(1)[9:], "5m")]}]},
    ]
    for change in changes:
        assert play(body, body | change)[1][2] == 0
    for change in ({"max_tokens": 9}, {"stop_sequences": ["x"]}, {"metadata": {"user_id": "a"}}):
        assert play(body, body | change)[1][2] == 600


def test_moving_the_mark_loses_nothing() -> None:
    first = turn(block(text(1), "5m"), block("case"))
    second = turn(block(text(1)), block("case", "5m"))
    assert play(first, second)[1] == (0, 1, 600)


@pytest.mark.parametrize(
    ("model", "least_tokens"),
    [
        ("claude-fable-5-2", 512),
        ("claude-opus-5-5", 512),
        ("claude-haiku-5-5", 512),
        ("claude-opus-4-8", 1024),
        ("claude-sonnet-5", 1024),
        ("claude-sonnet-4-5-20250929", 1024),
        ("claude-opus-4-7", 2048),
        ("claude-mythos-preview", 2048),
        ("claude-opus-4-5", 4096),
        ("claude-haiku-4-5-20251001", 4096),
        ("cand-local", 512),
    ],
)
def test_a_prefix_below_the_model_s_minimum_is_silently_not_cached(model: str, least_tokens: int) -> None:
    assert minimum(model) == least_tokens
    for size, written in ((least_tokens - 1, 0), (least_tokens, least_tokens)):
        body = turn(block(text(1, 4 * size), "5m"), model=model)
        assert look(Cache(), body)[1] == written


# --- times


def test_a_lifetime_runs_from_the_request_and_anew_from_each_hit() -> None:
    for ttl, life in (("5m", 300), ("1h", 3600)):
        cache, body = Cache(), turn(block(text(1), ttl))
        reads = [look(cache, body, now)[2] for now in (0, life - 1, 2 * life - 2, 3 * life - 2)]
        assert reads == [0, 600, 600, 0]


def test_requests_at_once_all_miss_and_one_after_the_first_has_begun_hits() -> None:
    async def run(server: LoopbackServer) -> list[int]:
        async with client_at(server.base_url) as client:
            both = await asyncio.gather(*(client.messages.create(**body) for body in bodies))
            after = await client.messages.create(**bodies[0])
            return [message.usage.cache_read_input_tokens or 0 for message in (*both, after)]

    bodies = [turn(block(text(1), "5m"), block(f"case {number}")) for number in range(2)]
    with LoopbackServer(caching=True, latency=Latency(0.25)) as server:
        assert asyncio.run(run(server)) == [0, 0, 600]


def test_a_streamed_answer_has_begun_with_its_first_event() -> None:
    async def run(server: LoopbackServer) -> int:
        async with client_at(server.base_url) as client, client.messages.stream(**body) as stream:
            async for _ in stream:
                other = await client.messages.create(**body)
                return other.usage.cache_read_input_tokens or 0
        raise AssertionError

    body = turn(block(text(1), "5m"))
    with LoopbackServer(caching=True, latency=Latency(0.2, first_s=0.02)) as server:
        assert asyncio.run(run(server)) == 600


def test_an_answer_that_never_begins_writes_nothing_and_one_that_is_cut_does() -> None:
    body = turn(block(text(1), "5m"))

    def read_after(first: Any) -> int:
        replies = iter([first])
        with LoopbackServer(lambda _: next(replies, cut_stream("x")), caching=True) as server:
            for _ in range(2):
                with pytest.raises((anthropic.APIError, ValueError)):
                    usages([body], server)
            return server.ledger.tokens["read"]

    assert read_after(http_error(500)) == 0
    assert read_after(cut_stream("x")) == 600


# --- rules


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"system": [block("a", "5m")] * 5}, "at most 4"),
        ({"system": [block("a", "5m")] * 4, "cache_control": {"type": "ephemeral"}}, "at most 4"),
        ({"system": [block("a", "5m"), block("b", "1h")]}, "after a ttl of 5m"),
        ({"system": [block("a", "5m")], "cache_control": {"type": "ephemeral", "ttl": "1h"}}, "after a ttl of 5m"),
        ({"system": [block("a", "2h")]}, "cache_control.ttl"),
        ({"cache_control": {"type": "lasting"}}, "cache_control.type"),
        (turn(block("a", "1h")) | {"cache_control": {"type": "ephemeral"}}, "another ttl"),
    ],
)
def test_marks_that_do_not_fit_are_refused(changes: dict[str, Any], named: str) -> None:
    assert named in refused(asked(**changes) if "messages" not in changes else changes)


def test_a_top_level_mark_on_a_marked_last_block_changes_nothing() -> None:
    body = turn(block(text(1), "5m"))
    assert play(body, body | {"cache_control": {"type": "ephemeral"}}) == [(0, 600, 0), (0, 0, 600)]


# --- laws


pieces = st.lists(
    st.tuples(st.text("abc", min_size=1, max_size=900), st.sampled_from([None, None, "5m"])), min_size=1, max_size=6
)


def marked(parts: Sequence[tuple[str, str | None]]) -> dict[str, Any]:
    return turn(*(block(part, ttl) for part, ttl in parts[:4]), *(block(part) for part, _ in parts[4:]))


@given(st.lists(pieces, min_size=1, max_size=5))
def test_no_split_into_blocks_and_no_mark_changes_the_total(prompts: list[list[tuple[str, str | None]]]) -> None:
    cache = Cache()
    for parts in prompts:
        whole = "".join(part for part, _ in parts)
        assert sum(look(cache, marked(parts))) == tokens(len(whole)) == sum(look(Cache(), turn(block(whole))))


@given(st.lists(st.text("ab", max_size=40), max_size=12))
def test_the_least_is_the_sum_over_the_nodes_of_the_trie(texts: list[str]) -> None:
    uses: dict[str, int] = {}
    for each in texts:
        for end in range(1, len(each) + 1):
            uses[each[:end]] = uses.get(each[:end], 0) + 1
    nodes = [1 if count == 1 else WRITE["5m"] + READ * (count - 1) for count in uses.values()]
    assert least(texts) == pytest.approx(sum(nodes) / 4)


@given(st.text("ab"), st.text("ab"))
def test_what_two_texts_have_in_common_is_the_longest_prefix_of_both(first: str, second: str) -> None:
    length = common(first, second)
    assert first[:length] == second[:length]
    assert first[length : length + 1] != second[length : length + 1] or length == min(len(first), len(second))


@given(st.lists(pieces, min_size=1, max_size=8))
def test_no_client_is_billed_less_than_the_least(prompts: list[list[tuple[str, str | None]]]) -> None:
    clock = Clock()
    cache, billed = Cache(), 0.0
    for parts in prompts:
        plain, written, read = look(cache, marked(parts), clock())
        billed += plain + WRITE["5m"] * written + READ * read
    assert billed >= least(["".join(part for part, _ in parts) for parts in prompts]) - 1


# --- the accounts


def test_the_accounts_weigh_what_the_answers_told() -> None:
    bodies = [turn(block(text(1), "5m"), block(text(number, 400), "5m"), block("!" * 400)) for number in range(4)]
    with LoopbackServer(caching=True) as server:
        told = usages(bodies, server)
    kinds = server.summary()["tokens"]
    assert kinds["plain"] == sum(usage.input_tokens for usage in told)
    assert kinds["read"] == sum(usage.cache_read_input_tokens for usage in told)
    summary = server.summary()
    assert summary["billed"] == pytest.approx(400 + 1.25 * (600 + 400) + 0.1 * 1800)
    assert summary["uncached"] == 4 * 800
    assert summary["least"] == pytest.approx(1.25 * 600 + 0.1 * 1800 + 4 * 200, abs=8)


def test_the_least_shares_nothing_across_models() -> None:
    names = (MODEL, MODEL, "claude-fable-5-2")
    with LoopbackServer(caching=True) as server:
        usages([turn(block(text(1)), model=name) for name in names], server)
    assert server.summary()["least"] == pytest.approx(600 * 1.35 + 600)


def test_each_request_is_known_by_how_often_it_was_answered_streamed_or_not() -> None:
    async def run(server: LoopbackServer) -> None:
        async with client_at(server.base_url) as client:
            await client.messages.create(**asked("a"))
            await client.messages.create(**asked("b"))
            async with client.messages.stream(**asked("a")) as stream:
                await stream.get_final_message()

    with LoopbackServer() as server:
        asyncio.run(run(server))
    assert sorted(server.ledger.times_answered.values()) == [1, 2]
    summary = server.summary()
    assert (summary["answered"], summary["distinct_answered"], summary["answered_again"]) == (3, 2, 1)
