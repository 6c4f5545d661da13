"""Made pairs are what they say they are, and a card says no more than its figures do."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nextstep.core.forms import LABELS, in_lines, parts
from nextstep.core.probes import (
    CHECKLIST,
    CHECKLIST_FREE,
    ENOUGH_ANSWERS,
    ENOUGH_SESSIONS,
    EQUAL,
    FILLER,
    ON_CONTROLS,
    ON_DETOURS,
    OPTIONAL,
    ORDER_TO_JUDGE,
    TOLERANCES,
    Checked,
    Made,
    Probe,
    Trust,
    instructing,
    is_within,
    make_pairs,
    padded,
    partner,
    trust,
    with_hindsight,
)
from nextstep.core.records import Moment, MomentSet, RewriteKind
from tests.builders import SESSION, events, formed

ANYWHERE = frozenset(Probe) - {*ON_CONTROLS, *ON_DETOURS}
SCRIBED = (RewriteKind.REWORDED, RewriteKind.WORSENED, RewriteKind.ORACLE)
BELONGING = {MomentSet.DETOUR: {*ANYWHERE, *ON_DETOURS}, MomentSet.CONTROL: {*ANYWHERE, *ON_CONTROLS}}


def moment(session: int, cut: int, kind: MomentSet) -> Moment:
    return Moment(
        session_id=f"s{session}",
        session=f"s{session}",
        cut=cut,
        set=kind,
        human_step=f"look at {session}.{cut}",
        why="",
        recovered_at=cut + 1,
        resolution=f"it was {session}.{cut}",
    )


places = st.tuples(st.integers(0, 4), st.integers(1, 3))
moments = st.dictionaries(places, st.sampled_from(MomentSet), max_size=9).map(
    lambda kinds: [moment(*place, kind) for place, kind in kinds.items()]
)
words = st.text("abcXYZ .,:!?-\u00e9", min_size=1, max_size=30).map(str.strip).filter(bool)
steps = st.lists(words, min_size=4, max_size=4).map(lambda lines: in_lines(*lines)) | words


def told(some: list[Moment]) -> dict[str, str]:
    return {one.moment_id: formed(f"step {one.session}.{one.cut}") for one in some}


def all_made(some: list[Moment]) -> dict[RewriteKind, dict[str, str]]:
    return {kind: {one.moment_id: formed(f"{kind} {one.session}.{one.cut}") for one in some} for kind in SCRIBED}


def made(some: list[Moment], rewrites: Mapping[RewriteKind, Mapping[str, str]] | None = None) -> list[Made]:
    return list(make_pairs(some, some, told(some), all_made(some) if rewrites is None else rewrites))


def line_values(step: str) -> list[str]:
    return [value for _, value in parts(step)]


class TestPairs:
    @given(moments)
    def test_each_moment_has_the_pairs_of_its_set_once(self, some: list[Moment]) -> None:
        found = Counter((pair.moment.moment_id, pair.probe) for pair in made(some))
        several = len({one.session_id for one in some}) > 1
        needs_another = {Probe.ELSEWHERE, Probe.SHUFFLED}
        assert found == Counter(
            (one.moment_id, probe)
            for one in some
            for probe in BELONGING[one.set]
            if several or probe not in needs_another
        )

    @given(moments)
    def test_all_stand_against_the_human_step_of_their_own_moment(self, some: list[Moment]) -> None:
        human = told(some)
        for pair in made(some):
            assert pair.against == human[pair.moment.moment_id]
            if pair.probe is Probe.VERBATIM:
                assert pair.step == pair.against
            else:
                assert pair.step != pair.against

    @given(moments)
    def test_steps_and_hindsight_from_elsewhere_are_of_another_session(self, some: list[Moment]) -> None:
        human = {text: moment_id for moment_id, text in told(some).items()}
        sessions = {one.moment_id: one.session_id for one in some}
        for pair in made(some):
            if pair.probe is Probe.ELSEWHERE:
                assert sessions[human[pair.step]] != pair.moment.session_id
            if pair.probe is Probe.SHUFFLED:
                assert pair.hindsight.session_id != pair.moment.session_id
            else:
                assert pair.hindsight == pair.moment

    @given(moments)
    def test_the_shuffled_pair_is_the_oracles_but_for_the_hindsight(self, some: list[Moment]) -> None:
        by_probe = {(pair.moment.moment_id, pair.probe): pair for pair in made(some)}
        for (moment_id, probe), pair in by_probe.items():
            if probe is Probe.SHUFFLED:
                oracle = by_probe[moment_id, Probe.ORACLE]
                assert (pair.step, pair.against) == (oracle.step, oracle.against)
                assert pair.probe_id != oracle.probe_id

    @given(st.data())
    def test_what_belongs_to_a_moment_does_not_depend_on_the_order_of_moments(self, data: st.DataObject) -> None:
        some = data.draw(moments)
        shuffled = data.draw(st.permutations(some))
        assert {pair.probe_id for pair in made(some)} == {pair.probe_id for pair in made(shuffled)}

    @given(st.data())
    def test_a_moment_has_the_same_pairs_whichever_others_are_asked_about(self, data: st.DataObject) -> None:
        suite = data.draw(moments)
        chosen = data.draw(st.lists(st.sampled_from(suite), unique=True)) if suite else []
        partners = [one for moment in chosen if (one := partner(moment, suite))]
        found = {pair.probe_id for pair in make_pairs(chosen, suite, told([*chosen, *partners]), all_made(chosen))}
        assert found == {pair.probe_id for pair in made(suite) if pair.moment in chosen}

    @given(moments, st.sampled_from(SCRIBED))
    def test_what_a_scribe_has_not_made_is_left_out_and_nothing_else(
        self, some: list[Moment], missing: RewriteKind
    ) -> None:
        rewrites = {kind: texts for kind, texts in all_made(some).items() if kind is not missing}
        needing = {Probe(missing.value), *([Probe.SHUFFLED] if missing is RewriteKind.ORACLE else [])}
        rest = [pair for pair in made(some) if pair.probe not in needing]
        assert made(some, rewrites) == rest

    @given(moments, st.integers(0, 9))
    def test_a_choice_of_moments_has_the_pairs_that_they_have_in_the_whole(self, some: list[Moment], few: int) -> None:
        chosen = list(make_pairs(some[:few], some, told(some), all_made(some)))
        names = {one.moment_id for one in some[:few]}
        assert chosen == [pair for pair in made(some) if pair.moment.moment_id in names]

    def test_a_moment_whose_human_step_is_not_there_is_left_out_and_lends_nothing(self) -> None:
        some = [moment(0, 1, MomentSet.CONTROL), moment(1, 1, MomentSet.DETOUR)]
        kept = told(some[:1])
        pairs = list(make_pairs(some, some, kept, all_made(some)))
        assert {pair.moment for pair in pairs} == {some[0]}
        assert Probe.ELSEWHERE not in {pair.probe for pair in pairs}

    def test_a_made_pair_is_named_by_all_that_the_judge_is_asked_about(self) -> None:
        here, there = moment(0, 1, MomentSet.DETOUR), moment(1, 1, MomentSet.DETOUR)
        pair = Made(Probe.ORACLE, here, "a", "b", here)
        others = [
            replace(pair, probe=Probe.SHUFFLED),
            replace(pair, moment=there),
            replace(pair, step="c"),
            replace(pair, against="c"),
            replace(pair, hindsight=there),
        ]
        assert len({one.probe_id for one in (pair, *others)}) == 6
        assert replace(pair).probe_id == pair.probe_id

    @pytest.mark.parametrize(
        ("human", "listed"), [(formed("look there"), CHECKLIST), ("look there please", CHECKLIST_FREE)]
    )
    def test_the_checklist_has_the_form_of_what_it_stands_against(self, human: str, listed: str) -> None:
        control = moment(0, 1, MomentSet.CONTROL)
        pairs = {pair.probe: pair for pair in make_pairs([control], [control], {control.moment_id: human}, {})}
        assert pairs[Probe.CHECKLIST].step == listed
        assert [label for label, _ in parts(listed)] == ([*LABELS] if human != "look there please" else [""])


class TestPaddingAndInstruction:
    @given(steps)
    def test_padding_keeps_the_content_of_every_line_and_adds_empty_words_alone(self, step: str) -> None:
        given, longer = parts(step), parts(padded(step))
        assert [label for label, _ in longer] == [label for label, _ in given]
        left = padded(step)
        for filler in FILLER:
            assert left.count(filler) >= 1
            left = left.replace(f" {filler}", "", 1)
        added = {(old, new) for old, new in zip(line_values(step), line_values(left), strict=True) if old != new}
        assert all(new == f"{old}." for old, new in added)

    @given(steps)
    def test_an_instruction_stands_behind_a_step_that_is_kept_whole(self, step: str) -> None:
        told = instructing(step)
        assert told.startswith(step)
        assert told.endswith(f" {ORDER_TO_JUDGE}")
        assert told[len(step) : -len(ORDER_TO_JUDGE)] in {" ", ". "}
        assert [label for label, _ in parts(told)] == [label for label, _ in parts(step)]


class TestHindsight:
    @given(st.integers(0, 10), st.integers(0, 10))
    def test_the_own_prefix_is_followed_by_the_others_later_events_numbered_on(self, cut: int, other_cut: int) -> None:
        own = events(*(line.format(name="one") for line in SESSION))
        other = events(*(line.format(name="two") for line in SESSION))
        seen = with_hindsight(own, cut, other, other_cut)
        assert seen[: cut + 1] == own[: cut + 1]
        assert [event.text for event in seen[cut + 1 :]] == [event.text for event in other[other_cut + 1 :]]
        assert [event.idx for event in seen] == [*range(len(seen))]
        assert [event.idx for event in other] == [*range(len(other))]


shares = st.floats(-1, 1)
bands = st.tuples(shares, shares).map(lambda ends: (min(ends), max(ends)))


class TestAlarm:
    @given(bands, bands)
    def test_only_an_interval_that_is_outside_altogether_raises_one(
        self, interval: tuple[float, float], band: tuple[float, float]
    ) -> None:
        outside = interval[1] < band[0] or interval[0] > band[1]
        assert is_within(*interval, band) is not outside

    @given(bands, shares)
    def test_a_value_that_is_tolerated_keeps_every_interval_around_it_quiet(
        self, band: tuple[float, float], value: float
    ) -> None:
        if band[0] <= value <= band[1]:
            assert is_within(value - 0.3, value + 0.1, band)

    @given(bands, bands, st.floats(0, 1))
    def test_a_wider_interval_never_raises_what_a_narrower_does_not(
        self, interval: tuple[float, float], band: tuple[float, float], more: float
    ) -> None:
        if is_within(*interval, band):
            assert is_within(interval[0] - more, interval[1] + more, band)

    @pytest.mark.parametrize("ends", [(None, None), (None, 0.5), (0.5, None)])
    def test_where_there_is_no_interval_nothing_is_said(self, ends: tuple[float | None, float | None]) -> None:
        assert is_within(*ends, (0, 1)) is None

    def test_tolerances_are_ranges_and_hold_what_a_sound_judge_shows(self) -> None:
        for one in TOLERANCES.values():
            assert one.low < one.high
        for probe in (*EQUAL, "first_position"):
            assert TOLERANCES[probe].low < 0.5 < TOLERANCES[probe].high
        sound = {"verbatim": 1, "oracle": 1, "checklist": 0, "elsewhere": 0, "worsened": 0, "future": 0.5, "retest": 1}
        for name, value in {**sound, "instruction": 0.5, "order_flip": 0, "authorship": 0}.items():
            assert is_within(value, value, (TOLERANCES[name].low, TOLERANCES[name].high))

    def test_every_probe_has_a_figure(self) -> None:
        assert {str(probe) for probe in Probe} - TOLERANCES.keys() == {"shuffled"}


figures = st.builds(
    Checked,
    ok=st.sampled_from([True, False, None]),
    sessions=st.integers(0, 2 * ENOUGH_SESSIONS),
    answered=st.sampled_from([0.0, 0.5, ENOUGH_ANSWERS, 1.0]),
)
cards = st.fixed_dictionaries(dict.fromkeys(TOLERANCES, figures))
CLEAR = dict.fromkeys(TOLERANCES, Checked(ok=True, sessions=ENOUGH_SESSIONS, answered=ENOUGH_ANSWERS))
NEEDED = sorted(TOLERANCES.keys() - OPTIONAL)
SERIOUS = sorted(name for name, one in TOLERANCES.items() if one.is_serious)
ORDER = (Trust.NOT_TRUSTED, Trust.CARE, Trust.TRUSTED)
Card = dict[str, Checked]


def with_figure(card: Card, name: str, **changes: Any) -> Card:
    return card | {name: card[name]._replace(**changes)}


class TestTrust:
    def test_a_judge_without_an_alarm_on_enough_sessions_is_trusted(self) -> None:
        assert trust(CLEAR) is Trust.TRUSTED
        assert trust({name: CLEAR[name] for name in NEEDED}) is Trust.TRUSTED

    @given(cards, st.sampled_from(NEEDED))
    def test_never_where_a_needed_figure_is_missing(self, card: Card, name: str) -> None:
        assert trust(with_figure(card, name, ok=None)) is not Trust.TRUSTED
        assert trust({key: one for key, one in card.items() if key != name}) is not Trust.TRUSTED

    @given(cards, st.sampled_from(NEEDED), st.integers(0, ENOUGH_SESSIONS - 1))
    def test_never_where_a_needed_figure_rests_on_few_sessions(self, card: Card, name: str, few: int) -> None:
        assert trust(with_figure(card, name, sessions=few)) is not Trust.TRUSTED

    @given(cards, st.sampled_from(NEEDED), st.floats(0, ENOUGH_ANSWERS, exclude_max=True))
    def test_never_where_some_of_what_was_asked_was_not_answered(self, card: Card, name: str, share: float) -> None:
        assert trust(with_figure(card, name, answered=share)) is not Trust.TRUSTED

    @given(cards, st.sampled_from(SERIOUS))
    def test_one_serious_alarm_is_no_trust(self, card: Card, name: str) -> None:
        assert trust(with_figure(card, name, ok=False)) is Trust.NOT_TRUSTED

    @pytest.mark.parametrize("name", sorted(TOLERANCES.keys() - {*SERIOUS}))
    def test_another_alarm_asks_for_care(self, name: str) -> None:
        assert trust(with_figure(CLEAR, name, ok=False)) is Trust.CARE

    @pytest.mark.parametrize("name", sorted(OPTIONAL))
    def test_what_only_an_evaluation_can_show_may_be_missing(self, name: str) -> None:
        assert trust(with_figure(CLEAR, name, ok=None, sessions=0)) is Trust.TRUSTED

    @given(cards, st.sampled_from(sorted(TOLERANCES)))
    def test_a_better_figure_never_lowers_the_trust(self, card: Card, name: str) -> None:
        levels = [ORDER.index(trust(with_figure(card, name, ok=ok))) for ok in (False, True)]
        assert all(worse <= better for worse, better in pairwise(levels))
