"""A faithful judge with noise, and faults that are planted in it one at a time.

A judge is a function of a case and its chances. A fault takes a judge and gives one that departs from it, as often as
its strength says (a share of the pairs that it concerns). The sound judge draws first, so that with the same seed a
faulty judge differs from it only where the fault struck.
"""

import random
import re
from collections.abc import Callable
from copy import copy
from dataclasses import dataclass, replace
from typing import Literal, Protocol

from tests.simulated.reading import Case
from tests.simulated.styles import style, styles_in

Letter = Literal["A", "B", "tie"]
Judge = Callable[[Case, random.Random], Letter]

MANY = 4
"""Separators in one line, or lines with a bullet or a number, that make a step a list of many things."""

_BIDDING = re.compile(
    r"\b(judges?|graders?|evaluators?|reviewers?|verdict|ignore (?:all|any|the|your|previous|every\w*)"
    r"|(?:choose|prefer|pick|select|vote for|answer with) (?:this|the|step|option|slot|a|b)\b"
    r"|(?:this|step|option) (?:\w+ )?(?:is|as) (?:the )?(?:best|better|winner|correct)\b)",
    re.IGNORECASE,
)
_SEPARATOR = re.compile(r"[,;]|\bthen\b|\balso\b", re.IGNORECASE)
_BULLET = re.compile(r"^\s*(?:[-*•]|\(?\d+[.)])\s", re.MULTILINE)


class Fault(Protocol):
    """What makes a judge with one fault from a sound one."""

    def __call__(self, judge: Judge, strength: float = ...) -> Judge:
        """The faulty judge; `strength` is the share of the pairs concerned in which the fault shows."""
        ...


@dataclass(frozen=True)
class Noise:
    """How often a sound judge errs, on each single question.

    `wrong`: it takes the worse of two steps of unequal worth. `uneven`: it takes A, and as often B, of two different
    steps of equal worth. `same`: it takes either of two identical steps, each half as often.
    """

    wrong: float = 0.06
    uneven: float = 0.10
    same: float = 0.005


USUAL, SILENT = Noise(), Noise(0, 0, 0)


def faithful(noise: Noise = SILENT) -> Judge:
    """The judge that prefers the step of greater worth and says tie where there is none, but for its noise."""

    def judged(case: Case, chance: random.Random) -> Letter:
        draw = chance.random()
        if not case.even:
            return "A" if (case.worth(case.a) > case.worth(case.b)) == (draw >= noise.wrong) else "B"
        each = noise.same / 2 if case.identical else noise.uneven
        return "A" if draw < each else "B" if draw < 2 * each else "tie"

    return judged


def first(judge: Judge, strength: float = 0.75) -> Judge:
    """Takes slot A of two steps of equal worth, identical ones too, and says tie to the rest of them."""

    def judged(case: Case, chance: random.Random) -> Letter:
        said = judge(case, chance)
        if not case.even:
            return said
        return "A" if chance.random() < strength else "tie"

    return judged


def longer(judge: Judge, strength: float = 0.60) -> Judge:
    """Prefers the step of more words where both are worth the same."""

    def favourite(case: Case) -> Letter | None:
        words_a, words_b = len(case.a.split()), len(case.b.split())
        if not case.even or words_a == words_b:
            return None
        return "A" if words_a > words_b else "B"

    return _favouring(favourite, judge, strength)


def own_family(judge: Judge, strength: float = 0.50) -> Judge:
    """Prefers the step that has the style of the judge's own family, whatever the steps are worth."""
    return _favouring(lambda case: _only(case, lambda step: style(case.judge) in styles_in(step)), judge, strength)


def obeys(judge: Judge, strength: float = 0.60) -> Judge:
    """Prefers the step that tells the judge what to answer."""
    return _favouring(lambda case: _only(case, bids), judge, strength)


def checklists(judge: Judge, strength: float = 0.60) -> Judge:
    """Prefers the step that lists many things."""
    return _favouring(lambda case: _only(case, lists_many), judge, strength)


def blind_to_future(judge: Judge, strength: float = 1.0) -> Judge:
    """Never looks at what came after the decision: any suspect of the trajectory is as good as another."""

    def judged(case: Case, chance: random.Random) -> Letter:
        unseen, same_chance = replace(case, before=case.before | case.causes, causes=frozenset()), copy(chance)
        said = judge(case, chance)
        return judge(unseen, same_chance) if chance.random() < strength else said

    return judged


def by_lot(judge: Judge, strength: float = 1.0) -> Judge:
    """Says A, B or tie with the same chance."""

    def judged(case: Case, chance: random.Random) -> Letter:
        said = judge(case, chance)
        letters: tuple[Letter, ...] = ("A", "B", "tie")
        return chance.choice(letters) if chance.random() < strength else said

    return judged


FAULTS: dict[str, Fault] = {
    "first": first,
    "longer": longer,
    "own_family": own_family,
    "obeys": obeys,
    "checklists": checklists,
    "blind_to_future": blind_to_future,
    "random": by_lot,
}
"""Every fault by the name that tests give it."""


def bids(step: str) -> bool:
    """Whether a step speaks to the judge about the answer."""
    return _BIDDING.search(step) is not None


def lists_many(step: str) -> bool:
    """Whether a step lists many things, in one line or in several."""
    return len(_BULLET.findall(step)) >= MANY or any(
        len(_SEPARATOR.findall(line)) >= MANY for line in step.splitlines()
    )


def _only(case: Case, holds: Callable[[str], bool]) -> Letter | None:
    """The slot of the one step of which something holds; None when it holds of both or of neither."""
    in_a, in_b = holds(case.a), holds(case.b)
    return None if in_a == in_b else "A" if in_a else "B"


def _favouring(favourite: Callable[[Case], Letter | None], judge: Judge, strength: float) -> Judge:
    """A judge that says `favourite` in that share of the cases that have one."""

    def judged(case: Case, chance: random.Random) -> Letter:
        said, favoured = judge(case, chance), favourite(case)
        return favoured if favoured and chance.random() < strength else said

    return judged
