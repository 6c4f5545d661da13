"""Prompt files: strict about placeholders, filled in one pass, with errors that say file and line."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nextstep.core.prompts import parse_prompt
from nextstep.errors import PromptError

XY = frozenset({"x", "y"})
GOOD = "=== system\nBe fair.\n=== user\nFirst $x.\n=== user\nThen ${y}, for $$5.\n"

hostile = st.sampled_from(
    ["$x", "${y}", "$$", "$", "=== user\n", "=== system", "\\1", "%s", "{x}", "a", "\n", "\\g<0>"]
)
values = st.one_of(st.text(max_size=40), st.lists(hostile, max_size=6).map("".join))


def test_blocks_are_parsed_and_stripped() -> None:
    prompt = parse_prompt("p.md", "\n\n" + GOOD, XY)
    assert (prompt.name, prompt.system) == ("p.md", "Be fair.")
    assert prompt.user == ("First $x.", "Then ${y}, for $$5.")


def test_every_placeholder_is_filled_and_two_dollars_are_one() -> None:
    assert parse_prompt("p.md", GOOD, XY).fill(x="1", y="2") == ("Be fair.", ("First 1.", "Then 2, for $5."))


def test_the_system_block_is_filled_too_wherever_it_stands() -> None:
    prompt = parse_prompt("p.md", "=== user\n$y\n=== system \t\nBe $x, $x.", XY)
    assert prompt.fill(x="fair", y="on") == ("Be fair, fair.", ("on",))


@given(values, values)
@settings(max_examples=200)
def test_what_is_put_in_is_never_searched_for_placeholders(x: str, y: str) -> None:
    system, user = parse_prompt("p.md", GOOD, XY).fill(x=x, y=y)
    assert system == "Be fair."
    assert user == (f"First {x}.", f"Then {y}, for $5.")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "p.md:1: a prompt starts with a line '=== system'"),
        ("hello $x $y", "p.md:1: a prompt starts with a line '=== system'"),
        ("Hello.\n" + GOOD, "p.md:1: a prompt starts with a line '=== system'"),
        (" === system\na\n=== user\n$x $y", "p.md:1: a prompt starts with a line '=== system'"),
        (GOOD + "\n$z", "p.md:8: unknown placeholder $z; known: $x, $y"),
        (GOOD + "${trajectory}", "p.md:7: unknown placeholder $trajectory; known: $x, $y"),
        (GOOD + "It costs $5.", "p.md:7: a lone '$'; write '$$' for a dollar sign"),
        (GOOD + "${x", "p.md:7: a lone '$'; write '$$' for a dollar sign"),
        (GOOD.replace("$x", "it"), "p.md: the placeholder $x is missing"),
        (GOOD.replace("$x", "$$x"), "p.md: the placeholder $x is missing"),
        ("=== system\na\n=== user\nb", "p.md: the placeholder $x, $y is missing"),
        ("=== system\n$x $y", "p.md: a prompt has one '=== system' block and at least one '=== user' block"),
        ("=== user\n$x $y", "p.md: a prompt has one '=== system' block"),
        (GOOD + "=== system\nb", "p.md: a prompt has one '=== system' block"),
        (GOOD + "=== user\n \n", "p.md: a prompt has one '=== system' block and at least one '=== user' block, none"),
        ("=== system\n\n=== user\n$x $y", "p.md: a prompt has one '=== system' block"),
    ],
)
def test_a_prompt_that_cannot_be_filled_says_where(text: str, message: str) -> None:
    with pytest.raises(PromptError) as caught:
        parse_prompt("p.md", text, XY)
    assert str(caught.value).startswith(message)


def test_a_value_that_is_not_given_is_a_bug_and_not_an_empty_text() -> None:
    with pytest.raises(KeyError):
        parse_prompt("p.md", GOOD, XY).fill(x="1")


def test_the_digest_names_the_text_and_not_the_file() -> None:
    digest = parse_prompt("p.md", GOOD, XY).digest
    assert parse_prompt("elsewhere/q.md", GOOD, XY).digest == digest
    for other in (GOOD + " ", GOOD.replace("fair", "kind"), GOOD.replace("First", "first")):
        assert parse_prompt("p.md", other, XY).digest != digest
