"""A judge's reply -> a verdict; two verdicts -> an outcome and a score."""

import json
from enum import StrEnum
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError

from nextstep.core.records import Answer, Choice, Outcome
from nextstep.core.stops import check_finished
from nextstep.errors import UnreadableReply

SCORES = {Choice.MODEL: 1.0, Choice.TIE: 0.5, Choice.HUMAN: 0.0}


class Letter(StrEnum):
    """The judge's choice, before the slots are undone."""

    A = "a"
    B = "b"
    TIE = "tie"


class Strength(StrEnum):
    """How sure the judge is that the step is better. Stored, not scored."""

    SLIGHT = "slight"
    CLEAR = "clear"


def _lower(value: Any) -> Any:
    return value.strip().lower() if isinstance(value, str) else value


class JudgeAnswer(BaseModel):
    """What the judge is asked for. The reasoning comes first, so that the choice follows from it."""

    model_config = ConfigDict(extra="ignore")

    reasoning: str
    choice: Annotated[Letter, BeforeValidator(_lower)]
    strength: Annotated[Strength, BeforeValidator(_lower)]

    @property
    def letter(self) -> str:
        """`A`, `B` or `tie`."""
        return "tie" if self.choice is Letter.TIE else self.choice.upper()

    @property
    def grade(self) -> int:
        """0 for a tie, 1 for slightly better, 2 for clearly better."""
        return 0 if self.choice is Letter.TIE else 1 + (self.strength is Strength.CLEAR)


ANSWER_SCHEMA: dict[str, object] = {
    "type": "object",
    "properties": {
        "reasoning": {"type": "string", "description": "Compare the two steps in a few sentences, before choosing."},
        "choice": {"type": "string", "enum": ["A", "B", "tie"]},
        "strength": {"type": "string", "enum": ["slight", "clear"], "description": "For a tie, write slight."},
    },
    "required": ["reasoning", "choice", "strength"],
    "additionalProperties": False,
}
"""The structured output that the judge must give; all required, so that they come in this order."""


class Authorship(StrEnum):
    """Whose step the judge takes for the model's, before the slots are undone."""

    A = "a"
    B = "b"
    UNSURE = "unsure"


class GuessAnswer(BaseModel):
    """What the judge is asked for when it is to say which step a model wrote."""

    model_config = ConfigDict(extra="ignore")

    reasoning: str
    guess: Annotated[Authorship, BeforeValidator(_lower)]

    @property
    def letter(self) -> str:
        """`A`, `B` or `tie`, which stands for unsure."""
        return "tie" if self.guess is Authorship.UNSURE else self.guess.upper()


GUESS_SCHEMA: dict[str, object] = {
    "type": "object",
    "properties": {
        "reasoning": {"type": "string", "description": "What tells the two apart, in one or two sentences."},
        "guess": {"type": "string", "enum": ["A", "B", "unsure"]},
    },
    "required": ["reasoning", "guess"],
    "additionalProperties": False,
}
"""The structured output of a guess."""

AnyAnswer = TypeVar("AnyAnswer", JudgeAnswer, GuessAnswer)


def read_judge_answer(answer: Answer) -> JudgeAnswer:
    """The judge's verdict, validated here whatever the server promised.

    Raises UnreadableReply when it was refused, cut off, or is not the JSON that was asked for: never a tie.
    """
    return _read(JudgeAnswer, answer)


def read_guess(answer: Answer) -> GuessAnswer:
    """The judge's guess. Raises UnreadableReply as for a verdict."""
    return _read(GuessAnswer, answer)


def _read(kind: type[AnyAnswer], answer: Answer) -> AnyAnswer:
    check_finished(answer)
    text = answer.text.strip()
    if text.startswith("```"):
        text = text.removeprefix("```json").strip("`").strip()
    try:
        return kind.model_validate(json.loads(text, object_pairs_hook=_once_each))
    except (ValueError, RecursionError) as error:
        raise UnreadableReply("unreadable", f"the judge's answer cannot be read: {_problem(error)}") from error


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """The object of these keys, none twice: of two choices in one answer nobody knows which was meant."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key stands twice in it")
    return found


def _problem(error: Exception) -> str:
    """What is wrong with an answer, without repeating what stands in it."""
    if not isinstance(error, ValidationError):
        return f"the answer: {error}"
    first = error.errors(include_url=False, include_input=False)[0]
    return f"{'.'.join(map(str, first['loc'])) or 'the answer'}: {first['msg']}"


def outcome(first: Choice, second: Choice) -> Outcome:
    """Fold the two orders, seen from the candidate's side.

    Orders that contradict each other are a `flip`, never a tie: the judge saw the position, not the step. A win or a
    loss in one order and a tie in the other is a tie (the consensus rule of MT-bench, Zheng et al. 2023).
    """
    if {first, second} == {Choice.MODEL, Choice.HUMAN}:
        return Outcome.FLIP
    if first is second:
        return {Choice.MODEL: Outcome.WIN, Choice.HUMAN: Outcome.LOSS, Choice.TIE: Outcome.TIE}[first]
    return Outcome.TIE


def consensus_score(first: Choice, second: Choice) -> float:
    """1, 0.5 or 0 from the candidate's side: the common score when both orders agree, else 0.5. The primary score."""
    return SCORES[first] if first is second else 0.5


def average_score(first: Choice, second: Choice) -> float:
    """The mean score of both orders: unbiased under additive position bias. Shown beside the primary score."""
    return (SCORES[first] + SCORES[second]) / 2
