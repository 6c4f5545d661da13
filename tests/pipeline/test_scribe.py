"""The human's step is brought into the one form once, and what judges read is what the scribe wrote."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from nextstep.core.forms import LABELS, parts
from nextstep.core.records import Answer, Request, Usage
from nextstep.errors import BudgetReached, FatalModelError, ModelError
from nextstep.models.base import answer_of, reply_body
from nextstep.models.scripted import ScriptedModel
from nextstep.pipeline.evaluate import evaluate
from nextstep.pipeline.plan import plan_calls
from nextstep.pipeline.watching import Watcher
from tests.builders import (
    SESSION,
    World,
    accounted,
    asked_for,
    formed,
    given_to,
    rewritten,
    slots_of,
    step,
    with_more,
)

MOMENTS = 6
OFFLINE_SCRIBE, OFFLINE_JUDGE = "offline/scribe", "offline/lexical"


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = World(tmp_path)
    world.candidate = ScriptedModel(lambda _: step(formed("a model's way")))
    return world


def own_words(world: World) -> set[str]:
    return {moment.human_step for moment in world.suite.moments}


def by_scribes(world: World) -> list[Any]:
    return world.rows("SELECT text, scribe, rewrite_id FROM rewrites ORDER BY ALL")


def read_by_judges(requests: list[Request]) -> set[str]:
    """The human's steps that judges were given."""
    return {text for request in requests for text in slots_of(request) if "a model's way" not in text}


class TestWhatIsRead:
    def test_the_humans_own_words_stay_in_the_store(self, world: World) -> None:
        world.run()
        assert {text for (text,) in world.rows("SELECT human_step FROM moments")} == own_words(world)
        assert own_words(world) == {line.format(name=n)[3:] for n in ("one", "two", "three") for line in SESSION[5:9:3]}
        assert not own_words(world) & {text for text, *_ in by_scribes(world)}

    def test_the_judge_reads_what_the_scribe_wrote_and_both_steps_fit_the_form(self, world: World) -> None:
        world.run()
        assert read_by_judges(world.judge.requests) == {text for text, *_ in by_scribes(world)}
        form = world.job().judge_prompt.form
        assert form
        for request in world.judge.requests:
            for text in slots_of(request):
                assert form.form.fits(text)
                assert [label for label, _ in parts(text)] == [*LABELS]
        assert world.rows("SELECT DISTINCT in_band FROM rewrites") == [(True,)]

    def test_a_rewrite_outside_of_the_form_is_judged_and_marked(self, world: World) -> None:
        world.scribe = ScriptedModel(lambda request: step(f"just {given_to(request)}"))
        assert world.run().status == "done"
        assert world.rows("SELECT DISTINCT in_band FROM rewrites") == [(False,)]
        assert all(text.startswith("just ") for text in read_by_judges(world.judge.requests))

    def test_the_scribe_is_given_the_humans_words_and_nothing_from_later_on(self, world: World) -> None:
        world.run()
        assert {given_to(request) for request in world.scribe.requests} == own_words(world)
        for request in world.scribe.requests:
            text = request.system + "".join(request.content)
            assert "Row 17 was the cause" not in text
            assert ("step 1400" in text) == ("print the batch" in given_to(request))
            assert "a model's way" not in text
            assert request.answer_schema is None

    def test_no_request_to_a_candidate_holds_what_a_scribe_wrote(self, world: World) -> None:
        world.run()
        world.run(fresh=True)
        assert len(world.candidate.requests) == 2 * MOMENTS
        for request in world.candidate.requests:
            asked = request.system + "".join(request.content)
            assert not any(line in asked for text, *_ in by_scribes(world) for line in text.splitlines())

    def test_a_verdict_names_the_rewrite_that_was_read(self, world: World) -> None:
        world.run()
        rows = world.rows(
            "SELECT p.moment_id = r.moment_id, r.kind, count(*) FROM verdicts v JOIN proposals p USING (proposal_id)"
            " JOIN rewrites r USING (rewrite_id) GROUP BY ALL"
        )
        assert rows == [(True, "form", 2 * MOMENTS)]

    def test_without_the_one_form_no_scribe_is_asked_and_the_own_words_are_judged(self, world: World) -> None:
        world.config["judging"] = {"same_form": False}
        result = world.run()
        assert (len(world.scribe.requests), set(result.stages)) == (0, {"propose", "judge"})
        assert by_scribes(world) == []
        assert read_by_judges(world.judge.requests) == own_words(world)
        assert world.rows("SELECT DISTINCT rewrite_id FROM verdicts") == [(None,)]


