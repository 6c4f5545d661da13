"""Moments -> proof that nothing at or after a cut reaches a candidate, or the findings that say what does."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from pydantic import ValidationError

from nextstep.config import CandidateSettings
from nextstep.core.auditing import Check, Echoes, Finding, shown
from nextstep.core.canary import Planted, origin, plant, plant_bare
from nextstep.core.records import Moment, Session
from nextstep.pipeline.prompting import CandidatePrompt, forget_renderings
from nextstep.pipeline.propose import ProposalTask, due_proposals
from nextstep.sources.suite import Suite
from nextstep.store import Connection, Store
from nextstep.store.database import query

STAND_INS = (
    CandidateSettings(model="audit/default-window"),
    CandidateSettings(model="audit/smallest-window", max_input_tokens=2_000),
)
"""Made candidates, always audited: one with the default window, one whose window needs long prefixes fitted."""

CONTEXT = 60
"""Characters that a finding tells of a request from where it changes."""


@dataclass
class Audited:
    """What was proved of one candidate's request at one moment, and how its stored requests compare."""

    candidate: str
    prompt_hash: str
    request_sha256: str
    shortened: bool
    leaks: int = 0
    same: int = 0
    different: int = 0


@dataclass
class MomentAudit:
    """All that an audit says of one moment."""

    moment: Moment
    requests: list[Audited] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    not_comparable: int = 0
    """Stored requests made with another prompt or other parameters: nothing is proved of them."""
    looked_for: bool = True
    """Whether the human's step is long enough to be looked for in the prefix."""

    def row(self) -> dict[str, Any]:
        """The audit of the moment as plain values: leaks, and apart from them what only looks like one."""
        told = [(finding.leak, finding.model_dump(mode="json", exclude={"leak"})) for finding in self.findings]
        return {
            "session": self.moment.session,
            "cut": self.moment.cut,
            "set": str(self.moment.set),
            "moment_id": self.moment.moment_id,
            "requests": [asdict(request) for request in self.requests],
            "not_comparable": self.not_comparable,
            "looked_for": self.looked_for,
            "leaks": [finding for leak, finding in told if leak],
            "exceptions": [finding for leak, finding in told if not leak],
        }


def audit(
    suite: Suite,
    moments: Sequence[Moment],
    candidates: Sequence[CandidateSettings],
    prompt: CandidatePrompt,
    store: Store,
) -> Iterator[MomentAudit]:
    """Audit these moments, for these candidates, those of the store's past runs, and the stand-ins, one after another.

    Requests are made anew by the code that an evaluation makes them with, and nothing is sent or stored.
    """
    with store.read_or_empty() as connection:
        everyone = _everyone(candidates, _past_candidates(connection), prompt)
        stored = _stored_requests(connection, moments)
    echoes: dict[str, Echoes] = {}
    with _empty_store() as connection:
        for moment in moments:
            session = suite.sessions[moment.session]
            if moment.session not in echoes:
                echoes[moment.session] = Echoes(session, [m for m in moments if m.session == moment.session])
            one = MomentAudit(moment)
            _prove(one, connection, suite, everyone, prompt)
            _compare(one, stored[moment.moment_id])
            one.looked_for = echoes[moment.session].looked_for(moment)
            one.findings += echoes[moment.session].findings(moment)
            yield one


def _everyone(
    candidates: Sequence[CandidateSettings], past: Sequence[CandidateSettings], prompt: CandidatePrompt
) -> list[CandidateSettings]:
    """Every way of asking once, with one sample: more would be the same request."""
    distinct = {prompt.hash(settings): settings for settings in reversed((*candidates, *past, *STAND_INS))}
    return [settings.model_copy(update={"samples": 1}) for settings in reversed(distinct.values())]


def _past_candidates(connection: Connection) -> list[CandidateSettings]:
    """The candidates of the store's runs; one whose settings this nextstep cannot read is not comparable."""
    read = []
    for row in query(connection, "candidates_asked"):
        try:
            read.append(CandidateSettings.model_validate_json(row["settings"]))
        except ValidationError:
            continue
    return read


