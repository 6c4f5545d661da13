"""Moments are paired where both were scored; every other one is counted, with its reason."""

from hypothesis import given
from hypothesis import strategies as st

from nextstep.core.pairing import Dropped, Tried, missing_share, of_set, pair_up
from nextstep.core.records import MomentSet

scores = st.lists(st.sampled_from([0.0, 0.5, 1.0]), max_size=3).map(tuple)
tried = st.builds(
    Tried, st.sampled_from("ab"), st.sampled_from(MomentSet), scores, st.integers(0, 2), st.integers(0, 2)
)
sides = st.dictionaries(st.sampled_from("12345678"), tried, max_size=8)


def one(*values: float, failed: int = 0, pending: int = 0) -> Tried:
    return Tried("s", MomentSet.DETOUR, values, failed, pending)


@given(sides, sides)
def test_every_moment_is_paired_or_dropped(ours: dict[str, Tried], theirs: dict[str, Tried]) -> None:
    found = pair_up(ours, theirs)
    assert len(found.pairs) + found.dropped == len(ours.keys() | theirs.keys())
    assert all(pair.ours.scores and pair.theirs.scores for pair in found.pairs)
    reasons = sum(found.ours_dropped.values()) + sum(found.theirs_dropped.values())
    assert found.dropped <= reasons <= 2 * found.dropped


@given(sides, sides)
def test_swapping_the_sides_turns_every_difference_round(ours: dict[str, Tried], theirs: dict[str, Tried]) -> None:
    one_way, other_way = pair_up(ours, theirs), pair_up(theirs, ours)
    assert [pair.difference for pair in one_way.pairs] == [-pair.difference for pair in other_way.pairs]
    assert one_way.ours_dropped == other_way.theirs_dropped


@given(sides)
def test_the_sets_share_no_moment_and_lose_none(whole: dict[str, Tried]) -> None:
    parts = [of_set(whole, moment_set) for moment_set in MomentSet]
    assert sorted(key for part in parts for key in part) == sorted(whole)


def test_the_reason_is_that_of_the_side_which_lacks_it() -> None:
    ours = {"a": one(1.0), "b": one(failed=1), "c": one(failed=1, pending=1), "d": one(1.0)}
    found = pair_up(ours, {"a": one(0.5), "b": one(1.0), "c": one(1.0)})
    assert dict(found.ours_dropped) == {Dropped.FAILED: 1, Dropped.PENDING: 1}
    assert dict(found.theirs_dropped) == {Dropped.NOT_ASKED: 1}
    assert [pair.moment_id for pair in found.pairs] == ["a"]


def test_the_moments_that_changed_most_come_first_and_unchanged_ones_never() -> None:
    ours = {"a": one(1.0), "b": one(1.0, 0.0), "c": one(0.0), "d": one(0.5)}
    theirs = dict.fromkeys("abcd", one(0.5)) | {"c": one(1.0)}
    assert [pair.moment_id for pair in pair_up(ours, theirs).changed(9)] == ["c", "a"]
    assert [pair.moment_id for pair in pair_up(ours, theirs).changed(1)] == ["c"]


def test_what_is_missing_counts_samples() -> None:
    assert missing_share([one(1.0, 1.0, 1.0, failed=1), one(0.5)]) == 0.2
    assert missing_share([]) == 0
