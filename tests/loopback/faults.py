"""Which requests fail for no reason of their own."""

import random
from collections import Counter
from dataclasses import dataclass, field

from tests.loopback.replies import Reply, cut_stream, html_200, http_error, mid_stream_error, reset, truncated_json

NAMED = {
    "reset": reset(),
    "html_200": html_200(),
    "truncated_json": truncated_json(),
    "cut_stream": cut_stream("An answer that is cut."),
    "mid_stream_error": mid_stream_error(),
}


@dataclass(frozen=True)
class Faults:
    """A share of the requests that fail instead of being answered.

    `kinds` holds HTTP statuses such as "529" and names of builders such as "reset". What happens to a request depends
    on the seed, its body and how often that body came before, not on what else is under way. The same body fails at
    most `max_repeats` times in a row, so that a client with one more attempt gets through.
    """

    share: float = 0.2
    kinds: tuple[str, ...] = ("529", "500", "reset")
    seed: int = 0
    max_repeats: int = 3

    def __post_init__(self) -> None:
        unknown = [kind for kind in self.kinds if kind not in NAMED and not kind.isdecimal()]
        if unknown or not self.kinds:
            raise ValueError(f"kinds of faults: {', '.join(unknown) or 'none'}; known: a status or {', '.join(NAMED)}")
        if not 0 <= self.share <= 1:
            raise ValueError(f"the share of faults is {self.share}; it must be between 0 and 1")


@dataclass
class FaultLine:
    """The faults of one server: what was drawn so far."""

    faults: Faults
    seen: Counter[bytes] = field(default_factory=Counter)
    in_a_row: Counter[bytes] = field(default_factory=Counter)

    def draw(self, digest: bytes) -> str | None:
        """The kind of fault that the request with this digest gets this time; None: none."""
        self.seen[digest] += 1
        chance = random.Random(f"{self.faults.seed}:{digest.hex()}:{self.seen[digest]}")
        if chance.random() >= self.faults.share or self.in_a_row[digest] >= self.faults.max_repeats:
            self.in_a_row[digest] = 0
            return None
        self.in_a_row[digest] += 1
        return chance.choice(self.faults.kinds)


def reply_of(kind: str) -> Reply:
    """What a fault of this kind sends."""
    return NAMED.get(kind) or http_error(int(kind))
