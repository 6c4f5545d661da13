"""The line in which calls wait for their turn: how many at once, how fast, and when not at all.

Every endpoint and class of models has one line (`Pace`), since that is what a server limits; all lines share the
connections of a run (`Slots`). A call holds a connection only while it is under way, never while it waits to be tried
again. Nothing here knows of HTTP but the names of the rate-limit headers; the clock is given.

    level      calls of the line under way at once: FIRST, and in a fifth of a second START, for a server that is asked
               too much says so at once, while its answers take their time; then it doubles with each round of answers.
               After an outage it begins at half, after a refusal without headers it takes one step back, and grows
               slowly then
    buckets    requests and tokens left, refilled by the minute as the server's headers say, so that it need not refuse;
               a little slower after a refusal, for other clients may take their share
    closed     after BROKEN failures in a row: one call at a time goes ahead until one of these is answered
"""

import asyncio
import math
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import count
from types import TracebackType
from typing import Self

from nextstep.models.bucket import TRUST, Bucket, Sent

FIRST, START = 4, 64
"""Calls under way at once in a line of which nothing is known yet: when it begins, and once nobody has refused."""
DOUBLED_S = 0.045
"""Seconds in which the one grows to its double on the way to the other."""
STEP_BACK = 0.75
BROKEN = 5
"""Failures in a row, of whatever calls, after which a server is taken to be out of order."""
FIRST_PROBE_S, LAST_PROBE_S = 0.5, 4.0
"""Seconds between two calls that go ahead while a line is closed: doubled from the first to the last."""
ROUNDING = 500
"""Tokens by which a header may say too much: it tells thousands."""
TICK_S = 0.001
"""The shortest wait: what is due within it goes together, and no rounding makes a timer that never comes."""
HEADERS = {"requests": "requests", "input": "input-tokens", "output": "output-tokens"}


@dataclass(eq=False)
class Turn:
    """A call's place in the line and, once it has come, its way: an `async with` block in which it is sent."""

    pace: "Pace"
    tokens: float
    number: int
    ready: "asyncio.Future[None]"
    sent_at: float | None = None
    """None while it waits."""
    needs: dict[str, float] = field(default_factory=dict)
    """What it took of each bucket."""
    gone: dict[str, float] = field(default_factory=dict)
    """What the server had taken of each when it was sent, its own share included."""
    all_gone: dict[str, float] = field(default_factory=dict)
    """As `gone`, once all are sent that go at this time; they share it."""
    was_refused: bool = False

    async def __aenter__(self) -> Self:
        try:
            await self.ready
        except BaseException:
            self.pace.leave(self)
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self.pace.leave(self)

    def answered(self, headers: Mapping[str, str]) -> None:
        """The server did its work, whatever it said."""
        self.pace.answered(self, headers)

    def refused(self, headers: Mapping[str, str], retry_after: float | None) -> None:
        """The server wants fewer requests."""
        self.pace.refused(self, headers, retry_after)

    def failed(self, retry_after: float | None) -> None:
        """The server, or the way to it, is out of order."""
        self.pace.failed(self, retry_after)


class Slots:
    """The connections of a run, shared by its lines."""

    def __init__(self, most: int, now: Callable[[], float] = time.monotonic) -> None:
        self.most = most
        self.used = 0
        self.now = now
        self.lines: dict[str, Pace] = {}
        self._numbers = count()
        self._timer: asyncio.TimerHandle | None = None
        self._soon = False

    def line(self, key: str) -> "Pace":
        """The line of this endpoint and class of models."""
        return self.lines.setdefault(key, Pace(self))

    def hold(self) -> None:
        """Keep a connection's place taken: for an answer that is not stored yet, so that a kill loses no more calls."""
        self.used += 1

    def let_go(self, places: int = 1) -> None:
        """The opposite of `hold`."""
        self.used -= places
        self.move()

    def number(self) -> int:
        """One more than the last: who came first."""
        return next(self._numbers)

    def move(self) -> None:
        """Let calls go as soon as the running step is over: what it does at its end comes before."""
        if not self._soon:
            self._soon = True
            asyncio.get_running_loop().call_soon(self._move)

    def _move(self) -> None:
        self._soon = False
        try:
            self._let_some_go()
        except Exception as error:  # of a bug here nobody would hear, and all would wait for good
            for line in self.lines.values():
                line.break_off(error)

    def _let_some_go(self) -> None:
        now = self.now()
        while self.used < self.most:
            ready = [line for line in self.lines.values() if line.wait(now) == 0]
            if not ready:
                break
            min(ready, key=lambda line: line.waiting[0].number).go(now)
        self._wake_up(now)

    def _wake_up(self, now: float) -> None:
        """Look again when the first line may go on."""
        if self._timer:
            self._timer.cancel()
        waits = [wait for line in self.lines.values() if (wait := line.wait(now)) is not None and wait > 0]
        soon = max(TICK_S, min(waits, default=0.0))
        self._timer = asyncio.get_running_loop().call_later(soon, self.move) if waits else None


