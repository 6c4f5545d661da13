"""An audit proves the cut of a good suite and finds every kind of broken one, naming moment, event and words."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from nextstep.bundled import bundled
from nextstep.config import CandidateSettings, EvalConfig
from nextstep.core import rendering, trajectory
from nextstep.core.auditing import Check, Finding
from nextstep.core.canary import first_hidden
from nextstep.core.records import Event, Kind, Moment, MomentSet, Role, Session
from nextstep.core.trajectory import step_problem
from nextstep.errors import EmptyTranscript
from nextstep.pipeline import prompting
from nextstep.pipeline.auditing import STAND_INS, MomentAudit, audit
from nextstep.pipeline.evaluate import evaluate, make_job
from nextstep.pipeline.prompting import CandidatePrompt
from nextstep.pipeline.watching import Watcher
from nextstep.sources import claude_code
from nextstep.sources.suite import Suite, load_suite
from nextstep.store import Store
from tests.builders import PROMPTS, events, with_more, write_suite

OFFLINE = "offline/continue"


class World:
    """A suite and a store to audit."""

    def __init__(self, folder: Path) -> None:
        self.suite = load_suite(write_suite(folder / "suite"))
        self.store = Store(folder / "s.duckdb")
        self.prompt = CandidatePrompt(PROMPTS)

    def audit(self, *candidates: CandidateSettings) -> list[MomentAudit]:
        return list(audit(self.suite, self.suite.moments, candidates, self.prompt, self.store))

    def leaks(self) -> list[Finding]:
        return [finding for one in self.audit() for finding in one.findings if finding.leak]

    def evaluate(self, **settings: Any) -> None:
        config = {"candidates": [{"model": OFFLINE, **settings}], "judges": ["offline/lexical"]}
        asyncio.run(evaluate(make_job(EvalConfig.model_validate(config), self.suite, PROMPTS), self.store, Watcher()))

    def change(self, statement: str) -> None:
        with self.store.write() as connection:
            connection.execute(statement)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_nothing_leaks_from_the_bundled_suite(tmp_path: Path) -> None:
    suite = load_suite(bundled("transcripts"))
    audits = list(audit(suite, suite.moments, (), CandidatePrompt(bundled("prompts")), Store(tmp_path / "s.duckdb")))
    assert [one.moment for one in audits] == list(suite.moments)
    assert [finding for one in audits for finding in one.findings] == []
    assert any(request.shortened for one in audits for request in one.requests)
    assert not (tmp_path / "s.duckdb").exists()


def test_every_candidate_and_both_stand_ins_are_asked_for_at_every_moment(world: World) -> None:
    mine = CandidateSettings(model="claude-x", samples=3)
    for one in world.audit(mine):
        names = ["claude-x", *(settings.model for settings in STAND_INS)]
        assert [request.candidate for request in one.requests] == names
        assert [request.shortened for request in one.requests] == [False] * 3


# Stored requests


def test_stored_requests_of_past_runs_are_made_again_and_compared(world: World) -> None:
    world.evaluate(samples=2, name="mine", max_tokens=777)
    for one in world.audit():
        (mine,) = [request for request in one.requests if request.candidate == "mine"]
        assert (mine.same, mine.different, one.not_comparable) == (2, 0, 0)


def test_a_stored_request_that_the_suite_does_not_give_is_found(world: World) -> None:
    world.evaluate()
    world.change("UPDATE replies SET request_sha256 = 'ff00' WHERE purpose = 'propose'")
    leaks = world.leaks()
    assert {leak.check for leak in leaks} == {Check.STORED}
    assert len(leaks) == len(world.suite.moments)
    assert "ff00" in leaks[0].span
    assert leaks[0].candidate == OFFLINE


def test_an_unreadable_answer_has_its_request_compared_too(world: World) -> None:
    world.evaluate()
    world.change(
        "INSERT INTO failures SELECT 'f' || proposal_id, 'r', 'propose', moment_id, candidate, sample, NULL, NULL,"
        " NULL, 'm', 'unreadable', '', 1, prompt_hash, reply_id, created_at FROM proposals"
    )
    world.change("DELETE FROM proposals")
    assert [one.requests[0].same for one in world.audit()] == [1] * len(world.suite.moments)


def test_a_stored_request_of_another_prompt_proves_nothing(world: World, tmp_path: Path) -> None:
    world.evaluate()
    world.prompt = CandidatePrompt(with_more(tmp_path / "prompts", "candidate", "\nBe brief.\n"))
    for one in world.audit():
        assert one.not_comparable == 1
        assert sum(request.same + request.different for request in one.requests) == 0
        assert one.findings == []


def test_a_past_candidate_whose_settings_cannot_be_read_is_not_comparable(world: World) -> None:
    world.evaluate(effort="low")
    world.change("UPDATE runs SET config = replace(config::VARCHAR, '\"effort\"', '\"temperature\"')::JSON")
    assert [one.not_comparable for one in world.audit()] == [1] * len(world.suite.moments)


# A broken cut is found

good_prefix = trajectory.prefix
Cut = Callable[[Sequence[Event], int], tuple[Event, ...]]


def with_gap(made: Sequence[Event], cut: int) -> tuple[Event, ...]:
    """Forgets to drop what stands between the agent's last act and the human's turn."""
    return tuple(made[:cut])


def with_human(made: Sequence[Event], cut: int) -> tuple[Event, ...]:
    """Off by one: the human's words are in it."""
    return tuple(made[: cut + 1])


