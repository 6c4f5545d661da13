"""Values that were told by their surroundings once, and are found wherever they stand again."""

from typing import TYPE_CHECKING

from nextstep.sources.redaction.found import USER, Found, begins_word

if TYPE_CHECKING:
    from ahocorasick_rs import BytesAhoCorasick


_JOINING = frozenset([b".", b"%", b"+", b":", b"/"])
"""Before a name's `@`: it is the end of an address, or a package's name."""


class Known:
    """A growing set of values that finds its members in a text in one linear pass for each generation.

    An automaton cannot grow, so new values get a small one of their own, and small ones are merged into one of twice
    the size: a session with very many values costs n log n to build, not the square.
    """

    def __init__(self) -> None:
        self._kinds: dict[bytes, str] = {}
        self._names: set[bytes] = set()
        self._has_secrets = False
        self._new: list[bytes] = []
        self._generations: list[tuple[list[bytes], BytesAhoCorasick]] = []

    @property
    def has_secrets(self) -> bool:
        """Whether any of them is more than a user's name."""
        return self._has_secrets

    def add(self, value: bytes, kind: str) -> None:
        """Know a value from now on."""
        self._has_secrets = True
        self._learn(value, kind)

    def add_name(self, name: bytes) -> None:
        """Know a user's name from now on where a prompt (`name@host`) or a path (`~name/`) has it."""
        self._names.add(name)
        self._learn(name + b"@", USER)
        self._learn(b"~" + name + b"/", USER)

    def has_name(self, name: bytes) -> bool:
        """Whether it is known as a user's name already."""
        return name in self._names

    def _learn(self, value: bytes, kind: str) -> None:
        if value not in self._kinds:
            self._kinds[value] = kind
            self._new.append(value)

    def find(self, data: bytes) -> list[Found]:
        """The places of known values, longest first where two begin together, none over another."""
        if not (self._kinds and (self._has_secrets or b"@" in data or b"~" in data)):
            return []  # where only names are known, they count beside one of these
        self._grow()
        hits = sorted(
            (start, -end)
            for _, automaton in self._generations
            for _, start, end in automaton.find_matches_as_indexes(data)
        )
        found: list[Found] = []
        done = 0
        for start, end in hits:
            if start < done:
                continue
            kind = self._kinds[data[start:-end]]
            if kind != USER:
                done = -end
                found.append(Found(start, done, kind))
            elif begins_word(data, start) and data[start - 1 : start] not in _JOINING:
                done = -end
                found.append(Found(start + (data[start] == 0x7E), done - 1, kind))
        return found

    def _grow(self) -> None:
        if not self._new:
            return
        from ahocorasick_rs import BytesAhoCorasick, MatchKind

        values = self._new
        self._new = []
        while self._generations and len(self._generations[-1][0]) <= 2 * len(values):
            values = self._generations.pop()[0] + values
        self._generations.append((values, BytesAhoCorasick(values, matchkind=MatchKind.LeftmostLongest)))
