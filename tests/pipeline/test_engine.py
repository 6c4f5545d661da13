"""The engine: every piece of work ends exactly once, every answer is paid for once and stored, whatever happens."""

import asyncio
import re
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nextstep.core.records import Answer, Request
from nextstep.errors import BudgetReached, FatalModelError, ModelError
from nextstep.models.base import AS_IT_IS, Sending
from nextstep.models.pace import Slots
from nextstep.pipeline.evaluate import evaluate
from nextstep.pipeline.watching import Watcher
from tests.builders import MODEL_STEP, World, judgement, step
from tests.pipeline.pieces import Bench, InLine, Piece, new_store
from tests.virtual import now, run

SAID: dict[str, str | Exception] = {
    "step": "step",
    "unreadable": "unreadable",
    "error": ModelError("overloaded_error", "busy"),
    "fatal": FatalModelError("authentication", "wrong key"),
    "spent": FatalModelError("spend_limit", "spent", stops_run=True),
}
HARMLESS = ("step", "step", "step", "unreadable", "error")


@st.composite
def pieces(draw: st.DrawFn) -> list[Piece]:
    """Work with calls in common, and work that follows from it."""
    numbers = iter(range(1_000))

    def some(depth: int) -> list[Piece]:
        made = []
        for _ in range(draw(st.integers(0, 4 if depth else 2))):
            asks, model = draw(st.integers(0, 6)), draw(st.sampled_from("mno"))
            trunk = draw(st.sampled_from([None, None, 0, 1]))
            below = tuple(some(depth - 1)) if depth else ()
            made.append(Piece(next(numbers), asks, model, below, trunk))
        return made

    return some(2)


def all_of(some: Sequence[Piece]) -> Iterator[Piece]:
    for piece in some:
        yield piece
        yield from all_of(piece.follows)


def says_by(words: dict[tuple[str, int], str]) -> Any:
    def says(request: Request) -> str | Exception:
        return SAID[words.get((request.model, int(request.content[1])), "step")]

    return says


scripts = st.dictionaries(st.tuples(st.sampled_from("mno"), st.integers(0, 6)), st.sampled_from(sorted(SAID)))
harmless = st.dictionaries(st.tuples(st.sampled_from("mno"), st.integers(0, 6)), st.sampled_from(HARMLESS))
slow = settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])


def accounted(bench: Bench) -> None:
    """Everything that was due is over or left, and rows say the same as those who were told."""
    counts = bench.watcher.counts
    made = bench.count("proposals")
    assert made == counts["made"]
    assert bench.count("failures") == counts["failed"]
    both = "SELECT count(*) FROM failures SEMI JOIN proposals USING (moment_id)"
    assert bench.rows(both) == [(0,)]
    assert bench.count("replies") == len(bench.model.answered) == bench.engine.spend.calls
    assert bench.slots.used == bench.engine.spend.under_way == 0
    assert bench.engine.spend.under_way_usd == 0.0


@slow
@given(pieces(), harmless, st.integers(1, 5), st.booleans())
def test_whatever_is_answered_every_piece_ends_once_and_no_call_is_sent_twice(
    tmp_path: Path, some: list[Piece], words: dict[tuple[str, int], str], most: int, caches: bool
) -> None:
    async def work() -> None:
        bench = Bench(new_store(tmp_path), says_by(words), most=most, caches=caches)
        assert await bench.run(some) is None
        assert bench.watcher.counts["due"] == len(list(all_of(some)))
        assert bench.watcher.left == 0
        accounted(bench)
        answered = Counter(request.model_dump_json() for request in bench.model.answered)
        assert not answered or max(answered.values()) == 1
        assert bench.model.most <= most
        again = Bench(bench.store, says_by(words), most=most)
        assert await again.run(some) is None
        assert not {request.model_dump_json() for request in again.model.sent} & answered.keys()
        assert bench.count("replies") == len(bench.model.answered)

    run(work())


