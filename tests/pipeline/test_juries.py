"""Several judges: their mean as a jury, how far they agree, and whether they favour their own."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nextstep.core.records import Choice
from nextstep.pipeline.correcting import with_cards
from nextstep.pipeline.juries import self_preference
from nextstep.pipeline.results import read_agreement, read_health, read_results
from nextstep.pipeline.score import Contest, score
from nextstep.store import Connection
from nextstep.store.asking import ask, named_queries
from nextstep.store.database import insert
from tests.stores import LONG_AGO, SUITE, Pair, contest, empty_store, failure, fill, pair_lists

M, H, T = Choice.MODEL, Choice.HUMAN, Choice.TIE
JUDGES = ("j1", "j2", "j3")

Said = list[tuple[Choice | None, Choice | None]]
Row = dict[str, Any]


def of(judge: str, candidate: str = "cand", **more: Any) -> Contest:
    return contest(candidate, judge, verdict_prompt_hash=f"v-{judge}", **more)


def tried(said: dict[str, Said], connection: Connection, **more: Any) -> dict[str, Row]:
    """The win-rate rows by judge, where each judge said this of the pairs one after the other, one a session."""
    for judge, choices in said.items():
        fill(connection, [Pair(session=i, first=a, second=b) for i, (a, b) in enumerate(choices)], of(judge, **more))
    return {row["judge"]: row for row in score(connection, SUITE, [of(judge, **more) for judge in said])}


def test_a_jurys_score_is_the_mean_of_its_judges_and_decides_the_outcome() -> None:
    said: dict[str, Said] = {
        "j1": [(M, M), (M, M), (H, H), (M, H)],
        "j2": [(M, M), (H, H), (H, H), (M, M)],
        "j3": [(H, H), (T, T), (T, T), (M, M)],
    }
    with empty_store() as connection:
        rows = tried(said, connection)
    jury = rows["jury"]
    assert list(rows) == [*JUDGES, "jury"]
    assert [jury[name] for name in ("wins", "losses", "ties", "flips", "due")] == [2, 1, 1, 0, 4]
    assert jury["win_rate"] == pytest.approx((2 / 3 + 1.5 / 3 + 0.5 / 3 + 2.5 / 3) / 4)
    assert jury["win_rate"] == pytest.approx(sum(rows[judge]["win_rate"] for judge in JUDGES) / 3)
    assert jury["jury"] == [{"judge": judge, "prompt_hash": f"v-{judge}"} for judge in JUDGES]
    assert {jury["first_position"], jury["flip_rate"]} == {None}
    assert all(rows[judge]["jury"] is None for judge in JUDGES)


@settings(max_examples=15)
@given(pair_lists())
def test_a_jury_of_judges_that_say_the_same_has_their_rate(pairs: list[Pair]) -> None:
    with empty_store() as connection:
        for judge in JUDGES:
            fill(connection, pairs, of(judge))
        rows = score(connection, SUITE, [of(judge) for judge in JUDGES])
    for row in (row for row in rows if row["judge"] == "jury"):
        one = next(other for other in rows if (other["judge"], other["set"]) == ("j1", row["set"]))
        assert row["ties"] == one["ties"] + one["flips"]
        for name in ("win_rate", "ci_low", "ci_high", "lc_win_rate", "lower_bound", "wins", "losses", "due", "status"):
            assert row[name] == (pytest.approx(one[name]) if isinstance(one[name], float) else one[name])


@given(st.permutations(JUDGES))
@settings(max_examples=6)
def test_a_jury_is_named_by_its_judges_in_any_order(order: list[str]) -> None:
    with empty_store() as connection:
        for judge in JUDGES:
            fill(connection, [Pair()], of(judge))
        names = [score(connection, SUITE, [of(j) for j in js])[-1]["prompt_hash"] for js in (JUDGES, order)]
        fewer = score(connection, SUITE, [of(judge) for judge in JUDGES[:2]])[-1]
    assert names[0] == names[1] != fewer["prompt_hash"]


def test_a_jury_scores_only_what_all_its_judges_have_judged() -> None:
    with empty_store() as connection:
        rows = tried({"j1": [(M, M), (M, M), (M, M)], "j2": [(M, M), (None, None), (H, None)]}, connection)
        assert [rows["jury"][name] for name in ("wins", "pending", "due", "win_rate")] == [1, 2, 3, 1.0]
        insert(connection, "failures", [failure(Pair(session=1), of("j2"), "judge", "refusal")])
        rows = tried({"j1": [], "j2": []}, connection)
    assert [rows["jury"][name] for name in ("wins", "pending", "failures", "refusals")] == [1, 1, 1, 1]


def test_one_judge_is_no_jury_and_candidates_are_never_mixed_in_one() -> None:
    with empty_store() as connection:
        fill(connection, [Pair()], of("j1", "c1"))
        fill(connection, [Pair()], of("j2", "c2"))
        rows = score(connection, SUITE, [of("j1", "c1"), of("j2", "c2")])
    assert [(row["candidate"], row["judge"]) for row in rows] == [("c1", "j1"), ("c2", "j2")]


def test_one_judge_under_two_names_is_no_jury_and_agrees_with_nobody_but_others() -> None:
    twins = [contest(judge=judge, verdict_prompt_hash="v") for judge in ("x", "y")]
    with empty_store() as connection:
        for one in (*twins, of("j1")):
            fill(connection, [Pair(session=i) for i in range(3)], one)
        assert [row["judge"] for row in score(connection, SUITE, twins)] == ["x", "y"]
        assert read_agreement(connection, SUITE) == []
        jury = score(connection, SUITE, [*twins, of("j1")])[-1]
        between = {(row["judge_a"], row["judge_b"]) for row in read_agreement(connection, SUITE)}
    assert [one["judge"] for one in jury["jury"]] == ["x", "j1"]
    assert between == {("j1", "x"), ("j1", "y")}


def test_a_jury_with_one_judge_of_the_candidates_family_is_marked() -> None:
    families = {"j1": ("claude-opus-5", "gpt-5"), "j2": ("claude-opus-5", "claude-opus-5-5")}
    with empty_store() as connection:
        for judge, models in families.items():
            fill(connection, [Pair()], of(judge, models=models))
        rows = score(connection, SUITE, [of(judge, models=models) for judge, models in families.items()])
    assert [row["own_family"] for row in rows] == [False, True, True]


def test_agreement_is_over_what_both_judged_set_by_set() -> None:
    """Counts [[20, 5], [10, 15]] of wins and losses: Cohen's kappa 0.4."""
    chosen = [(M, M)] * 20 + [(M, H)] * 5 + [(H, M)] * 10 + [(H, H)] * 15
    said: dict[str, Said] = {"j1": [(a, a) for a, _ in chosen], "j2": [*((b, b) for _, b in chosen), (M, M)]}
    with empty_store() as connection:
        tried(said, connection)
        (row,) = read_agreement(connection, SUITE)
    assert (row["judge_a"], row["judge_b"], row["set"]) == ("j1", "j2", "detour")
    assert (row["n"], row["n_sessions"], row["agreed"], row["n_decided"]) == (50, 50, 0.7, 50)
    assert row["kappa"] == pytest.approx(0.4)
    assert row["kappa_low"] < 0.4 < row["kappa_high"]
    assert row["alpha_low"] < row["alpha"] < row["alpha_high"]


