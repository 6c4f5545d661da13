"""A judge's card fits a terminal, says why it says what it says, and lets nothing of anybody's text through."""

from collections.abc import Sequence
from typing import Any

import pytest
from rich.console import Console

from nextstep.core.probes import ENOUGH_SESSIONS, OPTIONAL, TOLERANCES, Trust
from nextstep.report.card import OFFLINE_JUDGE_NOTE, cards

Row = dict[str, Any]
WIDTH = 80
MARKS = ("ok", "ALARM", "few", "-")
LOWEST = ("-1.00", "-", "-0.99")


def row(probe: str, **more: Any) -> Row:
    fixed = {"judge": "claude-opus-5-5", "prompt_hash": "p", "probe": probe, "expected": "0.05 to 0.35", "n": 130}
    figures = {"due": 130, "value": 0.2, "ci_low": 0.1, "ci_high": 0.3, "ok": True, "n_sessions": 40}
    return fixed | figures | {"trust": str(Trust.TRUSTED), "offline": False} | more


def card(more: dict[str, Row] | None = None, **all_of_them: Any) -> list[Row]:
    """A whole card; `more` is what single figures have of their own."""
    return [row(probe, **all_of_them, **(more or {}).get(probe, {})) for probe in TOLERANCES]


def shown(rows: Sequence[Row]) -> str:
    console = Console(width=WIDTH, no_color=True)
    with console.capture() as captured:
        console.print(cards(rows))
    return captured.get()


def line_of(text: str, probe: str) -> list[str]:
    """The words of a figure's line in the table."""
    (line,) = [line.split() for line in text.splitlines() if line.split()[:1] == [probe] and line.split()[-1] in MARKS]
    return line


MISSING: Row = {"value": None, "ci_low": None, "ci_high": None, "ok": None, "n": 0, "due": 0, "n_sessions": 0}


@pytest.mark.parametrize("judge", ["m", "proxy/qwen3-coder-480b-a35b-instruct-2507", "x" * 200])
def test_a_card_fits_80_columns_with_one_whole_line_a_figure(judge: str) -> None:
    wide: dict[str, Any] = {"value": -0.123, "ci_low": -1.0, "ci_high": -0.99, "n": 100_000, "due": 100_000}
    text = shown(card(judge=judge, **wide))
    assert all(len(line) <= WIDTH for line in text.splitlines())
    for probe in TOLERANCES:
        assert line_of(text, probe) == [probe, "-0.12", *LOWEST, "0.05", "to", "0.35", "100000", "ok"]
    assert "…" not in text


def test_a_figure_has_its_mark() -> None:
    few = {"n_sessions": ENOUGH_SESSIONS - 1}
    enough = {"n_sessions": ENOUGH_SESSIONS}
    text = shown(card({"oracle": few, "padded": {"ok": False} | few, "retest": MISSING, "worsened": enough}))
    marks = {probe: line_of(text, probe)[-1] for probe in TOLERANCES}
    told = {"oracle": "few", "padded": "ALARM", "retest": "-"}
    assert marks == dict.fromkeys(TOLERANCES, "ok") | told


@pytest.mark.parametrize("level", list(Trust))
def test_the_card_says_how_far_the_judge_can_be_trusted(level: Trust) -> None:
    assert f"claude-opus-5-5: {level}" in shown(card(trust=str(level))).splitlines()


def test_every_alarm_is_told_with_what_was_measured_and_what_is_wanted() -> None:
    for probe, one in TOLERANCES.items():
        text = " ".join(shown(card({probe: {"ok": False, "value": 0.123}})).split())
        assert f"{probe}: {one.what} is 0.12, wanted 0.05 to 0.35" in text
        assert text.count("wanted 0.05") == 1


@pytest.mark.parametrize("probe", sorted(TOLERANCES))
def test_what_could_not_be_measured_is_told_with_what_to_do_where_something_can_be_done(probe: str) -> None:
    text = " ".join(shown(card({probe: MISSING})).split())
    assert f"{probe} could not be measured" in text
    if probe in OPTIONAL - {"self_preference"}:
        assert f"{probe} could not be measured (" in text
        assert "run `nextstep eval`)" in text


def test_a_figure_that_few_answers_can_be_read_for_says_of_how_many() -> None:
    """The share that is too small is told in words, and any share in the table."""
    text = shown(card({"oracle": {"n": 129}, "padded": {"n": 13}, "retest": MISSING | {"due": 40}}))
    assert [line_of(text, probe)[-2] for probe in ("verbatim", "oracle", "padded")] == ["130", "129/130", "13/130"]
    told = [line.strip() for line in text.splitlines() if "pairs have no answer" in line]
    assert told == ["padded: 117 of 130 pairs have no answer that could be read"]
    assert "retest could not be measured (no answer could be read)" in " ".join(text.split())


def test_figures_on_few_sessions_are_named_together() -> None:
    few = {"n_sessions": 3}
    text = " ".join(shown(card({"oracle": few, "retest": few})).split())
    assert f"fewer than {ENOUGH_SESSIONS} sessions, too few to clear a judge: oracle, retest" in text


def test_a_sound_card_gives_no_reasons_and_no_note() -> None:
    text = shown(card())
    assert [line for line in text.splitlines() if line.startswith("  ")] == []
    assert OFFLINE_JUDGE_NOTE not in " ".join(text.split())
    assert OFFLINE_JUDGE_NOTE in " ".join(shown(card(offline=True)).split())


def test_judges_and_ways_of_asking_have_cards_of_their_own() -> None:
    rows = [
        *card(judge="one", value=0.11),
        *card(judge="two", value=0.22, trust=str(Trust.CARE)),
        *card(judge="two", value=0.33, prompt_hash="other"),
    ]
    text = shown(rows)
    first, second, third = text.split("Judge ")[1:]
    assert [line_of(part, "verbatim")[1] for part in (first, second, third)] == ["0.11", "0.22", "0.33"]
    assert ["one: trusted" in first, "two: use with care" in second, "two: trusted" in third] == [True] * 3


HOSTILE = "\x1b[2J\x1b]0;owned\x07[bold]x[/bold]\u202e\r"


def test_no_name_reaches_the_terminal_as_more_than_text() -> None:
    text = shown(card(judge=HOSTILE, trust=str(Trust.NOT_TRUSTED)))
    assert not set("\x1b\x07\u202e\r") & set(text)
    assert "[bold]x[/bold]" in text
