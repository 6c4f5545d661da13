"""A form takes what has its lines and its length, and nothing else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nextstep.core.forms import LABELS, Form, free_form, in_lines, parts, same_form
from nextstep.errors import PromptError

TEXT = "Between $least and $most words."
SAME, FREE = same_form(TEXT, "form.md"), free_form(TEXT, "free.md")

values = st.lists(st.text("abc :.-", min_size=1, max_size=30).map(str.strip).filter(bool), min_size=4, max_size=4)


@pytest.mark.parametrize(("form", "lines"), [(SAME, len(LABELS)), (FREE, 0)])
def test_the_band_takes_both_its_ends(form: Form, lines: int) -> None:
    def step(words: int) -> str:
        own = sum(len(label.split()) for label in form.labels)
        rest = "word " * (words - own - max(0, lines - 1))
        return in_lines(rest, *["word"] * 3) if lines else rest

    fitting = [words for words in range(12, 100) if form.fits(step(words))] if lines else None
    if fitting is not None:
        assert (fitting[0], fitting[-1]) == (form.least, form.most)
    else:
        assert [words for words in range(100) if form.fits(step(words))] == list(range(form.least, form.most + 1))


@given(values)
def test_lines_are_read_back_as_they_were_written(made: list[str]) -> None:
    assert parts(in_lines(*made)) == list(zip(LABELS, made, strict=True))


LONG = "look at the first batch that holds a value that is no number"


@pytest.mark.parametrize(
    "step",
    [
        in_lines(LONG, LONG, "x", "y") + "\nAlso: more",
        "\n".join(reversed(in_lines(LONG, LONG, "x", "y").splitlines())),
        in_lines(LONG, LONG, "x", "y").replace("Why:", "Because:"),
        in_lines(LONG, LONG, "x", "y").replace("First action: x\n", ""),
        f"{LONG} {LONG}",
        in_lines(LONG, LONG, "x", "y").replace("\n", " "),
    ],
)
def test_a_step_without_exactly_the_four_lines_in_their_order_is_not_in_the_form(step: str) -> None:
    assert SAME.fits(in_lines(LONG, LONG, "x", "y"))
    assert not SAME.fits(step)


def test_forms_with_other_words_or_bands_have_other_names() -> None:
    assert len({form.digest for form in (SAME, FREE, same_form(TEXT + " Be brief.", "form.md"))}) == 3
    assert SAME.text == "Between 16 and 80 words."


@pytest.mark.parametrize("text", ["$more", "a lone $", "${least"])
def test_a_form_with_another_placeholder_is_told_with_its_file(text: str) -> None:
    with pytest.raises(PromptError, match=r"form\.md"):
        same_form(text, "form.md")
