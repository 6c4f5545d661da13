"""The figures beside a win rate: what must change them, and what must not."""

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nextstep.core.records import Choice
from nextstep.core.stats import abbott_bound, length_controlled
from nextstep.pipeline.score import score
from nextstep.store.database import insert
from tests.stores import (
    LONG_AGO,
    SUITE,
    Pair,
    by_set,
    contest,
    empty_store,
    failure,
    fill,
    pair_lists,
    proposal_id,
    rewrite,
    scored,
    stored,
)

Row = dict[str, Any]

FEW = settings(max_examples=15)
COUNTS = ("wins", "losses", "ties", "flips", "failures", "pending")
FIGURES = (
    "n_moments", "n_sessions", "win_rate", "ci_low", "ci_high", "average_win_rate", "flip_rate", "effective_sessions",
    "deff", "status", "first_position", "first_position_low", "first_position_high", "length_difference", "lc_win_rate",
    "lc_low", "lc_high", "lc_status", "shortened_share", "lower_bound", "lower_bound_low", "lower_bound_high",
)  # fmt: skip
OTHER = {Choice.MODEL: Choice.HUMAN, Choice.HUMAN: Choice.MODEL, Choice.TIE: Choice.TIE, None: None}
DETOURS = [Pair(session=i, first=Choice.MODEL, second=Choice.MODEL) for i in range(3)]


def nearly(value: Any) -> Any:
    return pytest.approx(value, abs=1e-9) if isinstance(value, float) else value


def same(ones: dict[str, Row], others: dict[str, Row], names: Sequence[str]) -> None:
    assert ones.keys() == others.keys()
    for name, row in ones.items():
        assert {key: others[name][key] for key in names} == {key: nearly(row[key]) for key in names}


@FEW
@given(pair_lists())
def test_every_due_pair_is_counted_once(pairs: list[Pair]) -> None:
    rows = scored(pairs)
    assert sum(row["due"] for row in rows.values()) == len(pairs)
    for row in rows.values():
        assert sum(row[count] for count in COUNTS) == row["due"]


@FEW
@given(pair_lists())
def test_showing_the_steps_in_the_other_places_turns_only_the_position_figures(pairs: list[Pair]) -> None:
    before = scored(pairs)
    after = scored([replace(pair, first=pair.second, second=pair.first) for pair in pairs])
    positions = [name for name in FIGURES if name.startswith("first_position")]
    same(before, after, [name for name in (*FIGURES, *COUNTS) if name not in positions])
    for name, row in before.items():
        turned = after[name]
        assert turned["first_position"] == nearly(1 - row["first_position"])
        if row["first_position_low"] is not None:
            assert turned["first_position_low"] == nearly(1 - row["first_position_high"])


@FEW
@given(pair_lists())
def test_taking_the_models_step_for_the_humans_mirrors_the_rate_and_leaves_the_position(pairs: list[Pair]) -> None:
    before = scored(pairs)
    after = scored([replace(pair, first=OTHER[pair.second], second=OTHER[pair.first]) for pair in pairs])
    same(before, after, ["ties", "flips", "due", "flip_rate", "first_position", "shortened_share", "status"])
    for name, row in before.items():
        mirrored = after[name]
        assert (mirrored["wins"], mirrored["losses"]) == (row["losses"], row["wins"])
        assert mirrored["win_rate"] == nearly(1 - row["win_rate"])
        if row["ci_low"] is not None:
            assert (mirrored["ci_low"], mirrored["ci_high"]) == (nearly(1 - row["ci_high"]), nearly(1 - row["ci_low"]))


@FEW
@given(pair_lists())
def test_every_sample_twice_changes_no_figure_and_no_interval(pairs: list[Pair]) -> None:
    again = [replace(pair, sample=pair.sample + len(pairs)) for pair in pairs]
    before, after = scored(pairs), scored([*pairs, *again])
    same(before, after, FIGURES)
    for name, row in before.items():
        assert [after[name][count] for count in COUNTS] == [2 * row[count] for count in COUNTS]


