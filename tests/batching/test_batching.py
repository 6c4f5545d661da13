"""Runs in batches: they end as runs without, whatever the server does with the batches."""

import asyncio
import dataclasses
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nextstep.errors import BudgetReached, FatalModelError
from nextstep.pipeline.evaluate import evaluate
from nextstep.pipeline.parcels import Batching
from nextstep.pipeline.running import RunResult
from tests.batching.world import QUICK, Place, answer, batch_statuses
from tests.loopback import Batches, LoopbackServer, Reply, http_error
from tests.loopback.clients import asked, block, client_at
from tests.loopback.replies import Body

Plain = dict[str, list[str]]
CALLS = 50 - 10
"""Of an evaluation of the suite: ten proposals, ten steps in one form, twenty verdicts."""
AWAY = dataclasses.replace(QUICK, wait=False)
SLOW = Batches(takes_s=3600)


def batches_of(server: LoopbackServer) -> dict[str, Any]:
    return dict(server.summary()["batches"])


def none_was_paid_twice(server: LoopbackServer) -> bool:
    return set(server.ledger.times_answered.values()) == {1}


def sent_singly(server: LoopbackServer) -> int:
    return len([one for one in server.requests if one.path == "/v1/messages"])


# --- the way of batches


def test_items_that_failed_or_expired_are_sent_again_and_results_come_in_any_order(
    plain: Plain, tmp_path: Path
) -> None:
    with LoopbackServer(answer, batches=Batches(errored=0.1, expired=0.05, seed=3)) as server:
        place = Place(tmp_path, server.base_url)
        result = place.run()
    fates = batches_of(server)["items"]
    assert min(fates["errored"], fates["expired"]) > 0
    assert (result.status, result.failed, place.heard.left) == ("done", 0, 0)
    assert place.final() == plain
    assert none_was_paid_twice(server)
    assert sent_singly(server) == 0
    assert dict(place.rows("SELECT outcome = 'succeeded', count(*) FROM batch_items GROUP BY 1")) == {
        True: fates["succeeded"],
        False: fates["errored"] + fates["expired"],
    }


def test_a_server_that_fails_at_every_other_look_and_breaks_off_downloads_changes_nothing(
    plain: Plain, tmp_path: Path
) -> None:
    with LoopbackServer(answer, batches=Batches(failed_polls=0.5, cut_results=3)) as server:
        place = Place(tmp_path, server.base_url)
        assert place.run().status == "done"
    assert place.final() == plain
    assert none_was_paid_twice(server)


def test_what_is_due_goes_into_as_many_batches_as_the_limits_ask(plain: Plain, tmp_path: Path) -> None:
    with LoopbackServer(answer, batches=Batches(max_requests=4)) as server:
        place = Place(tmp_path, server.base_url)
        assert place.run(dataclasses.replace(QUICK, most_requests=4)).status == "done"
    sizes = [n for (n,) in place.rows("SELECT n_requests FROM batches WHERE model LIKE '%opus%' ORDER BY created_at")]
    assert sizes == [4, 4, 2]
    assert place.final() == plain


def test_a_server_that_takes_less_than_it_should_gets_smaller_batches(plain: Plain, tmp_path: Path) -> None:
    with LoopbackServer(answer, batches=Batches(max_requests=4)) as server:
        place = Place(tmp_path, server.base_url)
        assert place.run().status == "done"
    assert place.final() == plain
    assert none_was_paid_twice(server)


def test_a_batch_is_no_larger_in_bytes_than_it_may_be(plain: Plain, tmp_path: Path) -> None:
    most = 12_000
    with LoopbackServer(answer, batches=Batches(max_bytes=most)) as server:
        place = Place(tmp_path, server.base_url)
        assert place.run(dataclasses.replace(QUICK, most_bytes=most)).status == "done"
    sizes = [one.size for one in server.requests if one.path == "/v1/messages/batches" and one.size]
    assert max(sizes) <= most
    assert len(sizes) > 3
    assert place.final() == plain


