"""What of requests goes through a server's prompt cache: what is common comes first, marked where it is read back.

A cache keeps a prompt's beginning up to a mark. Writing it costs more than plain text, reading it much less, so a mark
pays where somebody reads back what was written, and only there. The beginnings that texts share make a tree; its
branchings and leaves are the only places for marks. What is asked never changes: a layout says how the text is cut.

Source of the rules: the vendor's pages on prompt caching (writes at marks alone, four of them; reads look back over 20
blocks; nothing below a minimum of tokens).
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from nextstep.core.records import Request

CHARS_PER_TOKEN = 4.0
"""For telling whether a text is long enough to be kept: no harm is done where it is not."""
MARKS = 3
"""Marks on the shared text, beside the one on the system prompt: an API takes four."""
LEAST_GAIN = 200
"""Characters by which one beginning must be longer than another to be worth a mark of its own."""
BOUNDARY = "\n<"
"""Where a text may be cut: before an entry of a trajectory, so that no word is cut in two."""


@dataclass(frozen=True)
class Layout:
    """How a request's first text is cut into blocks, and which of them, and whether the system prompt, are marked."""

    cuts: tuple[int, ...] = ()
    """Offsets in the first text at which a block ends."""
    marks: frozenset[int] = frozenset()
    """Those whose block is marked."""
    system: bool = False
    hour: bool = False
    """Whether what is written is to be kept for an hour instead of five minutes."""
    read: int = 0
    """Characters that are expected to be read from the cache."""

    def unread(self, request: Request) -> int:
        """Characters of the request that no cache is expected to hold."""
        return max(0, request.characters - self.read)


PLAIN = Layout()
"""Nothing goes through the cache."""

Node = tuple[Hashable, int]
"""A beginning that several requests share: its scope, and a number in it."""


@dataclass(frozen=True)
class Place:
    """What requests with one text share with others: their layout, and the beginnings it marks, the shortest first."""

    layout: Layout = PLAIN
    nodes: tuple[Node, ...] = ()
    depths: tuple[int, ...] = ()
    """Characters up to the end of each beginning, the system prompt included."""


UNSHARED = Place()


def places(
    scope: Hashable, system: str, texts: Sequence[str], visits: Sequence[int], least_tokens: int, *, hour: bool = False
) -> list[Place]:
    """The place of each of these distinct texts; `visits` requests begin with it after the same system prompt."""
    paths = _paths(texts)
    counts: dict[int, int] = {}
    for path, times in zip(paths, visits, strict=True):
        for number, _ in path:
            counts[number] = counts.get(number, 0) + times
    shortest = least_tokens * CHARS_PER_TOKEN - len(system)
    shared = [[(n, depth) for n, depth in path if counts[n] > 1 and depth >= shortest] for path in paths]
    marks_system = sum(visits) > 1 and shortest <= 0
    return [_place(scope, system, _apart(path), marks_system=marks_system, hour=hour) for path in shared]


def _apart(path: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """The beginnings without those that are hardly longer than the one before."""
    kept: list[tuple[int, int]] = []
    for number, depth in path:
        if not kept or depth - kept[-1][1] >= LEAST_GAIN:
            kept.append((number, depth))
    return kept


def _place(scope: Hashable, system: str, path: Sequence[tuple[int, int]], *, marks_system: bool, hour: bool) -> Place:
    marked = path[-MARKS:]
    layout = Layout(
        cuts=tuple(depth for _, depth in path),
        marks=frozenset(depth for _, depth in marked),
        system=marks_system,
        hour=hour,
    )
    nodes = tuple((scope, number) for number, _ in marked)
    return Place(layout, nodes, tuple(len(system) + depth for _, depth in marked))


def _paths(texts: Sequence[str]) -> list[list[tuple[int, int]]]:
    """For each text, the (number, depth) of the beginnings that it shares with others, and of itself, in order."""
    order = sorted(range(len(texts)), key=texts.__getitem__)
    common = [_common(texts[a], texts[b]) for a, b in pairwise(order)]
    paths: list[list[tuple[int, int]]] = [[] for _ in texts]
    groups: list[tuple[int, int, list[tuple[int, int]]]] = [(0, len(order), [])] if order else []
    numbers: dict[tuple[int, int], int] = {}

    def numbered(low: int, depth: int) -> tuple[int, int]:
        """A beginning is named by the first text that has it: those that do are neighbours."""
        while low and common[low - 1] >= depth:
            low -= 1
        return numbers.setdefault((low, depth), len(numbers)), depth

    while groups:
        low, high, above = groups.pop()
        reached = above[-1][1] if above else 0
        if high - low == 1:
            length = len(texts[order[low]])
            paths[order[low]] = [*above, numbered(low, length)] if length > reached else above
            continue
        depth = min(common[low : high - 1], default=0)
        cut = _boundary(texts[order[high - 1]], depth)
        path = [*above, numbered(low, cut)] if cut > reached else above
        starts = [low, *(k + 1 for k in range(low, high - 1) if common[k] == depth), high]
        groups += [(a, b, path) for a, b in pairwise(starts)]
    return paths


def _common(a: str, b: str) -> int:
    """How many characters two texts begin with together."""
    low, high = 0, min(len(a), len(b))
    while low < high:
        middle = (low + high + 1) // 2
        if a[low:middle] == b[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def _boundary(text: str, depth: int) -> int:
    """The last place up to `depth` at which the text may be cut; 0 when there is none.

    Of texts with that much in common it is the last one in order: where the others end, it may go on with an entry.
    """
    return max(0, text.rfind(BOUNDARY, 0, depth + len(BOUNDARY)))
