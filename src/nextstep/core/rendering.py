"""A trajectory as text for a model: numbered, fenced, within a budget, with visible marks where something is left out.

A text that is too long is fitted by the policy named FITTING: these steps in this order, each from the oldest event on,
and no further than it must.

1. tool results keep their first and last `KEPT` characters;
2. tool inputs keep as much;
3. a text of any speaker that alone takes several hundredths of the room keeps about one hundredth of it at each end,
   or two where the caller wants it kept;
4. what no human said is left out;
5. the human's turns keep their first and last `KEPT` characters;
6. the human's turns keep their first and last `SCRAP` characters; none is ever left out.

Events that the caller wants to keep are spared by steps 1, 2, 4 and 5 until these have done all they can elsewhere.
"""

import json
import re
import unicodedata
from collections.abc import Callable, Container, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import groupby

from nextstep.core.records import Event, Kind, Role

FITTING = "2"
"""Names the policy; part of every id made with rendered text, so that another policy is another question."""

KEPT, SCRAP = 400, 60
"""Characters kept at each end of a shortened text, and of a human's turn when there is no other way."""

WORTH_CUTTING = 3
"""A text is cut to its ends when it is longer than so many of them."""

CHARS_PER_TOKEN = 3.0
"""A cautious figure for budgets: prose has about 4 characters a token, code and logs about 3."""

FENCES = ("event", "trajectory", "decision_point", "step", "next_step", "omitted", "resolution")
"""The tags that prompts use; no text from outside may open or close one."""

SHUT = "\N{SINGLE LEFT-POINTING ANGLE QUOTATION MARK}"
"""What stands in place of a bracket that would open or close a fence."""

_NAME = re.compile(rf"(?:{'|'.join(FENCES)})\b", re.IGNORECASE)
_FENCE = re.compile(rf"<(?=\s*+(?:/\s*+)?{_NAME.pattern})", re.IGNORECASE)
_BRACKET = re.compile(rf"[<\ufe64\uff1c](?=\s*+(?:[/\uff0f]\s*+)?(.{{1,{max(map(len, FENCES)) + 1}}}))")
"""A bracket or one of its compatibility forms, and as much behind it as can be a fence's name."""

_INVISIBLE = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufff9-\ufffb"  # controls, lone surrogates, interlinear marks
    r"\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164"
    r"\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
"""Control characters, and all that Unicode calls default-ignorable: a reader sees nothing, a model may see words."""

_PLAIN_BYTES = bytes([*b"\t\n", *range(0x20, 0x7F)])
"""The ASCII characters that `_INVISIBLE` does not name."""

_UNSAFE = re.compile(r"[^\w.:-]")

LONGEST_TOOL = 128
"""Characters of a tool's name that are shown; APIs allow no longer ones."""


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


def escaped(json_text: str) -> str:
    """JSON with its invisible characters spelled out, so that no terminal obeys them and no value changes."""
    return _INVISIBLE.sub(lambda found: json.dumps(found[0])[1:-1], json_text)


def neutral(text: str) -> str:
    """The visible text without the power to open or close a fence.

    Nor has it that power for a reader who folds compatibility forms (NFKC or NFKD), as some tokenizers do: to them a
    fullwidth tag is a tag.
    """
    if text.isascii() and "<" not in text and not text.encode().translate(None, _PLAIN_BYTES):
        return text  # nothing that the patterns could find, which is most of all texts
    shown = _FENCE.sub(SHUT, visible(text))
    return shown if shown.isascii() else _BRACKET.sub(_shut, shown)


def _shut(bracket: re.Match[str]) -> str:
    return SHUT if _NAME.match(unicodedata.normalize("NFKD", bracket[1])) else bracket[0]


def render(
    events: Sequence[Event], max_tokens: int, *, decision: int | None = None, keep: Sequence[Container[int]] = ()
) -> Rendered:
    """The events as fenced text of at most about `max_tokens` (estimated) tokens.

    With `decision`, the event of that index is replaced by a mark that says a decision was taken there: the judge is
    to compare two steps without being told which of them stood in the session. Nothing of it is ever left out.
    `keep` holds indices of events to spare, the dearest in the last container. Only a trajectory of more human turns
    than the budget has room for, all cut to scraps, is longer than the budget.
    """
    line = _Line(events, decision)
    room = int(max_tokens * CHARS_PER_TOKEN)
    if line.length > room:
        _fit(line, room, _tiers(events, keep))
    return Rendered(_join(line.texts), shortened=line.shortened)


