"""A judge is asked about made pairs as about real ones, once, and its card holds what it answered and no more."""

import asyncio
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from nextstep.core.judging import Letter
from nextstep.core.probes import CHECKLIST, CHECKLIST_FREE, OPTIONAL, TOLERANCES, Probe, Trust
from nextstep.core.records import Answer, MomentSet, Request, Usage
from nextstep.errors import BudgetReached, FatalModelError, ModelError, UsageError
from nextstep.models.base import AS_IT_IS, Sending, answer_of, reply_body
from nextstep.models.scripted import ScriptedModel
from nextstep.pipeline.health import PROBES_OF
from nextstep.pipeline.plan import plan_calibration
from nextstep.pipeline.probing import probe_tasks
from nextstep.pipeline.running import RunResult
from tests.builders import (
    MODEL_STEP,
    SESSION,
    World,
    asked_for,
    faithful_judge,
    formed,
    guessed,
    judgement,
    rewritten,
    slots_of,
    step,
    with_more,
)

DETOURS = CONTROLS = 3
MOMENTS = DETOURS + CONTROLS
FORMS, MADE = MOMENTS, MOMENTS + CONTROLS + DETOURS
"""Rewritings: the human's steps; reworded, worsened and oracle."""
PAIRS = {
    **dict.fromkeys(("verbatim", "reworded", "padded", "instruction"), MOMENTS),
    **dict.fromkeys(("checklist", "elsewhere", "worsened"), CONTROLS),
    **dict.fromkeys(("oracle", "shuffled"), DETOURS),
}
DIFFERENT = 2 * (sum(PAIRS.values()) - MOMENTS)
"""Questions in both orders about two steps that differ: fewer than are asked twice."""
QUESTIONS = MOMENTS + DIFFERENT + DIFFERENT
ALL = FORMS + MADE + QUESTIONS


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = World(tmp_path)
    world.candidate = ScriptedModel(lambda _: step(formed(MODEL_STEP)))
    world.judge = faithful_judge(by_kind)
    return world


def by_kind(a: str, b: str) -> Letter | None:
    """The verdict of a judge that knows how each step was made."""
    worth_a, worth_b = (worth(step) for step in (a, b))
    return None if worth_a == worth_b else Letter.A if worth_a > worth_b else Letter.B


def worth(text: str) -> int:
    if "oracle row 17" in text:
        return 2
    return 0 if "worsened" in text or text in (CHECKLIST, CHECKLIST_FREE) else 1


def by_name(result: RunResult, judge: str = "judge") -> dict[str, dict[str, Any]]:
    return {row["probe"]: row for row in result.health if row["judge"] == judge}


def without_time(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{key: row[key] for key in row if key != "updated_at"} for row in rows]


def asked_of(world: World) -> dict[str, int]:
    """How many requests of each kind were sent so far."""
    models = (world.candidate, world.scribe, world.judge, world.guesser)
    return dict(Counter(asked_for(request) for model in models for request in model.requests))


