"""A trajectory as text for a model: numbered, fenced, within a budget, with visible marks where something is left out.

Policy when the text is too long, deterministic and applied in this order until it fits:

1. tool inputs and results, the oldest first, keep their first and last `KEPT` characters;
2. events other than the human's are left out, the oldest first;
3. the human's events, the oldest first, keep their first and last `KEPT` characters.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby

from nextstep.core.records import Event, Kind, Role

KEPT = 400
"""Characters kept at each end of a shortened text."""

CHARS_PER_TOKEN = 3.0
"""A cautious figure for budgets: prose has about 4 characters a token, code and logs about 3."""

FENCES = ("event", "trajectory", "decision_point", "step", "next_step", "omitted")
"""The tags that prompts use; no text from outside may open or close one."""

_FENCE = re.compile(rf"<(?=\s*+(?:/\s*+)?(?:{'|'.join(FENCES)})\b)", re.IGNORECASE)
_INVISIBLE = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufff9-\ufffb"  # controls, lone surrogates, interlinear marks
    r"\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164"
    r"\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
"""Control characters, and all that Unicode calls default-ignorable: a reader sees nothing, a model may see words."""

_UNSAFE = re.compile(r"[^\w.:-]")
_BULKY = frozenset({Kind.TOOL_USE, Kind.TOOL_RESULT})


@dataclass(frozen=True)
class Rendered:
    """Text for a prompt, and whether anything was left out of it."""

    text: str
    shortened: bool


def estimate_tokens(text: str) -> int:
    """Tokens that a text may take, estimated high; a server's own count is better where there is one."""
    return int(len(text) / CHARS_PER_TOKEN) + 1


def visible(text: str) -> str:
    """The text without control and invisible characters, which could steer a terminal or hide words from a reader."""
    return _INVISIBLE.sub("", text)


def neutral(text: str) -> str:
    """The visible text without the power to open or close a fence."""
    return _FENCE.sub("\N{SINGLE LEFT-POINTING ANGLE QUOTATION MARK}", visible(text))


def render(events: Sequence[Event], max_tokens: int, *, decision: int | None = None) -> Rendered:
    """The events as fenced text of at most about `max_tokens` (estimated) tokens.

    With `decision`, the event of that index is replaced by a mark that says a decision was taken there: the judge is
    to compare two steps without being told which of them stood in the session. Nothing of it is ever left out.
    """
    budget = int(max_tokens * CHARS_PER_TOKEN)
    texts = [_fence(event) if event.idx != decision else decision_mark(decision) for event in events]
    whole = "\n".join(texts)
    if len(whole) <= budget:
        return Rendered(whole, shortened=False)
    texts = _shorten(events, texts, budget, lambda event: event.kind in _BULKY and event.idx != decision)
    texts = _leave_out(events, texts, budget, decision)
    texts = _shorten(events, texts, budget, lambda event: event.role is Role.HUMAN and event.idx != decision)
    text = _join(texts)
    return Rendered(text, shortened=text != whole)


def decision_mark(idx: int) -> str:
    """What stands in a trajectory in place of the human's words at the decision point."""
    text = "Here the person chose what to do next. Their words are not repeated; what follows is what came of them."
    return f'<decision_point n="{idx}">\n{text}\n</decision_point>'


def _fence(event: Event, text: str | None = None) -> str:
    tool = f' tool="{_UNSAFE.sub("_", event.tool)}"' if event.tool else ""
    body = neutral(event.text if text is None else text)
    return f'<event n="{event.idx}" from="{event.role}" kind="{event.kind}"{tool}>\n{body}\n</event>'


def _shorten(events: Sequence[Event], texts: list[str], budget: int, wanted: Callable[[Event], bool]) -> list[str]:
    """Keep both ends of the wanted events' texts, the oldest first, until all fit."""
    texts, excess = list(texts), len(_join(texts)) - budget
    for i, event in enumerate(events):
        if excess <= 0:
            break
        if texts[i] and wanted(event) and len(event.text) > 3 * KEPT:
            short = _fence(event, _both_ends(event.text))
            excess -= len(texts[i]) - len(short)
            texts[i] = short
    return texts


def _both_ends(text: str) -> str:
    return f"{text[:KEPT]}\n[... {len(text) - 2 * KEPT:,} characters left out ...]\n{text[-KEPT:]}"


def _leave_out(events: Sequence[Event], texts: list[str], budget: int, decision: int | None) -> list[str]:
    """Empty the texts of what no human said, the oldest first, until all fit."""
    texts, excess = list(texts), len(_join(texts)) - budget
    mark = len(_omitted(len(texts)))
    for i, event in enumerate(events):
        if excess <= 0:
            break
        if event.role is not Role.HUMAN and event.idx != decision:
            joins_a_mark = i > 0 and not texts[i - 1]
            excess -= len(texts[i]) + 1 if joins_a_mark else len(texts[i]) - mark
            texts[i] = ""
    return texts


def _omitted(count: int) -> str:
    """The mark for events left out: short, so that it takes less room than any event."""
    return f"<omitted>{count} events left out</omitted>"


def _join(texts: list[str]) -> str:
    """The texts, each run of emptied ones replaced by a mark."""
    parts: list[str] = []
    for empty, run in groupby(texts, key=lambda text: not text):
        kept = list(run)
        parts.extend([_omitted(len(kept))] if empty else kept)
    return "\n".join(parts)