@slow
@given(pieces(), scripts, st.integers(1, 5), st.sampled_from([None, None, 0.0, 0.15, 0.5, 3.0]))
def test_whatever_ends_a_run_every_piece_is_made_or_failed_or_dropped_or_left(
    tmp_path: Path, some: list[Piece], words: dict[tuple[str, int], str], most: int, limit_usd: float | None
) -> None:
    async def work() -> None:
        bench = Bench(new_store(tmp_path), says_by(words), most=most, limit_usd=limit_usd)
        ended = await bench.run(some)
        accounted(bench)
        if isinstance(ended, BudgetReached):
            assert bench.engine.spend.reached
        elif ended is None:
            assert bench.watcher.left == 0
        else:
            assert ended is SAID["spent"]
        assert set(bench.engine.dead.values()) <= {SAID["fatal"], SAID["spent"]}
        assert bench.engine.dead or not bench.watcher.counts["dropped"]

    run(work())


def test_an_identical_call_is_sent_once_also_when_it_becomes_due_later(tmp_path: Path) -> None:
    async def work() -> None:
        same = [Piece(n, asks=7) for n in range(5)]
        bench = Bench(new_store(tmp_path))
        await bench.run([*same, Piece(8, asks=1, follows=(Piece(9, asks=7), Piece(10, asks=1)))])
        assert sorted(request.content[1] for request in bench.model.sent) == ["1", "7"]
        assert bench.watcher.counts["made"] == 8
        assert bench.engine.stages["propose"].reused == 2

    run(work())


def test_a_stored_answer_is_read_and_not_asked_for_and_with_fresh_asked_for_anew(tmp_path: Path) -> None:
    async def work() -> None:
        store = new_store(tmp_path)
        await Bench(store, lambda _: "unreadable").run([Piece(1), Piece(2)])
        again = Bench(store)
        await again.run([Piece(1), Piece(2)])
        assert (again.model.sent, again.watcher.counts["failed"]) == ([], 2)
        fresh = Bench(store, fresh=True)
        await fresh.run([Piece(1), Piece(2)])
        assert (len(fresh.model.sent), fresh.watcher.counts["made"]) == (1, 2)

    run(work())


def test_finish_sends_nothing_more_and_keeps_what_was_under_way(tmp_path: Path) -> None:
    async def work() -> None:
        bench = Bench(new_store(tmp_path), most=3, latency_s=10.0)
        running = asyncio.create_task(bench.run([Piece(n, asks=n) for n in range(20)]))
        await asyncio.sleep(5.0)
        assert len(bench.model.sent) == 3
        reason = BudgetReached("enough")
        bench.engine.finish(reason)
        assert await running is reason
        assert len(bench.model.sent) == bench.count("replies") == bench.count("proposals") == 3
        assert bench.watcher.left == 17

    run(work())


def test_a_finished_run_does_not_wait_for_calls_that_wait_themselves(tmp_path: Path) -> None:
    async def work() -> None:
        bench = Bench(new_store(tmp_path), most=3)
        line = bench.slots.line("m")
        async with line.turn(1) as turn:
            turn.refused({}, 200.0)
        running = asyncio.create_task(bench.run([Piece(n, asks=n) for n in range(20)]))
        await asyncio.sleep(1.0)
        began = now()
        bench.engine.finish(BudgetReached("enough"))
        await running
        assert now() - began < 5.0
        assert not bench.model.sent

    run(work())


class Refused(InLine):
    """Every first try fails, and the next one is to wait for long."""

    async def ask(self, request: Request, sending: Sending = AS_IT_IS) -> Answer:
        assert sending.go
        assert sending.paused
        async with self.slots.line(request.model).turn(request.characters):
            sending.go()
            await asyncio.sleep(1.0)
        sending.paused()
        await asyncio.sleep(200.0)
        return await super().ask(request, sending)


@pytest.mark.parametrize("after_s", [0.5, 2.0])
def test_a_finished_run_does_not_wait_for_calls_between_two_tries(tmp_path: Path, after_s: float) -> None:
    async def work() -> None:
        bench = Bench(new_store(tmp_path), most=3)
        bench.engine.models = {"m": Refused(bench.slots, lambda _: "step")}
        running = asyncio.create_task(bench.run([Piece(n, asks=n) for n in range(20)]))
        await asyncio.sleep(after_s)
        began = now()
        bench.engine.finish(BudgetReached("enough"))
        await running
        assert now() - began < 5.0
        assert (bench.count("replies"), bench.count("failures"), bench.watcher.left) == (0, 0, 20)
        assert (bench.engine.spend.under_way, bench.slots.used) == (0, 0)

    run(work())


