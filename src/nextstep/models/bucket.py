"""What a server lets through by the minute, as its rate-limit headers tell it: a token bucket kept on this side."""

import math
from dataclasses import dataclass

TRUST = 0.25
"""Share of a difference by which a bucket is raised when the server says that it holds more."""
SLOWER, FASTER = 0.9, 0.005
"""By what a bucket's rate is multiplied at a refusal, and the share of its limit by which it grows in a second."""


@dataclass(frozen=True)
class Sent:
    """When a call was sent, and what the server had taken of a bucket by then.

    `all_gone`: with the shares of all that were sent together, in an order that only the server knows.
    `early`: seconds by which the client takes a call's share before the server does.
    """

    at: float
    gone: float
    all_gone: float
    early: float = 0.0


@dataclass
class Bucket:
    """What a server lets through by the minute, as far as its headers tell; unlimited until they do."""

    limit: float = 0.0
    """A second, for all clients together; 0 while it is not known."""
    rate: float = 0.0
    """A second, for this one: other clients may take the rest. Steps back with refusals, and grows slowly."""
    cap: float = 0.0
    """The smaller of `seen` and `most`."""
    have: float = 0.0
    at: float = 0.0
    taken: float = 0.0
    """In all, so that what was taken since some call can be told."""
    heard_of: float = -math.inf
    """When the call was sent that told of it last."""
    seen: float = 0.0
    """The most that it ever held."""
    most: float = math.inf
    """What is saved up at most: a second's worth, or a call's, once the server has refused one."""

    def wait(self, need: float, reserve: float, now: float) -> float:
        """Seconds until so much may be taken; what is larger than the bucket goes when it is full."""
        if not self.limit:
            return 0.0
        self._refill(now)
        return max(0.0, min(need + reserve, self.cap) - self.have) / self.rate

    def take(self, need: float) -> None:
        """Take a call's share."""
        self.taken += need
        self.have -= need

    def heard(self, limit: float, left: float, need: float, sent: Sent, now: float) -> None:
        """What a header says of the time when a call of this `need` was sent."""
        is_first, self.limit = not self.limit, limit / 60
        self.rate = self.rate or self.limit
        self._refill(now)
        self.seen = max(self.seen, left + need)
        self.cap = min(self.seen, self.most)
        room = left - self.taken + self.rate * (now - sent.at + sent.early)
        have, at_most = (min(self.cap, room + gone) for gone in (sent.gone, sent.all_gone))
        is_news, self.heard_of = sent.at > self.heard_of, max(self.heard_of, sent.at)
        if is_news and left > self.seen / 2:
            self.rate += TRUST * (self.limit - self.rate)
        if is_first or (is_news and have < self.have):
            self.have = have
        elif is_news:
            self.have += TRUST * (have - self.have)
        elif sent.at == self.heard_of:
            self.have = min(self.have, at_most)

    def give_back(self, need: float) -> None:
        """The server took nothing for a call."""
        self.take(-need)

    def refused(self, need: float, now: float) -> None:
        """The server holds less than was believed: begin anew from empty, and go a little slower."""
        self._refill(now)
        self.have, self.rate = min(self.have, 0.0), SLOWER * self.rate
        self.most = max(1.0, self.limit, need)
        self.cap = min(self.seen, self.most)

    def _refill(self, now: float) -> None:
        seconds, self.at = now - self.at, now
        self.rate = min(self.limit, self.rate + FASTER * self.limit * seconds)
        self.have = min(self.cap, self.have + self.rate * seconds)
