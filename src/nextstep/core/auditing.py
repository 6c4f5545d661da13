"""Words of the future in the past: which later words stand verbatim in an earlier event, and whether that is a leak.

Any word of a prefix was written before the cut, so equal words alone are no leak: people quote what they saw. A leak
is a text that knows words before anyone has said them. The rule, for the human's step, the human's later turns, and
the labels that were written in hindsight:

- the words stand, whole or from the first on, in a note of the program, and nobody said them before: a leak, as left
  by queue entries, recaps, titles and summaries that an import put too early;
- the step stands so in a tool result that came after the assistant's last word: a leak, as left by refusals and
  answers to questions, which reach the assistant through a tool;
- otherwise the later words repeat the past: told, and no leak.

What the agent writes later is not looked for: it repeats its own past all the time, and no rule tells which was first.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from nextstep.core.canary import first_hidden
from nextstep.core.records import Event, Kind, Moment, Record, Role, Session
from nextstep.core.rendering import visible

SPAN = 12
"""Words in a row that are too many to agree by chance."""

SHORTEST, SHORTEST_CHARS = 5, 25
"""Words and characters of a whole turn that is worth looking for; shorter ones are said again and again."""

DISTINCT = 5
"""Different words that a span must have: a row of zeros is no quotation."""

SHOWN = 160
"""Characters of a span that a finding tells."""

_CJK = "\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff"
_WORD = re.compile(rf"[{_CJK}]|[^\W{_CJK}]+")
_BASE = np.uint64(0x9E3779B97F4A7C15)

Words = NDArray[np.uint64]


class Check(StrEnum):
    """How a finding was made."""

    CANARY = "canary"
    """A mark planted at or after the cut stands in a request."""
    CHANGED = "changed"
    """A request is another one when what comes after the cut is."""
    STORED = "stored"
    """A stored request is not the one that the suite gives now."""
    VERBATIM = "verbatim"
    """Later words stand in an event of the prefix."""


class Finding(Record):
    """Something of the future that a candidate may have seen, or, where `leak` is false, what only looks like it."""

    check: Check
    leak: bool
    session: str
    cut: int
    moment_id: str
    candidate: str | None = None
    source: str
    """What it comes from: an event, or a label's name."""
    event: int | None = None
    """The event that it comes from."""
    seen_in: int | None = None
    """The event of the prefix that holds it."""
    reason: str
    span: str


@dataclass(frozen=True)
class Later:
    """Words that were said or written after something: a human turn, or what is told of a session or a moment."""

    source: str
    text: str
    event: int | None = None
    moment_id: str | None = None


@dataclass(frozen=True)
class Echo:
    """Words of a later text that stand in an earlier event, the first to hold them."""

    later: Later
    earlier: int
    opening: bool
    """Whether the later text begins with them, or is them."""
    span: str


@dataclass(frozen=True)
class _Spans:
    """The spans of a later text: how many words each has, their hashes, and where each word stands."""

    later: Later
    size: int
    hashes: list[int]
    words: list[tuple[int, int]]

    def text(self, first: int, last: int) -> str:
        """The text from the first word of one span to the last word of another, as a finding tells it."""
        return shown(self.later.text[self.words[first][0] : self.words[last + self.size - 1][1]])


def shown(text: str) -> str:
    """A text as a finding tells it: on one line, visible, and short."""
    line = " ".join(visible(text[: 4 * SHOWN]).split())
    return line if len(line) <= SHOWN else f"{line[:SHOWN]}..."


def laters(session: Session, moments: Iterable[Moment]) -> Iterator[Later]:
    """All that is looked for in a session's earlier events."""
    for event in session.events:
        if event.is_choice:
            yield Later("human turn", event.text, event=event.idx)
    yield Later("session's title", session.title)
    for moment in moments:
        yield Later("moment's why", moment.why, moment_id=moment.moment_id)
        yield Later("moment's resolution", moment.resolution, moment_id=moment.moment_id)


class Echoes:
    """Where later words of a session stand in its earlier events; built in time linear in the session's length."""

    def __init__(self, session: Session, moments: Iterable[Moment]) -> None:
        self.session = session
        wanted = [spans for later in laters(session, moments) if (spans := _spans(later))]
        openings = {spans.hashes[0] for spans in wanted}
        places = _places(session.events, wanted)
        self.found = [echo for spans in wanted for echo in _echoes(spans, places)]
        self.openings = {value: places[value] for value in openings if value in places}
        self.opening_of = {spans.later.event: spans for spans in wanted if spans.later.event is not None}

    def looked_for(self, moment: Moment) -> bool:
        """Whether the human's step is long enough to be looked for: a short one is said again and again."""
        return moment.cut in self.opening_of

    def findings(self, moment: Moment) -> Iterator[Finding]:
        """What a moment's prefix holds of later words, by the rule above."""
        start = first_hidden(self.session.events, moment.cut)
        if told := self._told_by_a_tool(moment, start):
            yield told
        for echo in self.found:
            later = echo.later
            ahead = later.event is None or later.event >= moment.cut
            if ahead and later.moment_id in (None, moment.moment_id) and echo.earlier < start:
                yield from self._finding(moment, echo)

    def _finding(self, moment: Moment, echo: Echo) -> Iterator[Finding]:
        role, later = self.session.events[echo.earlier].role, echo.later
        is_output = self._is_output_of_a_command(echo.earlier)
        leak = role is Role.SYSTEM and echo.opening and not is_output
        is_step = later.event == moment.cut
        if leak or role is Role.SYSTEM or is_step or later.event is None:
            source = "human step" if is_step else later.source
            reason = LEAKED if leak else OUTPUT if is_output else REPEATS[role]
            yield _verbatim(moment, source, later.event, echo.earlier, reason, echo.span, leak=leak)

    def _told_by_a_tool(self, moment: Moment, start: int) -> Finding | None:
        """A tool result since the assistant's last word that holds the human's step."""
        spans = self.opening_of.get(moment.cut)
        if spans is None:
            return None
        for i in self.openings.get(spans.hashes[0], ()):
            is_last = all(event.role is not Role.ASSISTANT for event in self.session.events[i:start])
            if i < start and is_last and self._carries_a_choice(moment.cut, i):
                return _verbatim(moment, "human step", moment.cut, i, TOLD_BY_TOOL, spans.text(0, 0), leak=True)
        return None

    def _carries_a_choice(self, cut: int, result: int) -> bool:
        """Whether a tool result is how the human's words reached the assistant, rather than what the human pastes."""
        if self.session.events[cut].kind in (Kind.REJECTION, Kind.ANSWER):
            return True
        opening = self.session.events[result].text[:400].casefold()
        return any(words in opening for words in CARRIERS)

    def _is_output_of_a_command(self, idx: int) -> bool:
        """Whether a note is what a command printed that the human ran."""
        events = self.session.events
        return events[idx].role is Role.SYSTEM and idx > 0 and events[idx - 1].kind is Kind.COMMAND


