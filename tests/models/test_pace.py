"""The line of a server: never too many, never out of order, as fast as it is let; all in a time that passes at once."""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nextstep.models.pace import BROKEN, DOUBLED_S, FIRST, LAST_PROBE_S, START, Pace, Slots, Turn
from tests.loopback import LoopbackServer, Reply, http_error, plain
from tests.loopback.limits import Limits
from tests.loopback.replies import Body
from tests.models.asking import opened
from tests.models.limited import Setting, simulate
from tests.models.made_up import request
from tests.virtual import now, run

How = Callable[[Turn], None]


def answered(turn: Turn) -> None:
    turn.answered({})


def refused(turn: Turn, retry_after: float | None = None) -> None:
    turn.refused({}, retry_after)


def failed(turn: Turn, retry_after: float | None = None) -> None:
    turn.failed(retry_after)


def given_up(_: Turn) -> None:
    """It was not sent after all."""


@dataclass
class Calls:
    """Calls in lines that share connections, which stay under way until they are told how they end."""

    slots: Slots
    under_way: list["Call"] = field(default_factory=list)
    began: list[int] = field(default_factory=list)
    made: list["Call"] = field(default_factory=list)

    @classmethod
    def over(cls, most: int) -> "Calls":
        return cls(Slots(most, now))

    async def ask(self, times: int = 1, line: str = "a") -> None:
        """Put so many calls into a line, and let go whoever may."""
        for _ in range(times):
            Call(self, self.slots.line(line), len(self.made))
        await settle()

    async def end(self, how: How, calls: Iterable["Call"] | None = None) -> None:
        """Let these end like this, or all that are under way."""
        for call in list(self.under_way if calls is None else calls):
            if not call.ends.done():
                call.ends.set_result(how)
        await settle()

    async def answer_all(self) -> None:
        """Until nobody waits."""
        while not all(call.task.done() for call in self.made):
            await self.end(answered)
            if not self.under_way:
                await asyncio.sleep(1.0)


class Call:
    """One of them."""

    def __init__(self, calls: Calls, line: Pace, number: int) -> None:
        self.calls, self.line, self.number = calls, line, number
        self.ends: asyncio.Future[How] = asyncio.get_running_loop().create_future()
        calls.made.append(self)
        self.task = asyncio.create_task(self.go())

    async def go(self) -> None:
        async with self.line.turn(400) as turn:
            self.calls.under_way.append(self)
            self.calls.began.append(self.number)
            try:
                (await self.ends)(turn)
            finally:
                self.calls.under_way.remove(self)


async def settle() -> None:
    """Let everybody do what they can do now."""
    for _ in range(6):
        await asyncio.sleep(0)


async def begun(calls: Calls) -> None:
    """Let a line have as many calls under way as it may while it knows nothing."""
    await calls.ask(START)
    await asyncio.sleep(1.0)
    assert len(calls.under_way) == START


ENDS: list[How] = [
    answered,
    refused,
    failed,
    given_up,
    lambda turn: refused(turn, 3.0),
    lambda turn: failed(turn, 7.0),
]
STEPS = st.one_of(
    st.tuples(st.just("ask"), st.sampled_from("ab"), st.integers(1, 9)),
    st.tuples(st.just("end"), st.integers(0, 9), st.sampled_from(ENDS)),
    st.tuples(st.just("end all"), st.just(0), st.sampled_from(ENDS)),
    st.tuples(st.just("cancel"), st.integers(0, 99), st.booleans()),
    st.tuples(st.just("pass"), st.sampled_from([0.1, 1.0, 10.0, 10_000.0]), st.none()),
)


@settings(max_examples=60)
@given(st.integers(1, 12) | st.just(START), st.lists(STEPS, max_size=40))
def test_whatever_happens_no_place_is_lost_or_given_twice(most: int, steps: list[tuple[str, object, object]]) -> None:
    async def work() -> None:
        calls = Calls.over(most)
        for step in steps:
            await _do(calls, step)
            _check(calls)
        await calls.answer_all()
        _check(calls)
        lines = calls.slots.lines.values()
        assert (calls.slots.used, [line.under_way for line in lines]) == (0, [0 for _ in lines])
        assert not any(line.waiting for line in lines)

    run(work())