@FEW
@given(pair_lists())
def test_rows_that_stand_twice_count_once(pairs: list[Pair]) -> None:
    with empty_store() as connection:
        fill(connection, pairs)
        before = by_set(score(connection, SUITE, [contest()]))
        connection.execute("INSERT INTO verdicts SELECT * REPLACE (verdict_id || '+' AS verdict_id) FROM verdicts")
        connection.execute("INSERT INTO proposals SELECT * REPLACE (proposal_id || '+' AS proposal_id) FROM proposals")
        after = by_set(score(connection, SUITE, [contest()]))
        same(before, after, (*FIGURES, *COUNTS, "due", "var_within", "var_between"))
        assert len(stored(connection)) == len(before)


@FEW
@given(pair_lists(), st.randoms(use_true_random=False))
def test_which_session_is_which_changes_nothing(pairs: list[Pair], lot: random.Random) -> None:
    names = list(range(20))
    lot.shuffle(names)
    renamed = [replace(pair, session=names[pair.session]) for pair in pairs]
    lot.shuffle(renamed)
    same(scored(pairs), scored(renamed), (*FIGURES, *COUNTS, "due", "var_within", "var_between"))


@FEW
@given(pair_lists())
def test_a_judge_that_always_says_a_yields_only_flips_and_favours_the_first_place_alone(pairs: list[Pair]) -> None:
    for row in scored([replace(pair, first=Choice.MODEL, second=Choice.HUMAN) for pair in pairs]).values():
        assert (row["flips"], row["win_rate"], row["flip_rate"], row["first_position"]) == (row["due"], 0.5, 1.0, 1.0)


def test_a_pair_judged_in_one_order_is_pending_and_in_no_figure() -> None:
    row = scored([*DETOURS, Pair(session=9, second=None)])["detour"]
    assert (row["pending"], row["due"], row["n_moments"], row["win_rate"]) == (1, 4, 3, 1.0)


def test_the_bound_is_of_both_sets_and_stands_with_the_detours_alone() -> None:
    detours = [Pair(session=i, first=c, second=c) for i, c in enumerate([Choice.MODEL, Choice.MODEL, Choice.HUMAN] * 2)]
    chosen = [Choice.MODEL, Choice.HUMAN, Choice.HUMAN, Choice.TIE]
    controls = [Pair(session=i, set="control", first=c, second=c) for i, c in enumerate(chosen)]
    rows = scored(detours + controls)
    wanted = abbott_bound([(i, (1.0, 1.0, 0.0)[i % 3]) for i in range(6)], enumerate([1.0, 0.0, 0.0, 0.5]))
    found = [rows["detour"][name] for name in ("lower_bound", "lower_bound_low", "lower_bound_high")]
    assert found == [nearly(wanted.value), nearly(wanted.ci_low), nearly(wanted.ci_high)]
    assert wanted.value == nearly((4 / 6 - 1.5 / 4) / (1 - 1.5 / 4))
    assert rows["control"]["lower_bound"] is None


@pytest.mark.parametrize(("band", "fits"), [((0.0, 0.2), True), ((0.05, 0.1), True), ((0.9, 1.0), False), (None, None)])
def test_a_control_rate_is_outside_its_band_only_with_its_whole_interval(
    band: tuple[float, float], fits: bool | None
) -> None:
    controls = [Pair(session=i, set="control", first=Choice.HUMAN, second=Choice.HUMAN) for i in range(20)]
    rows = scored([*DETOURS, *controls], band=band)
    assert [rows[name]["control_ok"] for name in ("detour", "control")] == [fits, fits]


def test_a_control_rate_without_an_interval_settles_nothing() -> None:
    assert scored(DETOURS, band=(0.0, 0.5))["detour"]["control_ok"] is None
    one = [Pair(set="control", moment=i) for i in range(3)]
    assert scored(one, band=(0.0, 0.5))["control"]["control_ok"] is None