class TestWhatIsPaid:
    def test_a_moment_is_rewritten_once_for_all_candidates_samples_and_judges(self, world: World) -> None:
        world.config |= {
            "candidates": [{"model": "cand", "samples": 2}, "cand-2"],
            "judges": ["judge", "judge-2", "judge-3"],
        }
        result = world.run()
        assert result.status == "done"
        assert len(world.scribe.requests) == MOMENTS
        assert {request.model for request in world.scribe.requests} == {"judge"}
        world.run()
        assert len(world.scribe.requests) == MOMENTS

    @pytest.mark.parametrize("judge", ["other", {"model": "judge", "name": "patient", "max_tokens": 9000}])
    def test_another_judge_on_stored_proposals_pays_for_judging_alone(self, world: World, judge: object) -> None:
        world.run()
        world.config["judges"] = [judge]
        result = world.run()
        assert result.status == "done"
        assert (len(world.candidate.requests), len(world.scribe.requests)) == (MOMENTS, MOMENTS)
        assert len(world.judge.requests) == 2 * 2 * MOMENTS

    def test_another_judge_prompt_pays_for_judging_alone_and_its_results_stand_apart(
        self, world: World, tmp_path: Path
    ) -> None:
        first = world.run()
        world.prompts = with_more(tmp_path / "prompts", "judge", "\nTake your time.\n")
        world.judge = ScriptedModel(lambda _: '{"reasoning": "x", "choice": "tie", "strength": "slight"}')
        second = world.run()
        assert (len(world.candidate.requests), len(world.scribe.requests)) == (MOMENTS, MOMENTS)
        assert len(world.judge.requests) == 2 * MOMENTS
        hashes = {row["verdict_prompt_hash"] for row in (*first.win_rates, *second.win_rates)}
        assert len(hashes) == 2
        rows = world.rows("SELECT verdict_prompt_hash, ties, due FROM win_rates")
        assert len(rows) == 4
        assert {row[1:] for row in rows} == {(0, 3), (3, 3)}
        assert len({row[0] for row in rows}) == 2

    def test_a_named_scribe_writes_for_every_judge(self, world: World) -> None:
        world.config["judging"] = {"scribe": "clerk"}
        world.run()
        world.config["judges"] = ["other"]
        world.run()
        assert [request.model for request in world.scribe.requests] == ["clerk"] * MOMENTS

    @pytest.mark.parametrize("name", ["scribe", "form"])
    def test_a_changed_scribes_prompt_or_form_is_a_new_question(self, world: World, tmp_path: Path, name: str) -> None:
        world.run()
        before = len(world.judge.requests)
        world.prompts = with_more(tmp_path / "prompts", name, "\nBe exact.\n")
        world.scribe = ScriptedModel(lambda request: step(formed(f"exactly {given_to(request)}")))
        world.run()
        assert len(world.scribe.requests) == MOMENTS
        assert len(world.judge.requests) == before + 2 * MOMENTS
        assert all("exactly" in text for text in read_by_judges(world.judge.requests[before:]))
        assert world.rows("SELECT count(DISTINCT verdict_prompt_hash), count(*) FROM win_rates")[0][0] == 2
        # Only the form is part of what candidates are asked.
        assert len(world.candidate.requests) == MOMENTS * (2 if name == "form" else 1)

    def test_another_named_scribe_is_a_new_question(self, world: World) -> None:
        world.config["judging"] = {"scribe": "clerk"}
        world.run()
        world.config["judging"] = {"scribe": {"model": "clerk", "max_tokens": 900}}
        world.scribe.script = lambda request: step(formed(f"briefly {given_to(request)}"))
        world.run()
        assert len(world.scribe.requests) == 2 * MOMENTS
        assert len(world.judge.requests) == 2 * 2 * MOMENTS

    def test_the_plan_foretells_the_scribes_calls_before_there_is_a_store_and_half_way(self, world: World) -> None:
        def planned() -> dict[str, int]:
            return {str(one.purpose): one.calls for one in plan_calls(world.job(), world.store)}

        assert planned() == {"propose": MOMENTS, "scribe": MOMENTS, "judge": 2 * MOMENTS}
        assert not world.store.path.exists()
        world.scribe = ScriptedModel(lambda _: FatalModelError("authentication", "wrong key"))
        world.run()
        assert planned() == {"scribe": MOMENTS, "judge": 2 * MOMENTS}
        world.scribe = ScriptedModel(rewritten)
        world.run()
        assert planned() == {}

    def test_the_budget_counts_what_scribes_cost(self, world: World) -> None:
        def answer(tokens: int) -> Answer:
            usage = Usage(input_tokens=tokens, output_tokens=0)
            return answer_of(reply_body(step(formed("one")))).model_copy(update={"usage": usage})

        world.candidate = ScriptedModel(lambda _: answer(0))
        world.scribe = ScriptedModel(lambda _: answer(1_000_000))
        world.config |= {"candidates": ["claude-haiku-5-5"], "judges": ["claude-opus-5-5"]}
        world.config["limits"] = {"max_cost_usd": 7.0, "max_connections": 1}
        result = world.run()
        assert isinstance(result.stopped_by, BudgetReached)
        assert (len(world.scribe.requests), len(world.judge.requests)) == (2, 0)