def _stored_requests(connection: Connection, moments: Sequence[Moment]) -> dict[str, list[dict[str, Any]]]:
    rows = defaultdict(list)
    for row in query(connection, "requests_of", moment_ids=[moment.moment_id for moment in moments]):
        rows[row["moment_id"]].append(row)
    return rows


@contextmanager
def _empty_store() -> Iterator[Connection]:
    """A store in memory, in which every proposal is due."""
    with TemporaryDirectory() as folder, Store(Path(folder) / "none.duckdb").read_or_empty() as connection:
        yield connection


def _prove(
    one: MomentAudit,
    connection: Connection,
    suite: Suite,
    candidates: Sequence[CandidateSettings],
    prompt: CandidatePrompt,
) -> None:
    """Make each candidate's request from the real session and from planted ones, and compare them to the byte."""
    session = suite.sessions[one.moment.session]

    def tasks(moment: Moment, of: Suite) -> list[ProposalTask]:
        forget_renderings()
        # Their requests are made here, while nothing is kept of others.
        return [task for task in due_proposals(connection, of, [moment], candidates, prompt) if task.call]

    real = tasks(one.moment, suite)
    variants = [plant(session, one.moment), plant_bare(session, one.moment)]
    made = [tasks(planted.moment, _suite_of(suite, planted)) for planted in variants]
    for number, task in enumerate(real):
        request = Audited(task.candidate.label, task.prompt_hash, task.call.request_sha256, task.shortened)
        found = [_leaks(task, of[number], planted, session) for planted, of in zip(variants, made, strict=True)]
        leaks = list(dict.fromkeys(found[0] or found[1]))
        request.leaks = len(leaks)
        one.requests.append(request)
        one.findings += leaks


def _suite_of(suite: Suite, planted: Planted) -> Suite:
    return replace(suite, sessions={planted.session.name: planted.session}, moments=(planted.moment,))


def _leaks(task: ProposalTask, marked: ProposalTask, planted: Planted, session: Session) -> list[Finding]:
    """What the request made from a planted session shows of the future, as findings of the real moment."""
    text = _text(marked)
    if text == _text(task) and marked.call.request_sha256 == task.call.request_sha256:
        return []
    names = planted.found(text)
    if not names:
        where = _difference(_text(task), text)
        reason = "the request is another one when what comes after the cut is"
        return [_finding(task, Check.CHANGED, "what comes after the cut", None, reason, where)]
    sources = [origin(session, task.moment, name) for name in names]
    reason = "it stands in the request, and was not there before the cut"
    return [_finding(task, Check.CANARY, source.what, source.event, reason, source.text) for source in sources]


def _text(task: ProposalTask) -> str:
    return "\n".join((task.call.request.system, *task.call.request.content))


def _difference(one: str, other: str) -> str:
    """The words of the first text from where the two differ."""
    pairs = enumerate(zip(one, other, strict=False))
    start = next((i for i, (a, b) in pairs if a != b), min(len(one), len(other)))
    return one[start : start + CONTEXT]


def _compare(one: MomentAudit, stored: Sequence[dict[str, Any]]) -> None:
    """Compare the stored requests of a moment with those made now."""
    made = {request.prompt_hash: request for request in one.requests}
    for row in stored:
        request = made.get(row["prompt_hash"])
        if request is None:
            one.not_comparable += 1
        elif request.request_sha256 == row["request_sha256"]:
            request.same += 1
        else:
            request.different += 1
            one.findings.append(_changed_since(one.moment, row, request))


def _changed_since(moment: Moment, row: dict[str, Any], request: Audited) -> Finding:
    return Finding(
        check=Check.STORED,
        leak=True,
        session=moment.session,
        cut=moment.cut,
        moment_id=moment.moment_id,
        candidate=row["candidate"],
        source="stored request",
        reason="the stored request is not the one that the suite gives now",
        span=f"sha256 {row['request_sha256']} stored, {request.request_sha256} now (reply {row['reply_id']})",
    )


def _finding(task: ProposalTask, check: Check, source: str, event: int | None, reason: str, text: str) -> Finding:
    return Finding(
        check=check,
        leak=True,
        session=task.moment.session,
        cut=task.moment.cut,
        moment_id=task.moment.moment_id,
        candidate=task.candidate.label,
        source=source,
        event=event,
        reason=reason,
        span=shown(text),
    )
