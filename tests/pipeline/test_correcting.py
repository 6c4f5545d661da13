"""A corrected rate undoes errors that were measured, and is not given where they were not."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nextstep.pipeline.correcting import NAMES, NOTHING, with_corrections

ROW: dict[str, Any] = {
    "judge": "j",
    "verdict_prompt_hash": "h",
    "set": "detour",
    "win_rate": 0.5,
    "n_moments": 130,
    "deff": 1.5,
}


def card(oracle: float, worsened: float, n: int = 60, **more: Any) -> list[dict[str, Any]]:
    both = {"oracle": oracle, "worsened": worsened}
    return [
        {"judge": "j", "prompt_hash": "h", "probe": probe, "value": value, "n": n} | more
        for probe, value in both.items()
    ]


def corrected(row: dict[str, Any], health: list[dict[str, Any]]) -> tuple[Any, ...]:
    (found,) = with_corrections([row], health)
    assert row.items() <= found.items()
    return tuple(found[name] for name in NAMES)


@given(st.floats(0.05, 0.95), st.floats(0.8, 1.0), st.floats(0.0, 0.2))
def test_the_errors_of_a_judge_are_undone(truth: float, sensitivity: float, false_alarms: float) -> None:
    judged = truth * sensitivity + (1 - truth) * false_alarms
    value, low, high, status = corrected(ROW | {"win_rate": judged}, card(sensitivity, false_alarms))
    assert value == pytest.approx(truth)
    assert low <= value <= high
    assert status == "ok"


def test_a_perfect_judge_leaves_the_rate_as_it_is() -> None:
    assert corrected(ROW, card(1.0, 0.0))[0] == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("row", "health"),
    [
        (ROW, []),
        (ROW, card(0.9, 0.1)[:1]),
        (ROW, card(0.9, 0.1, judge="other")),
        (ROW, card(0.9, 0.1, prompt_hash="other")),
        (ROW, card(0.9, 0.1, value=None)),
        (ROW | {"set": "control"}, card(0.9, 0.1)),
        (ROW | {"group": "loss"}, card(0.9, 0.1)),
        (ROW | {"win_rate": None}, card(0.9, 0.1)),
    ],
)
def test_without_the_cards_figures_of_this_very_judge_there_is_none(
    row: dict[str, Any], health: list[dict[str, Any]]
) -> None:
    assert corrected(row, health) == tuple(NOTHING.values())


@pytest.mark.parametrize(("health", "why"), [(card(0.9, 0.1, n=29), "few_calibrated"), (card(0.6, 0.4), "weak_judge")])
def test_a_card_that_is_too_weak_gives_the_reason_and_no_figure(health: list[dict[str, Any]], why: str) -> None:
    assert corrected(ROW, health) == (None, None, None, why)


def test_sessions_that_are_alike_widen_the_interval() -> None:
    widths = []
    for deff in (1.0, 2.0, None):
        _, low, high, _ = corrected(ROW | {"deff": deff}, card(0.9, 0.1))
        widths.append(high - low)
    assert widths[1] > widths[0] == widths[2]