def test_a_spent_account_stops_the_run_at_once(tmp_path: Path) -> None:
    async def work() -> None:
        def says(request: Request) -> str | Exception:
            return SAID["spent"] if request.content[1] == "2" else "step"

        bench = Bench(new_store(tmp_path), says, most=4)
        ended = await bench.run([Piece(n, asks=n, model="mn"[n % 2]) for n in range(40)])
        assert ended is SAID["spent"]
        assert len(bench.model.sent) <= 4 + 3
        accounted(bench)

    run(work())


def test_a_bug_in_reading_leaves_the_raw_replies_stored(tmp_path: Path) -> None:
    async def work() -> None:
        def says(request: Request) -> str:
            return "bug" if request.content[1] == "5" else "step"

        bench = Bench(new_store(tmp_path), says, most=3)
        ended = await bench.run([Piece(n, asks=n) for n in range(20)])
        assert isinstance(ended, KeyError)
        assert len(bench.model.answered) == bench.count("replies")
        assert bench.rows("SELECT count(*) FROM replies WHERE body LIKE '%bug%'") == [(1,)]

    run(work())


def test_an_error_that_is_no_models_ends_the_run_with_what_was_answered_stored(tmp_path: Path) -> None:
    async def work() -> None:
        def says(request: Request) -> str | Exception:
            return ZeroDivisionError() if request.content[1] == "5" else "step"

        bench = Bench(new_store(tmp_path), says, most=3)
        ended = await bench.run([Piece(n, asks=n) for n in range(20)])
        assert isinstance(ended, ZeroDivisionError)
        assert len(bench.model.answered) == bench.count("replies") == bench.count("proposals")

    run(work())


@pytest.mark.parametrize("most", [1, 3, 20])
def test_no_more_answers_are_paid_for_and_not_stored_than_there_are_connections(tmp_path: Path, most: int) -> None:
    async def work() -> None:
        bench = Bench(new_store(tmp_path), most=most, latency_s=0.004)
        model, unsafe = bench.model, []

        def says(_: Request) -> str:
            unsafe.append(model.under_way + len(model.answered) - bench.count("replies"))
            return "step"

        model.says = says
        await bench.run([Piece(n, asks=n) for n in range(30)])
        assert max(unsafe) <= most

    run(work())


@pytest.mark.parametrize("limit_usd", [0.05, 0.35, 1.0])
@pytest.mark.parametrize("most", [1, 4])
def test_no_more_is_under_way_than_the_limit_has_room_for(tmp_path: Path, limit_usd: float, most: int) -> None:
    async def work() -> None:
        dear = 0.01 * 30
        bench = Bench(new_store(tmp_path), most=most, limit_usd=limit_usd, tokens=30)
        spend, model, seen = bench.engine.spend, bench.model, []

        def says(_: Request) -> str:
            seen.append((model.under_way, spend.usd + spend.under_way_usd))
            return "step"

        model.says = says
        ended = await bench.run([Piece(n, asks=n) for n in range(40)])
        assert isinstance(ended, BudgetReached)
        assert all(calls == 1 or coming <= limit_usd + 1e-9 for calls, coming in seen)
        assert limit_usd <= spend.usd <= limit_usd + most * dear
        accounted(bench)

    run(work())


def test_what_costs_less_than_estimated_makes_room_for_more(tmp_path: Path) -> None:
    async def work() -> None:
        bench = Bench(new_store(tmp_path), most=4, limit_usd=2.0, tokens=3)
        assert await bench.run([Piece(n, asks=n) for n in range(40)]) is None
        assert bench.watcher.counts["made"] == 40

    run(work())


def test_a_dead_model_does_not_use_up_the_budget_of_the_others(tmp_path: Path) -> None:
    async def work() -> None:
        def says(request: Request) -> str | Exception:
            return SAID["fatal"] if request.model == "n" else "step"

        bench = Bench(new_store(tmp_path), says, most=4, limit_usd=1.2, tokens=10)
        work = [Piece(0, model="n"), *(Piece(n, asks=n) for n in range(1, 6))]
        assert await bench.run(work) is None
        assert bench.watcher.counts == {"due": 6, "made": 5, "dropped": 1}

    run(work())


