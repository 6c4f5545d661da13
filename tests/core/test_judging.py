"""A judge's reply read strictly, and two verdicts folded so that position alone can never win."""

import json
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nextstep.core.blinding import unblind
from nextstep.core.judging import (
    ANSWER_SCHEMA,
    GUESS_SCHEMA,
    GuessAnswer,
    JudgeAnswer,
    Strength,
    average_score,
    consensus_score,
    outcome,
    read_guess,
    read_judge_answer,
)
from nextstep.core.records import Choice, Order, Outcome
from nextstep.errors import UnreadableReply
from tests.builders import answer, guessed, judgement

M, H, T = Choice.MODEL, Choice.HUMAN, Choice.TIE
MIRROR = {M: H, H: M, T: T}
LETTERS = ("A", "B", "tie")

FOLDS = {
    (M, M): (Outcome.WIN, 1.0, 1.0),
    (H, H): (Outcome.LOSS, 0.0, 0.0),
    (T, T): (Outcome.TIE, 0.5, 0.5),
    (M, H): (Outcome.FLIP, 0.5, 0.5),
    (H, M): (Outcome.FLIP, 0.5, 0.5),
    (M, T): (Outcome.TIE, 0.5, 0.75),
    (T, M): (Outcome.TIE, 0.5, 0.75),
    (H, T): (Outcome.TIE, 0.5, 0.25),
    (T, H): (Outcome.TIE, 0.5, 0.25),
}

pairs = pytest.mark.parametrize(("first", "second"), list(product(Choice, repeat=2)))


def folded(letters: dict[Order, str]) -> Outcome:
    """The outcome of one judge's letters in both orders."""
    return outcome(*(unblind(letters[order], order) for order in Order))


class TestFolding:
    @pairs
    def test_all_nine_folds(self, first: Choice, second: Choice) -> None:
        assert (outcome(first, second), consensus_score(first, second), average_score(first, second)) == FOLDS[
            first, second
        ]

    @pairs
    def test_it_does_not_matter_which_order_came_first(self, first: Choice, second: Choice) -> None:
        for fold in (outcome, consensus_score, average_score):
            assert fold(first, second) == fold(second, first)

    @pairs
    def test_the_humans_side_sees_the_mirror_image(self, first: Choice, second: Choice) -> None:
        other = {Outcome.WIN: Outcome.LOSS, Outcome.LOSS: Outcome.WIN}
        seen = outcome(first, second)
        assert outcome(MIRROR[first], MIRROR[second]) is other.get(seen, seen)
        for score in (consensus_score, average_score):
            assert score(MIRROR[first], MIRROR[second]) == 1 - score(first, second)

    @pytest.mark.parametrize("letters", list(product(LETTERS, repeat=2)))
    def test_swapping_slots_and_letters_changes_no_outcome(self, letters: tuple[str, str]) -> None:
        swapped = {"A": "B", "B": "A", "tie": "tie"}
        said = dict(zip(Order, letters, strict=True))
        other = {Order.MODEL_FIRST: Order.HUMAN_FIRST, Order.HUMAN_FIRST: Order.MODEL_FIRST}
        assert folded(said) is folded({other[order]: swapped[letter] for order, letter in said.items()})

    @pytest.mark.parametrize("letter", "AB")
    def test_a_judge_that_always_says_one_letter_yields_only_flips(self, letter: str) -> None:
        assert folded(dict.fromkeys(Order, letter)) is Outcome.FLIP

    def test_a_judge_that_follows_the_step_is_never_a_flip(self) -> None:
        assert folded({Order.MODEL_FIRST: "A", Order.HUMAN_FIRST: "B"}) is Outcome.WIN
        assert folded({Order.MODEL_FIRST: "B", Order.HUMAN_FIRST: "A"}) is Outcome.LOSS

    def test_the_orders_fixture_gives_the_published_figures(self) -> None:
        """Section 7 of the statistics notes."""
        of = {1: M, 0.5: T, 0: H}
        verdicts = [(1, 1), (1, 0), (0, 0), (0.5, 1), (1, 0.5), (0, 1), (0.5, 0.5), (0, 0.5)]
        folds = [(of[first], of[second]) for first, second in verdicts]
        assert sum(average_score(*fold) for fold in folds) / 8 == 0.53125
        assert sum(consensus_score(*fold) for fold in folds) / 8 == 0.5
        assert [outcome(*fold) for fold in folds].count(Outcome.WIN) / 8 == 0.125
        assert [outcome(*fold) for fold in folds].count(Outcome.FLIP) / 8 == 0.25
        assert sum(first is not second for first, second in folds) / 8 == 0.625