async def _do(calls: Calls, step: tuple[str, object, object]) -> None:
    match step:
        case ("ask", str(line), int(times)):
            await calls.ask(times, line)
        case ("end", int(which), how) if calls.under_way:
            await calls.end(how, [calls.under_way[which % len(calls.under_way)]])  # type: ignore[arg-type]
        case ("end all", _, how):
            await calls.end(how)  # type: ignore[arg-type]
        case ("cancel", int(which), at_once) if calls.made:
            calls.made[which % len(calls.made)].task.cancel()
            if not at_once:
                await settle()
        case ("pass", float(seconds), _):
            await asyncio.sleep(seconds)
        case _:
            return


def _check(calls: Calls) -> None:
    lines = calls.slots.lines.values()
    assert calls.slots.used == sum(line.under_way for line in lines) <= calls.slots.most
    assert len(calls.under_way) <= calls.slots.used
    assert all(1 <= line.level <= calls.slots.most for line in lines)


def test_a_call_that_is_cancelled_just_as_its_turn_comes_gives_it_back() -> None:
    async def work() -> None:
        calls = Calls.over(1)
        await calls.ask(3)
        first, second, third = calls.made
        line = calls.slots.lines["a"]
        first.ends.set_result(answered)
        while len(line.waiting) == 2:  # noqa: ASYNC110 - one step of the loop at a time
            await asyncio.sleep(0)
        assert (line.under_way, calls.under_way) == (1, [])
        second.task.cancel()
        await settle()
        assert calls.under_way == [third]
        await calls.end(answered)
        assert (calls.slots.used, line.under_way) == (0, 0)

    run(work())


def test_who_came_first_goes_first_over_all_lines() -> None:
    async def work() -> None:
        calls = Calls.over(2)
        for line in "abbaabab":
            await calls.ask(1, line)
        while calls.under_way:
            await calls.end(answered, calls.under_way[:1])
        assert calls.began == sorted(calls.began)

    run(work())


def test_a_line_begins_with_a_few_and_lets_more_go_while_nobody_refuses() -> None:
    async def work() -> None:
        calls = Calls.over(1_000)
        await calls.ask(1_000)
        counts = [len(calls.under_way)]
        for _ in range(6):
            await asyncio.sleep(DOUBLED_S)
            counts.append(len(calls.under_way))
        assert (counts[0], counts[-1]) == (FIRST, START)
        assert all(one <= 2 * before + 1 for before, one in pairwise(counts))

    run(work())


@pytest.mark.parametrize("seconds", [1.0, 60.0, 1e4, 1e6])
def test_the_first_answer_may_take_any_time_before_others_come(seconds: float) -> None:
    async def work() -> None:
        calls = Calls.over(START)
        await calls.ask(1)
        await asyncio.sleep(seconds)
        await calls.ask(START - 1)
        assert len(calls.under_way) == START
        await calls.answer_all()

    run(work())


def test_a_bug_in_the_line_is_told_to_all_who_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    async def work() -> None:
        calls = Calls.over(1)
        await calls.ask(3)
        monkeypatch.setattr(Pace, "_room", lambda *_: 1 / 0)
        await calls.end(answered)
        ended = await asyncio.gather(*(call.task for call in calls.made), return_exceptions=True)
        assert [type(one) for one in ended] == [type(None), ZeroDivisionError, ZeroDivisionError]
        assert calls.slots.used == 0

    run(work())


@pytest.mark.parametrize("how", [refused, failed])
def test_who_is_refused_at_the_beginning_does_not_go_on_to_begin(how: How) -> None:
    async def work() -> None:
        calls = Calls.over(1_000)
        await calls.ask(1_000)
        await asyncio.sleep(DOUBLED_S)
        sent = len(calls.under_way)
        await calls.end(how)
        await asyncio.sleep(DOUBLED_S)
        assert BROKEN <= sent == len(calls.began) <= 2 * FIRST

    run(work())


