"""Requests that are refused for what they are."""

from dataclasses import dataclass, field

from tests.loopback import caching
from tests.loopback.models import find
from tests.loopback.replies import Body, Reply, http_error
from tests.loopback.rules import VERSION_WITHOUT_SAMPLING, first_problem


@dataclass
class Refusals:
    """The rules of one server. `trusting`: every request is taken for a valid one; models may still be unknown."""

    cached: bool = False
    trusting: bool = False
    unknown_models: set[str] = field(default_factory=set)

    def of(self, body: Body, version: str, *, counting: bool = False) -> Reply | None:
        """The refusal of a message request under this `anthropic-version`, or of one to count tokens."""
        if not self.trusting and (problem := self._problem(body, version, counting)):
            return http_error(400, message=problem)
        return self.of_model(body["model"], retired=True)

    def of_item(self, body: Body) -> Reply | None:
        """The refusal of an item of a batch."""
        return self.of(body, VERSION_WITHOUT_SAMPLING)

    def of_model(self, name: str, *, retired: bool = False) -> Reply | None:
        """The refusal of a model that is not there, and of a `retired` one."""
        gone = retired and find(name).lifecycle == "retired"
        return http_error(404, message=f"model: {name}") if gone or name in self.unknown_models else None

    def _problem(self, body: Body, version: str, counting: bool) -> str | None:
        problem = first_problem(body, version, counting=counting)
        return problem or (caching.first_problem(body) if self.cached else None)
