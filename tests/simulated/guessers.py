"""Guesses which of two steps a model wrote: functions of the two steps and their chances."""

import random
from collections.abc import Callable
from typing import Literal

from tests.simulated.styles import styles_in

Guess = Literal["A", "B", "unsure"]
Guesser = Callable[[str, str, random.Random], Guess]


def by_lot(decided: float = 0.5) -> Guesser:
    """Unsure, but for a share of the pairs in which A and B have the same chance."""

    def guessed(_a: str, _b: str, chance: random.Random) -> Guess:
        draw = chance.random()
        return "A" if draw < decided / 2 else "B" if draw < decided else "unsure"

    return guessed


def by_style(strength: float = 1.0) -> Guesser:
    """The one step with a family's style word, in that share of the pairs that have one; unsure of the others."""

    def guessed(a: str, b: str, chance: random.Random) -> Guess:
        in_a, in_b = bool(styles_in(a)), bool(styles_in(b))
        if in_a == in_b or chance.random() >= strength:
            return "unsure"
        return "A" if in_a else "B"

    return guessed