def decision_mark(idx: int) -> str:
    """What stands in a trajectory in place of the human's words at the decision point."""
    text = "Here the person chose what to do next. Their words are not repeated; what follows is what came of them."
    return f'<decision_point n="{idx}">\n{text}\n</decision_point>'


class _Line:
    """A trajectory's fenced texts in the making, and the length that they have when joined."""

    def __init__(self, events: Sequence[Event], decision: int | None) -> None:
        self.events = events
        self.decision = decision
        self.texts = [_fence(event) if event.idx != decision else decision_mark(decision) for event in events]
        self.length = sum(map(len, self.texts)) + max(len(self.texts) - 1, 0)
        self.shortened = False
        self.runs: dict[int, int] = {}
        """At both ends of a run of events left out: how many they are."""

    def cut(self, i: int, ends: int) -> None:
        """Keep both ends of a long text."""
        event = self.events[i]
        if not self.texts[i] or event.idx == self.decision or len(event.text) <= WORTH_CUTTING * ends:
            return
        text = visible(event.text)
        short = _fence(event, _both_ends(text, ends))
        if len(text) > WORTH_CUTTING * ends and len(short) < len(self.texts[i]):
            self.length -= len(self.texts[i]) - len(short)
            self.texts[i] = short
            self.shortened = True

    def leave_out(self, i: int) -> None:
        """Empty an event's text; with the empty ones beside it, it becomes one mark."""
        if self.events[i].idx == self.decision:
            return
        before, after = self.runs.pop(i - 1, 0), self.runs.pop(i + 1, 0)
        joined = before + 1 + after
        marks = [len(_omitted(run)) + 1 for run in (before, after) if run]
        self.length += len(_omitted(joined)) - len(self.texts[i]) - sum(marks)
        self.runs[i - before] = self.runs[i + after] = joined
        self.texts[i] = ""
        self.shortened = True


Step = tuple[Sequence[int], Callable[[int], None]]


def _fit(line: _Line, room: int, tiers: Sequence[Sequence[int]]) -> None:
    """Go through the steps of the policy until the line fits."""
    for indices, shorten in _steps(line, room, tiers):
        for i in indices:
            if line.length <= room:
                return
            shorten(i)


def _steps(line: _Line, room: int, tiers: Sequence[Sequence[int]]) -> Iterator[Step]:
    """The policy: which events are shortened how, in this order."""
    to_ends, all_events = partial(line.cut, ends=KEPT), range(len(line.events))
    for number, tier in enumerate(tiers):
        yield [i for i in tier if line.events[i].kind is Kind.TOOL_RESULT], to_ends
        yield [i for i in tier if line.events[i].kind is Kind.TOOL_USE], to_ends
        if number == 0:
            for wanted, same in enumerate(tiers):
                yield same, partial(line.cut, ends=long_ends(room, wanted=wanted > 0))
        yield [i for i in tier if line.events[i].role is not Role.HUMAN], line.leave_out
        yield [i for i in tier if line.events[i].role is Role.HUMAN], to_ends
    yield [i for i in all_events if line.events[i].role is Role.HUMAN], partial(line.cut, ends=SCRAP)


def long_ends(room: int, *, wanted: bool) -> int:
    """Characters that an over-long text keeps at each end: a share of the room, and no fewer than in other steps."""
    return max(4 * KEPT, room // 50) if wanted else max(KEPT, room // 100)


def _tiers(events: Sequence[Event], keep: Sequence[Container[int]]) -> list[list[int]]:
    """The events' positions in the order in which they are given up: those that nobody wants to keep first."""
    tiers: list[list[int]] = [[] for _ in range(len(keep) + 1)]
    for i, event in enumerate(events):
        rank = max((number for number, kept in enumerate(keep, 1) if event.idx in kept), default=0)
        tiers[rank].append(i)
    return tiers


def _fence(event: Event, text: str | None = None) -> str:
    body = neutral(event.text if text is None else text)
    return f'<event n="{event.idx}"{_attributes(event.role, event.kind, event.tool)}>\n{body}\n</event>'


@lru_cache(maxsize=1_000)
def _attributes(role: Role, kind: Kind, tool: str | None) -> str:
    """Who an event is from, and what it is; a tool's name may be anything in a transcript, and of any length."""
    if not tool:
        return f' from="{role}" kind="{kind}"'
    safe = _UNSAFE.sub("_", visible(tool)) or "_"
    name = safe if len(safe) <= LONGEST_TOOL else f"{safe[:LONGEST_TOOL]}..."
    return f' from="{role}" kind="{kind}" tool="{name}"'


def _both_ends(text: str, ends: int) -> str:
    return f"{text[:ends]}\n[... {len(text) - 2 * ends:,} characters left out ...]\n{text[-ends:]}"


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
