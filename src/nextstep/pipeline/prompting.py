"""A moment or a pair of steps -> the request that a model gets."""

from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from nextstep.config import CandidateSettings, EvalConfig, JudgeSettings, Judging, ModelSettings, ScribeSettings
from nextstep.core import trajectory
from nextstep.core.blinding import slots
from nextstep.core.forms import Form, free_form, same_form
from nextstep.core.ids import make_id
from nextstep.core.judging import ANSWER_SCHEMA, GUESS_SCHEMA
from nextstep.core.prompts import Prompt, parse_prompt
from nextstep.core.records import Event, Order, Request, RewriteKind
from nextstep.core.rendering import FITTING, Rendered, neutral, render
from nextstep.errors import PromptError
from nextstep.models import is_offline
from nextstep.pipeline.kept import Kept

DEFAULTS = Judging()
CANDIDATE_PLACEHOLDERS = frozenset({"trajectory", "form"})
JUDGE_PLACEHOLDERS = frozenset({"trajectory", "decision", "step_a", "step_b"})

SCRIBE_PROMPTS = {
    RewriteKind.FORM: "scribe",
    RewriteKind.REWORDED: "reword",
    RewriteKind.WORSENED: "worsen",
    RewriteKind.ORACLE: "oracle",
}
"""The prompt's file for each kind of rewriting."""
OFFLINE_SCRIBE = "offline/scribe"

SHARED_PLACEHOLDERS = frozenset({"trajectory", "form"})
"""What all requests about one moment have in common."""

NEWEST = 8
"""Events before the cut that a candidate's trajectory keeps as long as it can."""

NEAR, LAST = 4, 3
"""Events on each side of the decision, and at the end, that a judge's trajectory keeps as long as it can."""


def load_prompt(folder: Path, name: str, placeholders: frozenset[str]) -> Prompt:
    """The prompt NAME.md of a folder, checked."""
    path = folder / f"{name}.md"
    return parse_prompt(str(path), _text(path), placeholders)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise PromptError(f"{path}: cannot be read ({error}); `nextstep init` writes the prompts") from error


def load_form(folder: Path, judging: Judging) -> Form:
    """The form of steps that a folder of prompts describes, as the way of judging wants it."""
    name, make = ("form", same_form) if judging.same_form else ("free", free_form)
    path = folder / f"{name}.md"
    return make(_text(path), str(path))


@dataclass(frozen=True)
class Beginning:
    """What many requests begin with: the system prompt and the first text, with the trajectory in it."""

    system: str
    first: str
    shortened: bool
    """Whether the trajectory was shortened."""

    @property
    def size(self) -> int:
        """Characters."""
        return len(self.system) + len(self.first)


class CandidatePrompt:
    """How candidates are asked."""

    def __init__(self, folder: Path, judging: Judging = DEFAULTS) -> None:
        self.prompt = load_prompt(folder, "candidate", CANDIDATE_PLACEHOLDERS)
        self.form = load_form(folder, judging)

    @property
    def way(self) -> str:
        """Names how all candidates are asked alike: the prompt and the form of steps, not who is asked."""
        return make_id("asking", self.prompt.digest, self.form.digest, FITTING)

    def hash(self, candidate: CandidateSettings) -> str:
        """Names the prompt with the candidate's parameters."""
        return make_id("propose", self.prompt.digest, self.form.digest, FITTING, candidate.parameters())

    def beginning(self, events: tuple[Event, ...], cut: int, candidate: ModelSettings) -> Beginning | None:
        """What the requests for a next step at `cut` begin with; None where the prompt does not put it first."""
        key = (id(events), cut, candidate.max_input_tokens)
        return _begin(self.prompt, key, events, lambda: _prefix(events, cut, candidate), form=self.form.text)

    def request(self, events: tuple[Event, ...], cut: int, candidate: CandidateSettings) -> tuple[Request, bool]:
        """The request for one next step at `cut`, and whether its prefix was shortened."""
        beginning = self.beginning(events, cut, candidate)
        values = {"form": self.form.text}
        return _request(self.prompt, candidate, beginning, lambda: _prefix(events, cut, candidate), values)


