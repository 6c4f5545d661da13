"""The candidates and the scribe of the made world write about the suspects that they should."""

import random
from collections import defaultdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nextstep.core.proposing import read_step
from nextstep.core.records import MomentSet, RewriteKind
from nextstep.core.trajectory import prefix
from tests.builders import answer
from tests.simulated import Simulation
from tests.simulated.styles import STYLES, styles_in
from tests.simulated.words import named, word
from tests.simulated.worlds import FORM, World, guilty, share
from tests.simulated.writers import IDLE, OTHER_PHRASES, PHRASES, candidate, compose


def test_the_scribe_brings_the_humans_own_words_into_the_form(whole: World) -> None:
    for moment in whole.suite.moments:
        formed = whole.rewrite(RewriteKind.FORM, moment)
        assert formed.startswith(f"Direction: {moment.human_step}\n")
        assert set(named(formed)) == set(named(moment.human_step))
        assert FORM.fits(formed)


def test_a_step_that_has_the_form_stays_as_it_is(world: World) -> None:
    moment = world.suite.moments[0]
    formed = compose(guilty(moment), random.Random(0), style_word=STYLES["gpt-"])
    assert world.rewrite(RewriteKind.FORM, moment, formed) == formed


def test_a_reworded_step_keeps_suspect_and_length_and_no_line(whole: World) -> None:
    differences = []
    for moment in whole.suite.moments:
        formed = whole.rewrite(RewriteKind.FORM, moment)
        again = whole.rewrite(RewriteKind.REWORDED, moment, formed)
        assert set(named(again)) == set(named(formed))
        assert not set(again.splitlines()) & set(formed.splitlines())
        assert FORM.fits(again)
        differences.append(len(again.split()) - len(formed.split()))
    assert max(map(abs, differences)) <= 10
    assert abs(sum(differences) / len(differences)) < 2


def test_a_worsened_step_names_nobody_and_an_oracle_the_guilty_one(whole: World) -> None:
    for moment in whole.suite.moments:
        worse = whole.rewrite(RewriteKind.WORSENED, moment)
        best = whole.rewrite(RewriteKind.ORACLE, moment, moment.resolution)
        assert (named(worse), set(named(best))) == ([], {guilty(moment)})
        assert FORM.fits(worse)
        assert FORM.fits(best)


@given(st.sampled_from([PHRASES, OTHER_PHRASES]), st.sampled_from([*IDLE, word(0)]), st.integers())
def test_whatever_is_composed_has_the_form(phrases: tuple[tuple[str, ...], ...], subject: str, seed: int) -> None:
    composed = compose(subject, random.Random(seed), phrases=phrases)
    assert FORM.fits(composed)
    assert not styles_in(composed)


def test_a_candidate_is_right_about_as_often_as_it_is_said_to_be(whole: World) -> None:
    simulation = Simulation()
    right: dict[MomentSet, list[bool]] = defaultdict(list)
    for moment in whole.suite.moments:
        asked = whole.proposing(moment)
        seen = {name for event in prefix(whole.suite.events_of(moment), moment.cut) for name in named(event.text)}
        for _ in range(8):
            step = read_step(answer(simulation.answer(asked)))
            assert FORM.fits(step)
            assert set(named(step)) <= seen
            right[moment.set].append(named(step)[0] == guilty(moment))
    assert share(right[MomentSet.DETOUR]) == pytest.approx(0.5, abs=0.08)
    assert share(right[MomentSet.CONTROL]) == pytest.approx(0.6, abs=0.08)


def test_a_candidate_tells_clear_evidence_from_faint(whole: World) -> None:
    simulation = Simulation(candidate=candidate(faint=0, clear=1))
    for moment in whole.suite.moments:
        step = read_step(answer(simulation.answer(whole.proposing(moment))))
        assert (named(step)[0] == guilty(moment)) == (moment.set is MomentSet.CONTROL)


@pytest.mark.parametrize(
    ("model", "own"), [("claude-good", {STYLES["claude-"]}), ("gpt-good", {STYLES["gpt-"]}), ("x", set())]
)
def test_a_candidates_steps_have_its_familys_style(world: World, model: str, own: set[str]) -> None:
    for moment in world.suite.moments:
        assert styles_in(read_step(answer(Simulation().answer(world.proposing(moment, f"local/{model}"))))) == own
