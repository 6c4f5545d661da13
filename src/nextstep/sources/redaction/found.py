"""What a rule is, what it finds, and where a word begins. Rules read bytes: UTF-8, positions in bytes."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

USER = "user"
"""The kind of a name in a home path."""

WORD = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_")

PLACEHOLDER = re.compile(rb"\[redacted-([a-z0-9-]+)-([0-9]{1,9})\]")
OPENING = b"[redacted-"
LONGEST_PLACEHOLDER = 48

_ESCAPE = re.compile(rb"(?:\\[abfnrtv0]|\[[0-9;]{0,12}m|%[0-9A-Fa-f]{2}|\\u00[0-9A-Fa-f]{2}|\\x[0-9A-Fa-f]{2})\Z")


class Found(NamedTuple):
    """A secret's place in the bytes."""

    start: int
    end: int
    kind: str
    by_context: bool = False
    """Only its surroundings told it: where it stands alone, no rule will know it."""


Finder = Callable[[bytes, int], tuple[Found, ...]]


@dataclass(frozen=True)
class Rule:
    """A cheap expression for RE2 that marks where to look, and the function that looks closely there.

    `gate` matches little (so that no other gate hides behind it) and begins with a byte of `starts`, in either case.
    """

    gate: bytes
    starts: bytes
    find: Finder


def begins_word(data: bytes, start: int) -> bool:
    """Whether a word can begin here: at the start, after what is no letter, digit or `_`, or after an escape.

    Directly after a placeholder nothing begins: what stands there was the tail of something already replaced.
    """
    if start == 0:
        return True
    before = data[start - 1]
    if before == 0x5D:  # ]
        return not ends_in_placeholder(data, start)
    if before == 0x2D:  # - joins words; at a line's start it is a list's or a diff's
        return start == 1 or data[start - 2] == 0x0A
    return before not in WORD or bool(_ESCAPE.search(data[max(0, start - 16) : start]))


def ends_in_placeholder(data: bytes, end: int) -> bool:
    """Whether the bytes before this place are a placeholder."""
    opening = data.rfind(OPENING, max(0, end - LONGEST_PLACEHOLDER), end)
    return opening >= 0 and PLACEHOLDER.fullmatch(data, opening, end) is not None


def line_around(data: bytes, at: int, reach: int) -> tuple[int, int]:
    """The line's span round a place, no further than `reach` bytes each way."""
    start = data.rfind(b"\n", max(0, at - reach), at) + 1 or max(0, at - reach)
    end = data.find(b"\n", at, at + reach)
    return start, min(len(data), at + reach) if end < 0 else end