class TestReading:
    @pytest.mark.parametrize(("letter", "strength"), list(product(LETTERS, ["slight", "clear"])))
    def test_every_answer_that_the_schema_allows_can_be_read(self, letter: str, strength: str) -> None:
        said = read_judge_answer(answer(judgement(letter, strength)))
        assert (said.letter, said.reasoning) == (letter, "because")
        assert said.grade == {"slight": 1, "clear": 2}[strength] * (letter != "tie")

    @pytest.mark.parametrize("spelling", ["a", "A", " a ", "A\n", "\tA"])
    def test_case_and_space_around_the_choice_do_not_matter(self, spelling: str) -> None:
        assert read_judge_answer(answer(judgement(spelling, " CLEAR "))).letter == "A"

    @pytest.mark.parametrize("spelling", ["tie", "TIE", "Tie "])
    def test_a_tie_in_any_case_is_a_tie(self, spelling: str) -> None:
        assert read_judge_answer(answer(judgement(spelling))).letter == "tie"

    @pytest.mark.parametrize("form", ["{}", "\n {} \n", "```json\n{}\n```", "```\n{}\n```", "```json {}```"])
    def test_a_code_fence_around_the_answer_does_not_matter(self, form: str) -> None:
        assert read_judge_answer(answer(form.replace("{}", judgement("B")))).letter == "B"

    def test_keys_that_were_not_asked_for_are_ignored(self) -> None:
        more = json.dumps(json.loads(judgement("B")) | {"confidence": 0.9})
        assert read_judge_answer(answer(more)).letter == "B"

    @pytest.mark.parametrize(
        "text",
        [
            *("A", "tie", "I would say it is a tie.", "{}", "[]", "null", '"tie"', "{", "```json\n```", "nan"),
            *(judgement(letter) for letter in ("", "C", "AB", "A or B", "neither", "both", "none", "draw", "equal")),
            *(judgement("A", strength) for strength in ("", "strong", "none")),
            *(
                '{"reasoning": "x", "strength": "slight"}',
                '{"choice": "tie"}',
                '{"reasoning": "x", "choice": "A"}',
                '{"choice": "tie", "strength": "slight"}',
            ),
            *('{"reasoning": "x", "choice": null, "strength": "slight"}', judgement("A") + judgement("B")),
            '{"reasoning": "x", "choice": ["tie"], "strength": "slight"}',
            '{"reasoning": "x", "choice": 0, "strength": "slight"}',
            '{"reasoning": null, "choice": "tie", "strength": "slight"}',
            f"My answer: {judgement('tie')}",
            "[" * 20_000,
        ],
    )
    def test_an_unreadable_answer_is_a_failure_and_never_a_tie(self, text: str) -> None:
        with pytest.raises(UnreadableReply) as caught:
            read_judge_answer(answer(text))
        assert caught.value.kind == "unreadable"
        assert str(caught.value).startswith("the judge's answer cannot be read: ")

    @pytest.mark.parametrize(
        ("stop_reason", "kind"), [("max_tokens", "max_tokens"), ("refusal", "refusal"), ("pause_turn", "stopped")]
    )
    def test_a_whole_looking_answer_of_a_reply_that_was_stopped_is_a_failure(self, stop_reason: str, kind: str) -> None:
        with pytest.raises(UnreadableReply) as caught:
            read_judge_answer(answer(judgement("A"), stop_reason))
        assert caught.value.kind == kind

    @given(st.text(max_size=60))
    @settings(max_examples=100)
    def test_free_text_is_never_a_verdict(self, text: str) -> None:
        with pytest.raises(UnreadableReply):
            read_judge_answer(answer(text))

    @given(st.text(alphabet="ABabtieTIE \n", max_size=5))
    @settings(max_examples=150)
    def test_only_the_three_words_are_choices(self, choice: str) -> None:
        meant = {"a": "A", "b": "B", "tie": "tie"}.get(choice.strip().lower())
        try:
            found = read_judge_answer(answer(judgement(choice))).letter
        except UnreadableReply:
            found = None
        assert found == meant

    def test_the_schema_asks_for_the_fields_that_are_read_with_the_reasoning_first(self) -> None:
        assert ANSWER_SCHEMA["required"] == list(JudgeAnswer.model_fields)
        assert isinstance(ANSWER_SCHEMA["properties"], dict)
        assert list(ANSWER_SCHEMA["properties"]) == ANSWER_SCHEMA["required"]
        assert next(iter(JudgeAnswer.model_fields)) == "reasoning"
        assert ANSWER_SCHEMA["additionalProperties"] is False
        assert ANSWER_SCHEMA["properties"]["choice"]["enum"] == [*LETTERS]
        assert ANSWER_SCHEMA["properties"]["strength"]["enum"] == [*Strength]


