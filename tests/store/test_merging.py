"""Uniting stores is a union: whatever the order and the grouping, the same rows come out, each as it was."""

import atexit
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cache
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from nextstep.pipeline.propose import stored_proposals
from nextstep.pipeline.rescoring import rescore
from nextstep.store import Connection
from nextstep.store.connecting import in_memory
from nextstep.store.database import insert, migrate
from nextstep.store.merging import ESTIMATES, RECORDS, unite
from tests.stores import LONG_AGO, SUITE

TABLES = (*RECORDS, *ESTIMATES)
NOT_UNITED = {"migrations"}
PLACES = ("a", "b", "c", "d", "e")


@cache
def places() -> Connection:
    """One connection to several migrated stores in memory."""
    held = ExitStack()
    atexit.register(held.close)
    connection = held.enter_context(in_memory())
    for place in PLACES:
        connection.execute(f"ATTACH ':memory:' AS {place}")
        connection.execute(f"USE {place}")
        migrate(connection, version=0)
    return connection


@pytest.fixture
def empty() -> Iterator[Connection]:
    yield places()
    clear()


def clear() -> None:
    for place in PLACES:
        places().execute(f"USE {place}")
        for table in TABLES:
            places().execute(f'DELETE FROM "{table.name}"')


def test_every_table_is_united_or_worked_out_anew_or_named_as_neither(empty: Connection) -> None:
    """A new table: add it to RECORDS or ESTIMATES of store/merging.py, with the rule for rows that differ."""
    found = empty.execute("SELECT DISTINCT table_name FROM duckdb_tables() WHERE database_name = 'a'").fetchall()
    assert {name for (name,) in found} == {table.name for table in TABLES} | NOT_UNITED


def test_the_keys_are_those_of_the_tables(empty: Connection) -> None:
    found = empty.execute(
        "SELECT table_name, constraint_column_names FROM duckdb_constraints()"
        " WHERE database_name = 'a' AND constraint_type = 'PRIMARY KEY'"
    ).fetchall()
    keys = {name: tuple(columns) for name, columns in found if name not in NOT_UNITED}
    assert keys == {table.name: table.keys for table in TABLES}


@dataclass(frozen=True)
class Judged:
    """What one store knows of one moment's sample: which answer came, when, and what was said of it."""

    moment: int
    text: str
    at: int
    choices: tuple[str | None, str | None]
    judged_at: int
    failed: bool


@dataclass(frozen=True)
class Small:
    """A store in a few words: its run, how its suite labelled the moments, and what it has of each."""

    run: str
    began: int
    ended: int | None
    label: str
    known: tuple[Judged, ...]


TIMES = st.integers(0, 2)
CHOICES = st.none() | st.sampled_from(["model", "human", "tie"])
JUDGED = st.builds(
    Judged, st.integers(0, 2), st.sampled_from("xy"), TIMES, st.tuples(CHOICES, CHOICES), TIMES, st.booleans()
)
STORES = st.builds(
    Small,
    st.sampled_from(["r1", "r2"]),
    TIMES,
    st.none() | TIMES,
    st.sampled_from(["detour", "control"]),
    st.lists(JUDGED, max_size=3, unique_by=lambda one: one.moment).map(tuple),
)


def at(days: int) -> Any:
    return LONG_AGO + timedelta(days=days)


def fill(place: str, small: Small) -> None:
    """Write the store; runs of one name are one run, seen at different times."""
    connection = places()
    connection.execute(f"USE {place}")
    more = {"name": "s", "source": "test", "sha256": "0", "title": small.label, "n_events": 1}
    insert(connection, "sessions", [{"session_id": f"s{i}", "started_at": None} | more for i in range(3)])
    event = {"role": "human", "kind": "text", "tool": None, "text": "hello", "at": None}
    insert(connection, "events", [{"session_id": f"s{i}", "idx": 0} | event for i in range(3)])
    insert(connection, "moments", [moment(i, small.label) for i in range(3)])
    insert(connection, "suites", [{"suite_hash": SUITE, "moment_id": f"m{i}"} for i in range(3)])
    insert(connection, "runs", [run(small)])
    for one in small.known:
        for table, rows in rows_of(one, small.run):
            insert(connection, table, rows)
    rescore_as_asked(connection)


def moment(i: int, label: str) -> dict[str, Any]:
    more = {"human_step": "x", "status": "accepted", "tags": [label], "why": "", "recovered_at": 1, "resolution": ""}
    return {"moment_id": f"m{i}", "session_id": f"s{i}", "cut": 0, "set": label} | more


