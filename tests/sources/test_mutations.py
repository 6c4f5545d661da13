"""Laws that no damage to a Claude Code session may break, over real sessions and made ones with their lines mutated.

NEXTSTEP_EXAMPLES is the number of mutated sessions for each law and source; without it they are few, and always the
same.
"""

import os
from collections import Counter
from collections.abc import Collection, Sequence
from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from msgspec.json import encode

from nextstep.config import CandidateSettings
from nextstep.core.records import Event, Kind, Role, decode_event
from nextstep.core.trajectory import AGENT_ROLES, prefix, step_problem
from nextstep.errors import TranscriptError
from nextstep.pipeline.prompting import CandidatePrompt
from nextstep.sources import claude_code, spool
from nextstep.sources.claude_code.record import parse
from nextstep.sources.notes import NOTED_LINES, About
from tests.builders import PROMPTS
from tests.sources.mutations import (
    CANARY,
    DATA,
    STEPS,
    Lines,
    Rows,
    Script,
    Step,
    Told,
    built,
    mutate,
    plant,
    read,
    real,
    record_of,
)

EXAMPLES = os.environ.get("NEXTSTEP_EXAMPLES")
laws = settings(
    max_examples=int(EXAMPLES or 150),
    derandomize=EXAMPLES is None,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.filter_too_much],
)
sources = pytest.mark.parametrize(
    "source",
    ["built", pytest.param("real", marks=pytest.mark.skipif(not DATA.exists(), reason="the real files are not here"))],
)
NUMBER = st.integers(0, 10_000)

LEFT = ("left out", "not on the session's line", "kept as a system note")
"""Words of the notes that tell of events which are not on the line, or not the human's there."""


def chosen(source: str, number: int) -> Lines:
    """One of the sessions."""
    sessions = built() if source == "built" else real()
    return sessions[number % len(sessions)]


def lines_of(rows: Rows) -> Lines:
    """The lines of a mutated session."""
    return tuple(part for row in rows for part in row.line.split(b"\n"))


@cache
def told_of(lines: Lines) -> Told:
    """What the reader makes of a session that nothing was done to."""
    return read(lines)


# Nothing stops the reader


@sources
@laws
@given(NUMBER, STEPS)
def test_no_mutation_stops_the_reader_and_the_same_bytes_are_always_read_the_same(
    tmp_path: Path, source: str, number: int, steps: list[Step]
) -> None:
    lines = lines_of(mutate(chosen(source, number), steps))
    told = read(lines)
    assert told == read(lines)
    path = tmp_path / "session.jsonl"
    path.write_bytes(b"\n".join(lines))
    claude_code.looks_like(path)
    try:
        (reading,) = claude_code.read(path)
    except TranscriptError:
        assert not told.events
        return
    assert tuple(reading.events) == told.events
    assert reading.notes.all() == told.notes


@sources
@laws
@given(NUMBER, STEPS)
def test_events_count_from_0_in_the_order_of_lines_and_can_all_be_stored(
    source: str, number: int, steps: list[Step]
) -> None:
    told = read(lines_of(mutate(chosen(source, number), steps)))
    assert [event.idx for event in told.events] == list(range(len(told.events)))
    assert all(before <= after for before, after in pairwise(told.lines))
    for event in told.events:
        assert "\0" not in event.text
        assert encode(event)
        assert decode_event(encode(event)) == event


# Nothing is lost in silence


def lost_turns(before: Told, rows: Rows) -> list[tuple[int, Event]]:
    """Human turns on untouched lines that are neither events nor noted, each with its line."""
    after = read([row.line for row in rows])
    assume(all(note.count <= NOTED_LINES for note in after.notes if note.about is About.READING))
    noted = after.noted(*LEFT)
    lost: list[tuple[int, Event]] = []
    for number, row in enumerate(rows, 1):
        if row.origin is None or number in noted:
            continue
        if _is_queue(row.line):
            continue
        turns = [event for event in before.at(row.origin + 1) if event.role is Role.HUMAN]
        here = after.at(number)
        lost.extend((number, turn) for turn in turns if not _stands(turn, here))
    return lost


def _is_queue(line: bytes) -> bool:
    return (record_of(line) or {}).get("type") == "queue-operation"


def _stands(turn: Event, here: Sequence[Event]) -> bool:
    """Whether a turn is among a line's events.

    An answer or an approval is known by the tool that asked: when the call's own line is lost, it stays as the result.
    """
    if turn.kind in (Kind.ANSWER, Kind.APPROVAL) and any(event.kind is Kind.TOOL_RESULT for event in here):
        return True
    return any((event.role, event.kind, event.text) == (turn.role, turn.kind, turn.text) for event in here)