class TestScribesOffline:
    def test_offline_scribes_serve_offline_judges_alone_and_models_the_others(self, world: World) -> None:
        world.config["judges"] = [OFFLINE_JUDGE]
        world.run()
        assert len(world.scribe.requests) == 0
        assert {scribe for _, scribe, _ in by_scribes(world)} == {OFFLINE_SCRIBE}
        world.config["judges"] = ["judge"]
        world.run()
        assert len(world.scribe.requests) == MOMENTS
        assert all("form " in text for text in read_by_judges(world.judge.requests))
        rows = world.rows(
            "SELECT DISTINCT v.judge, r.scribe FROM verdicts v JOIN rewrites r USING (rewrite_id) ORDER BY ALL"
        )
        assert rows == [("judge", "judge"), (OFFLINE_JUDGE, OFFLINE_SCRIBE)]

    def test_an_offline_judge_never_reads_what_a_model_wrote(self, world: World) -> None:
        world.run()
        world.config["judges"] = [OFFLINE_JUDGE]
        world.run()
        rows = world.rows(
            f"SELECT DISTINCT scribe FROM verdicts JOIN rewrites USING (rewrite_id) WHERE judge = '{OFFLINE_JUDGE}'"
        )
        assert rows == [(OFFLINE_SCRIBE,)]

    @pytest.mark.parametrize(
        "judges",
        [
            [OFFLINE_JUDGE, "judge"],
            ["judge", OFFLINE_JUDGE],
        ],
    )
    def test_a_real_judge_beside_an_offline_one_reads_a_models_words(self, world: World, judges: list[str]) -> None:
        world.config["judges"] = judges
        world.run()
        rows = world.rows("SELECT DISTINCT scribe FROM verdicts JOIN rewrites USING (rewrite_id) WHERE judge = 'judge'")
        assert rows == [("judge",)]


def lost(_: Request) -> ModelError:
    return ModelError("connection", "lost")