def run(small: Small) -> dict[str, Any]:
    done = {"finished_at": None if small.ended is None else at(small.began + small.ended)}
    name = {"run_id": small.run, "command": "eval", "started_at": at({"r1": 1, "r2": 2}[small.run])}
    more = {"status": "running" if small.ended is None else "done", "config": "{}", "suite_hash": SUITE}
    return name | done | more | {"version": "0", "calls": 0, "failed": 0}


def reply(name: str, body: str, run_id: str, when: int) -> dict[str, Any]:
    more = {"purpose": "judge", "model": "m", "sample": 0, "request_sha256": name, "stop_reason": "end_turn"}
    last = {"cost_usd": 1.0, "latency_s": 0.0, "attempts": 1, "created_at": at(when)}
    return {"reply_id": name, "run_id": run_id, "body": body} | more | last


def rows_of(one: Judged, run_id: str) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    made = {"candidate": "cand", "prompt_hash": "p", "moment_id": f"m{one.moment}", "sample": 0}
    yield "asked", [made]
    name, asked = f"{one.moment}{one.text}", f"reply-{one.moment}"
    yield "replies", [reply(asked, one.text, run_id, one.at)]
    shape = {"text": one.text, "n_words": 1, "in_band": True, "shortened": False}
    yield "proposals", [made | shape | {"proposal_id": name, "reply_id": asked, "created_at": at(one.at)}]
    for order, choice in zip(("model_first", "human_first"), one.choices, strict=True):
        said = f"{name}-{order}"
        common = {"prompt_hash": "v", "reply_id": said, "created_at": at(one.judged_at)}
        if choice:
            yield "replies", [reply(said, choice, run_id, one.judged_at)]
            verdict = {"verdict_id": said, "proposal_id": name, "judge": "judge", "order": order, "choice": choice}
            yield "verdicts", [verdict | {"strength": 1, "reason": choice, "shortened": False} | common]
        elif one.failed:
            work = {"failure_id": f"f-{said}", "run_id": run_id, "stage": "judge", "proposal_id": name}
            more = {"judge": "judge", "order": order, "model": "m", "kind": "server", "message": "", "attempts": 1}
            yield "failures", [{key: made[key] for key in ("moment_id", "candidate", "sample")} | work | more | common]


def rescore_as_asked(connection: Connection) -> None:
    """Leave the estimates that a run over this store would leave."""
    from nextstep.pipeline.score import score
    from tests.stores import contest

    score(connection, SUITE, [contest()])


def union(target: str, *sources: str) -> dict[str, list[Any]]:
    """The rows of a store after uniting others in it, estimates worked out anew and without their times."""
    connection = places()
    connection.execute(f"USE {target}")
    for source in sources:
        unite(connection, source)
    rescore(connection)
    return dump(target)


def dump(place: str) -> dict[str, list[Any]]:
    places().execute(f"USE {place}")
    found = {}
    for table in TABLES:
        times = "EXCLUDE (updated_at)" if table in ESTIMATES else ""
        found[table.name] = places().execute(f'SELECT * {times} FROM "{table.name}" ORDER BY ALL').fetchall()
    return found


few = settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@few
@given(STORES, STORES)
def test_uniting_is_commutative_and_doing_it_again_changes_nothing(one: Small, other: Small) -> None:
    clear()
    fill("a", one)
    fill("b", other)
    first, second = union("c", "a", "b"), union("d", "b", "a")
    assert first == second
    assert union("c", "b", "a", "d") == first


UNANSWERED = Judged(0, "x", at=0, choices=(None, None), judged_at=0, failed=True)
ANSWERED = Judged(0, "x", at=0, choices=(None, "model"), judged_at=0, failed=False)


@few
@given(STORES, STORES, STORES)
@example(
    *(
        Small(run, 0, None, "detour", (one,))
        for run, one in zip(("r1", "r1", "r2"), (UNANSWERED, ANSWERED, ANSWERED), strict=True)
    )
)
def test_uniting_is_associative(one: Small, two: Small, three: Small) -> None:
    clear()
    for place, small in zip("abc", (one, two, three), strict=True):
        fill(place, small)
    union("d", "a", "b")
    left = union("d", "c")
    union("e", "b", "c")
    assert union("e", "a") == left


@few
@given(STORES)
def test_a_store_united_with_nothing_is_itself(one: Small) -> None:
    clear()
    fill("a", one)
    assert union("b", "a") == dump("a")


