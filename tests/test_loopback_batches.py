"""Message Batches on the loopback server, as the vendor documents them, seen by the real SDK."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

import anthropic
import httpx2
import pytest

from tests.loopback import Batches, LoopbackServer, http_error, plain
from tests.loopback.clients import MODEL, Clock, asked, block, client_at
from tests.loopback.process import serving

COUNTERS = ("succeeded", "errored", "canceled", "expired")


def item(custom_id: str, text: str | None = None, **changes: Any) -> dict[str, Any]:
    return {"custom_id": custom_id, "params": asked(text or custom_id, **changes)}


def items(count: int) -> list[Any]:
    return [item(f"case-{number}") for number in range(count)]


def run(server: LoopbackServer, work: Callable[[Any], Awaitable[Any]], **options: Any) -> Any:
    """What the work gets from the SDK's batches."""

    async def inside() -> Any:
        async with client_at(server.base_url, **options) as client:
            return await work(client.messages.batches)

    return asyncio.run(inside())


def create(server: LoopbackServer, requests: Iterable[Any], **options: Any) -> Any:
    return run(server, lambda batches: batches.create(requests=list(requests)), **options)


def retrieve(server: LoopbackServer, name: str) -> Any:
    return run(server, lambda batches: batches.retrieve(name))


def results(server: LoopbackServer, name: str) -> list[Any]:
    async def read(batches: Any) -> list[Any]:
        return [line async for line in await batches.results(name)]

    return list(run(server, read))


def send(server: LoopbackServer, body: dict[str, Any]) -> Any:
    """The message that a request gets on its own."""

    async def inside() -> Any:
        async with client_at(server.base_url) as client:
            return await client.messages.create(**body)

    return asyncio.run(inside())


def ended(requests: list[Any], clock: Clock, server: LoopbackServer) -> Any:
    """A batch that has run its time."""
    made = create(server, requests)
    clock.now += 60
    return retrieve(server, made.id)


def play(requests: list[Any], **rules: Any) -> list[Any]:
    """The results of a batch."""
    clock = Clock()
    with LoopbackServer(batches=Batches(takes_s=60, **rules), clock=clock) as server:
        return results(server, ended(requests, clock, server).id)


# --- the way of a batch


def test_nothing_shows_before_the_end_and_everything_then() -> None:
    clock = Clock()
    with LoopbackServer(batches=Batches(takes_s=60, errored=0.3, expired=0.2), clock=clock) as server:
        made = create(server, items(40))
        assert made.id.startswith("msgbatch_")
        assert (made.expires_at - made.created_at).total_seconds() == 24 * 3600
        for _ in range(3):
            seen = retrieve(server, made.id)
            assert (seen.processing_status, seen.results_url, seen.ended_at) == ("in_progress", None, None)
            assert seen.request_counts.to_dict() == {"processing": 40, **dict.fromkeys(COUNTERS, 0)}
            clock.now += 19
        with pytest.raises(anthropic.AnthropicError, match="results_url"):
            results(server, made.id)
        clock.now += 3
        seen = retrieve(server, made.id)
        assert (seen.processing_status, (seen.ended_at - seen.created_at).total_seconds()) == ("ended", 60)
        counts = seen.request_counts.to_dict()
        assert (counts["processing"], sum(counts.values())) == (0, 40)
        found = Counter(line.result.type for line in results(server, made.id))
        assert found == {name: counts[name] for name in COUNTERS if counts[name]}
        assert set(found) == {"succeeded", "errored", "expired"}


def test_results_hold_every_item_once_in_another_order() -> None:
    ids = [line.custom_id for line in play(items(50))]
    sent = [each["custom_id"] for each in items(50)]
    assert sorted(ids) == sorted(sent)
    assert ids != sent
    assert ids == [line.custom_id for line in play(items(50))]
    assert ids != [line.custom_id for line in play(items(50), seed=1)]


def test_a_result_is_the_message_of_its_own_request() -> None:
    clock = Clock()
    answer = lambda body: plain(body["messages"][0]["content"])  # noqa: E731
    with LoopbackServer(answer, batches=Batches(takes_s=60), clock=clock) as server:
        lines = results(server, ended(items(20), clock, server).id)
    for line in lines:
        message = line.result.message
        assert (message.content[0].text, message.stop_reason, message.model) == (line.custom_id, "end_turn", MODEL)
        assert message.usage.service_tier == "batch"
    assert len({line.result.message.id for line in lines}) == 20


def test_an_invalid_item_shows_only_in_its_result() -> None:
    wrong = [
        item("a", temperature=0),
        item("b", stream=True),
        item("c", max_tokens=0),
        item("d", speed="fast"),
        {"custom_id": "e", "params": {}},
        item("f"),
    ]
    found = {line.custom_id: line.result for line in play(wrong)}
    assert found.pop("f").type == "succeeded"
    assert {result.error.error.type for result in found.values()} == {"invalid_request_error"}
    assert found["a"].error.error.message.startswith("temperature")


