"""Which replies a store has, in little memory, so that a call is looked up without going there."""

from array import array
from bisect import bisect_left
from collections.abc import Iterable
from itertools import chain

from nextstep.store import Connection
from nextstep.store.database import query_column

DIGITS = 15
"""Hexadecimal digits of a name that are kept: they fit a signed number of 64 bits."""
LOOSE = 2_000
"""Names that are kept as they came, which takes over ten times as much, before they join the sorted ones."""


class KnownReplies:
    """The names of a store's replies as sorted numbers: those of the beginning, and those that came since.

    Two names may share a number, once in 10^18: whoever finds one here looks into the store before relying on it.
    """

    def __init__(self, connection: Connection) -> None:
        self._then = array("q", query_column(connection, "known_replies"))
        self._since = array("q")
        self._loose: set[str] = set()
        self._gone: set[str] = set()

    def add(self, reply_ids: Iterable[str]) -> None:
        """These are stored by now."""
        new = set(reply_ids)
        self._gone -= new
        self._loose |= new
        if len(self._loose) > LOOSE:
            self._since = array("q", sorted(chain(self._since, map(_number, self._loose))))
            self._loose.clear()

    def forget(self, reply_id: str) -> None:
        """It is not there after all."""
        self._loose.discard(reply_id)
        self._gone.add(reply_id)

    def __contains__(self, reply_id: str) -> bool:
        if reply_id in self._gone:
            return False
        number = _number(reply_id)
        return reply_id in self._loose or _holds(self._then, number) or _holds(self._since, number)


def _number(reply_id: str) -> int:
    return int(reply_id[:DIGITS], 16)


def _holds(numbers: "array[int]", number: int) -> bool:
    at = bisect_left(numbers, number)
    return at < len(numbers) and numbers[at] == number
