"""A prompt file: blocks of text with named placeholders, filled strictly in one pass.

A file starts each block with a line `=== system` or `=== user`. Placeholders are `$name`, `$$` is a dollar sign
(`string.Template`). Filling takes every placeholder and nothing else, once: what is put in is never searched for
placeholders again, so a transcript cannot inject one.
"""

import re
from dataclasses import dataclass
from functools import cached_property
from string import Template

from nextstep.core.ids import make_id
from nextstep.errors import PromptError

_HEADER = re.compile(r"^=== (system|user)[ \t]*$", re.MULTILINE)


@dataclass(frozen=True)
class Prompt:
    """A parsed prompt file. `digest` names its exact text and is part of every id made with it."""

    name: str
    system: str
    user: tuple[str, ...]
    digest: str

    def fill(self, **values: str) -> tuple[str, tuple[str, ...]]:
        """The system text and the user blocks with every placeholder replaced."""
        beginning, rest = self.fill_beginning(**values), self.fill_rest(**values)
        return beginning[0], (beginning[1], *rest)

    def fill_beginning(self, **values: str) -> tuple[str, str]:
        """The system text and the first user block with every placeholder replaced."""
        return Template(self.system).substitute(values), Template(self.user[0]).substitute(values)

    def fill_rest(self, **values: str) -> tuple[str, ...]:
        """The other user blocks with every placeholder replaced."""
        return tuple(Template(block).substitute(values) for block in self.user[1:])

    @cached_property
    def beginning_names(self) -> frozenset[str]:
        """The placeholders of the system text and the first user block."""
        return _names(self.system, self.user[0])

    @cached_property
    def rest_names(self) -> frozenset[str]:
        """The placeholders of the other user blocks."""
        return _names(*self.user[1:])


def _names(*texts: str) -> frozenset[str]:
    """The placeholders in some texts."""
    found = (match["named"] or match["braced"] for text in texts for match in Template.pattern.finditer(text))
    return frozenset(name for name in found if name)


def parse_prompt(name: str, text: str, placeholders: frozenset[str]) -> Prompt:
    """The prompt in a file's text, which must use exactly the `placeholders`.

    Raises PromptError with the file's name and the line of the fault.
    """
    headers = list(_HEADER.finditer(text))
    if not headers or text[: headers[0].start()].strip():
        raise PromptError(f"{name}:1: a prompt starts with a line '=== system'; `nextstep init` writes examples")
    ends = [*(header.start() for header in headers[1:]), len(text)]
    blocks = [(header[1], text[header.end() : end].strip()) for header, end in zip(headers, ends, strict=True)]
    _check_placeholders(name, text, placeholders)
    system = [block for kind, block in blocks if kind == "system"]
    user = tuple(block for kind, block in blocks if kind == "user")
    if len(system) != 1 or not user or not all(block for _, block in blocks):
        raise PromptError(f"{name}: a prompt has one '=== system' block and at least one '=== user' block, none empty")
    return Prompt(name, system[0], user, make_id("prompt", text))


def _check_placeholders(name: str, text: str, expected: frozenset[str]) -> None:
    found: set[str] = set()
    for match in Template.pattern.finditer(text):
        line = text.count("\n", 0, match.start()) + 1
        placeholder = match["named"] or match["braced"]
        if match["invalid"] is not None:
            raise PromptError(f"{name}:{line}: a lone '$'; write '$$' for a dollar sign")
        if placeholder and placeholder not in expected:
            raise PromptError(f"{name}:{line}: unknown placeholder ${placeholder}; known: {_listed(expected)}")
        found.add(placeholder)
    if missing := expected - found:
        raise PromptError(f"{name}: the placeholder {_listed(missing)} is missing; without it the model sees nothing")


def _listed(names: frozenset[str] | set[str]) -> str:
    return ", ".join(f"${name}" for name in sorted(names))