def test_a_line_that_has_begun_doubles_with_each_round_of_answers() -> None:
    async def work() -> None:
        calls = Calls.over(1_000)
        await begun(calls)
        await calls.ask(1_000)
        rounds = [len(calls.under_way)]
        for _ in range(2):
            await calls.end(answered)
            rounds.append(len(calls.under_way))
        assert rounds == [START, 2 * START, 4 * START]

    run(work())


def test_one_step_back_is_taken_for_each_episode_and_not_for_each_refusal() -> None:
    async def work() -> None:
        calls = Calls.over(1_000)
        await begun(calls)
        line = calls.slots.lines["a"]
        await calls.end(refused)
        assert line.level == 0.75 * START
        await calls.ask(START)
        await asyncio.sleep(5.0)
        assert len(calls.under_way) == int(0.75 * START)
        await calls.end(refused)
        assert line.level == pytest.approx(0.75**2 * START)

    run(work())


@pytest.mark.parametrize("how", [refused, failed])
def test_retry_after_holds_all_calls_of_the_line_and_no_others(how: Callable[[Turn, float], None]) -> None:
    async def work() -> None:
        calls = Calls.over(100)
        await calls.ask(BROKEN)
        await asyncio.sleep(DOUBLED_S)
        await calls.end(lambda turn: how(turn, 9.0))
        await calls.ask(3)
        await calls.ask(3, "b")
        assert [call.number for call in calls.under_way] == [BROKEN + 3, BROKEN + 4, BROKEN + 5]
        await asyncio.sleep(8.9)
        assert len(calls.under_way) == 3
        await asyncio.sleep(0.2)
        assert len(calls.under_way) == (6 if how is refused else 4)

    run(work())


def test_few_failures_are_no_outage() -> None:
    async def work() -> None:
        calls = Calls.over(100)
        for _ in range(5):
            await calls.ask(BROKEN - 1)
            await calls.end(failed)
            await calls.ask(1)
            await calls.end(answered)
        await begun(calls)

    run(work())


def test_in_an_outage_one_call_goes_at_a_time_until_one_is_answered_and_then_no_herd() -> None:
    async def work() -> None:
        calls = Calls.over(1_000)
        await begun(calls)
        await calls.end(failed)
        await calls.ask(1_000)
        assert not calls.under_way
        tried = len(calls.began)
        for _ in range(300):
            await asyncio.sleep(0.1)
            assert len(calls.under_way) <= 1
            await calls.end(failed)
        assert 30 / LAST_PROBE_S <= len(calls.began) - tried <= 30 / LAST_PROBE_S + 4
        await asyncio.sleep(60.0)
        assert len(calls.under_way) == 1
        await calls.end(answered)
        assert 1 < len(calls.under_way) <= START / 2 + 1

    run(work())


def test_an_answer_from_before_an_outage_does_not_end_it() -> None:
    async def work() -> None:
        calls = Calls.over(100)
        await begun(calls)
        await calls.end(answered, calls.under_way[BROKEN + 3 :])
        await calls.end(failed, calls.under_way[:BROKEN])
        await calls.ask(50)
        level = calls.slots.lines["a"].level
        for _ in range(2):
            await calls.end(answered, calls.under_way[:1])
            assert len(calls.under_way) <= 3
        assert calls.slots.lines["a"].level == level
        await asyncio.sleep(LAST_PROBE_S)
        assert len(calls.under_way) == 2
        await calls.end(answered, calls.under_way[-1:])
        assert len(calls.under_way) > 20

    run(work())


def test_a_connection_is_free_while_a_call_waits_to_be_tried_again() -> None:
    left = {"first": 1}

    def answer(body: Body) -> Reply:
        text = body["messages"][0]["content"][0]["text"]
        left[text] = left.get(text, 0) - 1
        return http_error(500) if left[text] >= 0 else plain("Look.")

    async def work(base_url: str) -> None:
        async with opened(base_url, max_connections=1) as model:
            await asyncio.gather(model.ask(request("first")), model.ask(request("second")))
            assert model.slots.used == 0

    with LoopbackServer(answer) as server:
        asyncio.run(work(server.base_url))
        asked = [received.body["messages"][0]["content"][0]["text"] for received in server.requests]
    assert asked == ["first", "second", "first"]


