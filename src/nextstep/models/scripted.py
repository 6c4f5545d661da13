"""A model for tests: answers from a script, and remembers what it was asked."""

from collections.abc import Callable

from nextstep.core.records import Answer, Request
from nextstep.models.base import AS_IT_IS, Sending, answer_of, reply_body


class ScriptedModel:
    """Answers with what `script` gives for a request: a text, a whole answer, or an error to raise."""

    def __init__(self, script: Callable[[Request], str | Answer | Exception]) -> None:
        self.script = script
        self.requests: list[Request] = []

    async def ask(self, request: Request, sending: Sending = AS_IT_IS) -> Answer:
        """The scripted answer."""
        if sending.go:
            sending.go()
        self.requests.append(request)
        said = self.script(request)
        if isinstance(said, Exception):
            raise said
        return said if isinstance(said, Answer) else answer_of(reply_body(said))

    async def look_up(self, name: str) -> str:
        """A word of what it is."""
        return f"{name} answers from a script"

    async def count_tokens(self, _: Request) -> None:
        """Nothing to count with."""

    async def aclose(self) -> None:
        """Nothing to close."""
