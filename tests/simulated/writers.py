"""The candidates, and the scribe that rewrites steps: functions of a request and its chances that give a step.

All write in the one form, about as many words, so that only the suspect and a family's style word tell steps apart.
"""

import random
import re
from collections.abc import Callable

from nextstep.core.forms import LABELS, in_lines, parts
from nextstep.core.records import Request
from tests.simulated.reading import events, fenced, wire_name
from tests.simulated.styles import PLAIN, style
from tests.simulated.suite import READINGS
from tests.simulated.words import named

Writer = Callable[[Request, random.Random], str]

CLEAR = 0.5
"""A reading above it is clear evidence: so it is before a control, and never before a detour."""

PHRASES = (
    ("find out whether {} is at fault", "settle what {} does here", "test {} on its own now"),
    ("{style} the readings leave it open", "{style} it costs least to decide", "{style} nothing else fits as well"),
    ("run the smallest trial with {} left out", "print what {} gives at the first failure"),
    ("{} is shown to be sound or not", "two runs in a row agree on {}"),
)
"""What is said in each line of the form."""

OTHER_PHRASES = (
    ("see if the fault lies with {}", "decide about {} for good", "take {} and try it alone"),
    ("{style} no figure excludes that yet", "{style} no check is cheaper", "{style} all the rest explains less"),
    ("repeat a short trial without {} in it", "log the output of {} where it breaks"),
    ("it is plain whether {} is broken", "a second try says the same of {}"),
)
"""The same in other words."""

IDLE = ("the style of the plots", "the layout of the folders", "the wording of the notes")
"""What a step may be about without naming a suspect."""

_SHARE = re.compile(r"(\w+) (0\.\d+)")


def candidate(faint: float = 0.5, clear: float = 0.6) -> Writer:
    """A candidate that names the guilty suspect with the chance `faint` at detours and `clear` at controls.

    Otherwise it names an innocent one of the same moment. It knows them by the last reading that it is shown. Its
    steps hold the style word of its family.
    """

    def proposed(request: Request, chance: random.Random) -> str:
        reading = [text for _, text in events(request) if text.startswith(READINGS)][-1]
        ranked = sorted(_SHARE.findall(reading), key=lambda share: -float(share[1]))
        (guilty, highest), *innocent = ranked
        right = chance.random() < (clear if float(highest) > CLEAR else faint)
        subject = guilty if right else chance.choice(innocent)[0]
        return compose(subject, chance, style_word=style(wire_name(request.model)) or PLAIN)

    return proposed


def form(request: Request, chance: random.Random) -> str:
    """The request's step in the four lines; its own words are the direction. One that has the form stays as it is."""
    given = fenced(request, "step")
    if tuple(label for label, _ in parts(given)) == LABELS:
        return given
    return compose(subject_of(given), chance, direction=" ".join(given.split()))


def reworded(request: Request, chance: random.Random) -> str:
    """A step about the same suspect in other words."""
    return compose(subject_of(fenced(request, "step")), chance, phrases=OTHER_PHRASES)


def worsened(_request: Request, chance: random.Random) -> str:
    """A step that reads like the others and names no suspect."""
    return compose(chance.choice(IDLE), chance)


def oracle(request: Request, chance: random.Random) -> str:
    """A step about the suspect that the request's resolution names."""
    return compose(subject_of(fenced(request, "resolution")), chance)


SCRIBE: dict[str, Writer] = {"form": form, "reworded": reworded, "worsened": worsened, "oracle": oracle}
"""What the scribe does, by the task that the system prompt names."""


def subject_of(text: str) -> str:
    """The suspect that a text names first, or "that"."""
    return next(iter(named(text)), "that")


def compose(
    subject: str,
    chance: random.Random,
    *,
    phrases: tuple[tuple[str, ...], ...] = PHRASES,
    style_word: str = PLAIN,
    direction: str | None = None,
) -> str:
    """A step in the one form about a subject; `direction` stands in the first line as it is."""
    said = [chance.choice(choices).format(subject, style=style_word) for choices in phrases]
    said[0] = direction or said[0]
    return in_lines(*said)