# --- against a server with limits

MINUTE, SECOND = 60.0, 1.0


def by_requests(rpm: float, burst_s: float, low: float, high: float, **more: Any) -> Setting:
    return Setting(Limits(rpm=rpm, burst_s=burst_s), (low, high), **more)


def by_tokens(itpm: float, burst_s: float, tokens: int, **more: Any) -> Setting:
    return Setting(Limits(itpm=itpm, burst_s=burst_s), (2.0, 8.0), tokens, **more)


def limit_rps(setting: Setting) -> float:
    """Requests a second that are left for us."""
    limits = setting.limits
    rates = [limits.rpm and limits.rpm / 60, limits.itpm and limits.itpm / 60 / setting.tokens]
    return min(rate for rate in rates if rate) - setting.other_rps


PACED = {
    "requests, 0.1 s": by_requests(1_000, MINUTE, 0.1, 0.2),
    "requests, 2 s": by_requests(1_000, MINUTE, 1, 3),
    "requests, 10 s": by_requests(1_000, MINUTE, 5, 15),
    "requests, 20 s": by_requests(1_000, MINUTE, 20, 20, lasts_s=240),
    "few requests": by_requests(60, MINUTE, 1, 3),
    "tokens": by_tokens(500_000, MINUTE, 2_000),
    "tokens, large calls": by_tokens(2_000_000, MINUTE, 30_000),
    "each second, 0.1 s": by_requests(1_000, SECOND, 0.1, 0.2),
    "each second, 2 s": by_requests(1_000, SECOND, 1, 3),
    "each second, 10 s": by_requests(1_000, SECOND, 5, 15),
    "each second, 20 s": by_requests(1_000, SECOND, 20, 20, lasts_s=240),
    "each second, tokens": by_tokens(500_000, SECOND, 2_000),
    "each second, large calls": by_tokens(2_000_000, SECOND, 30_000),
    "both": Setting(Limits(rpm=1_000, itpm=500_000), (1.0, 3.0)),
}


@pytest.mark.parametrize("name", PACED)
def test_a_limit_is_used_to_the_full_and_hardly_ever_met(name: str) -> None:
    setting = PACED[name]
    server = simulate(setting)
    half = setting.lasts_s / 2
    assert server.rate(half, setting.lasts_s) >= 0.95 * limit_rps(setting)
    assert server.share_refused(after_s=5.0 + setting.latency_s[1]) < 0.01
    assert len(server.refused.get("us", ())) <= START / 4 + 0.01 * len(server.taken["us"])


@pytest.mark.parametrize("name", ["each second, large calls", "each second, tokens", "few requests"])
def test_what_is_refused_before_anything_is_known_costs_no_time(name: str) -> None:
    assert simulate(PACED[name]).rate(0, 60) >= 0.95 * limit_rps(PACED[name])


SHARED = {
    "2 s": by_requests(1_000, MINUTE, 1, 3, other_rps=6),
    "10 s": by_requests(1_000, MINUTE, 5, 15, other_rps=6, lasts_s=240),
    "tokens": by_tokens(2_000_000, MINUTE, 2_000, other_rps=6, lasts_s=240),
}


@pytest.mark.parametrize("name", SHARED)
def test_a_limit_that_others_use_too_is_used_to_the_full(name: str) -> None:
    setting = SHARED[name]
    server = simulate(setting)
    assert server.rate(setting.lasts_s / 2, setting.lasts_s) >= 0.95 * limit_rps(setting)
    assert server.share_refused(after_s=setting.lasts_s / 2) < 0.015


@pytest.mark.parametrize("burst_s", [MINUTE, SECOND])
@pytest.mark.parametrize("latency_s", [(0.1, 0.2), (1.0, 3.0)])
def test_ten_seconds_after_an_outage_the_line_is_as_fast_as_before(
    burst_s: float, latency_s: tuple[float, float]
) -> None:
    setting = by_requests(1_000, burst_s, *latency_s, outage=(60.0, 80.0))
    server = simulate(setting)
    assert server.rate(90, 120) >= 0.9 * limit_rps(setting)
    assert len(server.failed) < 60