def with_everything(made: Sequence[Event], cut: int) -> tuple[Event, ...]:
    return tuple(made)


def breaks(monkeypatch: pytest.MonkeyPatch, cut: Cut) -> None:
    monkeypatch.setattr(trajectory, "prefix", cut)


def test_a_cut_that_keeps_the_human_turn_is_found_by_its_words(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    breaks(monkeypatch, with_human)
    for one in world.audit():
        canaries = [finding for finding in one.findings if finding.check is Check.CANARY]
        assert {(leak.event, leak.span) for leak in canaries} == {(one.moment.cut, one.moment.human_step)}
        assert len(canaries) == sum(request.leaks for request in one.requests) == len(STAND_INS)


def test_a_cut_that_keeps_the_gap_is_found_by_the_gap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    line = events("h: why", "u: ls", "r: b", "n: interrupted by the user", "h: look at b", "u: cat b", "r: x")
    breaks(monkeypatch, with_gap)
    (one,) = audit_line(line, 4, tmp_path)
    assert {(leak.session, leak.cut, leak.event, leak.span) for leak in one.findings} == {
        ("s", 4, 3, "interrupted by the user")
    }


def test_a_cut_that_keeps_everything_is_found_event_by_event(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    breaks(monkeypatch, with_everything)
    for one in world.audit():
        last = len(world.suite.events_of(one.moment))
        assert {leak.event for leak in one.findings if leak.check is Check.CANARY} == set(range(one.moment.cut, last))


def test_a_rendering_that_looks_at_the_title_is_found(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def peeking(self: Suite, moment: Moment) -> tuple[Event, ...]:
        session = self.sessions[moment.session]
        title = Event(idx=0, role=Role.SYSTEM, kind=Kind.NOTE, text=f"Title: {session.title}")
        return (title, *session.events[1:])

    monkeypatch.setattr(Suite, "events_of", peeking)
    leaks = [finding for finding in world.leaks() if finding.session == "one"]
    assert {(leak.source, leak.event, leak.span) for leak in leaks} == {("session's title", None, "About one")}


@pytest.mark.parametrize("label", ["human_step", "why", "resolution", "tags", "session_id"])
def test_a_request_that_holds_a_label_is_found(world: World, monkeypatch: pytest.MonkeyPatch, label: str) -> None:
    def peeking(self: Suite, moment: Moment) -> tuple[Event, ...]:
        made = self.sessions[moment.session].events
        return (replace(made[0], text=str(getattr(moment, label))), *made[1:])

    monkeypatch.setattr(Suite, "events_of", peeking)
    assert {leak.source for leak in world.leaks()} == {f"moment's {label}"}


def test_a_request_that_only_depends_on_the_future_is_found(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def counting(made: Sequence[Event], cut: int) -> tuple[Event, ...]:
        seen = good_prefix(made, cut)
        return (*seen[:-1], replace(seen[-1], text=f"{seen[-1].text} (of {len(made)})"))

    breaks(monkeypatch, counting)
    leaks = world.leaks()
    assert {leak.check for leak in leaks} == {Check.CHANGED}
    assert len(leaks) == len(STAND_INS) * len(world.suite.moments)
    assert all(leak.span.startswith(tuple("0123456789")) for leak in leaks)


def test_a_request_that_depends_on_the_label_alone_is_found(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def telling(self: Suite, moment: Moment) -> tuple[Event, ...]:
        made = self.sessions[moment.session].events
        return made if moment.set is MomentSet.CONTROL else (replace(made[0], text="!"), *made[1:])

    monkeypatch.setattr(Suite, "events_of", telling)
    assert {leak.check for leak in world.leaks()} == {Check.CHANGED}


def test_a_leak_that_only_fitting_opens_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The stand-in with the smallest window is there for this."""
    line = events("h: why", "u: ls", f"r: {'y' * 9000}", "h: look at b", "u: cat b", "r: x")

    def noting(made: Sequence[Event], cut: int) -> tuple[Event, ...]:
        chosen.append(made[cut].text)
        return good_prefix(made, cut)

    def leaky(made: Sequence[Event], size: int, **more: Any) -> rendering.Rendered:
        rendered = rendering.render(made, size, **more)
        return rendering.Rendered(rendered.text + chosen[-1], True) if rendered.shortened else rendered

    chosen: list[str] = []
    breaks(monkeypatch, noting)
    monkeypatch.setattr(prompting, "render", leaky)
    (one,) = audit_line(line, 3, tmp_path)
    assert [(leak.candidate, leak.event) for leak in one.findings] == [("audit/smallest-window", 3)]


def test_what_was_rendered_before_proves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Equal prefixes share one rendering in an evaluation; an audit makes each request from the ground up."""
    rendered: list[int] = []

    def counting(made: Sequence[Event], size: int, **more: Any) -> rendering.Rendered:
        rendered.append(size)
        return rendering.render(made, size, **more)

    monkeypatch.setattr(prompting, "render", counting)
    list(audit_line(events("h: why", "u: ls", "h: look at b", "u: cat b"), 2, tmp_path))
    assert len(rendered) == 3 * len(STAND_INS)


# Notes that know the future


STEP = "print the batch that holds the first value which is not finite"


def test_a_queue_entry_before_its_turn_is_found(tmp_path: Path) -> None:
    line = events("h: why", f"n: {STEP}", "u: ls", "r: b", f"h: {STEP}", "u: cat b", "r: x")
    (one,) = audit_line(line, 4, tmp_path)
    assert [(leak.check, leak.event, leak.seen_in) for leak in one.findings] == [(Check.VERBATIM, 4, 1)]


def test_the_past_quoted_is_told_apart(tmp_path: Path) -> None:
    line = events("h: why", f"a: you could {STEP}", "u: ls", "r: b", f"h: {STEP}", "u: cat b", "r: x")
    (one,) = audit_line(line, 4, tmp_path)
    row = one.row()
    assert row["leaks"] == []
    assert [(told["event"], told["seen_in"]) for told in row["exceptions"]] == [(4, 1)]


texts = st.sampled_from(["", "yes", "look at b", STEP, "tail " * 2500])
rows = st.lists(st.tuples(st.sampled_from(Role), st.sampled_from(Kind), texts), min_size=3, max_size=25)


@given(rows, st.data())
@settings(max_examples=40, deadline=None)
def test_no_mark_passes_the_cut_of_any_session(
    tmp_path_factory: pytest.TempPathFactory, made: list[tuple[Role, Kind, str]], data: st.DataObject
) -> None:
    line = tuple(Event(idx=i, role=r, kind=k, text=text) for i, (r, k, text) in enumerate(made))
    cuts = [i for i in range(len(line)) if step_problem(line, i) is None]
    if not cuts:
        return
    cut = data.draw(st.sampled_from(cuts))
    (one,) = audit_line(line, cut, tmp_path_factory.mktemp("audit"))
    assert not [finding for finding in one.findings if finding.check is not Check.VERBATIM]
    assert all((finding.seen_in or 0) < first_hidden(line, cut) for finding in one.findings)


def moment_of(session: Session, cut: int) -> Moment:
    return Moment(
        session_id=session.session_id,
        session=session.name,
        cut=cut,
        set=MomentSet.DETOUR,
        human_step=session.events[cut].text.strip(),
        why="because",
        recovered_at=cut + 1,
        resolution="row 17",
    )


def audit_line(line: tuple[Event, ...], cut: int, folder: Path) -> list[MomentAudit]:
    """The audit of one moment of a session made of these events."""
    session = Session(name="s", title="A title", source="test", sha256="", events=line)
    moment = moment_of(session, cut)
    suite = Suite(folder, {"s": session}, (moment,))
    return list(audit(suite, [moment], (), CandidatePrompt(PROMPTS), Store(folder / "s.duckdb")))


# Real files (not part of the repository)

DATA = Path(__file__).parents[3] / "shared" / "data" / "claude_code"
FILES = sorted(path for path in DATA.rglob("*.jsonl") if "series" not in path.parts) if DATA.exists() else []


def real_sessions() -> Iterator[Session]:
    for path in FILES:
        with suppress(EmptyTranscript):
            for reading in claude_code.read(path):
                made = tuple(reading.events)
                yield Session(name=reading.name, title="", source=reading.source, sha256="", events=made)


@pytest.mark.skipif(not FILES, reason="the real files are not here")
def test_nothing_leaks_at_any_turn_of_the_real_files(tmp_path: Path) -> None:
    sessions = {session.name: session for session in real_sessions()}
    moments = tuple(
        moment_of(session, event.idx)
        for session in sessions.values()
        for event in session.events
        if step_problem(session.events, event.idx) is None
    )
    suite = Suite(tmp_path, sessions, moments)
    audits = list(audit(suite, moments, (), CandidatePrompt(PROMPTS), Store(tmp_path / "s.duckdb")))
    assert len(audits) == len(moments) > 100
    assert [finding for one in audits for finding in one.findings if finding.leak] == []
