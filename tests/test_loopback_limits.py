"""Rate limits, outages and latency of the loopback server, seen by the real SDK."""

import asyncio
import time
from datetime import datetime
from typing import Any

import anthropic
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.loopback import Latency, Limits, LoopbackServer, Outages
from tests.loopback.clients import MODEL, Clock, asked, block, client_at
from tests.loopback.limits import Gate, model_class
from tests.loopback.process import serving

PARTS = ("limit", "remaining", "reset")
KINDS = ("requests", "input-tokens", "output-tokens", "tokens")


def send(server: LoopbackServer, *bodies: dict[str, Any]) -> list[Any]:
    """Each request's raw response or its error, one after the other."""

    async def run() -> list[Any]:
        async with client_at(server.base_url) as client:
            got: list[Any] = []
            for body in bodies:
                try:
                    got.append(await client.messages.with_raw_response.create(**body))
                except anthropic.APIStatusError as error:
                    got.append(error)
            return got

    return asyncio.run(run())


def status(got: Any) -> int:
    return int(got.status_code)


def headers(got: Any) -> Any:
    return got.response.headers if isinstance(got, anthropic.APIStatusError) else got.headers


def told(got: Any, kind: str, part: str) -> str:
    return str(headers(got)[f"anthropic-ratelimit-{kind}-{part}"])


# --- rate limits


def test_requests_above_the_limit_are_refused_until_retry_after_is_over() -> None:
    clock = Clock()
    with LoopbackServer(limits=Limits(rpm=3), clock=clock) as server:
        *passed, refused = send(server, *(asked(str(number)) for number in range(4)))
        assert [status(got) for got in passed] == [200] * 3
        assert (type(refused), refused.type) == (anthropic.RateLimitError, "rate_limit_error")
        wait = int(headers(refused)["retry-after"])
        assert wait == 20
        clock.now += wait - 0.5
        assert status(send(server, asked("3"))[0]) == 429
        clock.now += 1
        assert status(send(server, asked("3"))[0]) == 200
    assert server.refused == {MODEL: 2}
    assert server.summary()["refused"] == {MODEL: 2}


def test_a_retry_before_its_time_fails_even_when_there_is_room() -> None:
    clock = Clock()
    with LoopbackServer(limits=Limits(rpm=100, burst_s=0.6), clock=clock) as server:
        assert [status(got) for got in send(server, asked("a"), asked("b"))] == [200, 429]
        clock.now += 0.7
        early, other = send(server, asked("b"), asked("c"))
        assert (status(early), status(other)) == (429, 200)
        clock.now += 1
        assert status(send(server, asked("b"))[0]) == 200


def test_every_answer_tells_all_limits_as_of_the_moment_it_was_accounted() -> None:
    clock = Clock()
    with LoopbackServer(limits=Limits(rpm=60, itpm=12_000, otpm=9_000), clock=clock) as server:
        first, wrong, refused = send(server, asked("x" * 6000), asked(messages=[]), asked("x" * 60_000))
    for got in (first, wrong, refused):
        assert all(told(got, kind, part) for kind in KINDS for part in PARTS)
    assert (told(first, "requests", "limit"), told(first, "requests", "remaining")) == ("60", "59")
    assert (told(first, "input-tokens", "limit"), told(first, "input-tokens", "remaining")) == ("12000", "10000")
    assert told(first, "output-tokens", "remaining") == "9000"
    assert told(first, "tokens", "limit") == "12000"
    assert datetime.fromisoformat(told(first, "requests", "reset")).timestamp() == clock.now + 1
    assert (status(wrong), status(refused)) == (400, 429)
    assert told(wrong, "requests", "remaining") == "59"


def test_models_of_one_class_share_a_bucket_and_others_do_not() -> None:
    assert model_class("claude-opus-4-5") == model_class("claude-opus-4-8") != model_class("claude-opus-5")
    assert (
        model_class("claude-sonnet-4-5-20250929") == model_class("claude-sonnet-4-6") != model_class("claude-opus-4-6")
    )
    assert len({model_class(f"claude-{line}-5-5") for line in ("opus", "sonnet", "haiku")}) == 3
    with LoopbackServer(limits=Limits(rpm=1), clock=Clock()) as server:
        names = ("claude-opus-4-6", "claude-opus-4-7", MODEL, "cand-a", "cand-b")
        assert [status(got) for got in send(server, *(asked(model=name) for name in names))] == [
            200,
            429,
            200,
            200,
            200,
        ]