def test_moments_of_sessions_before_the_cutoff_are_counted_and_can_be_left_out() -> None:
    """Session i began i days after LONG_AGO, and the candidate loses in the later ones."""
    chosen = [Choice.MODEL, Choice.MODEL, Choice.HUMAN, Choice.TIE]
    pairs = [Pair(session=i, first=c, second=c) for i, c in enumerate(chosen)]

    def after(day: int | None) -> tuple[Any, ...]:
        own = {} if day is None else {"cand": date(2025, 1, day)}
        row = scored(pairs, cutoffs=own)["detour"]
        return row["training_cutoff"], row["n_before_cutoff"], row["win_rate_after_cutoff"], row["win_rate"]

    assert LONG_AGO.date() == date(2025, 1, 1)
    assert after(None) == (None, None, None, 0.625)
    assert after(2) == (date(2025, 1, 2), 2, 0.25, 0.625)
    assert after(9)[1:] == (4, None, 0.625)
    assert scored(pairs, cutoffs={"cand": date(2024, 12, 31)})["detour"]["n_before_cutoff"] == 0
    assert scored(pairs, cutoffs={"cand": date(2024, 12, 31)})["detour"]["win_rate_after_cutoff"] is None


@pytest.mark.parametrize(
    ("models", "own"),
    [
        (("claude-opus-5", "bedrock/anthropic.claude-haiku-4-5"), True),
        (("claude-opus-5", "gpt-5"), False),
        (("claude-opus-5", "local/mine"), None),
        (("local/mine", "local/mine"), None),
    ],
)
def test_a_judge_of_the_candidates_family_is_marked(models: tuple[str, str], own: bool | None) -> None:
    assert scored(DETOURS, contest(models=models))["detour"]["own_family"] is own


def test_the_rate_at_equal_length_is_that_of_the_estimator_over_moments() -> None:
    lot = random.Random(7)
    pairs = [
        Pair(session=i % 12, moment=i, words=lot.randint(1, 20), first=choice, second=choice, sample=sample)
        for i in range(60)
        for sample, choice in enumerate(lot.choices([Choice.MODEL, Choice.HUMAN], k=2))
    ]
    row = scored(pairs)["detour"]
    units = []
    for one, other in zip(pairs[::2], pairs[1::2], strict=True):
        mean = ((one.first is Choice.MODEL) + (other.first is Choice.MODEL)) / 2
        units.append((one.session, (mean, (one.words + other.words) / 2 - 10)))
    wanted = length_controlled(units)
    assert wanted.status == "ok"
    found = [row[name] for name in ("lc_win_rate", "lc_low", "lc_high")]
    assert found == [nearly(wanted.value), nearly(wanted.ci_low), nearly(wanted.ci_high)]
    assert row["length_difference"] == nearly(sum(difference for _, (_, difference) in units) / 60)


def test_without_steps_on_both_sides_of_the_humans_length_there_is_no_rate_at_equal_length() -> None:
    row = scored([Pair(session=i, words=40) for i in range(12)])["detour"]
    assert (row["lc_win_rate"], row["lc_status"], row["length_difference"]) == (None, "not_estimable", 30.0)


@pytest.mark.parametrize(
    "text", ["a b  c", "  a\tb\nc ", "one\u00a0two\u3000three", "a\u2028b\x1fc", "a,b c\x0bd", "\x85 x"]
)
def test_words_of_the_humans_own_step_are_counted_as_python_does(text: str) -> None:
    with empty_store() as connection:
        fill(connection, DETOURS)
        connection.execute("UPDATE moments SET human_step = $text", {"text": text})
        row = by_set(score(connection, SUITE, [contest()]))["detour"]
    assert row["length_difference"] == 10 - len(text.split())


