"""Win rates split into groups: the same pairs, each in the groups that it belongs to."""

from collections import Counter
from dataclasses import replace
from datetime import date

import pytest

from nextstep.core.records import Choice
from nextstep.pipeline.results import (
    BY,
    agreement_among,
    read_agreement,
    read_health,
    read_moment,
    read_results,
)
from nextstep.pipeline.score import score
from nextstep.store import Connection
from nextstep.store.database import insert
from tests.stores import LONG_AGO, SUITE, Pair, contest, empty_store, fill, rewrite

M, H = Choice.MODEL, Choice.HUMAN
PAIRS = [
    Pair(session=i, set=s, moment=k, first=c, second=c, shortened=i == 2)
    for i, c in enumerate([M, M, H, H])
    for s in ("detour", "control")
    for k in range(2)
]
JUDGES = [contest(judge=judge, verdict_prompt_hash=f"v-{judge}") for judge in ("first", "second")]


def filled(connection: Connection) -> None:
    """Two judges that part over the last session; the candidate's training data ends on the second session's day."""
    fill(connection, PAIRS, JUDGES[0])
    fill(connection, [replace(p, first=M, second=M) if p.session == 3 else p for p in PAIRS], JUDGES[1])
    score(connection, SUITE, JUDGES, cutoffs={"cand": date(2025, 1, 2)})


GROUPS = {
    "session": {"s0": 2, "s1": 2, "s2": 2, "s3": 2},
    "tag": {"t0": 4, "t1": 4},
    "window": {"shortened": 2, "whole": 6},
    "cutoff": {"before cutoff": 4, "after cutoff": 4},
}


@pytest.mark.parametrize("by", BY)
def test_a_split_holds_every_pair_in_its_group_for_judges_and_jury_alike(by: str) -> None:
    with empty_store() as connection:
        filled(connection)
        rows = read_results(connection, SUITE, by=by)
        whole = read_results(connection, SUITE)
    for judge in ("first", "second", "jury"):
        for name in ("detour", "control"):
            groups = Counter({r["group"]: r["due"] for r in rows if (r["judge"], r["set"]) == (judge, name)})
            assert groups == GROUPS[by]
            assert groups.total() == next(r["due"] for r in whole if (r["judge"], r["set"]) == (judge, name))
    assert {row["lower_bound"] for row in rows} == {None}


def test_a_group_has_the_win_rate_of_its_own_pairs() -> None:
    with empty_store() as connection:
        filled(connection)
        rows = read_results(connection, SUITE, by="cutoff")
    rates = {(row["judge"], row["group"]): row["win_rate"] for row in rows}
    assert {rates[judge, "before cutoff"] for judge in ("first", "second", "jury")} == {1.0}
    assert [rates[judge, "after cutoff"] for judge in ("first", "second", "jury")] == [0.0, 0.5, 0.25]


def test_without_a_known_cutoff_the_group_is_unknown() -> None:
    with empty_store() as connection:
        fill(connection, PAIRS)
        score(connection, SUITE, [contest()])
        assert {row["group"] for row in read_results(connection, SUITE, by="cutoff")} == {"unknown"}


def test_without_a_proposal_there_is_no_window() -> None:
    with empty_store() as connection:
        fill(connection, PAIRS)
        connection.execute("DELETE FROM proposals WHERE moment_id = 'detour-0-0'")
        score(connection, SUITE, [contest()])
        due = {
            row["group"]: row["due"] for row in read_results(connection, SUITE, by="window") if row["set"] == "detour"
        }
    assert due == {"no proposal": 1, "shortened": 2, "whole": 5}


def test_without_a_suite_the_one_scored_last_is_meant() -> None:
    with empty_store() as connection:
        assert read_results(connection, None) == read_agreement(connection, None) == read_health(connection, None) == []
        filled(connection)
        card = {
            "n": 1,
            "due": 1,
            "n_sessions": 1,
            "expected": ">= 0.95",
            "status": "ok",
            "trust": "trusted",
            "offline": False,
        }
        name = {
            "suite_hash": SUITE,
            "judge": "first",
            "prompt_hash": "v-first",
            "probe": "verbatim",
            "updated_at": LONG_AGO,
        }
        insert(connection, "judge_health", [name | card])
        assert read_results(connection, None) == read_results(connection, SUITE) != []
        assert len(read_agreement(connection, None)) == 2
        assert [row["trust"] for row in read_health(connection, None)] == ["trusted"]
        assert read_health(connection, "another") == []


def test_a_jurys_rows_stand_last() -> None:
    with empty_store() as connection:
        filled(connection)
        assert [row["judge"] for row in read_results(connection, SUITE)] == ["first"] * 2 + ["second"] * 2 + [
            "jury"
        ] * 2


def test_agreement_is_shown_of_the_judges_and_sets_that_are_shown() -> None:
    with empty_store() as connection:
        filled(connection)
        rows, agreement = read_results(connection, SUITE), read_agreement(connection, SUITE)
    assert len(agreement) == 2
    for kept, wanted in (
        (rows, ["detour", "control"]),
        ([row for row in rows if row["judge"] == "jury"], ["detour", "control"]),
        ([row for row in rows if row["set"] == "control"], ["control"]),
        ([row for row in rows if row["judge"] == "first"], []),
        ([row | {"verdict_prompt_hash": "another", "jury": None} for row in rows], []),
        ([row for row in rows if row["judge"] == "first" or row["set"] == "detour"], ["detour"]),
    ):
        assert [row["set"] for row in agreement_among(agreement, kept)] == wanted


def test_a_moment_comes_with_the_words_in_which_judges_read_the_humans_step() -> None:
    read, unread, elsewhere = rewrite(PAIRS[0], 5), rewrite(PAIRS[0], 5, "unread"), rewrite(PAIRS[4], 5)
    with empty_store() as connection:
        filled(connection)
        assert read_moment(connection, "detour-0-0", before=1, after=1)["judged_steps"] == []
        insert(connection, "rewrites", [read, unread, elsewhere])
        connection.execute(
            "UPDATE verdicts SET rewrite_id = 'f-' || split_part(proposal_id, ':', 3) WHERE judge = 'first'"
        )
        moment = read_moment(connection, "detour-0-0", before=1, after=1)
    assert moment["judged_steps"] == [{name: read[name] for name in ("rewrite_id", "scribe", "text")}]
    (proposal,) = moment["proposals"]
    read_by = {one["judge"]: {verdict["rewrite_id"] for verdict in one["verdicts"]} for one in proposal["judgements"]}
    assert read_by == {"first": {read["rewrite_id"]}, "second": {None}}