@sources
@laws
@given(NUMBER, STEPS)
def test_no_untouched_human_turn_is_lost_without_a_note_of_its_line(
    source: str, number: int, steps: list[Step]
) -> None:
    lines = chosen(source, number)
    assert lost_turns(told_of(lines), mutate(lines, steps)) == []


def lost_messages(before: Told, lines: Lines, rows: Rows) -> list[str]:
    """Messages that only the queue held, all of whose lines are untouched and that are neither told nor noted."""
    after = read([row.line for row in rows])
    assume(all(note.count <= NOTED_LINES for note in after.notes if note.about is About.READING))
    noted = after.noted(*LEFT)
    spoken = [f"\n{event.text}\n" for event in after.events if event.role is Role.HUMAN]
    lost = []
    for text, line in ((event.text, line) for event, line in before.both() if _is_queue(lines[line - 1])):
        untouched = _entries(text, [row.line for row in rows if row.origin is not None])
        if untouched < _entries(text, lines):
            continue
        places = {number for number, row in enumerate(rows, 1) if _enters(text, row.line) or row.origin == line - 1}
        if not (places & noted) and not any(f"\n{text}\n" in one for one in spoken):
            lost.append(text)
    return lost


def _entries(text: str, lines: Sequence[bytes]) -> int:
    return sum(_enters(text, line) for line in lines)


def _enters(text: str, line: bytes) -> bool:
    record = record_of(line) if b"queue-operation" in line else None
    content = (record or {}).get("content")
    return isinstance(content, str) and content.strip() == text


@sources
@laws
@given(NUMBER, STEPS)
def test_no_untouched_message_of_the_queue_is_lost_without_a_note_of_its_line(
    source: str, number: int, steps: list[Step]
) -> None:
    lines = chosen(source, number)
    assert lost_messages(told_of(lines), lines, mutate(lines, steps)) == []


@sources
@laws
@given(NUMBER, STEPS)
def test_every_user_record_has_a_reason_for_whose_words_it_holds(source: str, number: int, steps: list[Step]) -> None:
    lines = lines_of(mutate(chosen(source, number), steps))
    told = read(lines)
    users = {number for number, line in enumerate(lines, 1) if (one := parse(line)[0]) and one.type == "user"}
    notes = [note for note in told.notes if note.about is About.SENDER]
    assert all(note.reason for note in notes)
    assume(all(note.count <= NOTED_LINES for note in notes))
    reasons = Counter(number for note in notes for number in note.lines)
    assert users - reasons.keys() <= told.noted("written a second time")
    assert reasons.keys() <= users


# Nothing of the future


def a_moment(told: Told, number: int) -> int | None:
    """One of the possible moments of a session; None when it has none."""
    cuts = [event.idx for event in told.events if event.is_choice and step_problem(told.events, event.idx) is None]
    return cuts[number % len(cuts)] if cuts else None


def last_seen(told: Told, cut: int) -> int:
    """The line of the last thing that the agent did before a cut: counted here, apart from the code that cuts."""
    return max((line for event, line in told.both()[:cut] if event.role in AGENT_ROLES))


PROMPT = CandidatePrompt(PROMPTS)
CANDIDATES = (
    CandidateSettings(model="offline/continue"),
    CandidateSettings(model="offline/continue", max_input_tokens=2_000),
)


@sources
@laws
@given(NUMBER, STEPS, NUMBER)
def test_no_canary_planted_in_what_nobody_knew_reaches_the_prefix_or_a_request(
    source: str, number: int, steps: list[Step], which: int
) -> None:
    lines = lines_of(mutate(chosen(source, number), steps))
    told = read(lines)
    cut = a_moment(told, which)
    if cut is None:
        return
    moment, seen = told.lines[cut], last_seen(told, cut)
    after = read(plant(lines, seen, moment, told.noted("written a second time")))
    planted = next(
        (
            event.idx
            for event, line in zip(after.events, after.lines, strict=True)
            if line == moment and event.is_choice
        ),
        None,
    )
    assert planted is not None, "the moment itself is gone"
    shown = prefix(after.events, planted)
    assert not [event.idx for event in shown if CANARY in event.text or CANARY in (event.tool or "")]
    assert [event.content() for event in shown] == [event.content() for event in prefix(told.events, cut)]
    for candidate in CANDIDATES:
        request, shortened = PROMPT.request(after.events, planted, candidate)
        assert CANARY not in request.model_dump_json()
        assert (request, shortened) == PROMPT.request(told.events, cut, candidate)