def test_agreement_of_decided_outcomes_leaves_out_ties_and_flips() -> None:
    with empty_store() as connection:
        tried({"j1": [(M, M), (M, M), (T, T), (M, H)], "j2": [(M, M), (H, H), (T, T), (M, M)]}, connection)
        (row,) = read_agreement(connection, SUITE)
    assert (row["agreed"], row["n_decided"], row["agreed_decided"]) == (0.5, 2, 0.5)


def test_agreement_does_not_depend_on_which_candidates_a_run_has_asked() -> None:
    with empty_store() as connection:
        for judge in ("j1", "j2"):
            for candidate in ("c1", "c2"):
                pairs = [Pair(session=i, first=M if i % 2 else H, second=M) for i in range(4)]
                fill(connection, pairs, of(judge, candidate))
        score(connection, SUITE, [of(judge, "c1") for judge in ("j1", "j2")])
        (row,) = read_agreement(connection, SUITE)
    assert row["n"] == 8


def test_judges_that_always_agree_on_one_outcome_have_no_kappa() -> None:
    with empty_store() as connection:
        tried({"j1": [(M, M)] * 4, "j2": [(M, M)] * 4}, connection)
        (row,) = read_agreement(connection, SUITE)
    assert (row["agreed"], row["kappa"], row["kappa_status"], row["alpha"]) == (1.0, None, "no_variation", None)


MODELS = {"cj": "claude-opus-5", "oj": "gpt-5", "cc": "claude-haiku-4-5", "oc": "gpt-5-mini"}


def crossed(connection: Connection, choose: dict[tuple[str, str], list[Choice]], models: dict[str, str]) -> list[Row]:
    for (judge, candidate), choices in choose.items():
        asked = of(judge, candidate, models=(models[candidate], models[judge]))
        fill(connection, [Pair(session=i, first=c, second=c) for i, c in enumerate(choices)], asked)
    return self_preference(connection, SUITE)


