"""Moments -> rewrites: the human's step in the one form, and the made steps that probes need."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from nextstep.core.forms import Form
from nextstep.core.ids import make_id
from nextstep.core.proposing import read_step
from nextstep.core.records import Moment, RewriteKind
from nextstep.core.trajectory import whole_turn
from nextstep.models.base import answer_of
from nextstep.pipeline.calls import Call, Purpose
from nextstep.pipeline.prompting import ScribePrompt
from nextstep.sources.suite import Suite
from nextstep.store import Connection
from nextstep.store.database import query, utc_now


@dataclass(frozen=True)
class RewriteTask:
    """A rewriting that is due and not there yet."""

    moment: Moment
    kind: RewriteKind
    form: Form
    call: Call
    shortened: bool
    prompt_hash: str
    source_hash: str
    """Of the text that is rewritten."""

    def result(self, body: str) -> dict[str, Any]:
        """The rewrite's row. Raises UnreadableReply when the reply holds no step."""
        text = read_step(answer_of(body))
        return {
            "rewrite_id": make_id(
                "rewrite", self.moment.moment_id, str(self.kind), self.prompt_hash, self.source_hash, text
            ),
            "moment_id": self.moment.moment_id,
            "kind": str(self.kind),
            "scribe": self.call.request.model,
            "text": text,
            "n_words": len(text.split()),
            "in_band": self.form.fits(text),
            "shortened": self.shortened,
            "prompt_hash": self.prompt_hash,
            "source_hash": self.source_hash,
            "reply_id": self.call.reply_id,
            "created_at": utc_now(),
        }

    def again(self) -> "RewriteTask":
        """The same task with the next sample of its call."""
        return replace(self, call=replace(self.call, sample=self.call.sample + 1))

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
            "model": self.call.request.model,
            "prompt_hash": self.prompt_hash,
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
            request, shortened = prompt.request(suite.events_of(moment), moment.cut, text)
            call = Call(Purpose.SCRIBE, request, 0)
            yield RewriteTask(moment, prompt.kind, prompt.form, call, shortened, prompt.hash, _named(text))


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
