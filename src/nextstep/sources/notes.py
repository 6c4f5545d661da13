"""What a reader repaired, dropped or left out: counted by reason, with the lines it happened on."""

from nextstep.core.records import Record

NOTED_LINES = 20
"""Line numbers that a note keeps."""


class Note(Record):
    """Something that the reader repaired, dropped or left out, and where."""

    reason: str
    count: int
    lines: tuple[int, ...] = ()
    """The first lines that it happened on, from 1."""


class Notes:
    """Counts of what was repaired or left out, by reason."""

    def __init__(self) -> None:
        self.counts: dict[str, int] = {}
        self.lines: dict[str, list[int]] = {}

    def add(self, reason: str, *lines: int) -> None:
        """Count a reason once for each line."""
        self.counts[reason] = self.counts.get(reason, 0) + len(lines)
        kept = self.lines.setdefault(reason, [])
        kept.extend(lines[: NOTED_LINES - len(kept)])

    def all(self) -> tuple[Note, ...]:
        """The notes in the order in which their reasons came up."""
        return tuple(
            Note(reason=reason, count=count, lines=tuple(self.lines[reason]))
            for reason, count in self.counts.items()
            if count
        )
