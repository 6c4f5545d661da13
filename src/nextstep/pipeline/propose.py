"""Moments -> proposals: what each candidate would do next."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any, ClassVar

from nextstep.config import CandidateSettings
from nextstep.core.ids import make_id
from nextstep.core.proposing import read_step
from nextstep.core.records import Event, Moment, Request
from nextstep.models.base import answer_of
from nextstep.pipeline.calls import Call, Purpose, Trunk
from nextstep.pipeline.prompting import CandidatePrompt
from nextstep.sources.suite import Suite
from nextstep.store import Connection
from nextstep.store.database import insert, query, utc_now


@dataclass(frozen=True)
class ProposalTask:
    """A proposal that is due and not there yet. Its request is made when it is looked at."""

    moment: Moment
    candidate: CandidateSettings
    sample: int
    events: tuple[Event, ...] = field(repr=False)
    prompt: CandidatePrompt
    prompt_hash: str

    stage: ClassVar[str] = str(Purpose.PROPOSE)
    table: ClassVar[str] = "proposals"

    @property
    def model(self) -> str:
        """Who is asked."""
        return self.candidate.model

    @property
    def trunk(self) -> Trunk:
        """What its request begins with."""
        scope = (self.stage, self.prompt_hash, self.model, self.moment.session)
        make = partial(self.prompt.beginning, self.events, self.moment.cut, self.candidate)
        return Trunk(scope, self.moment.cut, make)

    @cached_property
    def _asked(self) -> tuple[Request, bool]:
        return self.prompt.request(self.events, self.moment.cut, self.candidate)

    @cached_property
    def call(self) -> Call:
        """What to ask."""
        return Call(Purpose.PROPOSE, self._asked[0], self.sample)

    @property
    def shortened(self) -> bool:
        """Whether the prefix was shortened."""
        return self._asked[1]

    def again(self) -> None:
        """No other way to ask: new samples have numbers of their own."""

    def result(self, body: str) -> dict[str, Any]:
        """The proposal's row. Raises UnreadableReply when the reply holds no step."""
        text = read_step(answer_of(body))
        proposal_id = make_id(
            "proposal", self.moment.moment_id, self.candidate.label, self.sample, self.prompt_hash, text
        )
        return {
            "proposal_id": proposal_id,
            "moment_id": self.moment.moment_id,
            "candidate": self.candidate.label,
            "sample": self.sample,
            "text": text,
            "n_words": len(text.split()),
            "in_band": self.prompt.form.fits(text),
            "shortened": self.shortened,
            "prompt_hash": self.prompt_hash,
            "reply_id": self.call.reply_id,
            "created_at": utc_now(),
        }

    def work(self) -> dict[str, Any]:
        """What a failure's row says of this task."""
        return {
            "stage": self.stage,
            "moment_id": self.moment.moment_id,
            "candidate": self.candidate.label,
            "sample": self.sample,
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
        rows = stored_proposals(connection, moments, [(candidate, prompt_hash)])
        there = {(row["moment_id"], row["sample"]) for row in rows}
        first = _next_sample(connection, candidate, prompt_hash) if fresh else 0
        for moment in moments:
            for sample in range(first, first + candidate.samples):
                if (moment.moment_id, sample) not in there:
                    yield ProposalTask(moment, candidate, sample, suite.events_of(moment), prompt, prompt_hash)


def note_asked(connection: Connection, tasks: Sequence[ProposalTask]) -> None:
    """Write down what is due, so that what never came is counted too."""
    keys = ("candidate", "prompt_hash", "moment_id", "sample")
    insert(connection, "asked", [{key: task.work()[key] for key in keys} for task in tasks])


def stored_proposals(
    connection: Connection, moments: Sequence[Moment], asked: Sequence[tuple[CandidateSettings, str]]
) -> list[dict[str, Any]]:
    """The proposals of some candidates, each with the hash of its prompt, that the store has for these moments.

    Of a sample that came twice, as after a merge, one: that which was judged, and of several the first.
    """
    rows = query(
        connection,
        "proposals_of",
        candidates=[candidate.label for candidate, _ in asked],
        prompt_hashes=[prompt_hash for _, prompt_hash in asked],
        moment_ids=[moment.moment_id for moment in moments],
    )
    samples: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    for row in rows:
        name = row["moment_id"], row["candidate"], row["prompt_hash"], row["sample"]
        samples.setdefault(name, []).append(row)
    twice = [row["proposal_id"] for made in samples.values() if len(made) > 1 for row in made]
    judged = {row["proposal_id"] for row in query(connection, "judged_by_any", proposal_ids=twice)} if twice else set()
    return [min(made, key=lambda row: row["proposal_id"] not in judged) for made in samples.values()]


def _next_sample(connection: Connection, candidate: CandidateSettings, prompt_hash: str) -> int:
    rows = query(connection, "next_sample", candidate=candidate.label, prompt_hash=prompt_hash)
    return int(rows[0]["next_sample"])
