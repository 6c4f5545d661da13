"""A candidate's reply: exactly one step, or a failure."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nextstep.core.proposing import read_step
from nextstep.core.rendering import visible
from nextstep.errors import UnreadableReply
from tests.builders import answer, step


def shows(text: str) -> bool:
    """Whether a reader sees anything of it."""
    return bool(visible(text).strip())


@given(st.text(alphabet=st.characters(codec="utf-8", exclude_characters="<>"), min_size=1).filter(shows))
def test_the_step_is_read_as_it_was_written_without_the_space_around_it(text: str) -> None:
    assert read_step(answer(f"Thinking aloud.\n{step(text)}\nDone.")) == text.strip()


@pytest.mark.parametrize("text", ["", " \n", "\u200b", "\u2063 \ufe0f\n", "\u3164"])
def test_a_step_that_nobody_can_see_is_a_failure(text: str) -> None:
    with pytest.raises(UnreadableReply, match="an empty one"):
        read_step(answer(step(text)))


@pytest.mark.parametrize(
    "tags", ["<next_step>{}</next_step>", "<NEXT_STEP>{}</Next_Step>", "<next_step>\n{}\n</next_step>"]
)
def test_neither_case_nor_lines_matter(tags: str) -> None:
    assert read_step(answer(tags.format("print the\nfirst batch"))) == "print the\nfirst batch"


def test_other_tags_inside_are_part_of_the_step() -> None:
    assert read_step(answer(step("print <b>x</b> where x < 3"))) == "print <b>x</b> where x < 3"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Look at the first batch.", "0 of them"),
        (step(""), "an empty one"),
        (step(" \n "), "an empty one"),
        (step("a") + step("b"), "2 of them"),
        (step("a") + step(""), "2 of them"),
        ("<next_step>a", "0 of them"),
        ("a</next_step>", "0 of them"),
        ("<next_step >a</next_step>", "0 of them"),
        (f"I answer in <next_step> tags: {step('a')}", "1 of them in 3 tags"),
        (f"<next_step>{step('a')}</next_step>", "1 of them in 4 tags"),
        (f"{step('a')} and the end was </next_step>", "1 of them in 3 tags"),
        (f"<next_step>first, no, rather {step('b')}", "1 of them in 3 tags"),
    ],
)
def test_no_step_two_steps_or_tags_that_do_not_pair_up_are_a_failure(text: str, found: str) -> None:
    with pytest.raises(UnreadableReply, match=f"found {found}") as caught:
        read_step(answer(text))
    assert caught.value.kind == "unreadable"


@pytest.mark.parametrize(("stop_reason", "kind"), [("max_tokens", "max_tokens"), ("refusal", "refusal")])
def test_a_step_in_a_reply_that_was_cut_off_is_a_failure(stop_reason: str, kind: str) -> None:
    with pytest.raises(UnreadableReply) as caught:
        read_step(answer(step("look at the batch"), stop_reason))
    assert caught.value.kind == kind
