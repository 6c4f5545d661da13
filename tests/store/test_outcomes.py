"""The `outcomes` view folds verdicts exactly as the core does, and the orders fixture of the statistics comes out."""

from itertools import product
from pathlib import Path

import pytest

from nextstep.core.judging import average_score, consensus_score, outcome
from nextstep.core.records import Choice
from nextstep.store import Connection, Store
from nextstep.store.database import insert, utc_now

SCORE = {Choice.MODEL: 1.0, Choice.TIE: 0.5, Choice.HUMAN: 0.0}


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "s.duckdb")


def add_moment(connection: Connection) -> None:
    row = {"moment_id": "m", "session_id": "s", "cut": 5, "set": "detour", "human_step": "x", "status": "accepted"}
    more = {"tags": [], "why": "", "recovered_at": 6, "resolution": ""}
    insert(connection, "moments", [row | more])


def add_pair(
    connection: Connection, name: str, first: Choice, second: Choice, judge: str = "j", sample: int = 0
) -> None:
    stamp = {"prompt_hash": "h", "reply_id": "r", "created_at": utc_now()}
    proposal = {"proposal_id": name, "moment_id": "m", "candidate": "c", "sample": sample, "text": "x", "n_words": 1}
    insert(connection, "proposals", [proposal | {"in_band": True, "shortened": False} | stamp])
    for order, choice in (("model_first", first), ("human_first", second)):
        row = {"verdict_id": f"{name}{judge}{order}", "proposal_id": name, "judge": judge, "order": order}
        more = {"choice": str(choice), "strength": 1, "reason": "", "shortened": False}
        insert(connection, "verdicts", [row | more | stamp])


@pytest.mark.parametrize(("first", "second"), list(product(Choice, repeat=2)))
def test_the_view_folds_as_the_core_does(store: Store, first: Choice, second: Choice) -> None:
    with store.write() as connection:
        add_moment(connection)
        add_pair(connection, "p", first, second)
        rows = connection.execute(
            "SELECT outcome, score, average_score, flipped, model_first, human_first FROM outcomes"
        ).fetchall()
    expected = (str(outcome(first, second)), consensus_score(first, second), average_score(first, second))
    assert rows == [(*expected, first is not second, str(first), str(second))]


def test_the_orders_fixture_gives_the_published_figures(store: Store) -> None:
    """(first, second) scores and their figures: section 7 of the statistics notes."""
    pairs = [(1, 1), (1, 0), (0, 0), (0.5, 1), (1, 0.5), (0, 1), (0.5, 0.5), (0, 0.5)]
    by_score = {score: choice for choice, score in SCORE.items()}
    with store.write() as connection:
        add_moment(connection)
        for i, (first, second) in enumerate(pairs):
            add_pair(connection, f"p{i}", by_score[first], by_score[second], sample=i)
        figures = connection.execute(
            "SELECT avg(average_score), avg(score), avg((outcome = 'win')::INT), avg(flipped::INT),"
            " avg((outcome = 'flip')::INT) FROM outcomes"
        ).fetchall()
    assert figures == [(0.53125, 0.5, 0.125, 0.625, 0.25)]


@pytest.mark.parametrize("order", ["model_first", "human_first"])
def test_a_trajectory_shortened_in_one_order_is_told_and_a_prefix_apart_from_it(store: Store, order: str) -> None:
    told = "SELECT prefix_shortened, judge_shortened FROM outcomes"
    with store.write() as connection:
        add_moment(connection)
        add_pair(connection, "p", Choice.MODEL, Choice.MODEL)
        assert connection.execute(told).fetchall() == [(False, False)]
        connection.execute('UPDATE verdicts SET shortened = true WHERE "order" = $order', {"order": order})
        assert connection.execute(told).fetchall() == [(False, True)]
        connection.execute("UPDATE proposals SET shortened = true")
        assert connection.execute(told).fetchall() == [(True, True)]


def test_a_proposal_judged_in_one_order_only_has_no_outcome(store: Store) -> None:
    with store.write() as connection:
        add_moment(connection)
        add_pair(connection, "p", Choice.MODEL, Choice.MODEL)
        connection.execute("DELETE FROM verdicts WHERE \"order\" = 'human_first'")
        assert connection.execute("FROM outcomes").fetchall() == []


def test_orders_of_different_judges_or_prompts_are_never_folded_together(store: Store) -> None:
    with store.write() as connection:
        add_moment(connection)
        add_pair(connection, "p", Choice.MODEL, Choice.HUMAN, judge="j1")
        add_pair(connection, "p", Choice.HUMAN, Choice.HUMAN, judge="j2")
        rows = connection.execute("SELECT judge, outcome FROM outcomes ORDER BY judge").fetchall()
        assert rows == [("j1", "flip"), ("j2", "loss")]
        connection.execute("UPDATE verdicts SET prompt_hash = 'other' WHERE judge = 'j1' AND \"order\" = 'model_first'")
        assert connection.execute("SELECT judge FROM outcomes").fetchall() == [("j2",)]


def test_of_a_sample_that_came_twice_the_first_that_was_judged_is_the_outcome(store: Store) -> None:
    with store.write() as connection:
        add_moment(connection)
        for name in ("later", "first", "unjudged"):
            add_pair(connection, name, Choice.MODEL, Choice.MODEL)
        connection.execute("DELETE FROM verdicts WHERE proposal_id = 'unjudged'")
        for days, name in enumerate(("unjudged", "first", "later")):
            connection.execute(
                "UPDATE proposals SET created_at = created_at + to_days($days) WHERE proposal_id = $name",
                {"days": days, "name": name},
            )
        assert connection.execute("SELECT proposal_id FROM outcomes").fetchall() == [("first",)]
        each = connection.execute("SELECT proposal_id FROM all_outcomes ORDER BY proposed_at").fetchall()
        assert each == [("first",), ("later",)]