def test_errors_of_the_service_are_of_both_kinds_and_expired_items_have_no_message() -> None:
    found = [line.result for line in play(items(60), errored=0.5, expired=0.3)]
    kinds = {result.error.error.type for result in found if result.type == "errored"}
    assert kinds == {"api_error", "overloaded_error"}
    assert all(not hasattr(result, "message") for result in found if result.type == "expired")


def test_an_answer_that_fails_fails_its_item() -> None:
    clock = Clock()
    with LoopbackServer(lambda _: http_error(529), batches=Batches(takes_s=60), clock=clock) as server:
        (line,) = results(server, ended(items(1), clock, server).id)
    assert (line.result.type, line.result.error.error.type) == ("errored", "overloaded_error")


def test_a_batch_that_takes_more_than_a_day_expires_with_what_it_did_not_come_to() -> None:
    clock = Clock()
    with LoopbackServer(batches=Batches(takes_s=48 * 3600), clock=clock) as server:
        made = create(server, items(10))
        clock.now += 24 * 3600
        seen = retrieve(server, made.id)
    assert (seen.processing_status, seen.request_counts.succeeded, seen.request_counts.expired) == ("ended", 5, 5)


def test_results_are_gone_after_29_days() -> None:
    clock = Clock()
    with LoopbackServer(batches=Batches(takes_s=60), clock=clock) as server:
        made = ended(items(1), clock, server)
        assert made.archived_at is None
        clock.now += 29 * 24 * 3600
        seen = retrieve(server, made.id)
    assert (seen.processing_status, seen.results_url, seen.archived_at is None) == ("ended", None, False)


# --- cancel, delete, list


def test_a_canceled_batch_keeps_what_it_came_to() -> None:
    clock = Clock()
    with LoopbackServer(batches=Batches(takes_s=60), clock=clock) as server:
        made = create(server, items(20))
        clock.now += 15
        seen = run(server, lambda batches: batches.cancel(made.id))
        assert (seen.processing_status, seen.request_counts.processing) == ("canceling", 20)
        assert seen.cancel_initiated_at is not None
        clock.now += 6
        seen = retrieve(server, made.id)
        assert (seen.processing_status, seen.request_counts.succeeded, seen.request_counts.canceled) == ("ended", 5, 15)
        assert Counter(line.result.type for line in results(server, made.id)) == {"succeeded": 5, "canceled": 15}
        with pytest.raises(anthropic.BadRequestError):
            run(server, lambda batches: batches.cancel(made.id))
    assert server.ledger.times_answered.total() == 5


def test_only_a_batch_that_ended_can_be_deleted() -> None:
    clock = Clock()
    with LoopbackServer(batches=Batches(takes_s=60), clock=clock) as server:
        made = create(server, items(1))
        with pytest.raises(anthropic.BadRequestError):
            run(server, lambda batches: batches.delete(made.id))
        clock.now += 60
        gone = run(server, lambda batches: batches.delete(made.id))
        assert (gone.id, gone.type) == (made.id, "message_batch_deleted")
        with pytest.raises(anthropic.NotFoundError):
            retrieve(server, made.id)


def test_the_list_pages_through_all_newest_first() -> None:
    async def names(batches: Any, **query: Any) -> list[str]:
        return [batch.id async for batch in batches.list(**query)]

    async def first_page(batches: Any, **query: Any) -> Any:
        return await batches.list(**query)

    with LoopbackServer(batches=Batches()) as server:
        made = [create(server, items(1)).id for _ in range(7)][::-1]
        assert run(server, lambda batches: names(batches, limit=3)) == made
        assert [batch.id for batch in run(server, lambda b: first_page(b, limit=2, after_id=made[1])).data] == made[2:4]
        assert [batch.id for batch in run(server, lambda b: first_page(b, limit=2, before_id=made[5])).data] == made[
            3:5
        ]
        with pytest.raises(anthropic.BadRequestError):
            run(server, lambda batches: first_page(batches, limit=1001))


# --- what is refused at once


@pytest.mark.parametrize(
    ("requests", "named"),
    [
        ([], "requests: "),
        ([item("a"), item("a")], "requests.1.custom_id"),
        ([item("a b")], "requests.0.custom_id"),
        ([item("")], "requests.0.custom_id"),
        ([item("x" * 65)], "requests.0.custom_id"),
        ([item("a\n")], "requests.0.custom_id"),
        ([{"custom_id": "a"}], "requests.0.params"),
        ([{"custom_id": "a", "params": asked(), "method": "POST"}], "requests.0.method"),
    ],
)
def test_a_batch_that_does_not_fit_is_refused_whole(requests: list[Any], named: str) -> None:
    with LoopbackServer(batches=Batches()) as server, pytest.raises(anthropic.BadRequestError) as caught:
        create(server, requests)
    assert (caught.value.api_message or "").startswith(named)
    assert server.summary()["batches"].get("created", 0) == 0


@pytest.mark.parametrize("rules", [{"max_requests": 2}, {"max_bytes": 300}])
def test_a_batch_that_is_too_large_is_refused(rules: dict[str, Any]) -> None:
    with LoopbackServer(batches=Batches(**rules)) as server:
        with pytest.raises(anthropic.ContentTooLargeError):
            create(server, items(3))
        assert create(server, items(1))