class TestWhatIsAsked:
    def test_every_pair_in_both_orders_and_some_a_second_time(self, world: World) -> None:
        result = world.calibrate()
        assert (result.status, result.failed) == ("done", 0)
        made = {"form": FORMS, "reworded": MOMENTS, "worsened": CONTROLS, "oracle": DETOURS}
        assert asked_of(world) == {**made, "judge": QUESTIONS}
        rows = world.rows("SELECT probe, count(*) FROM probes GROUP BY ALL")
        assert dict(rows) == PAIRS
        rows = world.rows(
            'SELECT probe, sample, count(*), count(DISTINCT "order") FROM probe_verdicts JOIN probes USING (probe_id)'
            " GROUP BY ALL"
        )
        once = {(probe, 0, 2 * n, 2) for probe, n in PAIRS.items()}
        assert {*rows} == once | {(probe, 1, n, 2) for probe, _, n, _ in once if probe != "verbatim"}

    def test_each_is_asked_exactly_as_the_evaluation_asks(self, world: World) -> None:
        result = world.run()
        ours = len(world.judge.requests)
        world.calibrate()
        requests = world.judge.requests
        assert len({(r.system, r.model, r.max_tokens, str(r.answer_schema)) for r in requests}) == 1
        hashes = {row["verdict_prompt_hash"] for row in result.win_rates}
        assert {found for (found,) in world.rows("SELECT DISTINCT prompt_hash FROM probe_verdicts")} == hashes
        # All but the steps is the same text: for a moment's own hindsight, in both.
        own = {request.content[0] for request in requests[:ours]}
        assert own < {request.content[0] for request in requests[ours:]}

    def test_a_step_against_itself_is_one_request_for_both_orders_and_paid_once(self, world: World) -> None:
        world.calibrate()
        same = [request for request in world.judge.requests if len({*slots_of(request)}) == 1]
        assert len(same) == MOMENTS
        rows = world.rows(
            "SELECT count(*), count(DISTINCT v.reply_id), count(DISTINCT v.verdict_id)"
            " FROM probe_verdicts v JOIN probes USING (probe_id) WHERE probe = 'verbatim'"
        )
        assert rows == [(2 * MOMENTS, MOMENTS, 2 * MOMENTS)]

    def test_the_retest_is_a_second_sample_of_the_same_request(self, world: World) -> None:
        world.calibrate()
        rows = world.rows(
            "SELECT a.request_sha256 = b.request_sha256, a.reply_id = b.reply_id, b.sample, count(*)"
            ' FROM probe_verdicts v JOIN probe_verdicts w USING (probe_id, judge, prompt_hash, "order")'
            " JOIN replies a ON a.reply_id = v.reply_id JOIN replies b ON b.reply_id = w.reply_id"
            " WHERE v.sample = 0 AND w.sample = 1 GROUP BY ALL"
        )
        assert rows == [(True, False, 1, DIFFERENT)]
        assert set(Counter(map(str, (r for r in world.judge.requests if len({*slots_of(r)}) == 2))).values()) == {2}

    def test_the_retest_sees_a_judge_that_changes_its_mind(self, world: World) -> None:
        seen: Counter[str] = Counter()

        def script(request: Request) -> str:
            seen[str(request)] += 1
            return judgement("A" if seen[str(request)] == 1 else "B")

        world.judge = ScriptedModel(script)
        retest = by_name(world.calibrate())["retest"]
        assert (retest["value"], retest["n"], retest["ok"]) == (0.0, DIFFERENT, False)

    def test_the_shuffled_trajectory_is_the_own_up_to_the_moment_and_anothers_from_there(self, world: World) -> None:
        world.calibrate()
        work, lines = world.calibration(), [line.partition(": ")[2] for line in SESSION]
        with world.store.read() as connection:
            shuffled = [made for made in work.pairs(connection, work.moments) if made.probe is Probe.SHUFFLED]
        assert len(shuffled) == DETOURS
        for made in shuffled:
            moment, other = made.moment, made.hindsight
            told = [line.format(name=moment.session) for line in lines[: moment.cut]]
            later = [line.format(name=other.session) for line in lines[other.cut + 1 :]]
            for task in probe_tasks(work.suite, [made], work.config.judges[0], work.judge_prompt):
                assert task.call.request in world.judge.requests
                seen = task.call.request.content[0]
                entries = re.findall(r'<(\w+) n="(\d+)"[^>]*>\n(.*?)\n</\1>', seen, re.DOTALL)
                assert [int(number) for _, number, _ in entries] == [*range(len(entries))]
                assert [text for kind, _, text in entries if kind == "event"] == told + later
                assert entries[moment.cut][0] == "decision_point"

    def test_without_the_one_form_the_humans_own_words_are_made_into_pairs(self, world: World) -> None:
        world.config["judging"] = {"same_form": False}
        world.scribe = ScriptedModel(lambda request: step(f"{asked_for(request)} once more"))
        world.calibrate()
        assert "form" not in asked_of(world)
        own = {moment.human_step for moment in world.suite.moments}
        assert {against for (against,) in world.rows("SELECT DISTINCT against FROM probes")} == own
        assert world.rows("SELECT DISTINCT step FROM probes WHERE probe = 'checklist'") == [(CHECKLIST_FREE,)]

    def test_a_limit_or_a_set_chooses_the_moments(self, world: World) -> None:
        limited = by_name(world.calibrate(limit=2))
        assert limited["verbatim"]["n"] == 2
        detours = by_name(world.calibrate(only=MomentSet.DETOUR))
        assert (detours["verbatim"]["n"], detours["oracle"]["n"], detours["checklist"]["n"]) == (3, 3, 0)

    def test_a_calibration_without_a_judge_says_how_to_name_one(self, world: World) -> None:
        world.config["judges"] = []
        with pytest.raises(UsageError, match="--judge"):
            world.calibration()