class ScribePrompt:
    """How a scribe is asked for one kind of rewriting."""

    def __init__(self, folder: Path, kind: RewriteKind, config: EvalConfig) -> None:
        self.kind = kind
        self.scribe = scribe_of(config)
        self.form = load_form(folder, config.judging)
        self._is_chosen = config.judging.scribe is not None
        self._given = "resolution" if kind is RewriteKind.ORACLE else "step"
        self.prompt = load_prompt(folder, SCRIBE_PROMPTS[kind], frozenset({"trajectory", "form", self._given}))

    @cached_property
    def hash(self) -> str:
        """Names the prompt; with the scribe's parameters where the config chooses one.

        Otherwise what one scribe wrote serves all judges: only models and offline ones are told apart.
        """
        scribe = self.scribe.parameters() if self._is_chosen else {"offline": is_offline(self.scribe.model)}
        return make_id("scribe", self.prompt.digest, self.form.digest, FITTING, scribe)

    def beginning(self, events: tuple[Event, ...], cut: int) -> Beginning | None:
        """What the requests for rewritings at `cut` begin with; None where the prompt puts the given text first."""
        key = (id(events), cut, self.scribe.max_input_tokens)
        return _begin(self.prompt, key, events, lambda: _prefix(events, cut, self.scribe), form=self.form.text)

    def request(self, events: tuple[Event, ...], cut: int, given: str) -> tuple[Request, bool]:
        """The request to rewrite the `given` text at `cut`, and whether the prefix was shortened."""
        values = {"form": self.form.text, self._given: neutral(given)}
        beginning = self.beginning(events, cut)
        return _request(self.prompt, self.scribe, beginning, lambda: _prefix(events, cut, self.scribe), values)


def scribe_of(config: EvalConfig) -> ScribeSettings:
    """Who brings the human's steps into the one form: as configured, else the first judge that is not offline."""
    if config.judging.scribe:
        return config.judging.scribe
    for judge in config.judges:
        if not is_offline(judge.model):
            return ScribeSettings.model_validate(judge.model_dump() | {"name": None})
    return ScribeSettings(model=OFFLINE_SCRIBE)


class JudgePrompt:
    """How judges are asked about two steps at the decision point of a whole session."""

    def __init__(
        self, folder: Path, config: EvalConfig, name: str = "judge", schema: dict[str, object] = ANSWER_SCHEMA
    ) -> None:
        self.prompt = load_prompt(folder, name, JUDGE_PLACEHOLDERS)
        self.judging = config.judging
        self.schema = schema
        form = ScribePrompt(folder, RewriteKind.FORM, config) if config.judging.same_form else None
        self.form = form
        """How the human's step is brought into the one form; None where it keeps the person's own words."""

    @cached_property
    def way(self) -> str:
        """Names how all judges are asked alike: the prompt and the way of judging, not who is asked."""
        judging = (self.judging.orders, self.judging.hide_decision, self.form.hash if self.form else None)
        return make_id("way", self.prompt.digest, FITTING, *judging, self.schema)

    def hash(self, judge: JudgeSettings) -> str:
        """Names the way of asking with the judge's parameters."""
        return make_id("judge", self.way, judge.parameters())

    def request(
        self,
        events: tuple[Event, ...],
        cut: int,
        pair: tuple[str, str],
        order: Order,
        judge: JudgeSettings,
        *,
        recovered_at: int | None = None,
    ) -> tuple[Request, bool]:
        """The request for one verdict on (model's step, human's step), and whether the trajectory was shortened.

        `recovered_at` only says which events are shortened last; the judge is not told of it.
        """
        step_a, step_b = slots(order, model_step=pair[0], human_step=pair[1])
        values = {"decision": decision_note(cut), "step_a": neutral(step_a), "step_b": neutral(step_b)}
        beginning = self.beginning(events, cut, judge, recovered_at=recovered_at)

        def whole() -> Rendered:
            return self._trajectory(events, cut, judge, recovered_at)

        return _request(self.prompt, judge, beginning, whole, values, self.schema)

    def beginning(
        self, events: tuple[Event, ...], cut: int, judge: JudgeSettings, *, recovered_at: int | None = None
    ) -> Beginning | None:
        """What the requests about `cut` begin with; None where the prompt puts the steps first."""
        key = (id(events), cut, recovered_at, self.judging.hide_decision, judge.max_input_tokens)
        return _begin(self.prompt, key, events, lambda: self._trajectory(events, cut, judge, recovered_at))

    def _trajectory(
        self, events: tuple[Event, ...], cut: int, judge: JudgeSettings, recovered_at: int | None
    ) -> Rendered:
        """The whole session, the turn at the cut hidden if it is to be."""
        keep = judge_keeps(events, cut, cut if recovered_at is None else recovered_at)
        if not self.judging.hide_decision:
            return render(events, judge.max_input_tokens, keep=keep)
        return render(without_turn(events, cut), judge.max_input_tokens, decision=cut, keep=keep)


