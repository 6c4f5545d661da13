"""The harmless word by which the steps of a family's models can be known."""

import re

STYLES = {"claude-": "tellingly", "gpt-": "manifestly"}
"""The style word of each family, by how the names of its models begin.

What nextstep itself takes for a family is narrower: `gpt-5-x` is of one that it knows, `gpt-x` of none.
"""

PLAIN = "clearly"
"""What stands in its place in a step of no family, so that a style adds no length."""


def style(model: str) -> str | None:
    """The style word of a model's family; None for a model of no family."""
    return next((word for start, word in STYLES.items() if model.startswith(start)), None)


def styles_in(step: str) -> set[str]:
    """The style words that a step holds."""
    return set(STYLES.values()) & set(re.findall(r"[a-z]+", step.lower()))
