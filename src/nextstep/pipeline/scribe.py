"""Moments -> rewrites: the human's step in the one form, and the made steps that probes need."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from typing import Any, ClassVar

from nextstep.core.ids import make_id
from nextstep.core.proposing import read_step
from nextstep.core.records import Event, Moment, Request, RewriteKind
from nextstep.core.trajectory import whole_turn
from nextstep.models.base import answer_of
from nextstep.pipeline.calls import Call, Purpose, Trunk
from nextstep.pipeline.prompting import ScribePrompt
from nextstep.sources.suite import Suite
from nextstep.store import Connection
from nextstep.store.database import query, utc_now


@dataclass(frozen=True)
class RewriteTask:
    """A rewriting that is due and not there yet. Its request is made when it is looked at."""

    moment: Moment
    given: str
    """The text that is rewritten."""
    events: tuple[Event, ...] = field(repr=False)
    prompt: ScribePrompt
    sample: int = 0

    table: ClassVar[str] = "rewrites"

    @property
    def stage(self) -> str:
        """Bringing a step into the one form, or making one for a probe."""
        return str(Purpose.SCRIBE) if self.prompt.kind is RewriteKind.FORM else "probe steps"

    @property
    def model(self) -> str:
        """Who is asked."""
        return self.prompt.scribe.model

    @property
    def trunk(self) -> Trunk:
        """What its request begins with."""
        scope = (self.stage, self.prompt.hash, self.model, self.moment.session)
        return Trunk(scope, self.moment.cut, partial(self.prompt.beginning, self.events, self.moment.cut))

    @cached_property
    def _asked(self) -> tuple[Request, bool]:
        return self.prompt.request(self.events, self.moment.cut, self.given)

    @cached_property
    def call(self) -> Call:
        """What to ask."""
        return Call(Purpose.SCRIBE, self._asked[0], self.sample)

    def result(self, body: str) -> dict[str, Any]:
        """The rewrite's row. Raises UnreadableReply when the reply holds no step."""
        text = read_step(answer_of(body))
        kind, prompt_hash, source_hash = str(self.prompt.kind), self.prompt.hash, _named(self.given)
        return {
            "rewrite_id": make_id("rewrite", self.moment.moment_id, kind, prompt_hash, source_hash, text),
            "moment_id": self.moment.moment_id,
            "kind": kind,
            "scribe": self.model,
            "text": text,
            "n_words": len(text.split()),
            "in_band": self.prompt.form.fits(text),
            "shortened": self._asked[1],
            "prompt_hash": prompt_hash,
            "source_hash": source_hash,
            "reply_id": self.call.reply_id,
            "created_at": utc_now(),
        }

    def again(self) -> "RewriteTask":
        """The same task with the next sample of its call."""
        return replace(self, sample=self.sample + 1)

    def work(self) -> dict[str, Any]:
        """What a failure's row says of this task."""
        return {
            "stage": str(Purpose.SCRIBE),
            "moment_id": self.moment.moment_id,
            "candidate": "",
            "sample": 0,
            "proposal_id": None,
            "judge": None,
            "order": None,
            "model": self.model,
            "prompt_hash": self.prompt.hash,
        }


Given = Sequence[tuple[Moment, str]]
"""Moments, each with the text of it that is rewritten."""
Steps = dict[str, tuple[str, str | None]]
"""By moment_id: a step as judges read it, and the name of the rewrite that it is."""


def due_rewrites(connection: Connection, suite: Suite, given: Given, prompt: ScribePrompt) -> Iterator[RewriteTask]:
    """The rewritings that are missing; of a moment whose text was changed, another one is due."""
    there = rewrites(connection, given, prompt)
    for moment, text in given:
        if moment.moment_id not in there:
            yield RewriteTask(moment, text, suite.events_of(moment), prompt)


def rewrites(connection: Connection, given: Given, prompt: ScribePrompt) -> Steps:
    """What scribes made of these texts; of several, what came first."""
    named = {moment.moment_id: _named(text) for moment, text in given}
    rows = query(connection, "rewrites_of", kind=str(prompt.kind), prompt_hash=prompt.hash, moment_ids=list(named))
    fitting = [row for row in rows if row["source_hash"] == named[row["moment_id"]]]
    return {row["moment_id"]: (row["text"], row["rewrite_id"]) for row in reversed(fitting)}


def _named(text: str) -> str:
    return make_id("source", text)


def own_words(suite: Suite, moments: Iterable[Moment]) -> list[tuple[Moment, str]]:
    """The moments with all that the human said there, also where it came in several parts."""
    return [(moment, whole_turn(suite.events_of(moment), moment.cut)) for moment in moments]


def human_steps(connection: Connection, suite: Suite, moments: Sequence[Moment], prompt: ScribePrompt | None) -> Steps:
    """The human's steps as judges read them: in the one form, where a scribe has made it, or in their own words."""
    if prompt is None:
        return {moment.moment_id: (moment.human_step, None) for moment in moments}
    return rewrites(connection, own_words(suite, moments), prompt)
