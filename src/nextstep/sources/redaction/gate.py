"""Where in texts a rule has to look: every rule's gate in one linear-time expression."""

from collections.abc import Iterator, Sequence
from functools import cache
from typing import TYPE_CHECKING

from nextstep.sources.redaction import assigned, carried, library, places, shapes
from nextstep.sources.redaction.found import Finder, Rule

if TYPE_CHECKING:
    import re2  # type: ignore[import-untyped]

MEMORY = 64 << 20
"""Bytes that RE2 may use for its automaton: with its own 8 MB it would fall back to a slower one on odd texts."""

RULES: tuple[Rule, ...] = (
    *places.RULES,
    *carried.RULES,
    *shapes.RULES,
    *assigned.RULES,
    *library.RULES,
)


@cache
def gate() -> "re2._Regexp":
    """The expression that marks every place at which a rule has to look. It looks neither back nor at ends of texts."""
    import re2

    options = re2.Options()
    options.max_mem = MEMORY
    options.encoding = re2.Options.Encoding.LATIN1
    options.never_capture = True
    return re2.compile(b"|".join([rb"\[redacted-", *(rule.gate for rule in RULES)]), options)


@cache
def finders() -> tuple[tuple[Finder, ...], ...]:
    """For each byte, the functions of the rules whose gates begin with it."""
    return tuple(
        tuple(rule.find for rule in RULES if bytes([first]) in rule.starts + rule.starts.swapcase())
        for first in range(256)
    )


class Marks:
    """The places in some texts at which a rule has to look, taken text by text.

    The texts are searched as one: to begin a search costs more than most texts do.
    """

    def __init__(self, texts: Sequence[bytes]) -> None:
        self._whole = b"\n".join(texts)
        self._gate = gate()
        self._begin = 0
        self._hit = self._next(0)

    def _next(self, at: int) -> tuple[int, int]:
        """The next hit's span; behind all texts when there is none."""
        hit = self._gate.search(self._whole, at)
        return hit.span() if hit else (len(self._whole),) * 2

    def within(self, size: int) -> Iterator[int] | None:
        """The places in the next text, of so many bytes; None for no place. To be used up before the next."""
        begin, end = self._begin, self._begin + size
        self._begin = end + 1
        return self._places(begin, end) if self._hit[0] < end else None

    def _places(self, begin: int, end: int) -> Iterator[int]:
        start, stop = self._hit
        while start < end:
            # What only the next text's words make a hit is none.
            if stop <= end or self._gate.match(self._whole, start, end):
                yield start - begin
            start, stop = self._hit = self._next(start + 1)  # not the hit's end: another may begin inside it
