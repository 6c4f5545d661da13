"""What a run has paid, what is under way, and the most that it may pay."""

from dataclasses import dataclass

from nextstep.core.records import Usage

NO_USAGE = Usage()


@dataclass
class Spend:
    """What a run has paid so far, and the most that it may."""

    limit_usd: float | None = None
    usd: float = 0.0
    unpriced: int = 0
    calls: int = 0
    tokens: int = 0
    """Read and written, as far as the servers say."""
    under_way_usd: float = 0.0
    """What the calls that are under way may cost, as estimated."""
    under_way: int = 0

    def begin(self, estimate: float, calls: int = 1) -> None:
        """A call, or several, of this estimated cost in all, is under way."""
        self.under_way += calls
        self.under_way_usd += estimate

    def end(self, estimate: float, calls: int = 1) -> None:
        """It is no longer. What none may cost is nothing: sums of fractions leave a little."""
        self.under_way -= calls
        self.under_way_usd = self.under_way_usd - estimate if self.under_way else 0.0

    def add(self, cost: float | None, usage: Usage = NO_USAGE) -> None:
        """Count one answer."""
        self.calls += 1
        self.tokens += (usage.all_input or 0) + (usage.output_tokens or 0)
        self.usd += cost or 0.0
        self.unpriced += cost is None

    @property
    def reached(self) -> bool:
        """Whether no further call may be sent; an answer of unknown cost exhausts any limit, for it is not nothing."""
        return self.limit_usd is not None and (self.usd >= self.limit_usd or self.unpriced > 0)

    def has_room(self, estimate: float) -> bool:
        """Whether a call of this estimated cost fits beside those under way; one alone goes while any money is left."""
        if self.limit_usd is None:
            return True
        coming = self.usd + self.under_way_usd + estimate
        return not self.reached and (coming <= self.limit_usd or not self.under_way)

    @property
    def reason(self) -> str:
        """Why no further call may be sent."""
        if self.unpriced:
            return "an answer came whose cost is not known, so the cost limit cannot be kept; leave it out to go on"
        return f"the cost limit of ${self.limit_usd:.2f} is reached; run again to go on"
