"""Moments -> rewrites: the human's step in the one form, and the made steps that probes need."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from nextstep.core.forms import Form
from nextstep.core.ids import make_id
from nextstep.core.proposing import read_step
from nextstep.core.records import Moment, RewriteKind
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

    def result(self, body: str) -> dict[str, Any]:
        """The rewrite's row. Raises UnreadableReply when the reply holds no step."""
        text = read_step(answer_of(body))
        return {
            "rewrite_id": make_id("rewrite", self.moment.moment_id, str(self.kind), self.prompt_hash, text),
            "moment_id": self.moment.moment_id,
            "kind": str(self.kind),
            "scribe": self.call.request.model,
            "text": text,
            "n_words": len(text.split()),
            "in_band": self.form.fits(text),
            "shortened": self.shortened,
            "prompt_hash": self.prompt_hash,
            "reply_id": self.call.reply_id,
            "created_at": utc_now(),
        }

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


Steps = dict[str, tuple[str, str | None]]
"""By moment_id: a step as judges read it, and the name of the rewrite that it is."""


def due_rewrites(
    connection: Connection, suite: Suite, given: Sequence[tuple[Moment, str]], prompt: ScribePrompt
) -> Iterator[RewriteTask]:
    """The rewritings that are missing, of the text that is given with each moment."""
    there = rewrites(connection, [moment for moment, _ in given], prompt)
    for moment, text in given:
        if moment.moment_id not in there:
            request, shortened = prompt.request(suite.events_of(moment), moment.cut, text)
            call = Call(Purpose.SCRIBE, request, 0)
            yield RewriteTask(moment, prompt.kind, prompt.form, call, shortened, prompt.hash)


def rewrites(connection: Connection, moments: Sequence[Moment], prompt: ScribePrompt) -> Steps:
    """What scribes made of these moments; of several, what came first."""
    ids = [moment.moment_id for moment in moments]
    rows = query(connection, "rewrites_of", kind=str(prompt.kind), prompt_hash=prompt.hash, moment_ids=ids)
    return {row["moment_id"]: (row["text"], row["rewrite_id"]) for row in reversed(rows)}


def human_steps(connection: Connection, moments: Sequence[Moment], prompt: ScribePrompt | None) -> Steps:
    """The human's steps as judges read them: in the one form, where a scribe has made it, or in their own words."""
    if prompt is None:
        return {moment.moment_id: (moment.human_step, None) for moment in moments}
    return rewrites(connection, moments, prompt)
