"""Moments -> proposals: what each candidate would do next."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from nextstep.config import CandidateSettings
from nextstep.core.forms import Form
from nextstep.core.ids import make_id
from nextstep.core.proposing import read_step
from nextstep.core.records import Moment
from nextstep.models.base import answer_of
from nextstep.pipeline.calls import Call, Purpose
from nextstep.pipeline.prompting import CandidatePrompt
from nextstep.sources.suite import Suite
from nextstep.store import Connection
from nextstep.store.database import insert, query, utc_now


@dataclass(frozen=True)
class ProposalTask:
    """A proposal that is due and not there yet."""

    moment: Moment
    candidate: CandidateSettings
    call: Call
    shortened: bool
    prompt_hash: str
    form: Form

    def result(self, body: str) -> dict[str, Any]:
        """The proposal's row. Raises UnreadableReply when the reply holds no step."""
        text = read_step(answer_of(body))
        proposal_id = make_id(
            "proposal", self.moment.moment_id, self.candidate.label, self.call.sample, self.prompt_hash, text
        )
        return {
            "proposal_id": proposal_id,
            "moment_id": self.moment.moment_id,
            "candidate": self.candidate.label,
            "sample": self.call.sample,
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
            "stage": str(Purpose.PROPOSE),
            "moment_id": self.moment.moment_id,
            "candidate": self.candidate.label,
            "sample": self.call.sample,
            "proposal_id": None,
            "judge": None,
            "order": None,
            "model": self.candidate.model,
            "prompt_hash": self.prompt_hash,
        }


def due_proposals(
    connection: Connection,
    suite: Suite,
    moments: Sequence[Moment],
    candidates: Sequence[CandidateSettings],
    prompt: CandidatePrompt,
    *,
    fresh: bool = False,
) -> Iterator[ProposalTask]:
    """The proposals that these candidates owe for these moments, in the order of the moments.

    With `fresh`, as many new samples as were asked for, numbered on from those that the store has seen.
    """
    for candidate in candidates:
        prompt_hash = prompt.hash(candidate)
        rows = stored_proposals(connection, moments, candidate, prompt_hash)
        there = {(row["moment_id"], row["sample"]) for row in rows}
        first = _next_sample(connection, candidate, prompt_hash) if fresh else 0
        for moment in moments:
            wanted = range(first, first + candidate.samples)
            missing = [sample for sample in wanted if (moment.moment_id, sample) not in there]
            if missing:
                request, shortened = prompt.request(suite.events_of(moment), moment.cut, candidate)
            for sample in missing:
                call = Call(Purpose.PROPOSE, request, sample)
                yield ProposalTask(moment, candidate, call, shortened, prompt_hash, prompt.form)


def note_asked(connection: Connection, tasks: Sequence[ProposalTask]) -> None:
    """Write down what is due, so that what never came is counted too."""
    keys = ("candidate", "prompt_hash", "moment_id", "sample")
    insert(connection, "asked", [{key: task.work()[key] for key in keys} for task in tasks])


def stored_proposals(
    connection: Connection, moments: Sequence[Moment], candidate: CandidateSettings, prompt_hash: str
) -> list[dict[str, Any]]:
    """The proposals of a candidate that the store has for these moments."""
    return query(
        connection,
        "proposals_of",
        candidate=candidate.label,
        prompt_hash=prompt_hash,
        moment_ids=[moment.moment_id for moment in moments],
    )


def _next_sample(connection: Connection, candidate: CandidateSettings, prompt_hash: str) -> int:
    rows = query(connection, "next_sample", candidate=candidate.label, prompt_hash=prompt_hash)
    return int(rows[0]["next_sample"])
