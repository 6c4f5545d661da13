"""Small sessions, suites and models that tests share."""

import asyncio
import json
import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from nextstep.config import EvalConfig
from nextstep.core.forms import LABELS, in_lines, parts
from nextstep.core.judging import Letter
from nextstep.core.records import Answer, Event, Kind, Order, Request, Role
from nextstep.models import is_offline
from nextstep.models.base import AS_IT_IS, Model, Sending
from nextstep.models.offline import open_offline
from nextstep.models.scripted import ScriptedModel
from nextstep.pipeline.calibrate import Calibration, calibrate, make_calibration
from nextstep.pipeline.evaluate import Job, evaluate, make_job
from nextstep.pipeline.running import RunResult
from nextstep.pipeline.watching import Watcher
from nextstep.sources.suite import Suite, load_suite
from nextstep.store import Store

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
        letter = prefers(*slots_of(request))
        return judgement("tie" if letter is None else str(letter))

    return ScriptedModel(answer)


def prefers_model(a: str, b: str) -> Letter | None:
    """The slot that holds MODEL_STEP."""
    return Letter.A if MODEL_STEP in a else Letter.B


ORDERS = tuple(Order)


def answer(text: str, stop_reason: str = "end_turn") -> Answer:
    """A model's answer with this text."""
    return Answer(body="", text=text, stop_reason=stop_reason, latency_s=0.0)


_TASK = re.compile(r"^TASK: (\w+)$", re.MULTILINE)
_SLOT = re.compile(r'<step label="[AB]">\n(.*?)\n</step>', re.DOTALL)
_GIVEN = re.compile(r"<(?:step|resolution)>\n(.*?)\n</(?:step|resolution)>", re.DOTALL)


def asked_for(request: Request) -> str:
    """What a request is for: propose, judge, guess, or one of a scribe's kinds of rewriting."""
    if found := _TASK.search(request.system):
        return found[1]
    return "propose" if request.answer_schema is None else "judge"


def slots_of(request: Request) -> tuple[str, str]:
    """The steps in slot A and slot B of a judge's request."""
    a, b = _SLOT.findall(request.content[-1])
    return a, b


def given_to(request: Request) -> str:
    """The step, or the resolution, that a scribe is given; of one in the form, its direction."""
    given = str(_GIVEN.findall(request.content[-1])[-1])
    return dict(parts(given)).get(LABELS[0], given)


def formed(direction: str) -> str:
    """A step in the one form, in its band for a direction of up to 55 words."""
    return in_lines(direction, "what was seen so far speaks for it", "whatever shows it soonest", "it has shown")


def rewritten(request: Request) -> str:
    """A scribe's reply: the kind of the rewriting as the first word of the direction."""
    return step(formed(f"{asked_for(request)} {given_to(request)}"))


def guessed(letter: str) -> str:
    """A judge's reply with this guess of which step is the model's."""
    return json.dumps({"reasoning": "by its tone", "guess": letter})


class World:
    """A suite, a store, and one scripted model for each role, to run evaluations and calibrations with.

    Roles go by what is asked, whatever the model's name; `offline/` models are the real ones.
    """

    def __init__(self, folder: Path) -> None:
        self.suite_folder = write_suite(folder / "suite")
        self.store = Store(folder / "s.duckdb")
        self.prompts = PROMPTS
        self.candidate = ScriptedModel(lambda _: step(MODEL_STEP))
        self.scribe = ScriptedModel(rewritten)
        self.judge = faithful_judge(prefers_model)
        self.guesser = ScriptedModel(lambda _: guessed("unsure"))
        self.config: dict[str, Any] = {"candidates": ["cand"], "judges": ["judge"], "judging": {}}

    def open(self, name: str) -> Model:
        """A model as a run opens it."""
        return open_offline(name.removeprefix("offline/")) if is_offline(name) else _Roles(self)

    def role(self, request: Request) -> ScriptedModel:
        """Who answers a request."""
        roles = {"propose": self.candidate, "judge": self.judge, "guess": self.guesser}
        return roles.get(asked_for(request), self.scribe)

    @property
    def suite(self) -> Suite:
        """As it is in its folder now."""
        return load_suite(self.suite_folder)

    def job(self, **more: Any) -> Job:
        """The evaluation that `config` asks for."""
        return make_job(EvalConfig.model_validate(self.config), self.suite, self.prompts, **more)

    def run(self, **more: Any) -> RunResult:
        """Evaluate."""
        return asyncio.run(evaluate(self.job(**more), self.store, Watcher(), opener=self.open))

    def calibration(self, **more: Any) -> Calibration:
        """The calibration that `config` asks for."""
        return make_calibration(EvalConfig.model_validate(self.config), self.suite, self.prompts, **more)

    def calibrate(self, **more: Any) -> RunResult:
        """Calibrate."""
        return asyncio.run(calibrate(self.calibration(**more), self.store, Watcher(), opener=self.open))

    def rows(self, statement: str) -> list[Any]:
        """What the store answers."""
        with self.store.read() as connection:
            return connection.execute(statement).fetchall()

    @property
    def asked(self) -> tuple[int, int]:
        """Requests for proposals and for verdicts so far."""
        return len(self.candidate.requests), len(self.judge.requests)

    @property
    def asked_of_all(self) -> int:
        """Requests of every kind so far."""
        return sum(len(model.requests) for model in (self.candidate, self.scribe, self.judge, self.guesser))


class _Roles:
    """A model that hands each request to the role that it is for."""

    def __init__(self, world: World) -> None:
        self.world = world

    async def ask(self, request: Request, sending: Sending = AS_IT_IS) -> Answer:
        return await self.world.role(request).ask(request, sending)

    async def count_tokens(self, request: Request) -> None:
        return

    async def look_up(self, name: str) -> str:
        return name

    async def aclose(self) -> None:
        return


def with_more(folder: Path, name: str, text: str) -> Path:
    """A copy of the prompts in a new folder, one of them with a text at its end."""
    folder.mkdir()
    for path in PROMPTS.glob("*.md"):
        (folder / path.name).write_text(path.read_text() + (text if path.stem == name else ""))
    return folder


def accounted(row: dict[str, Any]) -> bool:
    """Whether a win rate's counts add up to what was due."""
    counts = ("wins", "losses", "ties", "flips", "failures", "pending")
    return bool(sum(row[count] for count in counts) == row["due"])
