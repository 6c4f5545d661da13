"""The form in which steps are written, so that wording and length do not tell whose a step is."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from string import Template

from nextstep.core.ids import make_id
from nextstep.errors import PromptError

LABELS = ("Direction", "Why", "First action", "Stop when")
"""Of the four lines of the one form, in their order."""

_LINE = re.compile(r"([A-Z][a-z ]+): (\S.*)")


@dataclass(frozen=True)
class Form:
    """How a step is to be written. `text` is put into prompts; `digest` is part of every id made with them."""

    text: str
    digest: str
    least: int
    most: int
    labels: tuple[str, ...] = ()
    """Of its lines; none where it is free."""

    def fits(self, step: str) -> bool:
        """Whether a step has the form and keeps to its length; one that does not is kept, and can be filtered on."""
        if not self.least <= len(step.split()) <= self.most:
            return False
        return not self.labels or tuple(label for label, _ in parts(step)) == self.labels


def same_form(text: str, name: str) -> Form:
    """The form of four labelled lines that both steps are brought into, of 16 to 80 words."""
    return _form(text, name, 16, 80, LABELS)


def free_form(text: str, name: str) -> Form:
    """A message in one's own words, of 10 to 60 words: the band of a short human turn."""
    return _form(text, name, 10, 60, ())


def _form(text: str, name: str, least: int, most: int, labels: tuple[str, ...]) -> Form:
    try:
        filled = Template(text.strip()).substitute(least=least, most=most)
    except (KeyError, ValueError) as error:
        raise PromptError(f"{name}: has the placeholders $least and $most and no other ({error})") from error
    return Form(filled, make_id("form", filled), least, most, labels)


def in_lines(*values: str) -> str:
    """The four parts of a step as its lines."""
    return "\n".join(f"{label}: {value}" for label, value in zip(LABELS, values, strict=True))


def parts(step: str) -> Sequence[tuple[str, str]]:
    """The labels and contents of a step's lines; a line without a label has an empty one."""
    lines = (line.strip() for line in step.splitlines() if line.strip())
    return [(match[1], match[2]) if (match := _LINE.fullmatch(line)) else ("", line) for line in lines]