def test_a_class_may_have_limits_of_its_own() -> None:
    limits = Limits(rpm=1, classes={"opus-5-5": Limits(rpm=2)})
    with LoopbackServer(limits=limits, clock=Clock()) as server:
        bodies = [asked(str(number), model=name) for name in (MODEL, "cand-a") for number in range(3)]
        assert [status(got) for got in send(server, *bodies)] == [200, 200, 429, 200, 429, 429]


def test_tokens_read_from_the_cache_are_free() -> None:
    def passed(**settings: Any) -> int:
        bodies = [
            asked(messages=[{"role": "user", "content": [block("x" * 4000, "5m"), block(str(n))]}]) for n in range(9)
        ]
        with LoopbackServer(limits=Limits(itpm=3000), clock=Clock(), **settings) as server:
            return sum(status(got) == 200 for got in send(server, *bodies))

    assert (passed(), passed(caching=True)) == (2, 9)


def test_a_refused_request_does_not_touch_the_cache() -> None:
    clock = Clock()
    body = asked(messages=[{"role": "user", "content": [block("x" * 4000, "5m")]}])
    with LoopbackServer(limits=Limits(rpm=0.3, burst_s=200), caching=True, clock=clock) as server:
        assert status(send(server, body)[0]) == 200
        clock.now += 190
        assert status(send(server, body)[0]) == 429
        clock.now += 120
        assert status(send(server, body)[0]) == 200
    assert server.ledger.tokens["read"] == 0


def test_output_tokens_are_taken_when_they_are_known() -> None:
    with LoopbackServer(limits=Limits(otpm=20), clock=Clock()) as server:
        assert [status(got) for got in send(server, asked("a"), asked("b"))] == [200, 429]


bursts = st.sampled_from([1.0, 5.0, 60.0])


@given(st.integers(1, 600), bursts, st.lists(st.floats(0, 3), min_size=1, max_size=80), st.integers(1, 9))
def test_no_more_pass_than_a_full_bucket_and_what_refills(
    rpm: int, burst_s: float, gaps: list[float], at_once: int
) -> None:
    gate, now, passed = Gate(Limits(rpm=rpm, burst_s=burst_s)), 1000.0, 0
    for gap in gaps:
        now += gap
        passed += sum(gate.take(MODEL, f"{now}:{n}".encode(), 0, now)[1] is None for n in range(at_once))
    capacity = max(1, rpm * burst_s / 60)
    assert passed <= capacity + sum(gaps) * rpm / 60 + 1e-3
    assert passed + gate.refused.total() == len(gaps) * at_once


@given(st.integers(1, 600), bursts, st.integers(1, 40), st.integers(0, 5000))
def test_whoever_waits_as_told_gets_through(rpm: int, burst_s: float, count: int, size: int) -> None:
    gate, now = Gate(Limits(rpm=rpm, itpm=rpm * 100, burst_s=burst_s)), 1000.0
    for number in range(count):
        told_headers, refusal = gate.take(MODEL, b"%d" % number, size, now)
        if refusal:
            now += int(refusal.headers["retry-after"])
            told_headers, refusal = gate.take(MODEL, b"%d" % number, size, now)
        assert refusal is None
        assert int(told_headers["anthropic-ratelimit-requests-remaining"]) >= 0


def test_the_timeline_counts_answers_by_model_and_second() -> None:
    clock = Clock()
    with LoopbackServer(clock=clock) as server:
        send(server, asked("a"), asked("b"))
        clock.now += 2.5
        send(server, asked("c"), asked("a", model="cand-a"))
    summary = server.summary()
    assert summary["answered_per_second"] == {MODEL: [2, 0, 1], "cand-a": [0, 0, 1]}
    assert summary["span_s"] == 2.5


# --- outages


