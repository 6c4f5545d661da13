"""The tree that a Claude Code transcript's records form, and which of its branches the human left by going back.

Everything here is in doubt for keeping: a branch is dropped only when it is certain that the human went back.
"""

from array import array
from bisect import bisect_left
from collections import defaultdict
from enum import IntEnum


class Step(IntEnum):
    """What a record is for the shape of the session."""

    OTHER = 0
    PROMPT = 1
    COMMAND = 2
    REPLY = 3
    RESULT = 4
    COMPACTION = 5


OTHER, PROMPT, COMMAND, REPLY, RESULT, COMPACTION = Step  # members are slow to look up in Python 3.11
_TALK = (False, True, True, True, True, False)
"""Whether somebody speaks, by step."""

ROOT = -1
FAR = 100
"""Records of hooks and notices between a message and a prompt, at most, for the prompt to follow that message."""


class Tree:
    """Records in line order, each a node numbered from 0 whose parent stands on an earlier line.

    A parent that the file does not hold, or holds only later, counts as none: so no chain can be a circle.
    """

    def __init__(self) -> None:
        self._nodes: dict[str, int] = {}
        self._parents = array("l")
        self._steps = bytearray()
        self._stamps: dict[int, str | None] = {}
        """The timestamp as written, of prompts only: a picture's second record has the same as its prompt."""

    def __len__(self) -> int:
        return len(self._parents)

    def find(self, uuid: str) -> int:
        """The node of a record; ROOT when it is not here."""
        return self._nodes.get(uuid, ROOT)

    def __contains__(self, uuid: str) -> bool:
        return uuid in self._nodes

    def add(self, uuid: str, parent: str | None, step: Step, stamp: str | None) -> int:
        """A new node; a name that is taken stays with the node that has it."""
        node, nodes = len(self._steps), self._nodes
        self._parents.append(nodes.get(parent, ROOT) if parent else ROOT)
        self._steps.append(step)
        if step is PROMPT or step is COMMAND:
            self._stamps[node] = stamp
        nodes.setdefault(uuid, node)
        return node

    def abandoned(self) -> set[int]:
        """The nodes of branches that the human left by going back.

        A branch counts as left when, after one and the same record, a later prompt was answered and nothing was said in
        the branch from then on. Parallel tool calls, hooks, pictures and side chains fork without that; a compaction in
        between may have given the later prompt an old parent, so nothing is dropped across one.
        """
        forks = self._forks()
        if not forks:
            return set()
        last_talk, answered = self._growth()
        compactions = [node for node, step in enumerate(self._steps) if step == COMPACTION]
        left: set[int] = set()
        for siblings in forks:
            newer = ROOT
            for node in reversed(siblings):
                if newer != ROOT and self._is_left(node, newer, last_talk, answered, compactions):
                    left.add(node)
                elif answered[node]:
                    newer = node
        return self._with_descendants(left)

    def _forks(self) -> list[list[int]]:
        """Prompts that follow one and the same message, where there are several."""
        prompts: dict[int, list[int]] = defaultdict(list)
        for node in self._stamps:
            if self._parents[node] != ROOT:
                prompts[self._origin(node)].append(node)
        return [nodes for nodes in prompts.values() if len(nodes) > 1]

    def _origin(self, node: int) -> int:
        """The message or compaction that a prompt follows, past hooks and notices; one of these if none is near."""
        above = self._parents[node]
        for _ in range(FAR):
            if self._steps[above] != OTHER or self._parents[above] == ROOT:
                break
            above = self._parents[above]
        return above

    def _went_back(self, node: int, newer: int) -> bool:
        """Whether the newer prompt hangs on a record that the older one comes from, past hooks and notices at most."""
        target, above = self._parents[newer], self._parents[node]
        for _ in range(FAR):
            if above <= target:
                break
            above = self._parents[above]
        return above == target

    def _growth(self) -> tuple["array[int]", bytearray]:
        """For each node the last one from it on at which somebody spoke, and whether there is a reply from it on."""
        last_talk, answered = array("l", [ROOT]) * len(self), bytearray(len(self))
        for node in range(len(self) - 1, -1, -1):
            step = self._steps[node]
            answered[node] |= step == REPLY
            if _TALK[step]:
                last_talk[node] = max(last_talk[node], node)
            parent = self._parents[node]
            if parent != ROOT:
                last_talk[parent] = max(last_talk[parent], last_talk[node])
                answered[parent] |= answered[node]
        return last_talk, answered

    def _is_left(
        self, node: int, newer: int, last_talk: "array[int]", answered: bytearray, compactions: list[int]
    ) -> bool:
        if self._stamps[node] == self._stamps[newer] or last_talk[node] > newer:
            return False
        if not self._went_back(node, newer):
            return False
        if bisect_left(compactions, node) != bisect_left(compactions, newer):
            return False
        # Old versions hang a local command and the prompt after it on one parent: such a command was not taken back.
        return self._steps[node] == PROMPT or bool(answered[node])

    def _with_descendants(self, left: set[int]) -> set[int]:
        for node in range(len(self)):
            if self._parents[node] in left:
                left.add(node)
        return left
