"""A candidate's or a scribe's reply -> the one step in it."""

import re
import unicodedata

from nextstep.core.records import Answer
from nextstep.core.rendering import visible
from nextstep.core.stops import check_finished
from nextstep.errors import UnreadableReply

_TAG = re.compile(r"<\s*+(?:/\s*+)?next_step\b", re.IGNORECASE)
_STEP = re.compile(r"<next_step>(.*?)</next_step>", re.DOTALL | re.IGNORECASE)
_END = re.compile(r"</next_step>", re.IGNORECASE)


def read_step(answer: Answer) -> str:
    """The text inside the reply's one `<next_step>` element.

    Raises UnreadableReply when the reply was refused or cut off, or holds no such element or more than one: a list of
    steps is not a step, and of tags that do not pair up nobody knows which were meant.
    """
    check_finished(answer)
    steps, tags = _elements(answer.text), _tags(answer.text)
    if len(steps) != 1 or not steps[0] or tags != 2:
        found = "an empty one" if (steps, tags) == ([""], 2) else f"{len(steps)} of them in {tags} tags"
        raise UnreadableReply("unreadable", f"a reply must hold one <next_step> element with a step; found {found}")
    return steps[0]


def _elements(text: str) -> list[str]:
    """What stands in the elements. Nothing behind the last end is looked at, else each start would look through it."""
    last = max((end.end() for end in _END.finditer(text)), default=0)
    return [step.strip() if visible(step).strip() else "" for step in _STEP.findall(text, 0, last)]


def _tags(text: str) -> int:
    """How many tags somebody may see: also those with spaces, attributes or invisible characters, or look-alikes."""
    shown = visible(text)
    # One by one: of a long run of combining marks, Python puts the whole into order in quadratic time.
    folded = shown if shown.isascii() else "".join(unicodedata.normalize("NFKC", character) for character in shown)
    return len(_TAG.findall(folded))