@few
@given(STORES, STORES)
def test_nothing_that_was_paid_for_is_lost_or_counted_twice(one: Small, other: Small) -> None:
    clear()
    fill("a", one)
    fill("b", other)
    paid = {row[1:] for place in "ab" for row in dump(place)["replies"]}
    rows = union("c", "a", "b")
    assert sorted(row[1:] for row in rows["replies"]) == sorted(paid)
    for row in (
        places().execute("SELECT v.choice, r.body FROM verdicts v LEFT JOIN replies r USING (reply_id)").fetchall()
    ):
        assert row[0] == row[1]
    for row in (
        places().execute("SELECT p.text, r.body FROM proposals p LEFT JOIN replies r USING (reply_id)").fetchall()
    ):
        assert row[0] == row[1]
    for due, *counts in (
        places().execute("SELECT due, wins, losses, ties, flips, failures, pending FROM win_rates").fetchall()
    ):
        assert due == sum(counts) <= 3
    (once,) = places().execute("SELECT count(*) = count(DISTINCT (moment_id, sample)) FROM outcomes").fetchall()
    assert once == (True,)


BOTH = ("model", "model")


def united(*stores: Small) -> dict[str, list[Any]]:
    clear()
    for place, small in zip("ab", stores, strict=True):
        fill(place, small)
    return union("c", "a", "b")


def small(known: Sequence[Judged], **more: Any) -> Small:
    return replace(Small("r1", 0, 1, "detour", tuple(known)), **more)


def test_of_a_sample_that_came_twice_the_first_that_was_judged_counts(empty: Connection) -> None:
    first = Judged(0, "x", at=0, choices=(None, None), judged_at=0, failed=False)
    later = Judged(0, "y", at=1, choices=BOTH, judged_at=1, failed=False)
    united(small([first]), small([later], run="r2"))
    assert empty.execute("SELECT proposal_id, outcome FROM outcomes").fetchall() == [("0y", "win")]
    assert empty.execute("SELECT count(*) FROM proposals").fetchall() == [(2,)]
    assert empty.execute("SELECT due, wins FROM win_rates").fetchall() == [(1, 1)]
    assert [row["proposal_id"] for row in proposals_to_judge(empty)] == ["0y"]


def proposals_to_judge(connection: Connection) -> list[dict[str, Any]]:
    """Of all moments, as `eval` reads them."""
    (asked,) = connection.execute("SELECT DISTINCT candidate, prompt_hash FROM proposals").fetchall()
    moments = connection.execute("SELECT moment_id FROM moments").fetchall()
    candidate: Any = SimpleNamespace(label=asked[0])
    some: Any = [SimpleNamespace(moment_id=moment_id) for (moment_id,) in moments]
    return stored_proposals(connection, some, [(candidate, asked[1])])


def test_of_two_verdicts_of_one_name_the_earlier_stands_with_its_own_reply(empty: Connection) -> None:
    """The other store's reply came earlier and was read later: each verdict keeps the reply that it was read from."""
    early_reply = Judged(0, "x", at=0, choices=BOTH, judged_at=1, failed=False)
    other = replace(early_reply, choices=("human", "human"), judged_at=2)
    fill("a", small([early_reply]))
    fill("b", small([other], run="r2"))
    empty.execute("USE b")
    empty.execute("UPDATE replies SET created_at = created_at - INTERVAL 5 DAY")
    union("c", "a", "b")
    assert empty.execute("SELECT DISTINCT choice FROM verdicts").fetchall() == [("model",)]
    read = "SELECT DISTINCT r.body, r.reply_id = v.verdict_id FROM verdicts v JOIN replies r USING (reply_id)"
    assert empty.execute(read).fetchall() == [("model", False)]
    assert empty.execute("SELECT sum(cost_usd), count(*) FROM replies").fetchall() == [(6.0, 6)]


def test_a_failure_that_a_row_of_another_store_cures_is_no_longer_open(empty: Connection) -> None:
    lost = Judged(0, "x", at=0, choices=(None, "model"), judged_at=0, failed=True)
    united(small([lost]), small([replace(lost, choices=BOTH, failed=False)], run="r2"))
    assert empty.execute("SELECT count(*) FROM failures").fetchall() == [(1,)]
    assert empty.execute("FROM open_failures").fetchall() == []
    assert empty.execute("SELECT wins, failures FROM win_rates").fetchall() == [(1, 0)]


@pytest.mark.parametrize(("last", "before"), [("control", "detour"), ("detour", "control")])
def test_labels_are_those_of_the_last_run(empty: Connection, last: str, before: str) -> None:
    united(small([], run="r2", label=last), small([], run="r1", label=before))
    assert empty.execute('SELECT DISTINCT "set", tags FROM moments').fetchall() == [(last, [last])]
    assert empty.execute("SELECT DISTINCT title FROM sessions").fetchall() == [(last,)]


def test_a_run_is_as_it_ended(empty: Connection) -> None:
    united(small([], ended=None), small([], ended=1))
    assert empty.execute("SELECT status FROM runs").fetchall() == [("done",)]
    clear()
    united(small([], ended=2), small([], ended=1))
    assert empty.execute("SELECT finished_at - started_at > INTERVAL 0 DAY FROM runs").fetchall() == [(True,)]