def guess_prompt(folder: Path, config: EvalConfig) -> JudgePrompt:
    """How judges are asked which of two steps a model wrote."""
    return JudgePrompt(folder, config, "guess", GUESS_SCHEMA)


def _prefix(events: tuple[Event, ...], cut: int, model: ModelSettings) -> Rendered:
    """What was known at a cut, as text that fits the model's window."""
    seen = trajectory.prefix(events, cut)
    return render(seen, model.max_input_tokens, keep=(range(len(seen) - NEWEST, len(seen)),))


def _begin(
    prompt: Prompt, key: tuple[object, ...], events: tuple[Event, ...], make: Callable[[], Rendered], **values: str
) -> Beginning | None:
    """A beginning, kept for the calls that come soon: other samples, orders, candidates and judges.

    Named by the identity of the events, which are kept with it so that no others can take it.
    """
    if not prompt.beginning_names <= SHARED_PLACEHOLDERS or "trajectory" in prompt.rest_names:
        return None
    return _BEGINNINGS.get((prompt.digest, *key, *values.values()), events, lambda: _filled(prompt, make(), values))


def _filled(prompt: Prompt, rendered: Rendered, values: Mapping[str, str]) -> Beginning:
    return Beginning(*prompt.fill_beginning(trajectory=rendered.text, **values), rendered.shortened)


def _request(
    prompt: Prompt,
    model: ModelSettings,
    beginning: Beginning | None,
    whole: Callable[[], Rendered],
    values: dict[str, str],
    schema: dict[str, object] | None = None,
) -> tuple[Request, bool]:
    """The filled prompt for a model, and whether its trajectory was shortened; `whole` renders it where nobody has."""
    if beginning is None:
        rendered = whole()
        beginning, values = _filled(prompt, rendered, values), values | {"trajectory": rendered.text}
    request = Request(
        model=model.model,
        system=beginning.system,
        content=(beginning.first, *prompt.fill_rest(**values)),
        max_tokens=model.max_tokens,
        effort=model.effort,
        answer_schema=schema,
    )
    return request, beginning.shortened


def decision_note(cut: int) -> str:
    """Where the decision point is, outside the trajectory, so that an unmarked one serves all moments of a session."""
    return f'<decision_point n="{cut}">The decision point is entry {cut} of the trajectory.</decision_point>'


def without_turn(events: tuple[Event, ...], cut: int) -> tuple[Event, ...]:
    """The events without those between the agent's last act and the cut: earlier parts of the turn that is hidden."""
    return (*trajectory.prefix(events, cut), *events[cut:])


def judge_keeps(events: tuple[Event, ...], cut: int, outcome: int) -> tuple[Container[int], ...]:
    """What the judge's trajectory keeps: the way from the decision to the outcome and, dearest, both with the end."""
    before = len(trajectory.prefix(events, cut)) - NEAR
    way = range(before, outcome + NEAR + 1)
    decided, came_out = range(before, cut + NEAR + 1), range(outcome - NEAR // 2, outcome + NEAR // 2 + 1)
    return way, frozenset((*decided, *came_out, *range(len(events) - LAST, len(events))))


def forget_renderings() -> None:
    """Render anew from here on: an audit proves nothing by what was kept."""
    _BEGINNINGS.clear()


KEPT_CHARACTERS = 4_000_000
"""Of beginnings that are kept, in all."""

_BEGINNINGS: Kept[Beginning] = Kept(KEPT_CHARACTERS, lambda beginning: beginning.size)