def test_judges_that_each_prefer_their_own_family_show_it_as_a_difference_of_differences() -> None:
    fair = [M, H, M, H, M, H]
    own = {("cj", "cc"): [M] * 6, ("cj", "oc"): fair, ("oj", "cc"): fair, ("oj", "oc"): [M, M, M, H, M, H]}
    with empty_store() as connection:
        rows = crossed(connection, own, MODELS)
    assert [(row["judge"], row["prompt_hash"], row["n"]) for row in rows] == [("cj", "v-cj", 6), ("oj", "v-oj", 6)]
    assert [row["value"] for row in rows] == [pytest.approx(3 / 6 + 1 / 6)] * 2
    assert all(row["ci_low"] < row["value"] < row["ci_high"] for row in rows)


def test_a_judge_that_is_only_strict_or_a_candidate_that_is_only_better_is_no_preference() -> None:
    strict = {("cj", "cc"): [M, H, M], ("cj", "oc"): [M, H, M], ("oj", "cc"): [H] * 3, ("oj", "oc"): [H] * 3}
    better = {("cj", "cc"): [M] * 3, ("cj", "oc"): [H, M, H], ("oj", "cc"): [M] * 3, ("oj", "oc"): [H, M, H]}
    for choose in (strict, better):
        with empty_store() as connection:
            assert {row["value"] for row in crossed(connection, choose, MODELS)} == {0.0}


@pytest.mark.parametrize("unlike", [{"oj": "local/mine"}, {"oj": "claude-opus-5"}, {"oc": "local/mine"}])
def test_preference_needs_judges_and_candidates_of_two_known_families(unlike: dict[str, str]) -> None:
    fair = {(judge, candidate): [M, H] for judge in ("cj", "oj") for candidate in ("cc", "oc")}
    with empty_store() as connection:
        assert crossed(connection, fair, MODELS | unlike) == []


def test_judges_are_compared_only_where_they_were_asked_alike() -> None:
    """Both judges call it even when asked in one way; the other's verdicts, asked in another way, favour its own."""
    fair = {(judge, candidate): [M, H, T] for judge in ("cj", "oj") for candidate in ("cc", "oc")}
    biased = {"cc": [H] * 3, "oc": [M] * 3}

    def with_another_way(way_hash: str | None) -> set[float]:
        with empty_store() as connection:
            crossed(connection, fair, MODELS)
            for candidate, choices in biased.items():
                asked = contest(
                    candidate, "oj", verdict_prompt_hash="another", models=(MODELS[candidate], MODELS["oj"])
                )
                pairs = [Pair(session=i, first=c, second=c) for i, c in enumerate(choices)]
                fill(connection, pairs, asked, way_hash=way_hash)
            return {row["value"] for row in self_preference(connection, SUITE)}

    assert with_another_way("another way") == with_another_way(None) == {0.0}
    assert max(with_another_way("w")) > 0


def test_judges_of_whom_nobody_knows_how_they_were_asked_are_compared_with_none() -> None:
    choose = {(judge, candidate): [M, H] for judge in ("cj", "oj") for candidate in ("cc", "oc")}
    with empty_store() as connection:
        assert len(crossed(connection, choose, MODELS)) == 2
        connection.execute("UPDATE verdicts SET way_hash = NULL")
        assert self_preference(connection, SUITE) == []


def asked_for(connection: Connection, name: str) -> list[Row]:
    return ask(connection, named_queries()[name][1])


def test_the_queries_for_people_tell_where_judges_part_and_what_verdicts_cost() -> None:
    with empty_store() as connection:
        tried({"j1": [(M, M), (M, M)], "j2": [(M, M), (H, H)]}, connection, models=("cand", "m"))
        apart, costs, drift = (asked_for(connection, name) for name in ("judges_apart", "verdict_costs", "drift"))
    assert [(row["moment_id"], row["outcome_a"], row["outcome_b"]) for row in apart] == [("detour-1-0", "win", "loss")]
    assert [(row["judge"], row["model"], row["paid_answers"]) for row in costs] == [("j1", "m", 1), ("j2", "m", 1)]
    assert [
        (row["judge"], row["month"], row["verdicts"], row["for_the_model"], row["for_the_first"]) for row in drift
    ] == [
        ("j1", "2025-01", 4, 1.0, 0.5),
        ("j2", "2025-01", 4, 0.5, 0.5),
    ]


