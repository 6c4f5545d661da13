"""The measuring agent: keeps some of the requests it sees, and how many it saw."""

from dataclasses import dataclass, field

WINDOW = 10.0  # seconds


@dataclass
class Window:
    start: float
    seen: int = 0
    kept: list = field(default_factory=list)

    @property
    def weight(self):
        return self.seen / len(self.kept)


class Agent:
    """At most `limit` requests a window go over the wire; the count of all goes with them."""

    def __init__(self, limit=15):
        self.limit = limit
        self.windows = []

    def offer(self, request):
        start = request.at // WINDOW * WINDOW
        if not self.windows or start != self.windows[-1].start:
            self.windows.append(Window(start))
        window = self.windows[-1]
        window.seen += 1
        if len(window.kept) < self.limit:
            window.kept.append(request)