class TestFailures:
    @pytest.mark.parametrize(
        ("said", "kind"),
        [
            (answer_of(reply_body("I cannot", "refusal")), "refusal"),
            (answer_of(reply_body(step("half a"), "max_tokens")), "max_tokens"),
            ("no step", "unreadable"),
            (step("one") + step("two"), "unreadable"),
            (ModelError("connection", "lost"), "connection"),
        ],
    )
    def test_a_scribe_that_gives_nothing_makes_failures_and_no_verdict_is_asked_for(
        self, world: World, said: Any, kind: str
    ) -> None:
        world.scribe = ScriptedModel(lambda _: said)
        result = world.run()
        assert (result.status, result.failed, len(world.judge.requests)) == ("failed", MOMENTS, 0)
        for row in result.win_rates:
            assert (row["failures"], row["due"], row["pending"], row["win_rate"]) == (3, 3, 0, None)
            assert accounted(row)
        assert world.rows("SELECT DISTINCT stage, kind, candidate, judge FROM failures") == [("scribe", kind, "", None)]

    def test_one_moment_without_a_form_is_a_failure_of_each_of_its_samples_and_of_no_other(self, world: World) -> None:
        def script(request: Request) -> Any:
            return "no step" if given_to(request).endswith("in two") else rewritten(request)

        world.scribe = ScriptedModel(script)
        world.config["candidates"] = [{"model": "cand", "samples": 2}]
        for row in world.run().win_rates:
            assert (row["failures"], row["due"]) == ((0, 6) if row["set"] == "detour" else (2, 6))
            assert accounted(row)

    def test_what_a_scribe_failed_at_is_cured_by_the_next_run(self, world: World) -> None:
        world.scribe = ScriptedModel(lost)
        assert world.run().failed == MOMENTS
        world.scribe = ScriptedModel(rewritten)
        result = world.run()
        assert (result.status, result.failed, len(world.candidate.requests)) == ("done", 0, MOMENTS)
        assert all(row["failures"] == 0 and accounted(row) and row["n_moments"] == 3 for row in result.win_rates)
        assert world.rows("SELECT count(*) FROM open_failures") == [(0,)]
        assert world.rows("SELECT count(*) FROM failures") == [(MOMENTS,)]

    def test_an_unreadable_rewrite_is_paid_for_once(self, world: World) -> None:
        world.scribe = ScriptedModel(lambda _: "no step")
        world.run()
        result = world.run()
        assert (len(world.scribe.requests), result.spend.calls, result.failed) == (MOMENTS, 0, MOMENTS)

    def test_fresh_asks_anew_for_rewrites_that_could_not_be_read(self, world: World) -> None:
        world.scribe = ScriptedModel(lambda _: "no step")
        world.run()
        world.scribe = ScriptedModel(rewritten)
        result = world.run(fresh=True)
        assert result.failed == 0
        assert all(row["failures"] == 0 and row["n_moments"] == 3 for row in result.win_rates)

    def test_a_scribe_that_cannot_answer_stops_the_run_and_leaves_its_pairs_pending(self, world: World) -> None:
        world.scribe = ScriptedModel(lambda _: FatalModelError("authentication", "wrong key"))
        result = world.run()
        assert isinstance(result.stopped_by, FatalModelError)
        for row in result.win_rates:
            assert (row["pending"], row["failures"], row["due"]) == (3, 0, 3)
        assert world.rows("SELECT count(*) FROM failures") == [(0,)]

    def test_a_scribe_is_asked_only_where_there_is_something_to_judge(self, world: World) -> None:
        def script(request: Request) -> str:
            return step(formed("a model's way")) if "About" in request.system else "no step"

        world.candidate = ScriptedModel(script)
        world.run()
        assert len(world.scribe.requests) == 0

    @pytest.mark.parametrize("role", ["scribe", "judge"])
    def test_an_error_that_is_not_ours_ends_the_run_at_once_with_all_answers_stored(
        self, world: World, role: str
    ) -> None:
        def script(request: Request) -> Exception:
            return KeyError(f"asked for {asked_for(request)}")

        setattr(world, role, ScriptedModel(script))

        async def run() -> None:
            async with asyncio.timeout(60):
                await evaluate(world.job(), world.store, Watcher(), opener=world.open)

        with pytest.raises(KeyError, match="form" if role == "scribe" else "judge"):
            asyncio.run(run())
        assert world.rows("SELECT status FROM runs") == [("failed",)]
        assert world.rows("SELECT count(*) FROM proposals") == [(MOMENTS,)]
        assert world.rows("SELECT count(*) FROM rewrites") == [(MOMENTS if role == "judge" else 0,)]

    def test_fresh_comes_to_an_end_however_often_nothing_can_be_read(self, world: World) -> None:
        world.judge = ScriptedModel(lambda _: "no verdict")
        for runs in range(1, 4):
            result = world.run(fresh=True)
            assert result.failed == runs * 2 * MOMENTS
            assert all(accounted(row) for row in result.win_rates)
