"""A request as the simulated models read it, in process or behind the loopback server."""

import hashlib
import json
import random
import re
from collections import Counter
from dataclasses import dataclass

from nextstep.core.records import Request
from tests.loopback.replies import Body
from tests.simulated.suite import CAUSE
from tests.simulated.words import named

_EVENT = re.compile(r'<event n="(\d+)" from="\w+" kind="\w+"[^>]*>\n(.*?)\n</event>', re.DOTALL)
_DECISION = re.compile(r'<decision_point n="(\d+)">')
_SLOT = re.compile(r'<step label="([AB])">\n(.*?)\n</step>', re.DOTALL)
_TASK = re.compile(r"^TASK: (\w+)\s*$", re.MULTILINE)
_CAUSE = re.compile(rf"{CAUSE} (\w+)", re.IGNORECASE)


class Dice:
    """Chances that depend on the seed, the request and how often it came before, on nothing else under way."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.seen: Counter[str] = Counter()

    def roll(self, request: Request) -> random.Random:
        """The chances of this request, this time."""
        asked = json.dumps([wire_name(request.model), request.system, request.content])
        digest = hashlib.blake2b(asked.encode(), digest_size=16).hexdigest()
        self.seen[digest] += 1
        return random.Random(f"{self.seed} {digest} {self.seen[digest]}")


@dataclass(frozen=True)
class Case:
    """What a judge is asked: two steps, and what the trajectory says of suspects.

    `before` are the suspects that events before the decision name, `causes` those that events after it find guilty.
    """

    judge: str
    a: str
    b: str
    before: frozenset[str]
    causes: frozenset[str]

    @property
    def identical(self) -> bool:
        """Whether both steps are the same text."""
        return self.a == self.b

    @property
    def even(self) -> bool:
        """Whether both steps are worth the same."""
        return self.worth(self.a) == self.worth(self.b)

    def worth(self, step: str) -> int:
        """2, 1 or 0, by the suspect that a step names first: what would in fact be done first."""
        first = next(iter(named(step)), "")
        return 2 if first in self.causes else 1 if first in self.before else 0


def request_of(body: Body) -> Request:
    """The request in the JSON of a Messages API call; the texts of all messages are its content."""
    system = "\n".join(_texts(body.get("system", "")))
    content = tuple(text for message in body["messages"] for text in _texts(message["content"]))
    return Request(model=body["model"], system=system, content=content, max_tokens=body["max_tokens"])


def _texts(value: str | list[dict[str, str]]) -> list[str]:
    return [value] if isinstance(value, str) else [block["text"] for block in value if block["type"] == "text"]


def wire_name(model: str) -> str:
    """A model's name as its server knows it, without the endpoint's in front of it."""
    return model.rpartition("/")[2]


def task(request: Request) -> str | None:
    """What the system prompt's line `TASK: ...` asks for; None in a candidate's and a judge's request, without one."""
    found = _TASK.search(request.system)
    return found[1] if found else None


def events(request: Request) -> list[tuple[int, str]]:
    """The number and the text of each event of the trajectory."""
    return [(int(number), text) for number, text in _EVENT.findall(_all(request))]


def fenced(request: Request, tag: str) -> str:
    """The text in the last element of this name; ValueError where there is none."""
    found = re.findall(rf"<{tag}>((?:(?!<{tag}>).)*?)</{tag}>", _all(request), re.DOTALL)
    if not found:
        raise ValueError(f"the request holds no <{tag}> element")
    return str(found[-1]).strip()


def slots(request: Request) -> tuple[str, str] | None:
    """The steps in slot A and slot B; None where the request does not hold both."""
    found = dict(_SLOT.findall(_all(request)))
    return (found["A"].strip(), found["B"].strip()) if len(found) == 2 else None


def case_of(request: Request) -> Case:
    """What a judge is asked; ValueError where the request holds no two steps or no decision point."""
    steps, decisions = slots(request), _DECISION.findall(_all(request))
    if steps is None or not decisions:
        raise ValueError("the request holds no two steps, or no decision point")
    told, cut = events(request), int(decisions[-1])
    before = frozenset(name for number, text in told if number < cut for name in named(text))
    causes = frozenset(found.lower() for number, text in told if number > cut for found in _CAUSE.findall(text))
    return Case(wire_name(request.model), *steps, before, causes)


def _all(request: Request) -> str:
    return "\n".join(request.content)