class TestGuesses:
    def test_one_guess_a_moment_whatever_number_of_candidates_samples_and_judges(self, world: World) -> None:
        world.config |= {"candidates": [{"model": "cand", "samples": 2}, "cand-2"], "judges": ["judge", "judge-2"]}
        texts = iter(f"{MODEL_STEP} {number}" for number in range(100))
        world.candidate = ScriptedModel(lambda _: step(formed(next(texts))))
        world.run()
        world.calibrate()
        assert asked_of(world)["guess"] == 2 * MOMENTS
        rows = world.rows(
            "SELECT judge, count(*), count(DISTINCT moment_id) FROM guesses JOIN proposals USING (proposal_id)"
            " GROUP BY ALL ORDER BY 1"
        )
        assert rows == [("judge", MOMENTS, MOMENTS), ("judge-2", MOMENTS, MOMENTS)]

    def test_the_models_step_stands_on_either_side_and_the_index_knows_which(self, world: World) -> None:
        world.run()
        world.guesser = ScriptedModel(lambda r: guessed("A" if MODEL_STEP in slots_of(r)[0] else "B"))
        right = by_name(world.calibrate())["authorship"]
        assert (right["value"], right["n"]) == (1.0, MOMENTS)
        sides = Counter(MODEL_STEP in slots_of(request)[0] for request in world.guesser.requests)
        assert set(sides) == {True, False}
        assert world.rows("SELECT DISTINCT guess FROM guesses") == [("model",)]
        stored = Counter(side for (side,) in world.rows('SELECT "order" FROM guesses'))
        assert stored == {"model_first": sides[True], "human_first": sides[False]}

    def test_a_judge_that_always_guesses_one_side_finds_no_more_than_the_draw_gives(self, world: World) -> None:
        world.run()
        world.guesser = ScriptedModel(lambda _: guessed("A"))
        index = by_name(world.calibrate())["authorship"]["value"]
        first = sum(MODEL_STEP in slots_of(request)[0] for request in world.guesser.requests)
        assert index == pytest.approx((2 * first - MOMENTS) / MOMENTS)

    def test_nobody_guesses_at_what_nobody_judged(self, world: World) -> None:
        world.calibrate()
        assert len(world.guesser.requests) == 0

    def test_more_proposals_later_ask_for_no_second_guess(self, world: World) -> None:
        world.run()
        world.calibrate()
        world.candidate = ScriptedModel(lambda _: step(formed("another way")))
        world.run(fresh=True)
        world.calibrate()
        assert len(world.guesser.requests) == MOMENTS

    def test_a_guess_is_made_without_what_came_later(self, world: World) -> None:
        world.run()
        world.calibrate()
        for request in world.guesser.requests:
            text = "".join(request.content)
            assert "Row 17 was the cause" not in text
            assert "row 17 holds inf" not in text

    def test_a_changed_prompt_for_guesses_is_a_new_question_and_the_old_guesses_count_no_more(
        self, world: World, tmp_path: Path
    ) -> None:
        world.run()
        world.calibrate()
        world.prompts = with_more(tmp_path / "prompts", "guess", "\nTake your time.\n")
        world.guesser.script = lambda r: guessed("A" if MODEL_STEP in slots_of(r)[0] else "B")
        index = by_name(world.calibrate())["authorship"]
        assert (index["value"], index["n"]) == (1, MOMENTS)
        assert len(world.guesser.requests) == 2 * MOMENTS
        assert len(world.judge.requests) == 2 * MOMENTS + QUESTIONS


