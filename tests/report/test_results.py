"""What `results` prints: every figure beside its win rate, in 80 columns, with the words that a reader needs."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from rich.console import Console, Group

from nextstep.core.records import Choice
from nextstep.pipeline.correcting import with_cards
from nextstep.pipeline.results import read_agreement, read_results
from nextstep.pipeline.score import Contest, score
from nextstep.report.results import NOT_CALIBRATED, NOT_EQUAL_NOTE, results_text, win_rate_tables
from nextstep.report.text import HASH_NOTE, OFFLINE_NOTE, OPEN_BOUND_NOTE
from nextstep.store import Connection
from tests.stores import SUITE, Pair, contest, empty_store, fill

M, H = Choice.MODEL, Choice.HUMAN
Row = dict[str, Any]
JUDGE = "claude-opus-5-5"
LONG_NAME = "proxy/qwen3-coder-480b-a35b-instruct-2507"


def of(candidate: str, judge: str = JUDGE, **more: Any) -> Contest:
    return contest(candidate, judge, verdict_prompt_hash=f"v-{judge}", **more)


def pairs() -> list[Pair]:
    """Twenty detours of which the model wins 15, twenty controls of which it wins 4; its steps longer and shorter."""
    detours = [Pair(session=i, words=5 + i, first=M if i < 15 else H, second=M if i < 15 else H) for i in range(20)]
    return detours + [
        replace(p, set="control", first=M if p.words < 9 else H, second=M if p.words < 9 else H) for p in detours
    ]


def rows(connection: Connection, contests: Sequence[Contest], **more: Any) -> list[Row]:
    for one in contests:
        fill(connection, pairs(), one)
    score(connection, SUITE, contests, **more)
    return read_results(connection, SUITE)


def shown(found: Sequence[Row], *, health: Sequence[Row] = (), **more: Any) -> str:
    return printed(results_text(with_cards(found, health), health=health, **more))


def printed(text: Group) -> str:
    console = Console(width=80, no_color=True)
    with console.capture() as captured:
        console.print(text)
    return captured.get()


def lines(text: str, *words: str) -> list[str]:
    return [line for line in text.splitlines() if all(word in line for word in words)]


def test_each_candidate_has_its_pair_its_bound_and_its_bias_figures() -> None:
    with empty_store() as connection:
        text = shown(rows(connection, [of("claude-opus-5-5"), of("gpt-5.6")]))
    assert "75.0 %" in lines(text, "claude-opus-5-5", "detour")[0]
    assert "20.0 %" in lines(text, "claude-opus-5-5", "control")[0]
    assert "68.8 %" in lines(text, "claude-opus-5-5", "bound")[0]
    assert lines(text, "claude-opus-5-5", "detour")[1].split() == [
        "claude-opus-5-5", "detour", "50.0", "%", "0.0", "%", "+4.5", "-", "0.0", "%", "0", "yes",
    ]  # fmt: skip
    assert lines(text, "gpt-5.6", "control")[1].split()[-1] == "no"


def test_nothing_is_wider_than_a_terminal_or_left_out_of_it() -> None:
    with empty_store() as connection:
        contests = [of(LONG_NAME, judge) for judge in (JUDGE, "gpt-5.6", "local/" + "judge-" * 8)]
        text = shown(rows(connection, contests), agreement=read_agreement(connection, SUITE))
    assert max(map(len, text.splitlines())) <= 80
    assert "\N{HORIZONTAL ELLIPSIS}" not in text
    assert "A jury of claude-opus-5-5, gpt-5.6," in text
    assert len(lines(text, "100.0 %", "detour")) == 3


def card(probe: str, ok: bool | None, trust: str = "not trusted", digest: str = f"v-{JUDGE}") -> Row:
    nothing = {"value": None, "ci_low": None, "ci_high": None, "n": 0, "n_sessions": 0, "status": "empty"}
    return {"judge": JUDGE, "prompt_hash": digest, "probe": probe, "ok": ok, "trust": trust} | nothing


def in_words(text: str) -> str:
    return " ".join(text.split())


def test_a_judges_standing_is_one_line_of_its_own_card() -> None:
    with empty_store() as connection:
        found = rows(connection, [of("cand")])
    assert NOT_CALIBRATED in shown(found)
    assert NOT_CALIBRATED in shown(found, health=[card("verbatim", True, digest="of another prompt")])
    health = [card("verbatim", True), card("oracle", False), card("padded", False), card("authorship", None)]
    told = f"Judge {JUDGE}: not trusted; alarms: oracle, padded; not measured: authorship"
    assert told in in_words(shown(found, health=health))
    assert lines(shown(found, health=[card("verbatim", True, "trusted")]), "trusted") == [f"Judge {JUDGE}: trusted"]


def test_below_every_table_stands_how_far_its_judge_can_be_trusted_at_the_end_of_a_run_and_of_groups_too() -> None:
    judges = [of("cand"), of("cand", "second")]
    with empty_store() as connection:
        whole = rows(connection, judges)
        split = read_results(connection, SUITE, by="tag")
    health = [card("verbatim", True, "use with care")]
    for found in (whole, split):
        for text in (shown(found, health=health), printed(win_rate_tables(with_cards(found, health), health))):
            parts = text.split("Win rates, judged by ")[1:]
            assert [part.split()[0] for part in parts] == [JUDGE, "second", "jury"]
            assert f"Judge {JUDGE}: use with care" in parts[0]
            assert f"Judge second: {NOT_CALIBRATED}" in parts[1]
            assert "the least of them is not calibrated." in in_words(parts[2])
            assert all(part.count("Judge ") <= 1 for part in parts)


TWO_WAYS = ("11111111aa", "11111111bb", "22222222aa")


def test_a_judge_that_was_asked_in_several_ways_has_a_table_and_a_standing_for_each() -> None:
    ways = [contest("cand", JUDGE, verdict_prompt_hash=digest) for digest in TWO_WAYS]
    with empty_store() as connection:
        for one in ways:
            rows(connection, [one])
        found = read_results(connection, SUITE)
    health = [card("verbatim", True, "trusted", TWO_WAYS[0]), card("verbatim", False, "not trusted", TWO_WAYS[2])]
    parts = shown(found, health=health).split("Win rates, judged by ")[1:]
    standings = [next(line for line in part.splitlines() if line.startswith("Judge ")) for part in parts]
    assert len(lines("\n".join(parts), "cand", "detour")) == 2 * len(TWO_WAYS)
    assert sorted(standings) == [
        f"Judge {JUDGE} [11111111]: {NOT_CALIBRATED}",
        f"Judge {JUDGE} [11111111]: trusted",
        f"Judge {JUDGE} [22222222]: not trusted; alarms: verbatim",
    ]
    for part, standing in zip(parts, standings, strict=True):
        assert standing.startswith(f"Judge {part.splitlines()[0].strip()}: ")
    assert HASH_NOTE in in_words(parts[-1])


def test_one_way_of_asking_is_named_by_the_judge_alone() -> None:
    with empty_store() as connection:
        text = shown(rows(connection, [of("cand"), of("other")]))
    assert text.startswith(f"Win rates, judged by {JUDGE} ")
    assert "[" not in text


def test_juries_of_different_judges_have_a_table_each_with_their_own_judges() -> None:
    with empty_store() as connection:
        rows(connection, [of("c1", "A"), of("c1", "B")])
        found = rows(connection, [of("c2", "A"), of("c2", "C")])
    juries = [in_words(part) for part in shown(found).split("Win rates, judged by ") if part.startswith("jury [")]
    assert len(juries) == 2
    for candidate, judges in (("c1", "A, B"), ("c2", "A, C")):
        (jury,) = (jury for jury in juries if f"{candidate} detour" in jury)
        assert f"A jury of {judges}:" in jury


def test_judges_that_agree_are_told_apart_by_how_they_were_asked() -> None:
    ways = [contest("cand", judge, verdict_prompt_hash=f"{digest}-1234567") for judge, digest in ("Aa", "Ab", "Bc")]
    with empty_store() as connection:
        for one in ways[:2]:
            rows(connection, [one, ways[2]])
        agreement = read_agreement(connection, SUITE)
        text = shown(read_results(connection, SUITE), agreement=agreement)
    assert len(agreement) == 4
    assert [len(lines(text, f"A [{digest}-123456], B ")) for digest in "ab"] == [2, 2]


def test_a_candidate_that_was_asked_in_two_ways_has_rows_told_apart_in_groups_too() -> None:
    ways = [of("cand", proposal_prompt_hash=digest) for digest in ("one", "two")]
    with empty_store() as connection:
        rows(connection, ways)
        for by in (None, "tag"):
            found = read_results(connection, SUITE, by=by)
            text = printed(win_rate_tables(with_cards(found, []), []))
            assert len({row["prompt_hash"] for row in found}) == 2
            for row in found:
                assert lines(text, "cand", row["set"], row["prompt_hash"][:6])


def test_what_has_no_figure_says_why() -> None:
    with empty_store() as connection:
        usual = shown(rows(connection, [of("cand")]))
    few = [Pair(first=M, second=M), Pair(set="control", first=H, second=H)]
    with empty_store() as connection:
        fill(connection, few, of("cand"))
        score(connection, SUITE, [of("cand")])
        text = shown(read_results(connection, SUITE))
    assert lines(text, "bound", "100.0 %")[0].split()[-1] == "-"
    assert OPEN_BOUND_NOTE in in_words(text)
    assert NOT_EQUAL_NOTE in in_words(text)
    assert "fewer than 15% of the moments" in NOT_EQUAL_NOTE
    assert OPEN_BOUND_NOTE not in in_words(usual)


def test_an_unknown_training_cutoff_is_told_in_one_line() -> None:
    told = "Training cutoff of c1, c2 not known: set cutoffs in evals.yaml."
    with empty_store() as connection:
        text = shown(rows(connection, [of("c1"), of("c2"), of("c3")], cutoffs={"c3": date(2024, 1, 1)}))
        assert lines(text, "Training cutoff") == [told]
    with empty_store() as connection:
        assert "Training cutoff" not in shown(rows(connection, [of("c1", models=("offline/continue", JUDGE))]))


def test_a_control_rate_outside_its_band_is_told() -> None:
    with empty_store() as connection:
        assert "outside its band" not in shown(rows(connection, [of("cand")], band=(0.05, 0.35)))
        assert "outside its band (control.band): cand." in shown(rows(connection, [of("cand")], band=(0.6, 0.9)))


@pytest.mark.parametrize(("day", "told"), [(5, "without them its win rate is 66.7 %"), (31, "no others are left")])
def test_moments_that_may_have_been_trained_on_are_told_with_what_is_left_without_them(day: int, told: str) -> None:
    with empty_store() as connection:
        found = rows(connection, [of("cand")], cutoffs={"cand": date(2025, 1, day)})
    text = " ".join(shown(found).split())
    assert f"{min(day, 20)} of 20 detour moments are from before the training cutoff of cand" in text
    assert told in text


def test_groups_are_win_rates_alone() -> None:
    with empty_store() as connection:
        rows(connection, [of("cand"), of("cand", "second")])
        text = shown(read_results(connection, SUITE, by="tag"), agreement=read_agreement(connection, SUITE))
    assert "What may bias" not in text
    assert "How far judges agree" not in text
    assert lines(text, "cand", "t0", "detour")


def test_the_offline_note_stays_at_the_end() -> None:
    with empty_store() as connection:
        offline = of("cand", models=("offline/continue", "offline/lexical"))
        found = rows(connection, [offline])
    assert " ".join(shown(found).split()).endswith(OFFLINE_NOTE)


def test_what_a_run_prints_at_its_end_has_the_bound_too() -> None:
    with empty_store() as connection:
        found = rows(connection, [of("cand")])
    text = printed(win_rate_tables(with_cards(found, []), []))
    assert "68.8 %" in lines(text, "cand", "bound")[0]
    assert "What may bias" not in text
