"""The made suite holds what is said of it."""

import random
from collections import Counter, defaultdict
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nextstep.core.records import MomentSet
from nextstep.core.trajectory import prefix
from nextstep.sources.suite import load_suite
from tests.builders import PROMPTS
from tests.simulated import write_world
from tests.simulated.suite import CAUSE, session_sizes
from tests.simulated.words import COUNT, named, word
from tests.simulated.worlds import World, guilty


def test_the_whole_world_is_a_suite_of_200_moments_in_60_uneven_small_sessions(whole: World) -> None:
    suite = whole.suite
    sizes = Counter(moment.session for moment in suite.moments)
    assert (len(suite.moments), len(suite.sessions), len(sizes)) == (200, 60, 60)
    assert len(set(sizes.values())) >= 4
    assert Counter(moment.set for moment in suite.moments) == {MomentSet.DETOUR: 100, MomentSet.CONTROL: 100}
    assert all(10 <= len(session.events) <= 40 for session in suite.sessions.values())


def test_every_moment_has_a_guilty_suspect_of_its_own_that_only_later_events_find_guilty(whole: World) -> None:
    assert len({guilty(moment) for moment in whole.suite.moments}) == 200
    for moment in whole.suite.moments:
        events, verdict = whole.suite.events_of(moment), f"{CAUSE} {guilty(moment)}"
        told = [event.idx for event in events if verdict in event.text]
        assert told == [moment.recovered_at]
        assert guilty(moment) in named(events[moment.cut - 1].text)


def test_controls_name_the_guilty_suspect_and_detours_an_innocent_one_of_the_prefix(whole: World) -> None:
    for moment in whole.suite.moments:
        (said,) = named(moment.human_step)
        seen = {name for event in prefix(whole.suite.events_of(moment), moment.cut) for name in named(event.text)}
        assert said in seen
        assert (said == guilty(moment)) == (moment.set is MomentSet.CONTROL)


def test_detours_and_controls_follow_each_other_in_any_order(whole: World) -> None:
    order = {(one.set, other.set) for one, other in pairwise(whole.suite.moments) if one.session == other.session}
    assert len(order) == 4


def test_what_people_say_does_not_tell_detours_from_controls(whole: World) -> None:
    said: dict[str, set[MomentSet]] = defaultdict(set)
    for moment in whole.suite.moments:
        said[moment.human_step.replace(named(moment.human_step)[0], "it")].add(moment.set)
    assert all(sets == set(MomentSet) for sets in said.values())


def test_a_world_depends_on_its_seed_alone(tmp_path: Path) -> None:
    hashes = [
        load_suite(write_world(tmp_path / name, 12, 4, seed=seed)).suite_hash
        for name, seed in (("a", 1), ("b", 1), ("c", 2))
    ]
    assert hashes[0] == hashes[1] != hashes[2]


@given(
    st.integers(1, 30).flatmap(lambda sessions: st.tuples(st.integers(sessions, 90), st.just(sessions))), st.integers()
)
def test_every_session_has_a_moment_and_every_moment_a_session(numbers: tuple[int, int], seed: int) -> None:
    moments, sessions = numbers
    sizes = session_sizes(moments, sessions, random.Random(seed))
    assert (len(sizes), sum(sizes)) == (sessions, moments)
    assert min(sizes) >= 1


@pytest.mark.parametrize(("moments", "sessions"), [(3, 4), (3, 0)])
def test_no_world_has_more_sessions_than_moments(tmp_path: Path, moments: int, sessions: int) -> None:
    with pytest.raises(ValueError, match="cannot be put into"):
        write_world(tmp_path, moments, sessions)


def test_every_number_has_a_name_of_its_own_that_is_found_in_text() -> None:
    names = [word(number) for number in range(COUNT)]
    assert len(set(names)) == COUNT
    assert all(named(f"Look at {name.title()}, then wait") == [name] for name in names)
    with pytest.raises(ValueError, match="none of number"):
        word(COUNT)


def test_no_text_of_the_project_names_a_suspect_by_chance() -> None:
    texts = [path.read_text(encoding="utf-8") for path in PROMPTS.glob("*.md")]
    assert not any(map(named, texts))