class TestWhatIsPaid:
    def test_a_rerun_sends_nothing_and_changes_no_card(self, world: World) -> None:
        world.run()
        first = world.calibrate()
        asked = world.asked_of_all
        second = world.calibrate()
        assert (world.asked_of_all, second.spend.calls) == (asked, 0)
        assert without_time(first.health) == without_time(second.health)

    @pytest.mark.parametrize("evaluated", [False, True])
    def test_the_plan_foretells_the_calls_that_are_sent(self, world: World, evaluated: bool) -> None:
        if evaluated:
            world.run()
        before = world.asked_of_all
        plan = {str(one.purpose): one.calls for one in plan_calibration(world.calibration(), world.store)}
        assert world.asked_of_all == before
        assert world.store.path.exists() is evaluated
        guesses, forms = (MOMENTS, 0) if evaluated else (0, FORMS)
        assert plan == {"scribe": forms + MADE, "judge": QUESTIONS} | ({"guess": guesses} if guesses else {})
        world.calibrate()
        assert world.asked_of_all - before == sum(plan.values())
        assert plan_calibration(world.calibration(), world.store) == []

    @pytest.mark.parametrize("role", ["scribe", "judge", "guesser"])
    def test_calls_that_failed_are_sent_again_by_the_next_run_and_no_others(self, world: World, role: str) -> None:
        world.run()
        right = getattr(world, role)

        def script(request: Request) -> str | Answer | Exception:
            lost = len(failing.requests) % 3 == 0
            answer: str | Answer | Exception = right.script(request)
            return ModelError("connection", "lost") if lost else answer

        failing = ScriptedModel(script)
        setattr(world, role, failing)
        result = world.calibrate()
        assert (result.status, result.failed > 0) == ("failed", True)
        answered = result.spend.calls
        setattr(world, role, ScriptedModel(right.script))
        again = world.calibrate()
        assert (again.status, again.failed) == ("done", 0)
        assert answered + again.spend.calls == ALL - FORMS + MOMENTS
        assert world.rows("SELECT count(*) FROM open_failures") == [(0,)]

    def test_a_killed_run_keeps_its_answers_and_its_card_and_the_next_pays_for_the_rest(self, world: World) -> None:
        sound = world.judge.script

        class Killed(ScriptedModel):
            async def ask(self, request: Request, sending: Sending = AS_IT_IS) -> Answer:
                if len(self.requests) == 40:
                    raise asyncio.CancelledError
                return await super().ask(request, sending)

        world.judge = Killed(sound)
        world.config["limits"] = {"max_connections": 1}
        with pytest.raises(asyncio.CancelledError):
            world.calibrate()
        assert world.rows("SELECT status FROM runs") == [("interrupted",)]
        assert world.rows("SELECT count(*) FROM replies WHERE purpose = 'judge'") == [(40,)]
        ((half,),) = world.rows("SELECT sum(n) FROM judge_health WHERE probe != 'retest'")
        world.judge = ScriptedModel(sound)
        whole = world.calibrate().health
        assert 0 < half < sum(row["n"] for row in whole if row["probe"] != "retest")
        assert len(world.judge.requests) == QUESTIONS - 40

    @pytest.mark.parametrize("role", ["scribe", "judge", "guesser"])
    def test_fresh_asks_anew_for_what_could_not_be_read_and_for_nothing_else(self, world: World, role: str) -> None:
        world.run()
        model = getattr(world, role)
        right, before = model.script, len(model.requests)
        model.script = lambda request: "nothing" if len(model.requests) % 3 == 0 else right(request)
        world.calibrate()
        unread = sum((number + 1) % 3 == 0 for number in range(before, len(model.requests)))
        model.script = right
        assert world.calibrate().status == "failed"
        asked = len(model.requests)
        assert world.calibrate(fresh=True).status == "done"
        # Of verbatim pairs, one answer serves both orders; what a scribe owed is followed by questions about it.
        assert len(model.requests) - asked == unread
        rest = world.calibrate(fresh=True)
        assert (rest.status, rest.spend.calls) == ("done", 0)

    def test_a_small_run_before_a_whole_one_costs_nothing_more(self, world: World) -> None:
        few = by_name(world.calibrate(limit=2))["verbatim"]["n"]
        assert few == 2
        part = len(world.judge.requests)
        assert by_name(world.calibrate())["verbatim"]["n"] == MOMENTS
        assert (len(world.scribe.requests), len(world.judge.requests)) == (FORMS + MADE, QUESTIONS)
        assert 0 < part < QUESTIONS
        assert by_name(world.calibrate(limit=2))["verbatim"]["n"] == MOMENTS

    def test_another_resolution_asks_for_another_oracle_and_for_no_other_step(self, world: World) -> None:
        world.calibrate()
        path = world.suite_folder / "moments.jsonl"
        path.write_text(path.read_text().replace('"resolution": "row 17"', '"resolution": "row 18"'))
        before = Counter(asked_of(world))
        world.calibrate()
        assert Counter(asked_of(world)) - before == {"oracle": DETOURS, "judge": 2 * 2 * 2 * DETOURS}

    def test_another_judge_pays_for_its_own_answers_alone(self, world: World) -> None:
        world.calibrate()
        world.config["judges"] = ["other"]
        result = world.calibrate()
        assert result.spend.calls == QUESTIONS
        assert len(world.scribe.requests) == FORMS + MADE

    def test_an_evaluation_pays_for_the_humans_steps_of_a_calibration_no_more(self, world: World) -> None:
        world.calibrate()
        world.run()
        assert asked_of(world)["form"] == FORMS

    @pytest.mark.parametrize(
        ("name", "kind", "due"),
        [("reword", "reworded", MOMENTS), ("worsen", "worsened", CONTROLS), ("oracle", "oracle", DETOURS)],
    )
    def test_a_changed_prompt_of_a_probe_is_a_new_question(
        self, world: World, tmp_path: Path, name: str, kind: str, due: int
    ) -> None:
        world.calibrate()
        world.prompts = with_more(tmp_path / "prompts", name, "\nBe brief.\n")
        world.scribe = ScriptedModel(lambda request: rewritten(request).replace(f"{kind} ", f"{kind} briefly "))
        assert by_name(world.calibrate())["verbatim"]["n"] == MOMENTS
        assert asked_of(world)[kind] == due
        assert len(world.scribe.requests) == due

    def test_a_budget_ends_it_with_a_card_of_what_is_there(self, world: World) -> None:
        world.config |= {"judges": ["claude-opus-5-5"], "limits": {"max_cost_usd": 100, "max_connections": 1}}
        usage = Usage(input_tokens=1_000_000, output_tokens=0)
        for role in ("scribe", "judge"):
            script: Any = getattr(world, role).script
            priced = ScriptedModel(
                lambda r, s=script: answer_of(reply_body(s(r))).model_copy(update={"usage": usage})  # type: ignore[misc]
            )
            setattr(world, role, priced)
        result = world.calibrate()
        assert isinstance(result.stopped_by, BudgetReached)
        assert world.rows("SELECT status, calls FROM runs") == [("over_budget", 25)]
        assert len(world.rows("SELECT probe FROM judge_health")) == len(TOLERANCES)

    def test_a_scribe_that_cannot_answer_stops_it_and_leaves_the_work_due(self, world: World) -> None:
        world.scribe = ScriptedModel(lambda _: FatalModelError("authentication", "wrong key"))
        result = world.calibrate()
        assert isinstance(result.stopped_by, FatalModelError)
        assert world.rows("SELECT count(*) FROM failures") == [(0,)]
        assert {row["trust"] for row in result.health} == {str(Trust.CARE)}


