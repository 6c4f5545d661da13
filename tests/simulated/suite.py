"""A suite in which it is known what each step was worth, written in nextstep's own format."""

import json
import random
from itertools import cycle, islice
from math import ceil
from pathlib import Path

from nextstep.core.records import MomentSet
from tests.builders import moment_line, write_session
from tests.simulated.words import word

MOMENTS, SESSIONS = 200, 60
SUSPECTS = 3
"""Names of a moment: the guilty one, then those that are innocent."""

OPENING = ("h: the runs of {name} fail now and then, find out why", "a: I will take its parts one by one.")
CLOSING = ("h: that explains all of it, write it up", "a: Written up.")

READINGS, CAUSE = "readings:", "The cause was"
"""The words by which a candidate knows the evidence, and a judge what was found guilty."""

SAYINGS = (
    "check {} next",
    "look at {} first",
    "lets see what {} does",
    "i think it is {}, test that",
    "go through {} line by line",
    "rerun with {} turned off",
    "hm, what about {}",
)
"""How a person names a suspect; the same for right and wrong ones, so that only the suspect tells them apart."""


def write_world(folder: Path, moments: int = MOMENTS, sessions: int = SESSIONS, *, seed: int = 0) -> Path:
    """A suite folder of so many moments, half of them detours, in so many sessions of uneven sizes.

    A moment's `resolution` names the guilty suspect. A control's human step names it too; a detour's names an innocent
    one, and a later turn the guilty one. All of it depends on the seed alone. With the default numbers, a session has
    10 to 39 events.
    """
    chance = random.Random(f"suite {seed}")
    kinds = [*islice(cycle(MomentSet), moments)]
    chance.shuffle(kinds)
    lines: list[dict[str, object]] = []
    for number, size in enumerate(session_sizes(moments, sessions, chance)):
        writing = _Writing(f"made-{number:03d}", chance)
        for at in range(len(lines), len(lines) + size):
            writing.moment(kinds[at], at)
        write_session(folder, writing.name, [*writing.lines, *CLOSING])
        lines += writing.moments
    (folder / "moments.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return folder


def session_sizes(moments: int, sessions: int, chance: random.Random) -> list[int]:
    """Moments of each session: at least one, at most half as many again as the mean, with unequal chances between."""
    if not 0 < sessions <= moments:
        raise ValueError(f"{moments} moments cannot be put into {sessions} sessions with one each at least")
    most = ceil(1.5 * moments / sessions)
    weights = [chance.gammavariate(1, 1) for _ in range(sessions)]
    sizes = [1] * sessions
    for _ in range(moments - sessions):
        open_ones = [number for number, size in enumerate(sizes) if size < most]
        sizes[chance.choices(open_ones, [weights[number] for number in open_ones])[0]] += 1
    return sizes


class _Writing:
    """A session in the making."""

    def __init__(self, name: str, chance: random.Random) -> None:
        self.name = name
        self.chance = chance
        self.lines = list(OPENING)
        self.moments: list[dict[str, object]] = []

    def moment(self, kind: MomentSet, number: int) -> None:
        """What leads to a moment, the human's step, and what came of it."""
        guilty, *innocent = (word(number * SUSPECTS + i) for i in range(SUSPECTS))
        right = kind is MomentSet.CONTROL
        tried = guilty if right else self.chance.choice(innocent)
        self.lines += self._evidence(guilty, innocent, clear=right)
        cut = len(self.lines)
        self.lines += [self._say(tried), *(self._found(guilty) if right else self._lost(tried, guilty))]
        known = {"recovered_at": len(self.lines) - 1, "resolution": f"{CAUSE} {guilty}."}
        self.moments.append(moment_line(self.name, cut, kind, why=f"it went for {tried}", **known))

    def _evidence(self, guilty: str, innocent: list[str], *, clear: bool) -> list[str]:
        """A reading that is highest for the guilty one: clearly so before a control, faintly before a detour."""
        top = self.chance.randint(60, 75) if clear else self.chance.randint(36, 42)
        second = self.chance.randint((100 - top) // 2, min(top - 1, 100 - top - 5))
        shares = [*zip([guilty, *innocent], [top, second, 100 - top - second], strict=True)]
        self.chance.shuffle(shares)
        told = ", ".join(f"{suspect} 0.{share:02d}" for suspect, share in shares)
        names = ", ".join(suspect for suspect, _ in shares)
        return ["u: python trial.py --readings", f"r: {READINGS} {told}", f"a: It may be one of {names}. What next?"]

    def _found(self, guilty: str) -> list[str]:
        return [f"u: python look.py {guilty}", f"r: {guilty} is off from the first run on. {CAUSE} {guilty}."]

    def _lost(self, tried: str, guilty: str) -> list[str]:
        return [f"a: {tried} is as it should be.", self._say(guilty), f"a: {CAUSE} {guilty}."]

    def _say(self, suspect: str) -> str:
        return f"h: {self.chance.choice(SAYINGS).format(suspect)}"