@sources
@laws
@given(NUMBER, STEPS, NUMBER)
def test_the_first_lines_are_read_as_they_are_in_the_whole_unless_a_note_tells_of_a_branch_left_later(
    source: str, number: int, steps: list[Step], count: int
) -> None:
    lines = lines_of(mutate(chosen(source, number), steps))
    count %= len(lines) + 1
    queue = {number for number, line in enumerate(lines, 1) if _is_queue(line)}
    part, whole = as_far_as_the_agent_got(lines, count, besides=queue)
    assert part == whole


def as_far_as_the_agent_got(lines: Lines, count: int, besides: Collection[int] = ()) -> tuple[list[bytes], list[bytes]]:
    """What stands up to the agent's last act in the first lines: read from those alone, and read from all.

    Neither with lines on branches that were left in either reading. What follows that act may yet become part of a
    turn.
    """
    part, whole = read(lines[:count]), read(lines)
    too_many = any(note.count > NOTED_LINES for note in whole.notes if "went back from" in note.reason)
    if too_many or part.is_agent != whole.is_agent:
        return [], []
    end = max((line for event, line in part.both() if event.role in AGENT_ROLES), default=0)
    left = part.noted("went back from") | whole.noted("went back from") | set(besides)
    first, second = (
        [event.content() for event, line in told.both() if line <= end and line not in left] for told in (part, whole)
    )
    return first, second


@sources
def test_a_session_as_it_grows_is_read_as_in_the_end_but_for_branches_left_later(source: str) -> None:
    for lines in built() if source == "built" else real():
        for count in range(0, len(lines), 1 if source == "built" else 1 + len(lines) // 12):
            part, whole = as_far_as_the_agent_got(lines, count)
            assert part == whole


# Size


def test_20_000_events_in_one_chain_are_read_in_one_go() -> None:
    script = Script()
    for number in range(10_000):
        script.user(f"q{number}")
        script.says(f"a{number}")
    told = read(script.lines)
    assert [event.text for event in told.events] == [f"{who}{number}" for number in range(10_000) for who in "qa"]
    assert told.lines == tuple(range(1, 20_001))
    assert told.noted(*LEFT) == set()


def test_long_chain_that_the_human_went_back_from_is_left_whole() -> None:
    script = Script()
    fork = script.says("ready")
    for number in range(5_000):
        script.user(f"q{number}")
        script.says(f"a{number}")
    script.user("back", parent=fork)
    script.says("here")
    assert [event.text for event in read(script.lines).events] == ["ready", "back", "here"]


@sources
def test_session_that_waits_in_a_file_is_read_as_one_in_memory(source: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for lines in built() if source == "built" else real():
        with monkeypatch.context() as patched:
            patched.setattr(spool, "KEPT_BYTES", 100)
            patched.setattr(spool, "BLOCK_BYTES", 100)
            spilled = read(lines)
        assert spilled == told_of(lines)


# What the laws found


def test_message_that_left_the_queue_twice_and_stands_once_does_not_stop_the_reader() -> None:
    script = Script()
    script.queue("remove", "stop")
    script.add("attachment", attachment={"type": "queued_command", "prompt": "stop"})
    script.queue("remove", "stop")
    script.says("stopped")
    assert [event.text for event in read(script.lines).events].count("stop") >= 1


def test_answer_whose_details_are_not_utf8_is_read_from_its_text() -> None:
    script = Script()
    asked = 'User has answered your questions: "Where?"="there". You can now continue.'
    script.calls("AskUserQuestion", asked, toolUseResult={"answers": {"Where?": "DAMAGED"}})
    lines = [line.replace(b"DAMAGED", b"\xf4\xff") for line in script.lines]
    assert [event.text for event in read(lines).events if event.kind is Kind.ANSWER] == ["there"]


def test_queued_message_that_other_words_follow_is_noted_where_it_was_typed() -> None:
    script = Script()
    script.says("ready")
    script.queue("enqueue", "one thing")
    script.queue("dequeue")
    script.user("another thing")
    script.says("done")
    assert read(script.lines).noted(*LEFT) == {2}


def test_human_words_beside_nothing_but_a_side_chain_are_noted_if_not_kept() -> None:
    script = Script()
    script.add("attachment", attachment={"type": "queued_command", "prompt": "words of a human"})
    script.user("task", isSidechain=True)
    script.says("done", isSidechain=True)
    told = read(script.lines)
    assert told.at(1) or 1 in told.noted(*LEFT)