def test_a_batch_may_be_larger_than_a_message_may_be() -> None:
    large = "x" * 33 * 1024**2
    with LoopbackServer(batches=Batches()) as server:
        assert create(server, [item("a", large)])
        with pytest.raises(anthropic.ContentTooLargeError):
            send(server, asked(large))


def test_there_are_no_batches_without_the_setting() -> None:
    with LoopbackServer() as server, pytest.raises(anthropic.NotFoundError):
        create(server, items(1))


@pytest.mark.parametrize("wrong", [{"errored": 0.7, "expired": 0.7}, {"takes_s": -1}, {"failed_polls": 2}])
def test_batches_that_cannot_be_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="batches"):
        Batches(**wrong)


# --- faults


@pytest.mark.parametrize("lost_by", ["reset", "silence"])
def test_a_batch_may_be_made_without_the_client_s_knowing(lost_by: Any) -> None:
    with LoopbackServer(batches=Batches(lost_creates=1, lost_by=lost_by)) as server:
        with pytest.raises(anthropic.APIConnectionError):
            create(server, items(2), timeout=httpx2.Timeout(10, read=0.1))
        made = create(server, items(2))
        shown = run(server, lambda batches: batches.list())
    assert len(shown.data) == 2
    assert shown.data[0].id == made.id


def test_a_download_may_break_off_and_the_next_one_starts_from_the_start() -> None:
    clock = Clock()
    with LoopbackServer(batches=Batches(takes_s=60, cut_results=1), clock=clock) as server:
        made = ended(items(300), clock, server)
        got: list[str] = []

        async def read(batches: Any) -> None:
            async for line in await batches.results(made.id):
                got.append(line.custom_id)  # noqa: PERF401 - what came before the break is kept

        with pytest.raises((httpx2.HTTPError, anthropic.APIError, ValueError)):
            run(server, read)
        assert len(got) < 300
        whole = [line.custom_id for line in results(server, made.id)]
    assert whole[: len(got)] == got
    assert len(whole) == 300


def test_polls_may_fail_and_never_more_than_three_times_in_a_row() -> None:
    async def poll(batches: Any) -> str:
        try:
            return str((await batches.retrieve("msgbatch_loopback000001")).processing_status)
        except anthropic.InternalServerError as error:
            return str(error.status_code)

    with LoopbackServer(batches=Batches(takes_s=999, failed_polls=1)) as server:
        create(server, items(1))
        seen = [run(server, poll) for _ in range(8)]
    assert [status for status in seen if not status.isdecimal()] == ["in_progress"] * 2
    assert seen[3] == seen[7] == "in_progress"


# --- the books


def test_a_request_is_known_again_whether_it_was_sent_alone_or_in_a_batch() -> None:
    clock = Clock()
    with LoopbackServer(batches=Batches(takes_s=60), clock=clock) as server:
        ended([*items(3), item("again", "case-0")], clock, server)
        send(server, asked("case-1"))
    assert sorted(server.ledger.times_answered.values()) == [1, 2, 2]
    summary = server.summary()
    assert (summary["answered"], summary["distinct_answered"], summary["answered_again"]) == (5, 3, 2)
    assert summary["batches"]["items"]["succeeded"] == 4
    assert len(server.answered) == 1


def test_only_items_that_succeed_are_billed() -> None:
    clock = Clock()
    with LoopbackServer(batches=Batches(takes_s=60, errored=0.4, expired=0.4), clock=clock) as server:
        batch = ended(items(30), clock, server)
    assert server.ledger.times_answered.total() == batch.request_counts.succeeded < 30
    summary = server.summary()
    assert summary["billed_in_batches"] == summary["billed"] > 0


@pytest.mark.parametrize(("share", "hits"), [(0.0, 0), (1.0, 39)])
def test_items_read_from_the_cache_as_often_as_they_may(share: float, hits: int) -> None:
    clock = Clock()
    system = [block("x" * 4000, "1h")]
    with LoopbackServer(batches=Batches(takes_s=60, cache_hits=share), caching=True, clock=clock) as server:
        ended([item(f"case-{number}", system=system) for number in range(40)], clock, server)
    assert server.summary()["tokens"]["read"] == 1000 * hits
    assert server.summary()["tokens"]["written_1h"] == 1000 * (40 - hits)


def test_the_command_takes_batches() -> None:
    async def work(url: str) -> Counter[str]:
        async with client_at(url) as client:
            made = await client.messages.batches.create(requests=items(30))
            await asyncio.sleep(0.12)
            assert (await client.messages.batches.retrieve(made.id)).processing_status == "ended"
            return Counter([line.result.type async for line in await client.messages.batches.results(made.id)])

    with serving(batch_time=0.1, batch_errors=0.3) as server:
        found = asyncio.run(work(server.base_url))
    assert server.summary["batches"]["items"] == {name: found[name] for name in COUNTERS}
    assert server.summary["distinct_answered"] == found["succeeded"] < 30