def test_no_query_for_people_mixes_ways_of_asking() -> None:
    """One judge and one candidate, each asked in two ways: the first way always wins, the second always loses."""
    with empty_store() as connection:
        for way, choice in (("1", M), ("2", H)):
            one = contest(proposal_prompt_hash=f"p{way}", verdict_prompt_hash=f"v{way}")
            fill(connection, [Pair(first=choice, second=choice)], one)
            score(connection, SUITE, [one])
        for other in (("p1", "v2"), ("p2", "v1")):
            asked = contest(proposal_prompt_hash=other[0], verdict_prompt_hash=other[1])
            fill(connection, [Pair(first=H, second=H)], asked)
        tags, rates = asked_for(connection, "by_tag"), asked_for(connection, "win_rates")
        scores = {(row["proposal_prompt_hash"], row["verdict_prompt_hash"]): row["mean_score"] for row in tags}
        assert scores == {("p1", "v1"): 1.0, ("p1", "v2"): 0.0, ("p2", "v1"): 0.0, ("p2", "v2"): 0.0}
        assert asked_for(connection, "disagreements") == asked_for(connection, "judges_apart") == []
        assert sorted(row["win_rate"] for row in rates) == [0.0, 1.0]
        assert len({row["prompt_hash"] for row in rates}) == 2
        assert {row["prompt_hash"] for row in asked_for(connection, "verdict_costs")} == {"v1", "v2"}


def test_the_moments_on_which_candidates_part_name_two_of_them_under_one_judge() -> None:
    samples = [Pair(sample=0), Pair(sample=1, first=H, second=H)]
    with empty_store() as connection:
        fill(connection, samples, of("j1"))
        assert asked_for(connection, "disagreements") == []
        fill(connection, [Pair(first=H, second=H)], of("j1", "worse"))
        fill(connection, [Pair()], of("j2", "better"))
        fill(connection, [Pair()], contest("better", "j1", verdict_prompt_hash="another"))
        (row,) = asked_for(connection, "disagreements")
    assert (row["judge"], row["prompt_hash"], row["best"], row["worst"], row["spread"]) == (
        "j1",
        "v-j1",
        "cand",
        "worse",
        0.5,
    )


def test_flips_are_told_with_how_the_judge_was_asked() -> None:
    with empty_store() as connection:
        tried({"j1": [(M, H), (M, M)]}, connection)
        told = asked_for(connection, "flips")
    assert [(row["judge"], row["prompt_hash"], row["moment_id"]) for row in told] == [("j1", "v-j1", "detour-0-0")] * 2


def test_the_query_for_win_rates_says_what_the_results_say_of_trust() -> None:
    trusts = {"j1": "trusted", "j2": "use with care", "j3": "not trusted"}
    with empty_store() as connection:
        tried({judge: [(M, M), (H, H)] for judge in (*JUDGES, "j4")}, connection)
        for few in (("j1", "j2"), ("j1", "j3", "j4"), ("j1", "j4")):
            score(connection, SUITE, [of(judge) for judge in few])
        for judge, trust in trusts.items():
            insert(connection, "judge_health", [health(judge, probe, trust) for probe in ("verbatim", "oracle")])
        insert(connection, "judge_health", [health("j4", "verbatim", "trusted") | {"suite_hash": "of another suite"}])
        told = {row["prompt_hash"]: row["trust"] for row in asked_for(connection, "win_rates")}
        rows = with_cards(read_results(connection, SUITE), read_health(connection, SUITE))
    assert told == {row["prompt_hash"]: row["trust"] for row in rows}
    assert sorted(told.values()) == [
        *["not calibrated"] * 2,
        *["not trusted"] * 3,
        "trusted",
        *["use with care"] * 2,
    ]


def health(judge: str, probe: str, trust: str) -> Row:
    """A row of a judge's card."""
    name = {"suite_hash": SUITE, "judge": judge, "prompt_hash": f"v-{judge}", "probe": probe, "trust": trust}
    figures = {"n": 1, "due": 1, "n_sessions": 1, "value": 1.0, "ci_low": None, "ci_high": None}
    last = {"expected": ">= 0.95", "ok": True, "status": "ok", "offline": False, "updated_at": LONG_AGO}
    return name | figures | last


def test_pairs_with_gaps_in_one_judge_are_told_apart_by_sample() -> None:
    pairs = [Pair(sample=k, first=c, second=c) for k, c in enumerate([M, H, T])]
    with empty_store() as connection:
        fill(connection, pairs, of("j1"))
        fill(
            connection,
            [replace(pair, first=None, second=None) if pair.sample == 1 else pair for pair in pairs],
            of("j2"),
        )
        jury = score(connection, SUITE, [of("j1"), of("j2")])[-1]
    assert (jury["wins"], jury["ties"], jury["pending"], jury["win_rate"]) == (1, 1, 1, 0.75)
