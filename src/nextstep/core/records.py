"""The records that pass through nextstep: frozen, validated, named as in the documentation."""

from datetime import datetime
from enum import StrEnum
from functools import cached_property
from typing import Annotated

import msgspec
from pydantic import BaseModel, ConfigDict, Field

from nextstep.core.ids import ListId, make_id

Count = Annotated[int, Field(ge=0)]

_encode = msgspec.json.Encoder().encode


class Record(BaseModel):
    """Base of everything that nextstep writes: immutable, and no field but its own."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Role(StrEnum):
    """Who an event comes from."""

    HUMAN = "human"
    ASSISTANT = "assistant"
    TOOL = "tool"
    SYSTEM = "system"


class Kind(StrEnum):
    """What an event is. The human's kinds name the ways in which a person can choose."""

    TEXT = "text"
    """Words: typed by the human, or written by the assistant."""
    THINKING = "thinking"
    """The assistant's visible reasoning."""
    TOOL_USE = "tool_use"
    """A tool called by the assistant; `text` is its input."""
    TOOL_RESULT = "tool_result"
    """What the tool gave back."""
    REJECTION = "rejection"
    """The human refused a tool use and said something else instead."""
    ANSWER = "answer"
    """The human answered questions that the assistant had put through a tool."""
    APPROVAL = "approval"
    """The human approved a plan."""
    QUEUED = "queued"
    """Typed while the assistant was still at work."""
    COMMAND = "command"
    """A slash command or a shell command that the human ran in the assistant's prompt."""
    NOTE = "note"
    """Anything the program itself put into the session: summaries, notifications, interruptions."""


HUMAN_CHOICES = frozenset({Kind.TEXT, Kind.REJECTION, Kind.ANSWER, Kind.QUEUED})
"""The human kinds that say what to do next, so that a moment may stand there."""


_HUMAN = Role.HUMAN  # an enum's members are slow to look up in Python 3.11


class Event(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, gc=False):
    """One entry of a session. `idx` is its position on the session's one line of events, from 0.

    A msgspec record: sessions have tens of thousands, and one costs a tenth of what a pydantic one does. It is checked
    where it comes from a file (`decode_event`). Behind `idx` the fields stand in the order of canonical JSON.
    """

    idx: Annotated[int, msgspec.Meta(ge=0)]
    at: datetime | None = None
    kind: Kind
    role: Role
    text: str
    tool: str | None = None

    @property
    def is_choice(self) -> bool:
        """Whether a human said here what to do next."""
        return self.role is _HUMAN and self.kind in HUMAN_CHOICES

    def json(self) -> bytes:
        """The event as a JSON object that begins with `idx`."""
        return _encode(self)

    def content(self) -> bytes:
        """What happened, without its place in the session, as canonical JSON."""
        return content_of(_encode(self))


def content_of(event: bytes) -> bytes:
    """The content of an event that is given as its `json`."""
    return b"{" + event[event.index(b",") + 1 :]


decode_event = msgspec.json.Decoder(Event).decode
"""An event from its JSON object, as UTF-8. Raises one of NO_EVENT."""

NO_EVENT = (msgspec.DecodeError, UnicodeDecodeError)


class Session(Record):
    """An imported transcript: what is known of it, and its live events in order."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    name: str
    """The file's name in the suite, without its ending."""
    title: str = ""
    source: str
    """The format of the transcript it was read from."""
    sha256: str
    """Of the transcript's bytes."""
    started_at: datetime | None = None
    events: tuple[Event, ...]

    @cached_property
    def session_id(self) -> str:
        """Named by the events alone: a new title or file name is the same session."""
        name = ListId("session")
        for event in self.events:
            name.add(event.content())
        return name.name()


class MomentSet(StrEnum):
    """What kind of step the human took: one that cost something, or one that was right."""

    DETOUR = "detour"
    CONTROL = "control"


class Moment(Record):
    """A human event at which the human chose what to do next, with what is known in hindsight."""

    session_id: str
    session: str
    """The session's name in the suite."""
    cut: Count
    """The `idx` of the human event; everything before it is the prefix."""
    set: MomentSet
    human_step: str
    why: str
    """Why this step was a detour, or right."""
    recovered_at: Count
    """Detour: the event at which the session was back on course. Control: the event that showed the step was right."""
    resolution: str
    """What in the end resolved the matter that this moment was about."""
    tags: tuple[str, ...] = ()

    @cached_property
    def moment_id(self) -> str:
        """Named by the session and the cut: a new label or note is the same moment."""
        return make_id("moment", self.session_id, self.cut)


class RewriteKind(StrEnum):
    """What a scribe makes of a moment."""

    FORM = "form"
    """The human's step in the one form, the content preserved."""
    REWORDED = "reworded"
    """The same step in other words."""
    WORSENED = "worsened"
    """A step that sounds as reasonable and is worse."""
    ORACLE = "oracle"
    """The step that would have led straight to what resolved the matter."""


class Order(StrEnum):
    """Which step the judge reads first."""

    MODEL_FIRST = "model_first"
    HUMAN_FIRST = "human_first"


class Choice(StrEnum):
    """Whose step the judge found better, once the slots are undone."""

    MODEL = "model"
    HUMAN = "human"
    TIE = "tie"


class Outcome(StrEnum):
    """Both orders folded, from the candidate's side."""

    WIN = "win"
    LOSS = "loss"
    TIE = "tie"
    FLIP = "flip"


class Usage(Record):
    """Tokens of one answer, each counted once; None where the server did not say."""

    input_tokens: Count | None = None
    """Read neither from nor into a cache."""
    output_tokens: Count | None = None
    cache_read_tokens: Count | None = None
    cache_write_tokens: Count | None = None
    cache_write_1h_tokens: Count | None = None
    """Of those written, the ones that are kept for an hour."""

    @property
    def all_input(self) -> int | None:
        """Every token that was read, from wherever; None where the server did not say."""
        if self.input_tokens is None:
            return None
        return self.input_tokens + (self.cache_read_tokens or 0) + (self.cache_write_tokens or 0)


class Request(Record):
    """All that a model is given for one answer."""

    model: str
    system: str
    content: tuple[str, ...]
    """The text blocks of the one user message, the most widely shared first."""
    max_tokens: Annotated[int, Field(gt=0)]
    effort: str | None = None
    answer_schema: dict[str, object] | None = None
    """A JSON Schema for the answer, where it must be structured."""

    def content_json(self) -> bytes:
        """All of it as canonical JSON (`ids.canonical`), many times faster: it may be of a million characters."""
        return _encode(self.model_dump())

    @property
    def characters(self) -> int:
        """Of the whole prompt."""
        return len(self.system) + sum(map(len, self.content))


class Answer(Record):
    """What a model gave for one request, as it came."""

    body: str
    """The raw JSON of the server's reply."""
    text: str
    """The text blocks of the reply, joined."""
    stop_reason: str
    usage: Usage = Usage()
    request_id: str | None = None
    latency_s: float
    attempts: Annotated[int, Field(ge=1)] = 1
