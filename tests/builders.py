"""Small sessions, suites and models that tests share."""

import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from nextstep.core.judging import Letter
from nextstep.core.records import Answer, Event, Kind, Order, Request, Role
from nextstep.models.scripted import ScriptedModel

PROMPTS = Path(__file__).parents[1] / "prompts"

SPOKEN = {
    "h": (Role.HUMAN, Kind.TEXT, None),
    "a": (Role.ASSISTANT, Kind.TEXT, None),
    "u": (Role.ASSISTANT, Kind.TOOL_USE, "Bash"),
    "r": (Role.TOOL, Kind.TOOL_RESULT, "Bash"),
    "n": (Role.SYSTEM, Kind.NOTE, None),
}


def events(*lines: str) -> tuple[Event, ...]:
    """Events from lines such as "h: why is it slow": h(uman), a(ssistant), u(se), r(esult), n(ote)."""
    made = []
    for idx, line in enumerate(lines):
        who, _, text = line.partition(": ")
        role, kind, tool = SPOKEN[who]
        made.append(Event(idx=idx, role=role, kind=kind, text=text, tool=tool))
    return tuple(made)


SESSION = (
    "h: the loss of {name} goes up after a while",
    "a: I will look at the loop.",
    "u: python train.py",
    "r: step 900 loss nan",
    "a: The rate may be too large, or the data odd. What next?",
    "h: lower the rate and run {name} again",
    "u: python train.py --rate 0.01",
    "r: step 1400 loss nan",
    "h: print the batch at the first nan in {name}",
    "r: row 17 holds inf",
    "a: Row 17 was the cause.",
)
"""A session with moments at 5 (a detour) and 8 (a control)."""


def write_session(folder: Path, name: str, lines: Sequence[str] = SESSION) -> Path:
    """A session's file in a suite folder."""
    path = folder / "sessions" / f"{name}.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    header = {"type": "session", "format": 1, "source": "test", "title": f"About {name}"}
    made = events(*(line.format(name=name) for line in lines))
    rows = [header, *({"idx": event.idx} | json.loads(event.content()) for event in made)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def moment_line(session: str, cut: int, set_name: str, **more: object) -> dict[str, object]:
    """A line of moments.jsonl."""
    line = {"session": session, "cut": cut, "set": set_name, "why": "because", "recovered_at": cut + 1}
    return line | {"resolution": "row 17", "tags": ["loss"]} | more


def write_suite(folder: Path, names: Iterable[str] = ("one", "two", "three")) -> Path:
    """A suite of small sessions, each with one detour and one control."""
    lines = []
    for name in names:
        write_session(folder, name)
        lines += [moment_line(name, 5, "detour"), moment_line(name, 8, "control")]
    (folder / "moments.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return folder


def step(text: str) -> str:
    """A candidate's reply with this step."""
    return f"<next_step>{text}</next_step>"


def judgement(letter: str, strength: str = "clear") -> str:
    """A judge's reply with this choice."""
    return json.dumps({"reasoning": "because", "choice": letter, "strength": strength})


MODEL_STEP = "look at the first batch that holds a value that is not finite"


def faithful_judge(prefers: Callable[[str, str], Letter | None]) -> ScriptedModel:
    """A judge that looks at both steps; `prefers` gives the slot of the better one, None for a tie."""

    def answer(request: Request) -> str:
        a, b = (part.partition("</step>")[0] for part in request.content[-1].split('<step label="')[1:])
        letter = prefers(a[3:].strip(), b[3:].strip())
        return judgement("tie" if letter is None else str(letter))

    return ScriptedModel(answer)


def prefers_model(a: str, b: str) -> Letter | None:
    """The slot that holds MODEL_STEP."""
    return Letter.A if MODEL_STEP in a else Letter.B


ORDERS = tuple(Order)


def answer(text: str, stop_reason: str = "end_turn") -> Answer:
    """A model's answer with this text."""
    return Answer(body="", text=text, stop_reason=stop_reason, latency_s=0.0)
