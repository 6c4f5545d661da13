"""The whole job over scripted models: every call is accounted for, nothing is paid for twice, nothing is lost."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from nextstep.core.records import Answer, MomentSet, Request, Usage
from nextstep.errors import BudgetReached, FatalModelError, ModelError, StoreError, UsageError
from nextstep.models.base import AS_IT_IS, Sending, answer_of, reply_body
from nextstep.models.scripted import ScriptedModel
from nextstep.pipeline.evaluate import choose_moments
from nextstep.pipeline.plan import plan_calls
from nextstep.pipeline.running import RunResult
from nextstep.sources.suite import load_suite
from nextstep.store.asking import named_queries
from nextstep.store.database import query
from tests.builders import MODEL_STEP, World, accounted, judgement, step, with_more


@pytest.fixture
def world(tmp_path: Path) -> World:
    """Without the one form: what a scribe adds is in test_scribe."""
    world = World(tmp_path)
    world.config["judging"] = {"same_form": False}
    return world


def test_every_pair_is_proposed_once_and_judged_in_both_orders(world: World) -> None:
    world.config["candidates"] = [{"model": "cand", "samples": 2}]
    result = world.run()
    assert world.asked[0] == 6 * 2
    assert result.status == "done"
    for row in result.win_rates:
        assert (row["wins"], row["due"], row["n_moments"], row["win_rate"]) == (6, 6, 3, 1.0)
    assert world.rows('SELECT "order", count(*) FROM verdicts GROUP BY ALL ORDER BY 1') == [
        ("human_first", 12),
        ("model_first", 12),
    ]


def test_the_same_step_twice_is_judged_once_and_counts_twice(world: World) -> None:
    world.config["candidates"] = [{"model": "cand", "samples": 4}]
    result = world.run()
    assert world.asked == (6 * 4, 6 * 2)
    assert {row["due"] for row in result.win_rates} == {3 * 4}


def test_a_rerun_sends_nothing_and_changes_no_result(world: World) -> None:
    first = world.run()
    asked = world.asked
    second = world.run()
    assert world.asked == asked
    assert second.spend.calls == 0

    def without_time(result: RunResult) -> list[dict[str, Any]]:
        return [{key: row[key] for key in row if key != "updated_at"} for row in result.win_rates]

    assert without_time(first) == without_time(second)


def test_stored_replies_are_reused_when_only_what_was_read_from_them_is_gone(world: World) -> None:
    world.run()
    asked = world.asked
    with world.store.write() as connection:
        connection.execute("DELETE FROM proposals")
        connection.execute("DELETE FROM verdicts")
    world.run()
    assert world.asked == asked
    assert world.rows("SELECT count(*) FROM outcomes") == [(6,)]


def test_a_judge_that_always_says_a_yields_only_flips(world: World) -> None:
    world.judge = ScriptedModel(lambda _: judgement("A"))
    for row in world.run().win_rates:
        assert (row["flips"], row["due"], row["win_rate"], row["flip_rate"]) == (3, 3, 0.5, 1.0)


@pytest.mark.parametrize("said", ["", "A", "{}", '{"reasoning": "x", "choice": "C", "strength": "slight"}', "[]"])
def test_an_unreadable_judge_yields_only_failures(world: World, said: str) -> None:
    world.judge = ScriptedModel(lambda _: said)
    result = world.run()
    assert result.status == "failed"
    for row in result.win_rates:
        assert (row["failures"], row["due"], row["n_moments"], row["win_rate"]) == (3, 3, 0, None)


def test_one_unreadable_order_makes_the_pair_a_failure_and_never_a_tie(world: World) -> None:
    honest = world.judge.script

    def half(request: Request) -> str | Answer | Exception:
        model_first = request.content[-1].index(MODEL_STEP) < request.content[-1].index('label="B"')
        return honest(request) if model_first else "no verdict"

    world.judge = ScriptedModel(half)
    for row in world.run().win_rates:
        assert (row["failures"], row["ties"], row["due"]) == (3, 0, 3)


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        (answer_of(reply_body("I cannot", "refusal")), "refusal"),
        (answer_of(reply_body(step("half a"), "max_tokens")), "max_tokens"),
        (answer_of(reply_body("", "end_turn")), "empty"),
        ("no tags at all", "unreadable"),
        (step("one") + step("two"), "unreadable"),
        (ModelError("overloaded_error", "busy", attempts=6), "overloaded_error"),
    ],
)
def test_a_proposal_that_gives_nothing_is_a_failure_row_of_its_kind(
    world: World, said: str | Answer | Exception, kind: str
) -> None:
    world.candidate = ScriptedModel(lambda _: said)
    result = world.run()
    assert all(row["failures"] == row["due"] == 3 and row["win_rate"] is None for row in result.win_rates)
    assert world.rows("SELECT DISTINCT stage, kind FROM failures") == [("propose", kind)]
    assert world.asked[1] == 0


def test_a_call_that_failed_is_tried_again_by_the_next_run_and_then_counts(world: World) -> None:
    world.candidate = ScriptedModel(lambda _: ModelError("connection", "lost"))
    assert world.run().failed == 6
    world.candidate = ScriptedModel(lambda _: step(MODEL_STEP))
    result = world.run()
    assert (result.status, result.failed) == ("done", 0)
    assert all(row["wins"] == row["due"] == 3 for row in result.win_rates)


def test_an_unreadable_reply_is_paid_for_once_and_stays_a_failure(world: World) -> None:
    world.candidate = ScriptedModel(lambda _: "no step")
    world.run()
    result = world.run()
    assert world.asked == (6, 0)
    assert (result.spend.calls, result.failed) == (0, 6)
    assert world.rows("SELECT count(*) FROM failures") == [(6,)]


def test_a_model_that_cannot_answer_stops_the_run_without_failure_rows(world: World) -> None:
    world.candidate = ScriptedModel(lambda _: FatalModelError("authentication", "wrong key"))
    result = world.run()
    assert isinstance(result.stopped_by, FatalModelError)
    assert world.rows("SELECT count(*) FROM failures") == [(0,)]
    assert world.rows("SELECT status, error FROM runs") == [("failed", "wrong key")]


def test_one_dead_candidate_does_not_keep_the_others_from_being_judged(world: World) -> None:
    world.config["candidates"] = ["cand", "dead"]

    def script(request: Request) -> str | Exception:
        return FatalModelError("unknown_model", "no such model") if request.model == "dead" else step(MODEL_STEP)

    world.candidate = ScriptedModel(script)
    result = world.run()
    assert result.stopped_by
    assert {row["candidate"]: row["wins"] for row in result.win_rates if row["set"] == "detour"} == {"cand": 3}


def test_an_error_that_is_not_ours_ends_the_run_with_everything_answered_stored(world: World) -> None:
    def script(request: Request) -> str | Exception:
        return KeyError("a bug") if len(world.candidate.requests) == 4 else step(MODEL_STEP)

    world.candidate = ScriptedModel(script)
    world.config["limits"] = {"max_connections": 1}
    with pytest.raises(KeyError):
        world.run()
    assert world.rows("SELECT count(*) FROM proposals") == [(3,)]
    assert world.rows("SELECT status, error FROM runs") == [("failed", "'a bug'")]


def test_an_interrupted_run_keeps_its_answers_and_the_next_pays_for_the_rest_alone(world: World) -> None:
    class Slow(ScriptedModel):
        async def ask(self, request: Request, sending: Sending = AS_IT_IS) -> Answer:
            if len(self.requests) == 3:
                raise asyncio.CancelledError
            return await super().ask(request, sending)

    world.candidate = Slow(lambda _: step(MODEL_STEP))
    world.config["limits"] = {"max_connections": 1}
    with pytest.raises(asyncio.CancelledError):
        world.run()
    assert world.rows("SELECT count(*) FROM replies") == [(3,)]
    assert world.rows("SELECT status FROM runs") == [("interrupted",)]
    world.candidate = ScriptedModel(lambda _: step(MODEL_STEP))
    assert world.run().status == "done"
    assert world.asked == (3, 12)


def test_pairs_that_nobody_judged_yet_are_pending_and_no_failures(world: World) -> None:
    world.judge = ScriptedModel(lambda _: FatalModelError("authentication", "wrong key"))
    for row in world.run().win_rates:
        assert (row["pending"], row["failures"], row["due"], row["win_rate"]) == (3, 0, 3, None)
        assert accounted(row)


def test_fresh_adds_samples_beside_the_stored_ones(world: World) -> None:
    world.run()
    result = world.run(fresh=True)
    assert world.asked == (12, 24)
    assert {row["due"] for row in result.win_rates} == {6}
    assert {row["n_moments"] for row in result.win_rates} == {3}


def test_fresh_asks_anew_for_verdicts_that_could_not_be_read(world: World) -> None:
    honest = world.judge.script
    world.judge = ScriptedModel(lambda _: "no verdict")
    world.run()
    world.judge = ScriptedModel(honest)
    assert world.run().failed == 12
    result = world.run(fresh=True)
    assert result.failed == 0
    assert {(row["wins"], row["due"]) for row in result.win_rates} == {(6, 6)}


def test_what_a_stopped_run_never_reached_is_due_and_pending(world: World) -> None:
    def script(_: Request) -> str | Exception:
        late = len(world.candidate.requests) > 2
        return FatalModelError("authentication", "key withdrawn") if late else step(MODEL_STEP)

    world.candidate = ScriptedModel(script)
    world.config["limits"] = {"max_connections": 1}
    rows = world.run().win_rates
    assert sum(row["due"] for row in rows) == 6
    assert sum(row["pending"] for row in rows) == 4
    assert all(accounted(row) for row in rows)


def test_a_failure_that_a_later_run_cured_is_shown_no_more(world: World) -> None:
    world.candidate = ScriptedModel(lambda _: ModelError("connection", "lost"))
    world.run()
    named = named_queries()["failures"][1]
    assert world.rows(named)[0][3] == 6
    world.candidate = ScriptedModel(lambda _: step(MODEL_STEP))
    world.run()
    assert world.rows(named) == []


def test_a_renamed_session_keeps_its_answers_under_its_new_name(world: World) -> None:
    world.run()
    asked = world.asked
    sessions = world.suite_folder / "sessions"
    (sessions / "one.jsonl").rename(sessions / "uno.jsonl")
    moments = world.suite_folder / "moments.jsonl"
    moments.write_text(moments.read_text().replace('"one"', '"uno"'))
    world.run()
    assert world.asked == asked
    assert world.rows("SELECT name FROM sessions ORDER BY name") == [("three",), ("two",), ("uno",)]


def test_an_answer_of_unknown_cost_exhausts_a_limit(world: World) -> None:
    world.config["limits"] = {"max_cost_usd": 100.0, "max_connections": 1}
    result = world.run()
    assert isinstance(result.stopped_by, BudgetReached)
    assert "not known" in str(result.stopped_by)
    assert world.asked == (1, 0)


def test_more_samples_ask_only_for_those_that_are_missing(world: World) -> None:
    world.run()
    world.config["candidates"] = [{"model": "cand", "samples": 3}]
    world.run()
    assert world.asked == (18, 12)


def test_another_judge_on_stored_proposals_pays_only_for_judging(world: World) -> None:
    world.run()
    world.config["judges"] = [{"model": "judge", "name": "second", "max_tokens": 5000}]
    world.run()
    assert world.asked == (6, 24)


def test_a_changed_prompt_is_a_new_question_and_the_old_answers_stay(world: World, tmp_path: Path) -> None:
    world.run()
    world.prompts = with_more(tmp_path / "prompts", "candidate", "\nOne more word.\n")
    world.run()
    assert world.asked[0] == 12
    assert world.rows("SELECT count(DISTINCT prompt_hash), count(*) FROM win_rates") == [(2, 4)]


def test_the_candidate_never_sees_the_moment_or_what_came_after(world: World) -> None:
    world.run()
    for request in world.candidate.requests:
        text = request.system + "".join(request.content)
        assert "lower the rate and run" not in text or "step 1400" in text
        assert "print the batch" not in text
        assert "Row 17 was the cause" not in text
        assert "About" not in text


def test_the_judge_sees_how_it_turned_out_and_not_which_step_was_taken(world: World) -> None:
    world.run()
    for request in world.judge.requests:
        trajectory = request.content[0]
        assert "Row 17 was the cause" in trajectory
        assert ("lower the rate and run" in trajectory) != ("print the batch" in trajectory)
        assert "detour" not in "".join(request.content)
        assert "human" not in request.content[-1]


def test_answers_are_stored_raw_with_usage_and_price(world: World) -> None:
    body = json.loads(reply_body(step(MODEL_STEP)))
    body |= {"usage": {"input_tokens": 1000, "output_tokens": 100, "cache_read_input_tokens": 500}, "odd": [1]}
    world.config["candidates"] = ["claude-opus-5-5"]
    world.candidate = ScriptedModel(lambda _: answer_of(json.dumps(body)))
    world.run()
    rows = world.rows("SELECT body, input_tokens, cache_read_tokens, cost_usd FROM replies WHERE purpose = 'propose'")
    assert {row[0] for row in rows} == {json.dumps(body)}
    assert rows[0][1:] == (1000, 500, pytest.approx((1000 * 4 + 500 * 0.2 + 100 * 20) / 1e6))


def test_an_unknown_price_is_null_and_never_zero(world: World) -> None:
    world.run()
    assert world.rows("SELECT DISTINCT cost_usd FROM replies") == [(None,)]
    assert world.rows("SELECT sum(unpriced), sum(calls) FROM costs") == [(18, 18)]


def test_the_budget_stops_the_run_and_the_next_goes_on(world: World) -> None:
    usage = Usage(input_tokens=1_000_000, output_tokens=0)
    answer = answer_of(reply_body(step(MODEL_STEP))).model_copy(update={"usage": usage})
    world.candidate = ScriptedModel(lambda _: answer)
    world.config |= {"candidates": ["claude-opus-5-5"], "limits": {"max_cost_usd": 7.0, "max_connections": 1}}
    result = world.run()
    assert isinstance(result.stopped_by, BudgetReached)
    assert len(world.candidate.requests) == 2
    assert world.rows("SELECT status, calls, cost_usd FROM runs") == [("over_budget", 2, 8.0)]
    world.config["limits"] = {}
    assert world.run().status == "done"
    assert len(world.candidate.requests) == 6


def test_the_plan_foretells_the_calls_that_are_sent(world: World) -> None:
    job = world.job()
    planned = {(str(p.purpose), p.model): p.calls for p in plan_calls(job, world.store)}
    assert planned == {("propose", "cand"): 6, ("judge", "judge"): 12}
    assert not world.store.path.exists()
    world.run()
    assert plan_calls(job, world.store) == []


def test_a_store_that_cannot_be_written_stops_the_run(world: World) -> None:
    world.store.path.write_bytes(b"not a store")
    with pytest.raises(StoreError):
        world.run()
    assert world.asked == (0, 0)


def test_a_limit_draws_by_the_seed_and_a_larger_one_holds_a_smaller(world: World) -> None:
    suite = load_suite(world.suite_folder)
    three, four = choose_moments(suite, limit=3), choose_moments(suite, limit=4)
    assert set(three) < set(four)
    assert len(three) == 3
    assert any(choose_moments(suite, limit=3, seed=seed) != three for seed in range(1, 20))
    assert {moment.set for moment in choose_moments(suite, only=MomentSet.DETOUR)} == {MomentSet.DETOUR}


@pytest.mark.parametrize(("missing", "hint"), [("candidates", "--model"), ("judges", "--judge")])
def test_a_job_without_models_says_how_to_name_them(world: World, missing: str, hint: str) -> None:
    world.config[missing] = []
    with pytest.raises(UsageError, match=hint):
        world.job()


def test_runs_remember_the_config_and_the_hashes_of_the_prompts(world: World) -> None:
    result = world.run()
    ((config, suite_hash),) = world.rows("SELECT config, suite_hash FROM runs")
    assert suite_hash == result.suite_hash
    assert json.loads(config)["candidates"][0]["model"] == "cand"
    assert set(json.loads(config)["prompt_hashes"]) == {"candidate", "judge"}


def test_a_new_label_renews_the_moment_and_asks_nothing_again(world: World) -> None:
    world.run()
    path = world.suite_folder / "moments.jsonl"
    path.write_text(path.read_text().replace('"control"', '"detour"'))
    result = world.run()
    assert world.asked == (6, 12)
    assert [(row["set"], row["due"]) for row in result.win_rates] == [("detour", 6)]


def test_failures_and_counts_account_for_everything_due(world: World) -> None:
    def moody(request: Request) -> str | Exception:
        said = (judgement("A"), judgement("tie"), "?", judgement("B"))
        number = len(world.judge.requests) % 5
        return said[number] if number < len(said) else ModelError("x", "y")

    world.judge = ScriptedModel(moody)
    world.config["candidates"] = [{"model": "cand", "samples": 5}]
    result = world.run()
    assert all(accounted(row) and row["due"] == 15 and row["pending"] == 0 for row in result.win_rates)
    with world.store.read() as connection:
        assert len(query(connection, "win_rates_of", suite_hash=result.suite_hash)) == 2
