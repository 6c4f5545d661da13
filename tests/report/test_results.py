"""What `results` prints: every figure beside its win rate, in 80 columns, with the words that a reader needs."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from rich.console import Console

from nextstep.core.records import Choice
from nextstep.pipeline.results import read_agreement, read_results
from nextstep.pipeline.score import Contest, score
from nextstep.report.results import NOT_CALIBRATED, results_text
from nextstep.report.text import OFFLINE_NOTE, win_rate_tables
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


def shown(found: Sequence[Row], **more: Any) -> str:
    console = Console(width=80, no_color=True)
    with console.capture() as captured:
        console.print(results_text(found, **more))
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
    return {"judge": JUDGE, "prompt_hash": digest, "probe": probe, "ok": ok, "trust": trust}


def test_a_judges_standing_is_one_line_of_its_own_card() -> None:
    with empty_store() as connection:
        found = rows(connection, [of("cand")])
    assert NOT_CALIBRATED in shown(found)
    assert NOT_CALIBRATED in shown(found, health=[card("verbatim", True, digest="of another prompt")])
    health = [card("verbatim", True), card("oracle", False), card("padded", False), card("authorship", None)]
    told = f"Judge {JUDGE}: not trusted; alarms: oracle, padded; not measured: authorship"
    assert told in " ".join(shown(found, health=health).split())
    assert lines(shown(found, health=[card("verbatim", True, "trusted")]), "trusted") == [f"Judge {JUDGE}: trusted"]


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
    console = Console(width=80)
    with console.capture() as captured:
        console.print(win_rate_tables(found))
    assert "68.8 %" in lines(captured.get(), "cand", "bound")[0]
    assert "What may bias" not in captured.get()
