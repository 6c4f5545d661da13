"""A session while it is being read: what every format's reader gives."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from nextstep.core.records import Event
from nextstep.sources.notes import Notes

LONGEST_NAME = 120
"""Characters of a session's name: file systems take about 255 bytes, and an id may be added."""


@dataclass
class Reading:
    """A session on its way in. `events` come once, in order; `notes` are complete when the last has come."""

    name: str
    """For the suite; unique within a transcript that holds several sessions."""
    source: str
    """The format that it was read from."""
    events: Iterator[Event]
    notes: Notes
    title: str = ""
    """For people; empty where it would tell how the session went on."""
    started_at: datetime | None = None
    origin: str = ""
    """The session's own name in the tool that wrote it: two snapshots of one session share it."""
    project: str = ""
    """The folder that the session worked in, for `--project`; not stored."""


def safe_name(stem: str) -> str:
    """A file's stem as a session's name: letters, digits, dot, dash and underscore, never hidden or empty."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", stem).lstrip(".-")[:LONGEST_NAME] or "session"
