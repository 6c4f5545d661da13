"""Which replies a store has, in little memory, so that a call is looked up without going there."""

from array import array
from bisect import bisect_left
from collections.abc import Iterable

from nextstep.store import Connection
from nextstep.store.database import query_column

DIGITS = 15
"""Hexadecimal digits of a name that are kept: they fit a signed number of 64 bits."""


class KnownReplies:
    """The names of a store's replies as numbers, sorted, and those that came since.

    Two names may share a number, once in 10^18: whoever finds one here looks into the store before relying on it.
    """

    def __init__(self, connection: Connection) -> None:
        self._then = array("q", query_column(connection, "known_replies"))
        self._since: set[str] = set()
        self._gone: set[str] = set()

    def add(self, reply_ids: Iterable[str]) -> None:
        """These are stored by now."""
        self._since.update(reply_ids)

    def forget(self, reply_id: str) -> None:
        """It is not there after all."""
        self._since.discard(reply_id)
        self._gone.add(reply_id)

    def __contains__(self, reply_id: str) -> bool:
        if reply_id in self._since or reply_id in self._gone:
            return reply_id in self._since
        number = int(reply_id[:DIGITS], 16)
        at = bisect_left(self._then, number)
        return at < len(self._then) and self._then[at] == number