def test_answers_come_at_half_the_price_and_say_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with LoopbackServer(answer, batches=Batches()) as server:
        priced(server, monkeypatch)
        one = Place(tmp_path, server.base_url, "one.duckdb", candidate=OPUS, judge=OPUS)
        many = Place(tmp_path, server.base_url, "many.duckdb", candidate=OPUS, judge=OPUS)
        alone, together = one.run(None), many.run()
    # A message costs the same number of tokens either way; blocks that are cut differently are counted a little apart.
    assert together.spend.usd == pytest.approx(alone.spend.usd / 2, rel=0.02)
    said = "SELECT DISTINCT body::JSON ->> '$.usage.service_tier' FROM replies"
    assert (one.rows(said), many.rows(said)) == ([("standard",)], [("batch",)])
    assert many.rows("SELECT sum(cost_usd) FROM costs") == [(pytest.approx(together.spend.usd),)]


def test_a_rerun_sends_nothing_and_makes_no_batch(tmp_path: Path) -> None:
    with LoopbackServer(answer, batches=Batches()) as server:
        place = Place(tmp_path, server.base_url)
        place.run()
        before = len(server.requests)
        result = place.run()
        assert (result.status, result.spend.calls, len(server.requests)) == ("done", 0, before)


# --- what fails


def picky(problem: Reply) -> Callable[[Body], Reply]:
    """Answers all but what is said of the session `two`."""
    return lambda body: problem if "About two" in str(body) or " two" in str(body) else answer(body)


def test_an_invalid_item_is_a_failure_at_once(tmp_path: Path) -> None:
    with LoopbackServer(picky(http_error(400, message="too odd")), batches=Batches()) as server:
        place = Place(tmp_path, server.base_url)
        result = place.run()
    assert (result.status, place.heard.left) == ("failed", 0)
    found = place.rows("SELECT DISTINCT kind, attempts FROM failures")
    assert found == [("invalid_request_error", 1)]
    assert place.rows("SELECT max(attempt) FROM batch_items") == [(1,)]
    assert "too odd" in place.rows("SELECT message FROM failures LIMIT 1")[0][0]


def test_what_fails_again_and_again_is_a_failure_in_the_end_and_tried_anew_by_the_next_run(tmp_path: Path) -> None:
    with LoopbackServer(picky(http_error(529)), batches=Batches()) as server:
        place = Place(tmp_path, server.base_url, limits={"attempts": 3})
        assert place.run().status == "failed"
        assert place.rows("SELECT DISTINCT kind, attempts FROM failures") == [("overloaded_error", 3)]
        assert place.rows("SELECT max(attempt) FROM batch_items") == [(3,)]
        server.answer = server._batch_desk.worker.answer = lambda body, *_: answer(body)  # type: ignore[union-attr, assignment]
        assert place.run().status == "done"
    assert place.rows("SELECT count(*) FROM open_failures") == [(0,)]


def test_a_model_that_is_not_there_stops_the_run_and_its_work_stays_due(tmp_path: Path) -> None:
    with LoopbackServer(answer, batches=Batches()) as server:
        server.unknown_models.add("claude-opus-5-5")
        place = Place(tmp_path, server.base_url)
        result = place.run()
        assert isinstance(result.stopped_by, FatalModelError)
        assert result.stopped_by.kind == "unknown_model"
        assert place.rows("SELECT count(*) FROM failures") == [(0,)]
        server.unknown_models.clear()
        assert place.run().status == "done"


def test_a_key_that_is_refused_stops_the_run(tmp_path: Path) -> None:
    from tests.models.made_up import KEY

    with LoopbackServer(answer, batches=Batches()) as server:
        server.bad_keys.add(KEY)
        result = Place(tmp_path, server.base_url).run()
    assert isinstance(result.stopped_by, FatalModelError)
    assert result.stopped_by.kind == "authentication"


# --- a create that was lost