class Pace:
    """The line of one endpoint and class of models."""

    def __init__(self, slots: Slots) -> None:
        self.slots = slots
        self.waiting: deque[Turn] = deque()
        self.under_way = 0
        self.level = float(min(FIRST, slots.most))
        self.began_at = math.inf
        """When a call went last while no other was under way."""
        self.is_beginning = True
        """Whether the level still grows with the time: until it is START, or a limit or a refusal is heard of."""
        self.slowly = False
        """Whether the level grows by one a round instead of one an answer."""
        self.not_before = 0.0
        self.stepped_at = -math.inf
        """When the last episode of refusals began: calls sent before belong to it."""
        self.in_a_row = 0
        self.probe_s = FIRST_PROBE_S
        self.closed = False
        self.probe: Turn | None = None
        """The call that goes ahead while it is closed."""
        self.buckets = {name: Bucket() for name in HEADERS}
        self.written = 0.0
        """Of what was taken of the bucket of output, what answers have brought by now."""
        self._went_at = -math.inf
        self._together: dict[str, float] = {}
        """What was gone after the calls that went last."""
        self.answer_s = 0.0
        """Mean time until an answer is there."""
        self.output_tokens = 0.0
        """Mean of an answer."""
        self.chars_per_token = 4.0

    def turn(self, characters: int) -> Turn:
        """A place at the end of the line for a call of so many characters that no cache holds."""
        ready = asyncio.get_running_loop().create_future()
        turn = Turn(self, characters / self.chars_per_token, self.slots.number(), ready)
        self.waiting.append(turn)
        self.slots.move()
        return turn

    def wait(self, now: float) -> float | None:
        """Seconds until the first of the line may go, if a connection is free; None: not before something happens."""
        while self.waiting and self.waiting[0].ready.done():
            self.waiting.popleft()
        room = self._room(now) if self.waiting else None
        if room is None:
            return None
        needs = self._needs(self.waiting[0])
        waits = [self.buckets[name].wait(need, reserve, now) for name, (need, reserve) in needs.items()]
        return max(room, self.not_before - now, *waits)

    def _room(self, now: float) -> float | None:
        """Seconds until one more may be under way; None where the time alone will not do it."""
        if self.closed:
            return None if self.probe else 0.0
        if self.is_beginning:
            doublings = max(0.0, now - self.began_at) / DOUBLED_S
            self._begin(FIRST * 2 ** min(doublings, math.log2(START / FIRST)))
        if self.under_way < int(self.level):
            return 0.0
        if not self.is_beginning:
            return None
        due = self.began_at + DOUBLED_S * math.log2((self.under_way + 1) / FIRST)
        return max(TICK_S, due - now)

    def _begin(self, level: float) -> None:
        """Let the level of a line that begins be so high, if it is not; START is the end of it."""
        self.level = max(self.level, min(level, START, self.slots.most))
        self.is_beginning = self.level < min(START, self.slots.most)

    def _needs(self, turn: Turn) -> dict[str, tuple[float, float]]:
        """What a call takes of each bucket, and what it leaves untouched: clocks and counts differ a little."""
        return {
            "requests": (1.0, 1.0),
            "input": (turn.tokens, 0.05 * turn.tokens),
            "output": (self.output_tokens, 0.0),
        }

    def go(self, now: float) -> None:
        """Let the first of the line go."""
        turn = self.waiting.popleft()
        for name, (need, _) in self._needs(turn).items():
            self.buckets[name].take(need)
            turn.needs[name] = need
            turn.gone[name] = self.written if name == "output" else self.buckets[name].taken
        self._together = self._together if now == self._went_at else {}
        self._together |= turn.gone
        turn.all_gone = self._together
        turn.sent_at = self._went_at = now
        self.began_at = self.began_at if self.under_way else now
        self.under_way += 1
        self.slots.used += 1
        if self.closed:
            self.probe, self.not_before = turn, now + self.probe_s
        turn.ready.set_result(None)

    def break_off(self, error: Exception) -> None:
        """Raise this in every call that waits."""
        for turn in self.waiting:
            if not turn.ready.done():
                turn.ready.set_exception(error)

    def leave(self, turn: Turn) -> None:
        """A call is over, or has given up waiting."""
        if turn.sent_at is not None:
            self.under_way -= 1
            self.slots.used -= 1
            self.written += 0.0 if turn.was_refused else turn.needs["output"]
            self.probe = None if turn is self.probe else self.probe
        elif turn in self.waiting:
            self.waiting.remove(turn)
        self.slots.move()

    def learn(self, characters: int, input_tokens: int | None, output_tokens: int | None) -> None:
        """What an answer's usage tells of later ones."""
        if input_tokens and characters:
            self.chars_per_token += TRUST * (characters / input_tokens - self.chars_per_token)
        if output_tokens is not None:
            self.output_tokens += TRUST * (output_tokens - self.output_tokens)

    def answered(self, turn: Turn, headers: Mapping[str, str]) -> None:
        """The server is in order: let the level grow. A closed line opens by a call that was sent since then."""
        self._hear(turn, headers)
        self.answer_s += TRUST * (self.slots.now() - (turn.sent_at or 0.0) - self.answer_s)
        if self.closed and turn is not self.probe:
            return
        self.in_a_row, self.probe_s = 0, FIRST_PROBE_S
        if self.closed:
            self.closed, self.slowly, self.not_before = False, False, 0.0
            self.level = max(1.0, self.level / 2)
        self.level = min(float(self.slots.most), self.level + (1 / self.level if self.slowly else 1.0))

    def refused(self, turn: Turn, headers: Mapping[str, str], retry_after: float | None) -> None:
        """The server wants fewer requests: all wait, and one step back is taken for each episode."""
        now, turn.was_refused = self.slots.now(), True
        for name, need in turn.needs.items():
            self.buckets[name].give_back(need)
        self._hear(turn, headers)
        if turn.sent_at is not None and turn.sent_at > self.stepped_at:
            self.stepped_at = now
            for name, bucket in self.buckets.items():
                bucket.refused(sum(self._needs(turn)[name]), now)
            if not self.buckets["requests"].limit:
                self.is_beginning = False
                self.level, self.slowly = max(1.0, STEP_BACK * min(self.level, self.under_way)), True
            self._hold(now, retry_after if retry_after is not None else self._next_probe())
        elif retry_after is not None:
            self._hold(now, retry_after)

    def failed(self, turn: Turn, retry_after: float | None) -> None:
        """One more failure; after some in a row the line closes, and calls go ahead one at a time."""
        now = self.slots.now()
        self.in_a_row += 1
        if self.in_a_row < BROKEN:
            return
        if not self.closed or turn is self.probe:
            self._hold(now, retry_after if retry_after is not None else self._next_probe())
        self.closed, self.is_beginning = True, False

    def _next_probe(self) -> float:
        seconds, self.probe_s = self.probe_s, min(2 * self.probe_s, LAST_PROBE_S)
        return seconds

    def _hold(self, now: float, seconds: float) -> None:
        self.not_before = max(self.not_before, now + seconds)

    def _hear(self, turn: Turn, headers: Mapping[str, str]) -> None:
        """Set the buckets by the server's headers."""
        now = self.slots.now()
        for name, header in HEADERS.items():
            limit = _number(headers.get(f"anthropic-ratelimit-{header}-limit"))
            left = _number(headers.get(f"anthropic-ratelimit-{header}-remaining"))
            if limit and left is not None and turn.sent_at is not None:
                is_output = name == "output"
                early = self.answer_s if is_output else 0.0
                sent = Sent(turn.sent_at, turn.gone[name], turn.all_gone[name], early)
                sure = left if name == "requests" else max(0.0, left - ROUNDING)
                self.buckets[name].heard(limit, sure, 0.0 if is_output else turn.needs[name], sent, now)
        if any(bucket.limit for bucket in self.buckets.values()):
            self._begin(START)


def _number(text: str | None) -> float | None:
    """A header's number; None where there is none."""
    try:
        return float(text) if text else None
    except ValueError:
        return None
