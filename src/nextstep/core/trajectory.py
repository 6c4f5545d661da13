"""Cut a session at a moment: what a candidate may see, and what only the judge sees.

This is the one place that decides what lies before a moment. What it returns holds events and nothing else: no title,
no label, no note, so that a candidate's request cannot know the outcome.
"""

from collections.abc import Sequence

from nextstep.core.records import Event, Role
from nextstep.core.rendering import visible

AGENT_ROLES = frozenset({Role.ASSISTANT, Role.TOOL})


def prefix(events: Sequence[Event], cut: int) -> tuple[Event, ...]:
    """The events before the moment at `cut`, up to the last thing that the assistant or a tool did.

    What stands between that and the human's turn (an interruption, a mode switch, a first half of the same turn) is
    already part of the choice, so it is left out. Empty when the assistant had done nothing yet.
    """
    end = cut
    while end > 0 and events[end - 1].role not in AGENT_ROLES:
        end -= 1
    return tuple(events[:end])


def whole_turn(events: Sequence[Event], cut: int) -> str:
    """What the human said at a moment: the words at the cut, after those that came before them in the same turn."""
    turn = events[len(prefix(events, cut)) : cut + 1]
    return "\n".join(event.text.strip() for event in turn if event.is_choice and event.text.strip())


def step_problem(events: Sequence[Event], cut: int) -> str | None:
    """Why no moment can stand at `cut`, or None when one can."""
    if cut >= len(events):
        return f"cut {cut} is past the last event, {len(events) - 1}"
    event = events[cut]
    if not event.is_choice:
        choices = [e.idx for e in events if e.is_choice]
        return f"cut {cut} is not a human's choice but {event.role}/{event.kind}; those stand at {choices}"
    if not visible(event.text).strip():
        return f"cut {cut} is a human event without words"
    if not prefix(events, cut):
        return f"cut {cut} has nothing before it that the assistant did"
    if cut == len(events) - 1:
        return f"cut {cut} is the session's last event, so nobody can know how it turned out"
    return None


def hindsight_problem(events: Sequence[Event], cut: int, recovered_at: int) -> str | None:
    """Why a moment at `cut` cannot have been recovered at `recovered_at`, or None when it can."""
    last = len(events) - 1
    if cut < recovered_at <= last:
        return None
    return f"recovered_at {recovered_at} must lie after the cut {cut} and not after the last event {last}"
