"""What a model is asked: a candidate's request is a function of the prefix alone, the judge's keeps what matters."""

import re
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from nextstep.config import CandidateSettings, EvalConfig, JudgeSettings
from nextstep.core.records import Event, Kind, Order, Request, Role
from nextstep.core.rendering import CHARS_PER_TOKEN
from nextstep.core.trajectory import prefix
from nextstep.pipeline import prompting
from nextstep.pipeline.prompting import NEAR, NEWEST, CandidatePrompt, JudgePrompt, forget_renderings
from tests.builders import PROMPTS, events

PROMPT = CandidatePrompt(PROMPTS)
JUDGE = JudgePrompt(PROMPTS, EvalConfig(judges=(JudgeSettings(model="judge"),)))
WINDOWS = (2_000, 3_000, 180_000)

texts = st.sampled_from(["", "yes", "look at b", "word " * 300, "tail " * 2500])
made_event = st.builds(
    Event,
    idx=st.just(0),
    role=st.sampled_from(Role),
    kind=st.sampled_from(Kind),
    text=texts,
    tool=st.none() | st.sampled_from(["Bash", "Read"]),
    at=st.none() | st.datetimes(timezones=st.just(UTC)),
)


def numbered(made: list[Event]) -> tuple[Event, ...]:
    return tuple(replace(event, idx=i) for i, event in enumerate(made))


sessions = st.lists(made_event, min_size=1, max_size=30).map(numbered)


def asked(line: tuple[Event, ...], cut: int, window: int) -> tuple[Request, bool]:
    """A candidate's request, made without regard to any made before."""
    forget_renderings()
    return PROMPT.request(line, cut, CandidateSettings(model="any", max_input_tokens=window))


class TestCandidate:
    @given(sessions, st.integers(0, 29), st.lists(made_event, max_size=12), st.sampled_from(WINDOWS))
    @settings(max_examples=200, deadline=None)
    def test_nothing_from_the_gap_on_changes_a_byte(
        self, line: tuple[Event, ...], cut: int, other: list[Event], window: int
    ) -> None:
        cut = min(cut, len(line) - 1)
        start = len(prefix(line, cut))
        assert asked(line, cut, window) == asked(line[:start], start, window)
        assert asked(line, cut, window) == asked(numbered([*line[:start], *other]), start, window)

    @given(sessions, st.integers(0, 29), st.sampled_from(WINDOWS))
    @settings(max_examples=100, deadline=None)
    def test_when_something_happened_changes_no_byte(self, line: tuple[Event, ...], cut: int, window: int) -> None:
        cut = min(cut, len(line))
        late = tuple(replace(event, at=datetime(2999, 1, 1, tzinfo=UTC)) for event in line)
        assert asked(line, cut, window) == asked(late, cut, window)

    def test_an_event_has_no_field_that_could_know_the_outcome(self) -> None:
        """What is added to an event can reach candidates; see docs/design/cut.md first."""
        assert set(Event.__struct_fields__) == {"idx", "role", "kind", "text", "tool", "at"}

    def test_the_newest_events_of_the_agent_stay_whole_where_the_old_are_left_out(self) -> None:
        lines = [f"{'au'[i % 2]}: {i} {'y' * 700}" for i in range(60)]
        line = events("h: why", *lines, "h: and now")
        text = "".join(asked(line, 61, 4_000)[0].content)
        kept = [int(n) for n in re.findall(r'<event n="(\d+)"', text)]
        assert kept[0] == 0
        assert kept[1:] == list(range(kept[1], 61))
        assert len(kept) > NEWEST
        assert text.count("y" * 700) == len(kept) - 1

    def test_the_newest_tool_results_stay_whole_at_the_cost_of_old_events(self) -> None:
        line = events("h: why", *(f"r: {i} {'y' * 3000}" for i in range(40)), "h: and now")
        text = "".join(asked(line, 41, 12_000)[0].content)
        assert all(event.text in text for event in line[41 - NEWEST : 41])
        assert "events left out" in text

    def test_another_way_of_fitting_is_another_prompt_hash(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def hashes() -> set[str]:
            judge = JudgePrompt(PROMPTS, EvalConfig(judges=(JudgeSettings(model="judge"),)))
            return {PROMPT.hash(CandidateSettings(model="m")), judge.hash(JudgeSettings(model="m"))}

        before = hashes()
        monkeypatch.setattr(prompting, "FITTING", "another")
        assert not hashes() & before


LONG = events(
    *(f"{'hur'[i % 3]}: {i} {'y' * (60 if i % 3 == 0 else 900)}" for i in range(100)),
    "h: the choice",
    *(f"{'ura'[i % 3]}: {i} {'y' * 900}" for i in range(101, 160)),
    "a: 160 that was it",
    *(f"{'ura'[i % 3]}: {i} {'y' * 900}" for i in range(161, 240)),
)


def judged(line: tuple[Event, ...], cut: int, window: int, **more: int) -> Request:
    judge = JudgeSettings(model="any", max_input_tokens=window)
    return JUDGE.request(line, cut, ("this", "that"), Order.MODEL_FIRST, judge, **more)[0]


class TestJudge:
    def test_decision_and_outcome_stay_whole_when_far_away_things_go(self) -> None:
        text = judged(LONG, 100, 6_600, recovered_at=160).content[0]
        assert len(text) <= 6_600 * CHARS_PER_TOKEN
        whole = {event.idx for event in LONG if f'n="{event.idx}"' in text and event.text in text}
        # Event 99 is the human's too: an earlier part of the turn that is hidden.
        dear = {*range(99 - NEAR, 99), *range(101, 101 + NEAR), *range(158, 163), 237, 238, 239}
        assert dear <= whole
        assert 'n="99"' not in text
        assert '<decision_point n="100">' in text
        assert not {i for i in whole if i < 90 and LONG[i].role is not Role.HUMAN}

    def test_the_way_from_the_decision_to_the_outcome_outlives_what_is_far_away(self) -> None:
        text = judged(LONG, 100, 25_000, recovered_at=160).content[0]
        there = {int(n) for n in re.findall(r'<event n="(\d+)"', text)}
        assert set(range(101, 164)) <= there
        assert not there >= set(range(96))

    def test_where_the_session_recovered_is_not_told(self) -> None:
        assert judged(LONG, 100, 180_000, recovered_at=160) == judged(LONG, 100, 180_000, recovered_at=105)
        assert judged(LONG, 100, 180_000) == judged(LONG, 100, 180_000, recovered_at=105)
