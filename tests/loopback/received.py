"""A request, and what became of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from tests.loopback.caching import Reading
from tests.loopback.replies import Body, fingerprint


@dataclass
class Received:
    """A request, and what became of it.

    `headers` has lower-case names. `body` is empty when there was none, or none that is a JSON object. `status` is None
    while nothing was sent, and stays so when the connection was reset. `at` is of `time.monotonic`. `fault` names the
    fault that it met. `whole`: it was a message request and got all of a message. `limits`: the limits' headers as of
    the moment when it was accounted. `reading`: what caching made of it, if the server has it. `size` is in bytes.
    """

    path: str
    headers: Mapping[str, str]
    body: Body
    status: int | None = None
    at: float = 0
    fault: str | None = None
    whole: bool = False
    limits: Mapping[str, str] = field(default_factory=dict)
    reading: Reading | None = None
    size: int = 0

    @cached_property
    def fingerprint(self) -> bytes:
        """The same for the same request, streamed or not."""
        return fingerprint(self.body)

    def forget(self) -> None:
        """Keep only what became of it."""
        self.body, self.headers, self.reading = {}, {}, None
