"""A moment with marks planted in all that no candidate may know: what reaches a request shows by its mark.

Where the future begins is counted here a second time, apart from the code that cuts, so that a fault there is not
repeated in its proof.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from nextstep.core.ids import make_id
from nextstep.core.records import Event, Moment, MomentSet, Record, Role, Session

ALIEN_TIME = datetime(7001, 1, 1, tzinfo=UTC)
"""When planted events happen: at no time that a transcript tells."""

LABELS = ("session_id", "session", "human_step", "why", "resolution", "tags")
HEADER = ("name", "title", "source", "sha256")


class Origin(Record):
    """What a mark was planted in: an event, or something that is known of the moment or its session."""

    what: str
    event: int | None
    text: str
    """What stood there before."""


@dataclass(frozen=True)
class Planted:
    """A session and its moment with marks in place of the future."""

    session: Session
    moment: Moment
    seed: str

    def found(self, text: str) -> list[str]:
        """The names of the marks that stand in a text: an event's number, or the name of a label."""
        return list(dict.fromkeys(re.findall(rf"{self.seed}-(\w+)", text)))


def first_hidden(events: Sequence[Event], cut: int) -> int:
    """The position of the first event that no candidate may see: the one after the agent's last before the cut."""
    acts = (i for i in range(min(cut, len(events)) - 1, -1, -1) if events[i].role in (Role.ASSISTANT, Role.TOOL))
    return next(acts, -1) + 1


def plant(session: Session, moment: Moment) -> Planted:
    """Marks in every event from the first hidden one on and in every label; who spoke, and how, stays as it was."""
    seed = f"canary-{make_id('canary', moment.moment_id)}"
    start = first_hidden(session.events, moment.cut)
    marked = tuple(_marked(event, seed) for event in session.events[start:])
    last = len(session.events) - 1
    return _planted(moment, seed, session.events[:start] + marked, cut=moment.cut, recovered_at=last)


def plant_bare(session: Session, moment: Moment) -> Planted:
    """The prefix with a marked human event right behind it and no future at all."""
    seed = f"canary-{make_id('canary', moment.moment_id, 'bare')}"
    start = first_hidden(session.events, moment.cut)
    human = msgspec.structs.replace(_marked(session.events[moment.cut], seed), idx=start)
    return _planted(moment, seed, (*session.events[:start], human), cut=start, recovered_at=start)


def origin(session: Session, moment: Moment, name: str) -> Origin:
    """What stood where the mark of this name was planted."""
    if name.isdigit():
        return Origin(what="event", event=int(name), text=session.events[int(name)].text)
    label, of_session = name.removeprefix("session_"), name.startswith("session_") and name != "session_id"
    value = getattr(session if of_session else moment, label if of_session else name)
    text = " ".join(value) if isinstance(value, tuple) else str(value)
    return Origin(what=f"session's {label}" if of_session else f"moment's {name}", event=None, text=text)


def _marked(event: Event, seed: str) -> Event:
    mark = f"{seed}-{event.idx}"
    at = ALIEN_TIME + timedelta(seconds=event.idx)
    return Event(idx=event.idx, role=event.role, kind=event.kind, text=mark, tool=event.tool and mark, at=at)


def _planted(moment: Moment, seed: str, events: tuple[Event, ...], **places: int) -> Planted:
    header: dict[str, Any] = {name: f"{seed}-session_{name}" for name in HEADER}
    labels: dict[str, Any] = {name: f"{seed}-{name}" for name in LABELS}
    labels |= {"session": header["name"], "tags": (labels["tags"],)}
    other = next(kind for kind in MomentSet if kind is not moment.set)
    return Planted(Session(**header, started_at=ALIEN_TIME, events=events), Moment(set=other, **labels, **places), seed)
