"""The made world answers every kind of request, in process and behind the server alike."""

import asyncio
from collections import Counter
from pathlib import Path

import pytest

from nextstep.core.judging import GuessAnswer, read_judge_answer
from nextstep.core.records import MomentSet, Request, RewriteKind
from nextstep.models.scripted import ScriptedModel
from nextstep.pipeline.evaluate import evaluate, make_job
from nextstep.pipeline.watching import Watcher
from nextstep.store import Store
from tests.builders import PROMPTS, answer
from tests.loopback import LoopbackServer
from tests.models.asking import ask
from tests.models.made_up import KEY, KEY_NAME
from tests.simulated import SILENT, Simulation
from tests.simulated.guessers import by_style
from tests.simulated.words import named, word
from tests.simulated.worlds import (
    CONFIG,
    World,
    guilty,
    steps,
)


def asked_of_all(world: World) -> list[Request]:
    """A request of each kind."""
    moment = world.suite.moments[0]
    made = steps(world, moment)
    return [
        world.proposing(moment),
        *(world.rewriting(kind, moment, moment.human_step + moment.resolution) for kind in RewriteKind),
        world.judging(moment, made["worsened"], made["same"]),
        world.guessing(moment, made["styled"], made["same"]),
    ]


def test_replies_are_the_same_in_process_and_behind_the_server(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KEY_NAME, KEY)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    requests = asked_of_all(world)
    here = ScriptedModel(Simulation(seed=5).answer)
    with LoopbackServer(answer=Simulation(seed=5).serve) as server:
        for request in requests * 2:
            served = asyncio.run(ask(server.base_url, request))
            assert served.text == asyncio.run(here.ask(request)).text


def test_a_judges_reply_is_the_verdict_of_its_case(world: World) -> None:
    simulation = Simulation("obeys", strength=1, noise=SILENT)
    moment = world.suite.moments[0]
    made = steps(world, moment)
    for kind, letter in (("bidding and worse", "A"), ("worsened", "B"), ("same", "tie")):
        said = read_judge_answer(answer(simulation.answer(world.judging(moment, made[kind], made["same"]))))
        assert (said.letter, said.grade) == (letter, 0 if letter == "tie" else 2)


def test_a_repeat_is_drawn_anew_and_a_run_can_be_repeated(world: World) -> None:
    moment = world.suite.moments[0]
    asked = world.proposing(moment)

    def series(seed: int) -> list[str]:
        simulation = Simulation(seed=seed)
        return [simulation.answer(asked) for _ in range(10)]

    assert series(1) == series(1) != series(2)
    assert len(set(series(1))) > 1


def test_other_requests_between_do_not_change_a_reply(world: World) -> None:
    first, *others = asked_of_all(world)
    alone, busy = Simulation(), Simulation()
    for request in others:
        busy.answer(request)
    assert alone.answer(first) == busy.answer(first)


def test_what_is_to_be_rewritten_is_the_last_element_of_its_name() -> None:
    content = (f"<step>an example: {word(1)}</step>", f"<step>\ncheck {word(2)}\n</step>")
    asked = Request(model="m", system="TASK: form", content=content, max_tokens=9)
    assert f"Direction: check {word(2)}\n" in Simulation().answer(asked)


def test_guesses_are_by_lot_or_by_style(world: World) -> None:
    moment = world.suite.moments[0]
    made = steps(world, moment)
    styled, plain = (world.guessing(moment, made[kind], made["reworded"]) for kind in ("styled", "same"))

    def guesses(simulation: Simulation, request: Request) -> Counter[str]:
        return Counter(GuessAnswer.model_validate_json(simulation.answer(request)).letter for _ in range(2000))

    assert guesses(Simulation(guesser=by_style()), styled) == {"A": 2000}
    assert guesses(Simulation(guesser=by_style()), plain) == {"tie": 2000}
    lot = guesses(Simulation(), styled)
    assert [lot[letter] / 2000 for letter in ("A", "B", "tie")] == pytest.approx([0.25, 0.25, 0.5], abs=0.05)


@pytest.mark.parametrize(
    ("system", "content"),
    [
        ("TASK: dance", "x"),
        ("TASK: form", "no step"),
        ("TASK: guess", "no steps"),
        ("", '<step label="A">\nx\n</step>'),
    ],
)
def test_a_request_that_no_model_here_understands_is_an_error(system: str, content: str) -> None:
    with pytest.raises((ValueError, IndexError)):
        Simulation().answer(Request(model="m", system=system, content=(content,), max_tokens=9))


@pytest.mark.parametrize(("fault", "even"), [(None, "tie"), ("first", "flip")])
def test_an_evaluation_of_the_made_world_finds_what_is_known_of_it(
    world: World, tmp_path: Path, fault: str | None, even: str
) -> None:
    model = ScriptedModel(Simulation(fault, strength=1, noise=SILENT).answer)
    store = Store(tmp_path / "s.duckdb")
    asyncio.run(evaluate(make_job(CONFIG, world.suite, PROMPTS), store, Watcher(), opener=lambda _: model))
    with store.read() as connection:
        rows = connection.execute(
            "SELECT moment_id, p.text, o.outcome FROM outcomes o JOIN proposals p USING (moment_id, proposal_id)"
        ).fetchall()
    moments = {moment.moment_id: moment for moment in world.suite.moments}
    assert len(rows) == len(moments)
    assert {outcome for *_, outcome in rows} == {"win", even, "loss"}
    for moment_id, text, outcome in rows:
        moment = moments[moment_id]
        right, human_right = named(text)[0] == guilty(moment), moment.set is MomentSet.CONTROL
        assert outcome == (even if right == human_right else "win" if right else "loss")