class TestGuesses:
    @pytest.mark.parametrize(
        ("said", "letter"), [("A", "A"), ("b", "B"), (" B\n", "B"), ("unsure", "tie"), ("UNSURE ", "tie")]
    )
    def test_every_answer_that_the_schema_allows_can_be_read_in_any_case(self, said: str, letter: str) -> None:
        assert read_guess(answer(guessed(said))).letter == letter

    @pytest.mark.parametrize("order", list(Order))
    def test_a_guess_is_unblinded_to_the_author_of_the_step(self, order: Order) -> None:
        right = "A" if order is Order.MODEL_FIRST else "B"
        wrong = "B" if right == "A" else "A"
        found = {said: unblind(read_guess(answer(guessed(said))).letter, order) for said in (right, wrong, "unsure")}
        assert found == {right: M, wrong: H, "unsure": T}

    @pytest.mark.parametrize(
        "text",
        [
            *("A", "unsure", "{}", "[]", "null", "[" * 20_000),
            *(guessed(said) for said in ("", "C", "AB", "tie", "both", "model")),
            *('{"guess": "A"}', '{"reasoning": "x"}', '{"reasoning": null, "guess": "A"}', guessed("A") * 2),
            '{"reasoning": "x", "guess": "A", "guess": "B"}',
            judgement("A"),
        ],
    )
    def test_an_unreadable_guess_is_a_failure_and_never_unsure(self, text: str) -> None:
        with pytest.raises(UnreadableReply) as caught:
            read_guess(answer(text))
        assert caught.value.kind == "unreadable"

    @pytest.mark.parametrize("stop_reason", ["max_tokens", "refusal", "pause_turn"])
    def test_a_guess_that_was_stopped_is_a_failure(self, stop_reason: str) -> None:
        with pytest.raises(UnreadableReply):
            read_guess(answer(guessed("A"), stop_reason))

    def test_a_verdict_is_no_guess_and_a_guess_no_verdict(self) -> None:
        with pytest.raises(UnreadableReply):
            read_judge_answer(answer(guessed("A")))

    def test_the_schema_asks_for_the_fields_that_are_read_with_the_reasoning_first(self) -> None:
        assert GUESS_SCHEMA["required"] == list(GuessAnswer.model_fields)
        assert isinstance(GUESS_SCHEMA["properties"], dict)
        assert list(GUESS_SCHEMA["properties"]) == ["reasoning", "guess"]
        assert GUESS_SCHEMA["additionalProperties"] is False
        for said in GUESS_SCHEMA["properties"]["guess"]["enum"]:
            assert read_guess(answer(guessed(said)))
