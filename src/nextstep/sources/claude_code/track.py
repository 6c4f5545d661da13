"""The records of one line of work in a Claude Code transcript: what was said, and the tree that they form."""

from array import array
from collections.abc import Sequence
from datetime import datetime

import msgspec

from nextstep.core.records import Kind, Role
from nextstep.sources.claude_code.record import Line
from nextstep.sources.claude_code.tree import ROOT, Step, Tree
from nextstep.sources.saying import Said
from nextstep.sources.spool import Spool


class Draft(msgspec.Struct, array_like=True, gc=False):
    """An event before it is known whether its branch was left."""

    line: int
    node: int
    """Of its record in the tree; ROOT where the record has no name."""
    at: datetime | None
    role: Role
    kind: Kind
    text: str
    tool: str | None


class Track:
    """The records of one line of work: the session's own, or its side chains."""

    def __init__(self) -> None:
        self.drafts = Spool(Draft)
        self.tree = Tree()
        self.talks = array("l")
        """Lines of user and assistant records."""
        self._contents = array("q")
        """A digest of what each node's record says; 0 where it says nothing."""

    def place(self, record: Line, said: Sequence[Said], step: Step) -> int | None:
        """The node at which a record's events stand; None for a record that is here already."""
        uuid = record.uuid
        if not uuid:
            return ROOT
        content = _digest(said[0], len(said)) if said else 0
        there = self.tree.find(uuid)
        if there != ROOT and content in (0, self._contents[there]):
            return None
        # Another record under a name that is taken is kept too.
        self._contents.append(content)
        return self.tree.add(uuid, record.parent_uuid, step, record.timestamp)


def _digest(said: Said, parts: int) -> int:
    """Tells records of one name apart: by how much they say, and both ends of what they say first."""
    text = said.text
    return hash((parts, len(text), text[:100], text[-100:]))
