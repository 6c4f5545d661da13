"""Which step stands in which slot, and whose step a letter names."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nextstep.core.blinding import slots, unblind
from nextstep.core.records import Choice, Order

MODEL_FIRST, HUMAN_FIRST = Order.MODEL_FIRST, Order.HUMAN_FIRST


@given(st.text(), st.text())
def test_each_order_shows_both_steps_unchanged_and_the_other_order_swaps_them(model: str, human: str) -> None:
    first = slots(MODEL_FIRST, model_step=model, human_step=human)
    assert first == (model, human)
    assert slots(HUMAN_FIRST, model_step=model, human_step=human) == first[::-1]


@pytest.mark.parametrize("order", Order)
def test_a_letter_names_the_step_that_stood_in_its_slot(order: Order) -> None:
    shown = dict(zip("AB", slots(order, model_step="model", human_step="human"), strict=True))
    assert {letter: str(unblind(letter, order)) for letter in "AB"} == shown


@pytest.mark.parametrize("letter", "AB")
def test_the_same_letter_names_the_other_step_in_the_other_order(letter: str) -> None:
    assert {unblind(letter, order) for order in Order} == {Choice.MODEL, Choice.HUMAN}


@pytest.mark.parametrize("order", Order)
def test_a_tie_is_a_tie_in_both_orders(order: Order) -> None:
    assert unblind("tie", order) is Choice.TIE


@pytest.mark.parametrize("letter", ["", "AB", "C", "a", "TIE", " A"])
def test_anything_else_is_a_bug_and_not_a_choice(letter: str) -> None:
    with pytest.raises(KeyError):
        unblind(letter, MODEL_FIRST)
