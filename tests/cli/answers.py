"""What a server answers that plays a candidate, a scribe and a judge who can be trusted, on a suite made for it.

Every session has a name, and a box of its own that held the cause. The judge looks at the steps and at what came after:
a step about another session is worth nothing, one that names the box is worth most if the box is in what it can read.
"""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.builders import formed, guessed, judgement, moment_line, step, write_session
from tests.loopback import Reply, plain

SESSION = (
    "h: the loss of {name} goes up after a while",
    "a: I will look at the loop of {name}.",
    "r: step 900 loss nan",
    "a: The rate may be too large, or the data odd. What next?",
    "h: lower the rate and run {name} again",
    "r: step 1400 loss nan",
    "h: print the batch at the first nan in {name}",
    "r: a row of box-{name} holds inf",
    "a: So box-{name} was the cause.",
)
DETOUR, CONTROL = 4, 6
GOOD, POOR = "look at the values before the first nan", "go on in silence"

_SLOT = re.compile(r'<step label="[AB]">\n(.*?)\n</step>', re.DOTALL)
_GIVEN = re.compile(r"<(?:step|resolution)>\n(.*?)\n</(?:step|resolution)>", re.DOTALL)
_NAME = re.compile(r"\bs\d{3}\b")
_CUT = re.compile(r'<decision_point n="(\d+)">')


def write_suite(folder: Path, sessions: int) -> None:
    """A suite with a detour and a control in each session."""
    lines = []
    for i in range(sessions):
        name = f"s{i:03}"
        write_session(folder, name, SESSION)
        more = {"resolution": f"look into box-{name} of {name}", "recovered_at": 7}
        lines += [moment_line(name, DETOUR, "detour", **more), moment_line(name, CONTROL, "control", **more)]
    (folder / "moments.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))


def answering(proposed: Callable[[str], str]) -> Callable[[dict[str, Any]], Reply]:
    """A server's answers; `proposed` gives a candidate's step by the name of the model."""

    def answer(body: dict[str, Any]) -> Reply:
        system = json.dumps(body.get("system"))
        text = "".join(block["text"] for block in body["messages"][0]["content"])
        if "TASK: guess" in system:
            return plain(guessed("unsure"))
        if "output_config" in body:
            return plain(judgement(_verdict(text)))
        if found := _GIVEN.findall(text):
            kind = re.search(r"TASK: (\w+)", system)
            return plain(step(formed(f"{kind[1] if kind else ''} {found[-1]}")))
        return plain(step(formed(proposed(body["model"]))))

    return answer


def _verdict(text: str) -> str:
    """The letter of the step that is worth more, or tie."""
    a, b = (_worth(found, text) for found in _SLOT.findall(text))
    return "tie" if a == b else "A" if a > b else "B"


def _worth(found: str, text: str) -> int:
    seen = text[: text.rindex('<step label="A">')]
    named = _NAME.findall(found)
    (own,) = set(_NAME.findall(seen.split("The rate may be")[0]))
    if "oracle" in found:
        return 4 if f"box-{own} was the cause" in seen else 1
    if POOR in found or "worsen" in found.split(own, maxsplit=1)[0] or any(name != own for name in named):
        return 0
    if GOOD in found:
        return 3 if _cut(text) == DETOUR or int(own[1:]) % 5 == 0 else 1
    return 2 if own in found else 0


def _cut(text: str) -> int:
    found = _CUT.search(text)
    return int(found[1]) if found else -1