LEAKED = "a note of the program held these words before anyone had said them"
OUTPUT = "the words repeat what a command of the human had printed"
CARRIERS = (
    "the user said",
    "the user answered",
    "user has answered",
    "questions have been answered",
    "want to proceed with this tool use",
)
"""How a tool result says that the human's words are in it."""
TOLD_BY_TOOL = "a tool result holds these words, which the human said through the tool"
REPEATS = {
    Role.HUMAN: "the words repeat what the human had said before",
    Role.ASSISTANT: "the words repeat what the assistant had written before",
    Role.TOOL: "the words repeat what a tool had given before",
    Role.SYSTEM: "the words repeat part of a note of the program",
}


def _verbatim(
    moment: Moment, source: str, event: int | None, seen_in: int, reason: str, span: str, *, leak: bool
) -> Finding:
    return Finding(
        check=Check.VERBATIM,
        leak=leak,
        session=moment.session,
        cut=moment.cut,
        moment_id=moment.moment_id,
        source=source,
        event=event,
        seen_in=seen_in,
        reason=reason,
        span=span,
    )


def _spans(later: Later) -> _Spans | None:
    """The spans of a text that are worth looking for, or None when there is none."""
    matches = list(_WORD.finditer(later.text))
    words = [match[0].casefold() for match in matches]
    size = min(SPAN, len(words))
    if size < SHORTEST or len(later.text.strip()) < SHORTEST_CHARS:
        return None
    hashes: list[int] = _hashes(_numbers(words), size).tolist()
    for i in range(len(hashes)):
        if len(set(words[i : i + size])) < DISTINCT:
            hashes[i] = 0
    return _Spans(later, size, hashes, [match.span() for match in matches])


def _echoes(spans: _Spans, places: dict[int, list[int]]) -> Iterator[Echo]:
    """The earlier events that were the first to hold spans of a later text, each with the first run of spans."""
    runs: dict[int, tuple[int, int]] = {}
    for i, value in enumerate(spans.hashes):
        earlier = places.get(value, [None])[0]
        if earlier is None or (spans.later.event is not None and earlier >= spans.later.event):
            continue
        first, last = runs.get(earlier, (i, i - 1))
        runs[earlier] = (first, i if last == i - 1 else last)
    for earlier, (first, last) in runs.items():
        yield Echo(spans.later, earlier, opening=first == 0, span=spans.text(first, last))


def _places(events: Sequence[Event], wanted: Sequence[_Spans]) -> dict[int, list[int]]:
    """The events that hold each wanted span, in order."""
    line, starts = _line(events)
    places: dict[int, list[int]] = defaultdict(list)
    for size in sorted({spans.size for spans in wanted}):
        values = {value for spans in wanted if spans.size == size for value in spans.hashes if value}
        hashes = _hashes(line, size)
        hits = np.flatnonzero(np.isin(hashes, np.fromiter(values, np.uint64, len(values))))
        of_event = np.searchsorted(starts, hits, side="right") - 1
        for value, event in dict.fromkeys(zip(hashes[hits].tolist(), of_event.tolist(), strict=True)):
            places[value].append(event)
    return places


def _line(events: Sequence[Event]) -> tuple[Words, NDArray[np.int64]]:
    """The words of all events as numbers, each event closed by a number of its own; and where each event starts."""
    parts: list[Words] = []
    starts = np.zeros(len(events), np.int64)
    length = 0
    for i, event in enumerate(events):
        starts[i] = length
        parts += [_numbers(_WORD.findall(event.text)), _numbers([f"end of {i}"])]
        length += len(parts[-2]) + 1
    return np.concatenate(parts) if parts else np.zeros(0, np.uint64), starts


def _numbers(words: Sequence[str]) -> Words:
    return np.fromiter((hash(word.casefold()) for word in words), np.int64, len(words)).view(np.uint64)


def _hashes(words: Words, size: int) -> Words:
    """The hash of each run of `size` words."""
    if len(words) < size:
        return np.zeros(0, np.uint64)
    count = len(words) - size + 1
    made = np.zeros(count, np.uint64)
    for i in range(size):
        made = made * _BASE + words[i : i + count]
    return made