@pytest.mark.parametrize("lost_by", ["reset", "silence"])
def test_a_create_whose_answer_is_lost_makes_one_batch(lost_by: Any, plain: Plain, tmp_path: Path) -> None:
    rules = Batches(takes_s=0.1, lost_creates=2, lost_by=lost_by)
    with LoopbackServer(answer, batches=rules) as server:
        place = Place(tmp_path, server.base_url, limits={"timeout_s": 0.6} if lost_by == "silence" else {})
        assert place.run().status == "done"
    assert batches_of(server)["lost"] == 2
    assert batch_statuses(place) == ["collected"] * batches_of(server)["created"]
    assert place.final() == plain
    assert none_was_paid_twice(server)


def test_a_batch_of_the_same_size_that_is_not_ours_is_told_apart(plain: Plain, tmp_path: Path) -> None:
    """Somebody else's comes in just before ours, whose answer is lost."""
    with LoopbackServer(answer, batches=Batches(takes_s=0.05, lost_creates=1)) as server:
        place = Place(tmp_path, server.base_url)
        params = asked(system="Be brief.", messages=[{"role": "user", "content": [block("What next?")]}])
        others: list[Any] = [{"custom_id": f"x{number}", "params": params} for number in range(10)]

        async def slip_in() -> None:
            async with client_at(server.base_url) as client:
                with pytest.raises(Exception, match="onnection"):
                    await client.messages.batches.create(requests=others)

        asyncio.run(slip_in())
        server._batch_desk.events["lost"] = 0  # type: ignore[union-attr]
        assert place.run().status == "done"
    assert batches_of(server)["created"] == 1 + batch_statuses(place).count("collected")
    assert place.final() == plain
    ours = {one: count for one, count in server.ledger.times_answered.items() if count != 10}
    assert set(ours.values()) == {1}


# --- leaving and coming back


def test_no_wait_leaves_and_the_next_run_collects_and_goes_on(plain: Plain, tmp_path: Path) -> None:
    with LoopbackServer(answer, batches=Batches(takes_s=0.3)) as server:
        place = Place(tmp_path, server.base_url)
        first = place.run(AWAY)
        assert (first.status, first.spend.calls, [n for _, n in first.in_batches]) == ("done", 0, [10])
        assert "10 calls are in 1 batch" in place.heard.remarks[-1]
        assert batch_statuses(place) == ["open"]
        again = place.run(AWAY)
        assert ([n for _, n in again.in_batches], batches_of(server)["created"]) == ([10], 1)
        for _ in range(3):
            asyncio.run(asyncio.sleep(0.35))
            last = place.run(AWAY)
        assert (last.status, last.in_batches) == ("done", ())
    assert place.final() == plain
    assert batches_of(server)["created"] == 3
    assert none_was_paid_twice(server)


def test_a_plain_run_collects_what_has_ended_and_sends_nothing_that_is_still_in_a_batch(
    plain: Plain, tmp_path: Path
) -> None:
    with LoopbackServer(answer, batches=Batches(takes_s=0.8)) as server:
        place = Place(tmp_path, server.base_url)
        place.run(AWAY)
        early = place.run(None)
        assert (early.status, early.spend.calls, [n for _, n in early.in_batches]) == ("done", 0, [10])
        assert sent_singly(server) == 0
        asyncio.run(asyncio.sleep(0.9))
        late = place.run(None)
    assert (late.status, late.in_batches, late.spend.calls) == ("done", (), CALLS)
    assert sent_singly(server) == CALLS - 10
    assert place.final() == plain
    assert none_was_paid_twice(server)


def test_an_interrupted_run_leaves_its_batches_and_the_next_one_collects(plain: Plain, tmp_path: Path) -> None:
    with LoopbackServer(answer, batches=Batches(takes_s=1.0)) as server:
        place = Place(tmp_path, server.base_url)

        async def interrupted() -> None:
            work = asyncio.create_task(evaluate(place.job(), place.store, place.heard, batching=QUICK))
            await place.heard.has_waited.wait()
            work.cancel()
            with pytest.raises(asyncio.CancelledError):
                await work

        asyncio.run(interrupted())
        assert place.rows("SELECT status FROM runs") == [("interrupted",)]
        assert "10 calls are in 1 batch" in place.heard.remarks[-1]
        assert place.run().status == "done"
    assert place.final() == plain
    assert none_was_paid_twice(server)