def test_what_becomes_due_goes_in_front_of_what_is_due_already(tmp_path: Path) -> None:
    async def work() -> None:
        bench = Bench(new_store(tmp_path), most=1)
        await bench.run([Piece(n, asks=n, follows=(Piece(100 + n, asks=100 + n),)) for n in range(22)])
        order = [int(request.content[1]) for request in bench.model.sent]
        assert order.index(100) < order.index(21)

    run(work())


def test_of_two_runs_that_ask_the_same_both_read_the_answer_that_is_stored(tmp_path: Path) -> None:
    async def work() -> None:
        store = new_store(tmp_path)
        one, two = Bench(store, lambda _: "one"), Bench(store, lambda _: "two", latency_s=0.99)
        some = [Piece(n, n) for n in range(12)]
        others = [Piece(100 + n, n) for n in range(12)]
        ended = await asyncio.gather(one.run(some), two.run(others))
        assert set(ended) == {None}
        assert one.count("replies") == 12
        texts = one.rows(
            "SELECT count(*), count(*) FILTER (contains(body, text)) FROM proposals JOIN replies USING (reply_id)"
        )
        assert texts == [(24, 24)]

    run(work())


def test_a_bug_in_reading_leaves_also_those_replies_stored_that_came_meanwhile(tmp_path: Path) -> None:
    class Slow(Piece):
        def result(self, body: str) -> dict[str, Any]:
            time.sleep(0.3)
            raise KeyError("a bug in reading")

    async def work() -> None:
        bench = Bench(new_store(tmp_path), latency_s=0.0)
        later = InLine(bench.slots, lambda _: "step", latency_s=0.15)
        bench.engine.models = {"m": bench.model, "n": later}
        ended = await bench.run([Slow(0), *(Piece(n, n, "n") for n in range(1, 4))])
        assert isinstance(ended, KeyError)
        assert len(later.answered) == 3
        assert bench.count("replies") == 4

    asyncio.run(work())


def test_a_moment_is_judged_once_its_proposals_are_over_and_not_only_when_all_are(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.config |= {"judging": {"same_form": False}, "limits": {"max_connections": 3}}
    world.config["candidates"] = [{"model": "cand", "samples": 6}]
    steps = iter(range(1_000))

    def says(request: Request) -> str:
        return judgement("A") if request.answer_schema else step(f"{MODEL_STEP} {next(steps)}")

    async def work() -> tuple[list[float], list[float]]:
        model = Moody(Slots(3, now), says, caches=True)
        await evaluate(world.job(), world.store, Watcher(), opener=lambda _: model)
        assert (len(model.proposed), len(model.judged)) == (36, 72)
        for at, moment in model.judged:
            same = [over for over, other in model.proposed if other == moment]
            assert len(same) == 6
            assert max(same) < at
        return [at for at, _ in model.judged], [at for at, _ in model.proposed]

    judged, proposed = run(work())
    assert min(judged) < max(proposed)


@dataclass
class Moody(InLine):
    """Takes long for the first proposal of each moment; notes when proposals came and judges were asked."""

    proposed: list[tuple[float, tuple[str, int]]] = field(default_factory=list)
    judged: list[tuple[float, tuple[str, int]]] = field(default_factory=list)

    async def _answer(self, request: Request, sending: Sending) -> Answer:
        if request.answer_schema:
            self.judged.append((now(), _moment_of(request)))
            return await super()._answer(request, sending)
        is_first = request.content[0] not in self.kept
        answer = await super()._answer(request, sending)
        await asyncio.sleep(40.0 if is_first else 0.0)
        self.proposed.append((now(), _moment_of(request)))
        return answer


def _moment_of(request: Request) -> tuple[str, int]:
    """The session and the cut that a request is about."""
    name = re.search(r"the loss of (\w+) goes", request.content[0])
    cut = re.search(r'decision_point n="(\d+)"', request.content[-1])
    assert name
    return name[1], int(cut[1]) if cut else request.content[0].count("<event n=")
