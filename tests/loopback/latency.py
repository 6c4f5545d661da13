"""How long answers take."""

import math
from collections import Counter
from dataclasses import dataclass, field
from statistics import NormalDist
from zlib import crc32

BELL = NormalDist()


@dataclass(frozen=True)
class Latency:
    """Seconds from a request to the end of its answer, and to the first event of one that is streamed.

    An answer that is not streamed begins when it ends. `spread` is the standard deviation of the logarithm: 0 is a
    fixed latency; with 0.5, `whole_s` is the median and one answer in twenty takes 2.3 times as long. What a request
    gets depends on the seed, its body and how often that body came before, not on what else is under way.
    """

    whole_s: float = 0
    first_s: float | None = None
    """None: half of `whole_s`."""
    spread: float = 0
    seed: int = 0

    def __post_init__(self) -> None:
        if min(self.whole_s, self.first_s or 0, self.spread) < 0 or (self.first_s or 0) > self.whole_s:
            raise ValueError(f"latencies are not negative, and the first event is not after the last: {self}")

    def of(self, fingerprint: bytes, times: int) -> tuple[float, float]:
        """Seconds to the first event and to the end, for the request with this fingerprint that comes the n-th time."""
        factor = self._factor(fingerprint, times) if self.spread else 1.0
        first = self.whole_s / 2 if self.first_s is None else self.first_s
        return first * factor, self.whole_s * factor

    def _factor(self, fingerprint: bytes, times: int) -> float:
        drawn = crc32(b"%b:%d:%d" % (fingerprint, self.seed, times))
        return math.exp(self.spread * BELL.inv_cdf((drawn + 0.5) / 2**32))


@dataclass
class Delays:
    """The latencies of one server: how often each request came."""

    latency: Latency
    seen: Counter[bytes] = field(default_factory=Counter)

    def draw(self, fingerprint: bytes) -> tuple[float, float]:
        """Seconds to the first event and to the end."""
        self.seen[fingerprint] += 1
        return self.latency.of(fingerprint, self.seen[fingerprint])
