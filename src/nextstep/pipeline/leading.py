"""Who goes ahead: the first request to write a shared beginning into the cache, while those that read it wait.

What a request writes can be read once its answer has begun: requests sent together would all write, and none read.
It is kept for five minutes from the last request that wrote or read it: after that, one goes ahead again.
"""

import time
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import TypeAlias

from nextstep.core.caching import CHARS_PER_TOKEN, UNSHARED, Node, Place, places
from nextstep.models.cache_minimum import least_tokens
from nextstep.pipeline.calls import Trunk
from nextstep.pipeline.stage import Task

SURELY = 2.0
"""By how much, as estimated, a beginning is longer than a model's minimum that is longer for sure."""

KEPT_S = 285.0
"""Seconds from the last request for which a server keeps its beginning, less some in which the next may be in line."""

Trunks: TypeAlias = Mapping[Hashable, tuple[Trunk, int]]
"""Of one scope, by their keys: how many calls begin with each."""


class Leads:
    """The beginnings that a run's calls share, and which of them the cache holds by now."""

    def __init__(self, *, hour: bool = False, now: Callable[[], float] = time.monotonic) -> None:
        self.hour = hour
        self.now = now
        self._expected: dict[Hashable, dict[Hashable, tuple[Trunk, int]]] = defaultdict(dict)
        self._places: dict[Hashable, dict[Hashable, Place]] = {}
        self._used_at: dict[Node, float] = {}
        """By the beginnings that were written, when a request last wrote or read them."""
        self._parked: dict[Node, list[Task]] = {}
        """By the beginning that is being written, those who wait for it."""
        self._uncached: set[str] = set()
        """Models of servers that keep nothing."""

    def expect(self, trunks: Iterable[tuple[Trunk, int]]) -> None:
        """So many calls of a run will begin like this."""
        for trunk, times in trunks:
            known = self._expected[trunk.scope].get(trunk.key)
            self._expected[trunk.scope][trunk.key] = trunk, times + (known[1] if known else 0)

    def expect_tasks(self, tasks: Iterable[Task]) -> None:
        """All of these tasks will be asked."""
        self.expect((trunk, 1) for task in tasks if (trunk := task.trunk))

    def place(self, task: Task) -> Place:
        """What the task's request shares with others."""
        trunk = task.trunk
        if trunk is None or task.model in self._uncached:
            return UNSHARED
        if trunk.scope not in self._places:
            expected = self._expected[trunk.scope]
            self._places[trunk.scope] = _places(trunk.scope, expected, task.model, hour=self.hour)
        return self._places[trunk.scope].get(trunk.key, UNSHARED)

    def park(self, task: Task, place: Place) -> bool:
        """Whether the task has to wait, for a beginning that another one is writing just now."""
        node = next((node for node in place.nodes if node in self._parked), None)
        if node is None:
            return False
        self._parked[node].append(task)
        return True

    def lead(self, place: Place) -> tuple[Node, ...]:
        """The beginnings that a call with this place is to write; others wait for them from now on."""
        nodes = tuple(node for node in place.nodes if not self._is_kept(node))
        for node in nodes:
            self._parked[node] = []
        return nodes

    def characters_read(self, place: Place) -> int:
        """How much of a call's beginning the cache holds by now."""
        held = [depth for node, depth in zip(place.nodes, place.depths, strict=True) if self._is_kept(node)]
        return max(held, default=0)

    def used(self, place: Place, at: float) -> None:
        """A call with this place, sent at this time, is being answered: the cache has all that it begins with."""
        for node in place.nodes:
            self._used_at[node] = max(at, self._used_at.get(node, at))

    def let_go(self, nodes: Iterable[Node]) -> list[Task]:
        """The call that was to write these did, or it did not: those who waited may go, or one of them may lead."""
        return [task for node in nodes for task in self._parked.pop(node, ())]

    def _is_kept(self, node: Node) -> bool:
        at = self._used_at.get(node)
        return at is not None and self.now() - at < KEPT_S

    def kept_nothing(self, place: Place, model: str) -> None:
        """A call with this place wrote and read nothing; where it was long for sure, that is the server's way.

        A short one may only have been shorter, in the server's tokens, than the model's minimum.
        """
        if max(place.depths, default=0) >= SURELY * least_tokens(model) * CHARS_PER_TOKEN:
            self.keeps_nothing(model)

    def keeps_nothing(self, model: str) -> None:
        """The model's server has no cache: nobody needs to wait."""
        self._uncached.add(model)


def _places(scope: Hashable, expected: Trunks, model: str, *, hour: bool) -> dict[Hashable, Place]:
    """The place of every trunk of a scope; trunks that are alone with themselves are not rendered for it."""
    if sum(times for _, times in expected.values()) < 2:
        return {}
    made = {key: (trunk.make(), times) for key, (trunk, times) in expected.items()}
    begun = {key: (beginning, times) for key, (beginning, times) in made.items() if beginning}
    if not begun:
        return {}
    system = next(iter(begun.values()))[0].system
    texts = [beginning.first for beginning, _ in begun.values()]
    visits = [times for _, times in begun.values()]
    return dict(zip(begun, places(scope, system, texts, visits, least_tokens(model), hour=hour), strict=True))
