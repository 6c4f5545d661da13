"""A call as a value: what is asked of which model, for what, named by its whole content."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Protocol

from nextstep.core.ids import make_id, sha256
from nextstep.core.records import Request
from nextstep.pipeline.prompting import Beginning


class Purpose(StrEnum):
    """What a reply is for."""

    PROPOSE = "propose"
    SCRIBE = "scribe"
    JUDGE = "judge"
    GUESS = "guess"


class Named(Protocol):
    """A call as the store knows it, with or without its request."""

    @property
    def reply_id(self) -> str:
        """The name of the answer."""
        ...

    @property
    def purpose(self) -> str:
        """What it is for."""
        ...

    @property
    def model(self) -> str:
        """Who is asked."""
        ...

    @property
    def sample(self) -> int:
        """Which repeat of the same request it is."""
        ...

    @property
    def request_sha256(self) -> str:
        """Of the request."""
        ...


@dataclass(frozen=True)
class Call:
    """A request with its purpose; `sample` numbers repeats of the same request."""

    purpose: Purpose
    request: Request
    sample: int

    @property
    def model(self) -> str:
        """Who is asked."""
        return self.request.model

    @cached_property
    def request_sha256(self) -> str:
        """Of the whole request as canonical JSON."""
        return sha256(self.request.content_json())

    @cached_property
    def reply_id(self) -> str:
        """The name of the answer: the same call is the same row, whoever makes it."""
        return make_id("reply", self.purpose, self.request.model, self.request_sha256, self.sample)


@dataclass(frozen=True)
class Trunk:
    """What a call begins with, and others too: named without being made.

    Within one scope (a stage, a way of asking, a session) all begin with one system prompt, and trunks are compared.
    """

    scope: tuple[Hashable, ...]
    key: Hashable
    make: Callable[[], Beginning | None] = field(compare=False, repr=False)