def test_in_an_outage_every_message_gets_a_529_that_does_not_say_when_to_come_back() -> None:
    clock = Clock()
    with LoopbackServer(clock=clock) as server:
        server.outage(30)
        (got,) = send(server, asked())
        assert (type(got), got.type) == (anthropic.OverloadedError, "overloaded_error")
        assert "retry-after" not in headers(got)
        clock.now += 30
        assert status(send(server, asked())[0]) == 200


def test_outages_can_be_planned_and_can_say_when_to_come_back() -> None:
    clock, found = Clock(), []
    with LoopbackServer(clock=clock, outages=Outages([(1, 2), (4, 5)], retry_after=7)) as server:
        for _ in range(6):
            (got,) = send(server, asked())
            found.append((status(got), headers(got).get("retry-after")))
            clock.now += 1
    assert found == [(200, None), (529, "7"), (200, None), (200, None), (529, "7"), (200, None)]


# --- latency


def test_an_answer_takes_as_long_as_it_is_set_to() -> None:
    async def run(server: LoopbackServer) -> tuple[float, float, float]:
        async with client_at(server.base_url) as client:
            await client.models.retrieve(MODEL)
            started = time.monotonic()
            await client.messages.create(**asked())
            whole = time.monotonic() - started
            started, first = time.monotonic(), 0.0
            async for _ in await client.messages.create(**asked(), stream=True):
                first = first or time.monotonic() - started
            return whole, first, time.monotonic() - started

    with LoopbackServer(latency=Latency(0.2, first_s=0.05)) as server:
        whole, first, end = asyncio.run(run(server))
    assert whole >= 0.2
    assert end >= 0.2
    assert 0.05 <= first < end


def test_an_error_does_not_wait() -> None:
    with LoopbackServer(latency=Latency(30), limits=Limits(rpm=1), outages=Outages([(0, 999)])) as server:
        assert status(send(server, asked())[0]) == 529


@given(st.binary(min_size=32, max_size=32), st.integers(0, 9))
def test_a_spread_is_drawn_from_the_seed_the_request_and_how_often_it_came(digest: bytes, seed: int) -> None:
    drawn = [Latency(1, spread=0.5, seed=seed).of(digest, times)[1] for times in range(9)]
    assert drawn == [Latency(1, spread=0.5, seed=seed).of(digest, times)[1] for times in range(9)]
    assert len(set(drawn)) == 9
    assert Latency(1).of(digest, 3) == (0.5, 1)


def test_the_spread_has_its_median_where_it_is_set() -> None:
    drawn = sorted(Latency(2, spread=0.5).of(b"%032d" % number, 1)[1] for number in range(2001))
    assert drawn[1000] == pytest.approx(2, rel=0.1)
    assert drawn[1900] / drawn[1000] == pytest.approx(2.28, rel=0.1)


@pytest.mark.parametrize("wrong", [{"whole_s": -1}, {"whole_s": 1, "first_s": 2}, {"spread": -1}])
def test_latencies_that_cannot_be_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="latencies"):
        Latency(**wrong)


# --- the process


def test_the_server_in_its_own_process_gives_its_accounts_at_the_end() -> None:
    async def run(url: str) -> list[Any]:
        async with client_at(url) as client:
            body = asked(messages=[{"role": "user", "content": [block("x" * 4000, "5m")]}])
            sent = [await client.messages.create(**body) for _ in range(2)]
            refused = await asyncio.gather(client.messages.create(**asked("c")), return_exceptions=True)
            return [*sent, *refused]

    with serving(caching=True, rpm=2, burst=60, latency=0.01, outage=["900:901"], trusting=True) as server:
        got = asyncio.run(run(server.base_url))
    assert isinstance(got[-1], anthropic.RateLimitError)
    summary = server.summary
    assert (summary["requests"], summary["answered"], summary["answered_again"]) == (3, 2, 1)
    assert (summary["statuses"], summary["refused"]) == ({"200": 2, "429": 1}, {MODEL: 1})
    assert (summary["billed"], summary["uncached"], summary["least"]) == (1350, 2000, 1350)
    assert summary["cpu_s"] > 0
