"""Records: frozen, closed, and named by their content."""

import json
from datetime import UTC, datetime
from itertools import product

import pytest
from msgspec.structs import replace
from pydantic import ValidationError

from nextstep.core.records import (
    HUMAN_CHOICES,
    NO_EVENT,
    Answer,
    Choice,
    Event,
    Kind,
    Moment,
    MomentSet,
    Order,
    Outcome,
    Record,
    Request,
    Role,
    Session,
    Usage,
    decode_event,
)
from tests.builders import SESSION, events

SESSION_RECORD = Session(name="one", source="test", sha256="0", events=events(*SESSION))
MOMENT = Moment(
    session_id="s",
    session="one",
    cut=5,
    set=MomentSet.DETOUR,
    human_step="look",
    why="because",
    recovered_at=7,
    resolution="row 17",
    tags=("loss",),
)


def changed_event(**changes: object) -> Session:
    """The session with another second event."""
    first, second, *rest = SESSION_RECORD.events
    return session_with(events=(first, replace(second, **changes), *rest))


def session_with(**changes: object) -> Session:
    return Session.model_validate(SESSION_RECORD.model_dump() | changes)


def moment_with(**changes: object) -> Moment:
    return Moment.model_validate(MOMENT.model_dump() | changes)


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "two"},
        {"title": "T"},
        {"source": "x"},
        {"sha256": "1"},
        {"started_at": datetime(2026, 1, 1, tzinfo=UTC)},
    ],
    ids=str,
)
def test_a_session_is_named_by_its_events_and_not_by_what_it_is_called(changes: dict[str, object]) -> None:
    assert session_with(**changes).session_id == SESSION_RECORD.session_id


@pytest.mark.parametrize(
    "changes",
    [
        *({"text": "other"}, {"role": Role.TOOL}, {"kind": Kind.NOTE}, {"tool": "Bash"}, {"text": ""}),
        {"at": datetime(2026, 1, 1, tzinfo=UTC)},
    ],
    ids=str,
)
def test_another_event_is_another_session(changes: dict[str, object]) -> None:
    assert changed_event(**changes).session_id != SESSION_RECORD.session_id


def test_events_in_another_order_or_fewer_are_another_session() -> None:
    made = SESSION_RECORD.events
    ids = {session_with(events=some).session_id for some in (made, made[::-1], made[:-1], made[1:], ())}
    assert len(ids) == 5


def test_a_position_is_no_content() -> None:
    moved = tuple(replace(event, idx=event.idx + 3) for event in SESSION_RECORD.events)
    assert session_with(events=moved).session_id == SESSION_RECORD.session_id


@pytest.mark.parametrize(
    "changes",
    [
        *({"set": "control"}, {"human_step": "x"}, {"why": "x"}, {"recovered_at": 9}, {"resolution": "x"}),
        *({"tags": ()}, {"session": "two"}),
    ],
    ids=str,
)
def test_a_new_label_or_note_is_the_same_moment(changes: dict[str, object]) -> None:
    assert moment_with(**changes).moment_id == MOMENT.moment_id


def test_another_session_or_cut_is_another_moment() -> None:
    ids = {moment.moment_id for moment in (MOMENT, moment_with(session_id="t"), moment_with(cut=6))}
    assert len(ids) == 3


def test_a_moment_and_a_session_made_of_the_same_parts_have_different_names() -> None:
    assert moment_with(session_id=SESSION_RECORD.session_id).moment_id != SESSION_RECORD.session_id


@pytest.mark.parametrize(("role", "kind"), list(product(Role, Kind)))
def test_only_a_humans_choosing_words_are_a_choice(role: Role, kind: Kind) -> None:
    assert Event(idx=0, role=role, kind=kind, text="x").is_choice == (role is Role.HUMAN and kind in HUMAN_CHOICES)


@pytest.mark.parametrize("record", [SESSION_RECORD, MOMENT, Usage()], ids=lambda r: type(r).__name__)
def test_records_cannot_be_changed(record: Session | Moment | Usage) -> None:
    name = next(iter(type(record).model_fields))
    with pytest.raises(ValidationError, match="frozen"):
        setattr(record, name, getattr(record, name))


def test_events_cannot_be_changed() -> None:
    with pytest.raises(AttributeError, match="immutable"):
        SESSION_RECORD.events[0].idx = 0  # type: ignore[misc]


@pytest.mark.parametrize("model", [Session, Moment, Usage, Request, Answer], ids=lambda m: str(m.__name__))
def test_records_take_no_field_but_their_own(model: type[Record]) -> None:
    with pytest.raises(ValidationError, match="Extra inputs are not permitted"):
        model.model_validate({"surprise": 1})


@pytest.mark.parametrize(
    "changes",
    [{"idx": -1}, {"role": "robot"}, {"kind": "shout"}, {"text": None}, {"at": "soon"}, {"surprise": 1}],
    ids=str,
)
def test_what_is_no_event_is_not_decoded(changes: dict[str, object]) -> None:
    whole = {"idx": 0, "role": "human", "kind": "text", "text": ""}
    assert decode_event(json.dumps(whole)) == Event(idx=0, role=Role.HUMAN, kind=Kind.TEXT, text="")
    with pytest.raises(NO_EVENT):
        decode_event(json.dumps(whole | changes))


@pytest.mark.parametrize(
    ("model", "values"),
    [
        (Usage, {"input_tokens": -1}),
        (Answer, {"body": "", "text": "", "stop_reason": "x", "latency_s": 0, "attempts": 0}),
        (Request, {"model": "m", "system": "", "content": (), "max_tokens": 0}),
    ],
)
def test_values_outside_their_range_are_refused(model: type[Record], values: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        model.model_validate(values)


def test_the_human_kinds_that_say_what_to_do_next() -> None:
    """A command, an approval or a note of the program chooses nothing."""
    assert {*HUMAN_CHOICES} == {"text", "rejection", "answer", "queued"}


def test_the_words_of_the_public_tables() -> None:
    """Scripts of users rely on these spellings."""
    assert [*Role] == ["human", "assistant", "tool", "system"]
    assert [*MomentSet] == ["detour", "control"]
    assert [*Order] == ["model_first", "human_first"]
    assert [*Choice] == ["model", "human", "tie"]
    assert [*Outcome] == ["win", "loss", "tie", "flip"]
