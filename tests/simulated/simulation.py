"""The whole made world behind one function from a request to a reply's text."""

import json
import random
from dataclasses import dataclass, field

from nextstep.core.records import Request
from tests.builders import judgement, step
from tests.loopback.replies import Body, Reply, plain
from tests.simulated.guessers import Guesser, by_lot
from tests.simulated.judges import FAULTS, USUAL, Judge, Noise, faithful
from tests.simulated.reading import Dice, case_of, request_of, slots, task
from tests.simulated.writers import SCRIBE, Writer, candidate


@dataclass
class Simulation:
    """Answers candidates', scribes', judges' and guessers' requests, each known by what it holds.

    `ScriptedModel(simulation.answer)` answers in process, `LoopbackServer(answer=simulation.serve)` behind the server.
    `fault` is one of FAULTS, with its usual strength unless `strength` says otherwise; None is a sound judge. A reply
    depends on the seed, the request and how often the same request came before.
    """

    fault: str | None = None
    strength: float | None = None
    noise: Noise = USUAL
    seed: int = 0
    candidate: Writer = field(default_factory=candidate)
    guesser: Guesser = field(default_factory=by_lot)

    def __post_init__(self) -> None:
        self.judge = planted(self.fault, self.strength, self.noise)
        self._dice = Dice(self.seed)

    def answer(self, request: Request) -> str:
        """The text of the reply. A request that none of the models understands is a ValueError."""
        chance, asked = self._dice.roll(request), task(request)
        if asked == "guess":
            return self._guess(request, chance)
        if asked is not None:
            return step(_rewrite(asked, request, chance))
        if slots(request) is None:
            return step(self.candidate(request, chance))
        letter = self.judge(case_of(request), chance)
        return judgement(letter, "slight" if letter == "tie" else "clear")

    def serve(self, body: Body) -> Reply:
        """The same answer to a call of the Messages API."""
        return plain(self.answer(request_of(body)))

    def _guess(self, request: Request, chance: random.Random) -> str:
        steps = slots(request)
        if steps is None:
            raise ValueError("a guess needs two steps")
        return json.dumps({"reasoning": "by their style", "guess": self.guesser(*steps, chance)})


def planted(fault: str | None = None, strength: float | None = None, noise: Noise = USUAL) -> Judge:
    """A judge with this noise, and with this fault of FAULTS unless it is None."""
    sound = faithful(noise)
    if fault is None:
        return sound
    return FAULTS[fault](sound) if strength is None else FAULTS[fault](sound, strength)


def _rewrite(asked: str, request: Request, chance: random.Random) -> str:
    if asked not in SCRIBE:
        raise ValueError(f"no scribe knows the task {asked!r}; there are {', '.join(SCRIBE)}")
    return SCRIBE[asked](request, chance)
