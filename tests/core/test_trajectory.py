"""Where a session is cut: a candidate never sees the moment, what follows, or what already belongs to the choice."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from nextstep.core.records import HUMAN_CHOICES, Event, Kind, Role
from nextstep.core.trajectory import prefix, step_problem
from tests.builders import events

made_events = st.lists(
    st.tuples(st.sampled_from(Role), st.sampled_from(Kind), st.sampled_from(["", " \n", "words"])), max_size=12
).map(lambda rows: tuple(Event(idx=i, role=r, kind=k, text=text) for i, (r, k, text) in enumerate(rows)))

AGENTS = (Role.ASSISTANT, Role.TOOL)


@given(made_events, st.integers(0, 14))
@settings(max_examples=200)
def test_a_prefix_never_holds_the_cut_or_anything_later(made: tuple[Event, ...], cut: int) -> None:
    seen = prefix(made, min(cut, len(made)))
    assert seen == made[: len(seen)]
    assert all(event.idx < cut for event in seen)


@given(made_events, st.integers(0, 14))
@settings(max_examples=200)
def test_a_prefix_ends_with_the_last_act_of_the_agent(made: tuple[Event, ...], cut: int) -> None:
    cut = min(cut, len(made))
    seen = prefix(made, cut)
    assert not seen or seen[-1].role in AGENTS
    assert all(event.role not in AGENTS for event in made[len(seen) : cut])


def test_an_interruption_and_a_first_half_of_the_turn_are_dropped() -> None:
    made = events("h: why", "u: ls", "r: a b", "n: interrupted by the user", "h: wait,", "h: look at b", "u: cat b")
    assert [event.idx for event in prefix(made, 5)] == [0, 1, 2]


def test_a_refusal_that_tells_only_that_the_human_stopped_the_agent_is_dropped() -> None:
    """Readers give it as a note, since as a tool's result it would be the agent's last act."""
    made = events("h: why", "u: rm b", "n: the tool use was refused", "n: interrupted by the user", "h: no, look at b")
    assert [event.idx for event in prefix(made, 4)] == [0, 1]


@given(made_events, made_events, st.integers(0, 14))
@settings(max_examples=200)
def test_a_prefix_depends_on_nothing_from_the_gap_on(
    made: tuple[Event, ...], other: tuple[Event, ...], cut: int
) -> None:
    seen = prefix(made, min(cut, len(made)))
    assert prefix((*seen, *other), len(seen)) == seen


def test_a_note_of_background_work_among_the_agents_acts_stays() -> None:
    made = events("h: why", "u: make", "n: background job 3 ended", "r: built", "h: run it")
    assert [event.idx for event in prefix(made, 4)] == [0, 1, 2, 3]


def test_a_prefix_is_empty_before_the_agent_did_anything() -> None:
    assert prefix(events("n: hello", "h: why", "h: and how", "a: hm"), 2) == ()


SESSION = events("h: why", "a: hm", "h: look at b", "r: b", "h:  \n", "a: ok", "n: note", "h: last")


@pytest.mark.parametrize(
    ("cut", "problem"),
    [
        (8, "cut 8 is past the last event, 7"),
        (99, "cut 99 is past the last event, 7"),
        (1, "cut 1 is not a human's choice but assistant/text; those stand at [0, 2, 4, 7]"),
        (3, "cut 3 is not a human's choice but tool/tool_result; those stand at [0, 2, 4, 7]"),
        (6, "cut 6 is not a human's choice but system/note; those stand at [0, 2, 4, 7]"),
        (4, "cut 4 is a human event without words"),
        (0, "cut 0 has nothing before it that the assistant did"),
        (7, "cut 7 is the session's last event, so nobody can know how it turned out"),
        (2, None),
    ],
)
def test_each_bad_cut_says_why_no_moment_can_stand_there(cut: int, problem: str | None) -> None:
    assert step_problem(SESSION, cut) == problem


def test_a_second_turn_before_the_agent_did_anything_is_no_moment_either() -> None:
    problem = step_problem(events("n: hello", "h: why", "a: hm"), 1)
    assert problem == "cut 1 has nothing before it that the assistant did"


@pytest.mark.parametrize("kind", Kind)
def test_a_moment_stands_only_where_a_human_says_what_to_do_next(kind: Kind) -> None:
    human = Event(idx=1, role=Role.HUMAN, kind=kind, text="yes")
    made = (Event(idx=0, role=Role.ASSISTANT, kind=Kind.TEXT, text="?"), human, replace(human, idx=2))
    assert (step_problem(made, 1) is None) == (kind in HUMAN_CHOICES)


@given(made_events, st.integers(0, 14))
@settings(max_examples=200)
def test_a_good_cut_has_a_past_words_and_a_future(made: tuple[Event, ...], cut: int) -> None:
    good = (
        cut < len(made) - 1
        and made[cut].is_choice
        and bool(made[cut].text.strip())
        and any(event.role in AGENTS for event in made[:cut])
    )
    assert (step_problem(made, cut) is None) == good