def test_a_step_that_was_judged_in_one_form_has_the_length_of_that_form() -> None:
    with empty_store() as connection:
        fill(connection, DETOURS)
        insert(connection, "rewrites", [rewrite(pair, 4) for pair in DETOURS])
        connection.execute("UPDATE verdicts SET rewrite_id = 'f-' || split_part(proposal_id, ':', 3)")
        row = by_set(score(connection, SUITE, [contest(scribe_hash="f")]))["detour"]
    assert (row["length_difference"], row["scribe_hash"]) == (6.0, "f")


@pytest.mark.parametrize(("prefix", "judges", "share"), [(True, False, 1.0), (False, True, 1.0), (False, False, 0.0)])
def test_a_shortened_prefix_or_trajectory_is_told_as_a_share(prefix: bool, judges: bool, share: float) -> None:
    pairs = [replace(pair, shortened=prefix, judge_shortened=judges) for pair in DETOURS]
    assert scored(pairs)["detour"]["shortened_share"] == share


UNJUDGED = [replace(pair, first=None, second=None) for pair in DETOURS]


@pytest.mark.parametrize(
    ("stage", "kind", "refused"),
    [("judge", "unreadable", 0), ("judge", "refusal", 3), ("scribe", "unreadable", 0), ("scribe", "refusal", 3)],
)
def test_what_was_tried_and_not_judged_is_a_failure_with_its_refusals_counted(
    stage: str, kind: str, refused: int
) -> None:
    of = contest(scribe_hash="f")
    with empty_store() as connection:
        fill(connection, UNJUDGED, of)
        assert by_set(score(connection, SUITE, [of])) == {}
        insert(connection, "failures", [failure(pair, of, stage, kind) for pair in UNJUDGED])
        row = by_set(score(connection, SUITE, [of]))["detour"]
    assert (row["failures"], row["due"], row["refusals"], row["win_rate"]) == (3, 3, refused, None)


def test_a_proposal_that_was_refused_is_a_refusal_until_a_later_one_is_judged() -> None:
    of = contest()
    with empty_store() as connection:
        fill(connection, DETOURS, of)
        insert(connection, "failures", [failure(pair, of, "propose", "refusal") for pair in DETOURS])
        connection.execute("DELETE FROM proposals WHERE proposal_id = $id", {"id": proposal_id(DETOURS[0], of)})
        row = by_set(score(connection, SUITE, [of]))["detour"]
    assert (row["failures"], row["refusals"], row["wins"]) == (1, 1, 2)


def test_a_scribes_failure_counts_until_its_form_is_there_and_for_its_own_prompt_alone() -> None:
    of = contest(scribe_hash="f")
    with empty_store() as connection:
        fill(connection, UNJUDGED, of)
        insert(connection, "failures", [failure(pair, of, "scribe") for pair in UNJUDGED])
        insert(connection, "rewrites", [rewrite(UNJUDGED[0], 9), rewrite(UNJUDGED[1], 9, digest="another")])
        row = by_set(score(connection, SUITE, [of]))["detour"]
        assert (row["failures"], row["pending"]) == (2, 1)
        assert score(connection, SUITE, [replace(of, scribe_hash="another")]) == []
        assert score(connection, SUITE, [replace(of, scribe_hash=None)]) == []


def test_the_variance_is_split_into_moments_and_samples() -> None:
    alike = [Pair(session=i % 6, moment=i, sample=k) for i in range(12) for k in range(2)]
    assert scored(alike)["detour"]["var_within"] == 0.0
    noisy = [replace(p, first=OTHER[p.first], second=OTHER[p.second]) if p.sample else p for p in alike]
    row = scored(noisy)["detour"]
    assert (row["var_within"], row["var_between"], row["enough_samples"]) == (0.5, 0.0, None)
    assert scored(DETOURS)["detour"]["var_within"] is None


def test_rows_are_stored_as_they_are_returned() -> None:
    with empty_store() as connection:
        fill(connection, DETOURS)
        (row,) = score(connection, SUITE, [contest()], band=(0.0, 0.5), cutoffs={"cand": date(2025, 1, 2)})
        assert stored(connection) == [row]
