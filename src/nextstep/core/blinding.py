"""Two steps into the slots A and B, in both orders, and the judge's letter back to whose step it was."""

from nextstep.core.records import Choice, Order

SLOTS = {Order.MODEL_FIRST: (Choice.MODEL, Choice.HUMAN), Order.HUMAN_FIRST: (Choice.HUMAN, Choice.MODEL)}
"""Whose step stands in slot A and in slot B."""


def slots(order: Order, *, model_step: str, human_step: str) -> tuple[str, str]:
    """The texts of slot A and slot B. Nothing but their place tells the two apart."""
    return (model_step, human_step) if order is Order.MODEL_FIRST else (human_step, model_step)


def unblind(letter: str, order: Order) -> Choice:
    """Whose step the judge's "A", "B" or "tie" names."""
    if letter == "tie":
        return Choice.TIE
    return SLOTS[order][{"A": 0, "B": 1}[letter]]
