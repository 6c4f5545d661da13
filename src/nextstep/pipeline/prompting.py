"""A moment or a pair of steps -> the request that a model gets."""

from collections.abc import Container
from functools import lru_cache
from pathlib import Path

from nextstep.config import CandidateSettings, JudgeSettings, Judging
from nextstep.core import trajectory
from nextstep.core.blinding import slots
from nextstep.core.ids import make_id
from nextstep.core.judging import ANSWER_SCHEMA
from nextstep.core.prompts import Prompt, parse_prompt
from nextstep.core.records import Event, Order, Request
from nextstep.core.rendering import FITTING, Rendered, neutral, render
from nextstep.errors import PromptError

CANDIDATE_PLACEHOLDERS = frozenset({"trajectory"})
JUDGE_PLACEHOLDERS = frozenset({"trajectory", "decision", "step_a", "step_b"})

NEWEST = 8
"""Events before the cut that a candidate's trajectory keeps as long as it can."""

NEAR, LAST = 4, 3
"""Events on each side of the decision, and at the end, that a judge's trajectory keeps as long as it can."""


def load_prompt(folder: Path, name: str, placeholders: frozenset[str]) -> Prompt:
    """The prompt NAME.md of a folder, checked."""
    path = folder / f"{name}.md"
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise PromptError(f"{path}: cannot be read ({error}); `nextstep init` writes the prompts") from error
    return parse_prompt(str(path), text, placeholders)


class CandidatePrompt:
    """How candidates are asked."""

    def __init__(self, folder: Path) -> None:
        self.prompt = load_prompt(folder, "candidate", CANDIDATE_PLACEHOLDERS)

    def hash(self, candidate: CandidateSettings) -> str:
        """Names the prompt with the candidate's parameters."""
        return make_id("propose", self.prompt.digest, FITTING, candidate.parameters())

    def request(self, events: tuple[Event, ...], cut: int, candidate: CandidateSettings) -> tuple[Request, bool]:
        """The request for one next step at `cut`, and whether its prefix was shortened."""
        seen = trajectory.prefix(events, cut)
        newest = range(len(seen) - NEWEST, len(seen))
        rendered = _render(seen, candidate.max_input_tokens, None, (newest,))
        system, content = self.prompt.fill(trajectory=rendered.text)
        request = Request(
            model=candidate.model,
            system=system,
            content=content,
            max_tokens=candidate.max_tokens,
            effort=candidate.effort,
        )
        return request, rendered.shortened


class JudgePrompt:
    """How judges are asked."""

    def __init__(self, folder: Path, judging: Judging) -> None:
        self.prompt = load_prompt(folder, "judge", JUDGE_PLACEHOLDERS)
        self.judging = judging

    def hash(self, judge: JudgeSettings) -> str:
        """Names the prompt with the judge's parameters and the way of judging."""
        parts = (FITTING, judge.parameters(), self.judging.model_dump(), ANSWER_SCHEMA)
        return make_id("judge", self.prompt.digest, *parts)

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
        hidden = cut if self.judging.hide_decision else None
        keep = judge_keeps(events, cut, cut if recovered_at is None else recovered_at)
        rendered = _render(events, judge.max_input_tokens, hidden, keep)
        step_a, step_b = slots(order, model_step=pair[0], human_step=pair[1])
        system, content = self.prompt.fill(
            trajectory=rendered.text, decision=decision_note(cut), step_a=neutral(step_a), step_b=neutral(step_b)
        )
        request = Request(
            model=judge.model,
            system=system,
            content=content,
            max_tokens=judge.max_tokens,
            effort=judge.effort,
            answer_schema=ANSWER_SCHEMA,
        )
        return request, rendered.shortened


def decision_note(cut: int) -> str:
    """Where the decision point is, outside the trajectory, so that an unmarked one serves all moments of a session."""
    return f'<decision_point n="{cut}">The decision point is entry {cut} of the trajectory.</decision_point>'


def judge_keeps(events: tuple[Event, ...], cut: int, outcome: int) -> tuple[Container[int], ...]:
    """What the judge's trajectory keeps: the way from the decision to the outcome and, dearest, both with the end."""
    before = len(trajectory.prefix(events, cut)) - NEAR
    way = range(before, outcome + NEAR + 1)
    decided, came_out = range(before, cut + NEAR + 1), range(outcome - NEAR // 2, outcome + NEAR // 2 + 1)
    return way, frozenset((*decided, *came_out, *range(len(events) - LAST, len(events))))


@lru_cache(maxsize=4)
def _render(
    events: tuple[Event, ...], max_tokens: int, decision: int | None, keep: tuple[Container[int], ...]
) -> Rendered:
    """Rendering, kept for the neighbouring calls of the same moment: both orders, several samples and judges."""
    return render(events, max_tokens, decision=decision, keep=keep)


def forget_renderings() -> None:
    """Render anew from here on: an audit proves nothing by what was kept."""
    _render.cache_clear()