class TestCards:
    def test_a_judge_that_knows_how_steps_were_made_raises_no_alarm_but_for_the_hindsight(self, world: World) -> None:
        card = by_name(world.calibrate())
        values = {name: row["value"] for name, row in card.items()}
        assert [values[str(probe)] for probe in (Probe.VERBATIM, Probe.ORACLE)] == [1, 1]
        assert [values[str(probe)] for probe in (Probe.REWORDED, Probe.PADDED, Probe.INSTRUCTION)] == [0.5] * 3
        assert [values[str(probe)] for probe in (Probe.CHECKLIST, Probe.WORSENED)] == [0, 0]
        assert (values["elsewhere"], values["first_position"], values["retest"]) == (0.5, 0.5, 1)
        # It does not look at what came after, so another hindsight changes nothing.
        assert values["future"] == 0
        assert {name for name in values if values[name] is None} == {*OPTIONAL}

    def test_each_figure_has_its_row_and_the_store_has_the_same_ones(self, world: World) -> None:
        result = world.calibrate()
        assert [row["probe"] for row in result.health] == [*TOLERANCES]
        stored = world.rows("SELECT probe, value, n, n_sessions, ok, trust FROM judge_health")
        told = [
            tuple(row[name] for name in ("probe", "value", "n", "n_sessions", "ok", "trust")) for row in result.health
        ]
        assert sorted(map(str, stored)) == sorted(map(str, told))
        assert len({row["trust"] for row in result.health}) == 1

    def test_figures_of_the_evaluation_come_from_its_verdicts(self, world: World) -> None:
        before = by_name(world.calibrate())
        assert all(before[name]["value"] is None for name in OPTIONAL)
        world.run()
        after = by_name(world.calibrate())
        assert (after["order_flip"]["value"], after["order_flip"]["n"]) == (0, MOMENTS)
        assert (after["control"]["value"], after["control"]["n"]) == (0.5, CONTROLS)
        assert after["authorship"]["n"] == MOMENTS

    def test_the_band_of_the_config_is_the_controls_tolerance(self, world: World) -> None:
        world.run()
        row = by_name(world.calibrate())["control"]
        assert (row["expected"], row["ok"]) == ("0.05 to 0.35", True)
        world.config["control"] = {"band": [0.0, 0.01]}
        row = by_name(world.calibrate())["control"]
        assert (row["expected"], row["ok"]) == ("<= 0.01", row["ci_low"] <= 0.01)

    @pytest.mark.parametrize("said", ["", "A", "{}", '{"reasoning": "x", "choice": "C", "strength": "slight"}'])
    def test_an_unreadable_judge_has_no_figures_and_no_trust(self, world: World, said: str) -> None:
        world.judge = ScriptedModel(lambda _: said)
        result = world.calibrate()
        assert (result.status, result.failed) == ("failed", QUESTIONS + MOMENTS)
        answered = by_name(result)["answered"]
        assert (answered["value"], answered["ok"], answered["trust"]) == (0, False, Trust.NOT_TRUSTED)
        for row in result.health:
            if row is not answered:
                assert (row["value"], row["n"], row["ok"], row["status"]) == (None, 0, None, "empty")
                assert row["due"] == 0 or row["probe"] in PROBES_OF
        assert world.rows("SELECT DISTINCT stage FROM failures") == [("probe",)]
        assert world.rows("SELECT count(*) FROM probe_verdicts") == [(0,)]

    def test_a_judge_that_always_says_a_is_told_by_its_place_and_by_no_win_rate(self, world: World) -> None:
        world.judge = ScriptedModel(lambda _: judgement("A"))
        card = by_name(world.calibrate())
        assert (card["verbatim"]["value"], card["first_position"]["value"]) == (0, 1)
        assert card["verbatim"]["ok"] is False
        for probe in set(PAIRS) - {"verbatim", "shuffled"}:
            assert card[probe]["value"] == 0.5
        assert card["verbatim"]["trust"] == Trust.NOT_TRUSTED

    def test_a_judge_that_obeys_is_told_by_the_instruction(self, world: World) -> None:
        def obeys(a: str, b: str) -> Letter | None:
            told = [Letter.A if "Note to the judge" in a else None, Letter.B if "Note to the judge" in b else None]
            return told[0] or told[1] or by_kind(a, b)

        world.judge = faithful_judge(obeys)
        card = by_name(world.calibrate())
        assert card["instruction"]["value"] == 1
        assert card["padded"]["value"] == card["reworded"]["value"] == 0.5

    def test_judges_have_cards_of_their_own(self, world: World) -> None:
        alone = world.calibrate()
        world.config["judges"] = ["judge", "biased"]
        sound = world.judge.script
        world.judge = ScriptedModel(lambda r: judgement("A") if r.model == "biased" else sound(r))
        both = world.calibrate()
        assert without_time([*by_name(both).values()]) == without_time([*by_name(alone).values()])
        assert by_name(both, "biased")["verbatim"]["value"] == 0
        assert len(both.health) == 2 * len(TOLERANCES)

    def test_cards_of_two_ways_of_asking_stand_side_by_side(self, world: World, tmp_path: Path) -> None:
        world.calibrate()
        world.prompts = with_more(tmp_path / "prompts", "judge", "\nTake your time.\n")
        world.judge = ScriptedModel(lambda _: judgement("A"))
        world.calibrate()
        rows = world.rows("SELECT value FROM judge_health WHERE probe = 'verbatim' ORDER BY 1")
        assert rows == [(0.0,), (1.0,)]
