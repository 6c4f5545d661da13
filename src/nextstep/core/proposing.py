"""A candidate's or a scribe's reply -> the one step in it."""

import re

from nextstep.core.records import Answer
from nextstep.core.stops import check_finished
from nextstep.errors import UnreadableReply

_TAG = re.compile(r"</?next_step>", re.IGNORECASE)
_STEP = re.compile(r"<next_step>(.*?)</next_step>", re.DOTALL | re.IGNORECASE)


def read_step(answer: Answer) -> str:
    """The text inside the reply's one `<next_step>` element.

    Raises UnreadableReply when the reply was refused or cut off, or holds no such element or more than one: a list of
    steps is not a step, and of tags that do not pair up nobody knows which were meant.
    """
    check_finished(answer)
    steps: list[str] = [step.strip() for step in _STEP.findall(answer.text)]
    tags = len(_TAG.findall(answer.text))
    if len(steps) != 1 or not steps[0] or tags != 2:
        found = "an empty one" if (steps, tags) == ([""], 2) else f"{len(steps)} of them in {tags} tags"
        raise UnreadableReply("unreadable", f"a reply must hold one <next_step> element with a step; found {found}")
    return steps[0]