def test_a_batch_that_the_server_forgot_is_sent_again_and_told(plain: Plain, tmp_path: Path) -> None:
    with LoopbackServer(answer, batches=SLOW) as server:
        place = Place(tmp_path, server.base_url)
        place.run(AWAY)
    with LoopbackServer(answer, batches=Batches(), port=int(place.base_url.rpartition(":")[2])) as server:
        assert place.run().status == "done"
    assert any("knows no batch" in remark for remark in place.heard.remarks)
    assert Counter(batch_statuses(place))["lost"] == 1
    assert place.final() == plain


# --- budgets

OPUS = "claude-opus-5-5"


def priced(server: LoopbackServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let models whose price is known be asked at this server."""
    monkeypatch.setenv("ANTHROPIC_BASE_URL", server.base_url)
    monkeypatch.setenv("ANTHROPIC_API_KEY", "made-up")


def budget_run(place: Place, most: float, batching: Batching = QUICK) -> RunResult:
    place.limits = {"max_cost_usd": most}
    return place.run(batching)


def test_only_as_many_calls_are_sent_as_the_budget_covers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with LoopbackServer(answer, batches=Batches()) as server:
        priced(server, monkeypatch)
        place = Place(tmp_path, server.base_url, candidate=OPUS, judge=OPUS)
        result = budget_run(place, 0.06)
        assert isinstance(result.stopped_by, BudgetReached)
        assert 0 < result.spend.usd < 0.07  # the last call goes while any money is left
        assert place.rows("SELECT n_requests < 10 FROM batches ORDER BY created_at LIMIT 1") == [(True,)]
        assert place.rows("SELECT status, round(cost_usd, 6) FROM runs") == [
            ("over_budget", pytest.approx(round(result.spend.usd, 6)))
        ]
        place.limits = {}
        assert place.run().status == "done"
    assert none_was_paid_twice(server)


def test_nothing_is_sent_beside_open_batches_that_use_up_the_budget(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with LoopbackServer(answer, batches=SLOW) as server:
        priced(server, monkeypatch)
        place = Place(tmp_path, server.base_url, candidate=OPUS, judge=OPUS)
        first = budget_run(place, 0.08, AWAY)
        sent = sum(n for _, n in first.in_batches)
        assert isinstance(first.stopped_by, BudgetReached)
        assert 0 < sent < 10
        again = budget_run(place, 0.08, AWAY)
        assert sum(n for _, n in again.in_batches) == sent


# --- models without batches


def test_a_server_without_batches_is_asked_one_by_one_with_one_remark(plain: Plain, tmp_path: Path) -> None:
    with LoopbackServer(answer) as server:
        place = Place(tmp_path, server.base_url)
        result = place.run()
    assert (result.status, place.heard.left) == ("done", 0)
    assert [remark for remark in place.heard.remarks if "has no batches" in remark]
    assert place.final() == plain
    assert none_was_paid_twice(server)
    assert Counter(batch_statuses(place)) == {"lost": len(place.heard.remarks)}


def test_an_offline_judge_works_beside_a_candidate_in_batches(tmp_path: Path) -> None:
    with LoopbackServer(answer, batches=Batches(errored=0.1)) as server:
        alone = Place(tmp_path, server.base_url, "alone.duckdb", judge="offline/lexical")
        together = Place(tmp_path, server.base_url, judge="offline/lexical")
        alone.run(None)
        result = together.run()
    assert (result.status, together.heard.left) == ("done", 0)
    assert together.final()["outcomes"] == alone.final()["outcomes"]
    assert len(together.rows("FROM batches")) > 0
