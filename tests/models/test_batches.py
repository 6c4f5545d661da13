"""Message Batches through the real SDK: what each way to fail is called, and what is never done."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from nextstep.core.caching import PLAIN
from nextstep.errors import FatalModelError, ModelError
from nextstep.models.batches import Batches, NoBatches, Result, Unsure, batches_of
from nextstep.models.messages_api import MessagesModel
from nextstep.models.scripted import ScriptedModel
from nextstep.models.wire import body_of
from tests import loopback
from tests.loopback import LoopbackServer, Reply, http_error, max_tokens, plain, spend_limit
from tests.loopback.replies import as_json, html_200, reset
from tests.models.asking import opened
from tests.models.made_up import KEY, MODEL, request

EPOCH = datetime(2020, 1, 1)  # noqa: DTZ001 - as the store keeps times


def item(name: str, **changes: Any) -> dict[str, Any]:
    return {"custom_id": name, "params": body_of(request(name), PLAIN) | changes}


def run(server: LoopbackServer, work: Callable[[Batches], Awaitable[Any]], **limits: Any) -> Any:
    async def inside() -> Any:
        async with opened(server.base_url, **limits) as model:
            return await work(Batches(model, MODEL))

    return asyncio.run(inside())


async def results_of(batches: Batches, items: list[Any]) -> list[Result]:
    made = await batches.create(items)
    await asyncio.sleep(0.1)
    seen = await batches.look(made.batch_id)
    assert seen is not None
    assert seen.has_ended
    return [result async for result in batches.results(seen)]


def answered(reply: Reply) -> LoopbackServer:
    """A server that answers every request to /v1/messages/batches... so, whatever it is."""
    server = LoopbackServer(batches=loopback.Batches())
    server._batch_desk.reply = lambda *_: reply  # type: ignore[union-attr, method-assign]
    return server


def test_a_batch_is_seen_by_its_size_and_its_times() -> None:
    async def work(batches: Batches) -> None:
        made = await batches.create([item("a"), item("b")])
        (listed,) = await batches.made_since(EPOCH)
        assert (made.n_requests, made.has_ended, listed.batch_id) == (2, False, made.batch_id)
        now = datetime.now(UTC).replace(tzinfo=None)
        assert now - made.created_at < timedelta(seconds=30)
        assert await batches.made_since(now + timedelta(seconds=5)) == []

    with LoopbackServer(batches=loopback.Batches(takes_s=9)) as server:
        run(server, work)


def test_answers_are_whole_messages_and_errors_say_whether_they_may_pass() -> None:
    items = [item("good"), item("odd", temperature=0), item("cut")]
    answer = lambda body: max_tokens("so") if "cut" in str(body) else plain("yes")  # noqa: E731
    with LoopbackServer(answer, batches=loopback.Batches()) as server:
        found = {one.custom_id: one for one in run(server, lambda batches: results_of(batches, items))}
    good, odd, cut = found["good"], found["odd"], found["cut"]
    assert good.answer
    assert cut.answer
    assert (good.outcome, good.answer.text, cut.answer.stop_reason) == ("succeeded", "yes", "max_tokens")
    assert (odd.outcome, odd.may_pass, odd.answer) == ("invalid_request_error", False, None)


@pytest.mark.parametrize("rules", [{"expired": 1.0}, {"errored": 1.0}])
def test_items_that_expired_or_met_an_error_of_the_service_may_pass(rules: dict[str, Any]) -> None:
    with LoopbackServer(batches=loopback.Batches(**rules)) as server:
        (one,) = run(server, lambda batches: results_of(batches, [item("a")]))
    assert one.may_pass
    assert one.outcome in ("expired", "api_error", "overloaded_error")


@pytest.mark.parametrize("problem", [reset(), http_error(500), http_error(529), html_200(), as_json({"id": None})])
def test_a_create_that_may_have_made_a_batch_is_tried_once_and_unsure(problem: Reply) -> None:
    with answered(problem) as server, pytest.raises(Unsure):
        run(server, lambda batches: batches.create([item("a")]))
    assert len(server.requests) == 1


@pytest.mark.parametrize("status", [404, 405, 501])
def test_a_server_without_batches_is_told_apart(status: int) -> None:
    with answered(http_error(status)) as server, pytest.raises(NoBatches):
        run(server, lambda batches: batches.create([item("a")]))


@pytest.mark.parametrize(
    ("problem", "kind", "fatal", "requests"),
    [
        (http_error(400), "invalid_request_error", False, 1),
        (http_error(413), "request_too_large", False, 1),
        (http_error(429), "rate_limit_error", False, 3),
        (http_error(401), "authentication", True, 1),
        (spend_limit(), "spend_limit", True, 1),
    ],
)
def test_a_create_that_was_refused_made_none(problem: Reply, kind: str, fatal: bool, requests: int) -> None:
    with answered(problem) as server, pytest.raises(ModelError) as caught:
        run(server, lambda batches: batches.create([item("a")]))
    assert (caught.value.kind, isinstance(caught.value, FatalModelError)) == (kind, fatal)
    assert len(server.requests) == requests


def test_a_batch_that_is_not_there_is_none_and_a_look_that_fails_is_tried_again() -> None:
    with LoopbackServer(batches=loopback.Batches()) as server:
        assert run(server, lambda batches: batches.look("msgbatch_of_somebody")) is None
    with answered(http_error(500)) as server, pytest.raises(ModelError):
        run(server, lambda batches: batches.look("a"))
    assert len(server.requests) == 3


def test_the_url_of_the_results_is_never_followed() -> None:
    """It names another server here, which would be sent the key."""

    async def work(batches: Batches) -> list[Result]:
        return await results_of(batches, [item("a")])

    with LoopbackServer(batches=loopback.Batches()) as other, LoopbackServer(batches=loopback.Batches()) as server:
        desk = server._batch_desk
        assert desk
        reply = desk.reply
        desk.reply = lambda method, rest, query, body, at: reply(  # type: ignore[method-assign]
            method, rest, query, body, type(at)(at.now, other.base_url, at.size)
        )
        assert [one.outcome for one in run(server, work)] == ["succeeded"]
        assert other.requests == []
        assert KEY in server.requests[-1].headers["authorization"]


def test_only_a_client_of_the_messages_api_itself_has_batches() -> None:
    class Cloud:
        messages = None

    assert batches_of(ScriptedModel(lambda _: ""), "scripted") is None
    from nextstep.config import Limits

    assert batches_of(MessagesModel(Cloud(), Limits()), "bedrock/x") is None


def test_half_a_download_gives_what_came_and_says_that_it_broke() -> None:
    async def work(batches: Batches) -> tuple[int, str]:
        made = await batches.create([item(f"a{number}") for number in range(40)])
        await asyncio.sleep(0.1)
        seen = await batches.look(made.batch_id)
        assert seen
        count = 0
        try:
            async for _ in batches.results(seen):
                count += 1
        except ModelError as error:
            return count, error.kind
        raise AssertionError

    with LoopbackServer(batches=loopback.Batches(cut_results=1)) as server:
        count, kind = run(server, work)
    assert 0 < count < 40
    assert kind in ("connection", "client")
