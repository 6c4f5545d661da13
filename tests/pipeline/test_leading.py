"""Who goes ahead: the first to write a beginning; the others wait until its answer has begun, and never longer."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nextstep.core.caching import CHARS_PER_TOKEN, UNSHARED
from nextstep.core.records import Request
from nextstep.errors import FatalModelError, ModelError
from nextstep.models.cache_minimum import least_tokens
from nextstep.pipeline.calls import Trunk
from nextstep.pipeline.leading import Leads
from tests.pipeline.pieces import Bench, Piece, new_store
from tests.virtual import run


def alike(times: int, *, first: int = 0, trunk: int = 0, model: str = "m") -> list[Piece]:
    """Pieces with different questions and one beginning."""
    return [Piece(n, n, model, trunk_of=trunk) for n in range(first, first + times)]


def test_those_who_share_a_beginning_wait_until_its_answer_has_begun(tmp_path: Path) -> None:
    async def work() -> None:
        bench = Bench(new_store(tmp_path), most=50, latency_s=20.0, caches=True)
        running = asyncio.create_task(bench.run(alike(10)))
        await asyncio.sleep(9.0)
        assert len(bench.model.sent) == 1
        await asyncio.sleep(2.0)
        assert len(bench.model.sent) == 10
        assert not bench.model.answered
        await running
        assert bench.model.read == 9
        assert (bench.engine.to_read, bench.engine.missed) == (9, 0)

    run(work())


@pytest.mark.parametrize(("pauses", "at_once"), [((200, 200, 200), 5), ((400,), 1), ((200, 400), 1)], ids=str)
def test_what_nobody_has_read_for_long_is_written_by_one_again(
    tmp_path: Path, pauses: tuple[int, ...], at_once: int
) -> None:
    async def work() -> None:
        bench = Bench(new_store(tmp_path), most=50, caches=True)
        await bench.run(alike(5))
        for round_, pause in enumerate(pauses, 1):
            await asyncio.sleep(pause)
            before = len(bench.model.sent)
            running = asyncio.create_task(bench.run(alike(5, first=10 * round_)))
            await asyncio.sleep(0.1)
            sent = len(bench.model.sent) - before
            await running
        assert sent == at_once
        assert len(bench.model.answered) == 5 * (1 + len(pauses))
        assert bench.engine.missed == 0

    run(work())


def test_a_call_that_was_refused_keeps_nothing_in_the_cache(tmp_path: Path) -> None:
    async def work() -> None:
        bench = Bench(new_store(tmp_path), most=50, caches=True)
        await bench.run(alike(2))
        await asyncio.sleep(200)
        bench.model.says = lambda _: ModelError("overloaded", "later")
        await bench.run(alike(2, first=10))
        await asyncio.sleep(200)
        before = len(bench.model.sent)
        bench.model.says = lambda _: "step"
        running = asyncio.create_task(bench.run(alike(5, first=20)))
        await asyncio.sleep(0.1)
        assert len(bench.model.sent) - before == 1
        await running

    run(work())


def test_an_answer_that_takes_longer_to_begin_than_a_cache_lasts_lets_the_others_go(tmp_path: Path) -> None:
    async def work() -> None:
        bench = Bench(new_store(tmp_path), most=50, caches=True, latency_s=1_000.0)
        running = asyncio.create_task(bench.run(alike(10)))
        await asyncio.sleep(501.0)
        assert len(bench.model.sent) == 10
        await running

    run(work())


def test_who_shares_nothing_waits_for_nobody(tmp_path: Path) -> None:
    async def work() -> None:
        bench = Bench(new_store(tmp_path), most=50, latency_s=20.0, caches=True)
        other_model = alike(1, first=60, model="n")
        running = asyncio.create_task(bench.run([*alike(10), *(Piece(n, n) for n in range(20, 30)), *other_model]))
        await asyncio.sleep(1.0)
        assert len(bench.model.sent) == 12
        await running

    run(work())


@pytest.mark.parametrize(
    "error", [ModelError("timeout", "late"), FatalModelError("authentication", "wrong key")], ids=["error", "fatal"]
)
def test_when_the_lead_fails_another_one_leads(tmp_path: Path, error: ModelError) -> None:
    async def work() -> None:
        def says(request: Request) -> str | Exception:
            return error if request.content[1] == "0" else "step"

        bench = Bench(new_store(tmp_path), says, most=50, caches=True)
        running = asyncio.create_task(bench.run(alike(6)))
        await asyncio.sleep(0.8)
        is_fatal = isinstance(error, FatalModelError)
        assert len(bench.model.sent) == (1 if is_fatal else 2)
        await running
        counts = bench.watcher.counts
        assert counts == {"due": 6, "dropped": 6} if is_fatal else {"due": 6, "made": 5, "failed": 1}
        assert bench.model.read == (0 if is_fatal else 4)

    run(work())


def test_a_stored_answer_leads_nobody_and_lets_the_next_one_lead(tmp_path: Path) -> None:
    async def work() -> None:
        store = new_store(tmp_path)
        await Bench(store).run(alike(1))
        bench = Bench(store, most=50, caches=True)
        assert await bench.run(alike(5)) is None
        assert (len(bench.model.sent), bench.model.read) == (4, 3)

    run(work())


def test_on_a_server_without_a_cache_nobody_waits(tmp_path: Path) -> None:
    async def work() -> None:
        bench = Bench(new_store(tmp_path), most=50, latency_s=20.0)
        bench.engine.leads.keeps_nothing("m")
        running = asyncio.create_task(bench.run(alike(10)))
        await asyncio.sleep(1.0)
        assert len(bench.model.sent) == 10
        await running

    run(work())


def test_a_server_that_turns_out_to_keep_nothing_is_waited_for_once(tmp_path: Path) -> None:
    async def work() -> None:
        bench = Bench(new_store(tmp_path), most=50, latency_s=20.0)
        await bench.run(alike(2))
        running = asyncio.create_task(bench.run([*alike(9, first=20, trunk=1)]))
        await asyncio.sleep(1.0)
        assert len(bench.model.sent) == 2 + 9
        await running

    run(work())


def test_a_beginning_hardly_longer_than_the_minimum_says_nothing_of_the_server() -> None:
    least = int(least_tokens("m") * CHARS_PER_TOKEN)
    for size, gives_up in ((least + 10, False), (int(2 * least) + 10, True)):
        leads, piece = Leads(now=lambda: 0.0), Piece(1, trunk_of=1)
        leads.expect([(piece.trunk, 5)] if piece.trunk else [])
        place = replace(leads.place(piece), depths=(size,))
        leads.kept_nothing(place, "m")
        assert (leads.place(piece) == UNSHARED) is gives_up


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.tuples(st.integers(0, 3), st.sampled_from(["step", "step", "error", "fatal"])), max_size=14),
    st.integers(1, 6),
    st.booleans(),
)
def test_nobody_waits_forever(tmp_path: Path, some: list[tuple[int, str]], most: int, caches: bool) -> None:
    errors = {"error": ModelError("x", "y"), "fatal": FatalModelError("x", "y")}

    async def work() -> None:
        def says(request: Request) -> str | Exception:
            word = some[int(request.content[1])][1]
            return errors.get(word, word)

        bench = Bench(new_store(tmp_path), says, most=most, caches=caches)
        pieces = [Piece(n, n, trunk_of=trunk) for n, (trunk, _) in enumerate(some)]
        assert await bench.run(pieces) is None
        assert bench.watcher.left == 0

    run(work())


def test_a_beginning_that_nobody_shares_is_not_even_rendered() -> None:
    def make() -> None:
        raise AssertionError("rendered")

    class Alone(Piece):
        @property
        def trunk(self) -> Trunk:
            return Trunk(("propose", "m"), 1, make)

        def again(self) -> "Alone":
            return self

    leads = Leads()
    leads.expect_tasks([Alone(1)])
    assert leads.place(Alone(1)) == UNSHARED


def test_what_is_expected_later_counts_as_shared_now() -> None:
    leads, piece = Leads(now=lambda: 0.0), Piece(1, trunk_of=1)
    assert piece.trunk
    leads.expect_tasks([piece])
    leads.expect([(piece.trunk, 3)])
    place = leads.place(piece)
    assert place.nodes
    assert leads.lead(place) == place.nodes
    assert leads.park(Piece(2, trunk_of=1), place)
    assert leads.characters_read(place) == 0
    assert len(leads.let_go(place.nodes)) == 1
    leads.used(place, at=0.0)
    assert leads.characters_read(place) == place.depths[-1]
    assert leads.lead(place) == ()
    assert not leads.park(Piece(3, trunk_of=1), place)
