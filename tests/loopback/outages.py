"""When the whole service is overloaded."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from tests.loopback.replies import Reply


@dataclass
class Outages:
    """Times at which every message request gets a 529.

    `windows` are pairs of seconds, from and to, after the server's start. `retry_after` is the header's value; None:
    there is none, as with the real API.
    """

    windows: Sequence[tuple[float, float]] = ()
    retry_after: float | None = None
    until: float = field(default=float("-inf"), init=False)

    def reply(self, started: float, now: float) -> Reply | None:
        """What a request gets at this time; None outside of outages."""
        if now >= self.until and not any(low <= now - started < high for low, high in self.windows):
            return None
        headers = {} if self.retry_after is None else {"retry-after": f"{self.retry_after:g}"}
        return Reply(status=529, headers=headers, waits=False)
