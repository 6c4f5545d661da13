"""Two entries may be compared if all that their scores depend on is equal; else what differs is named."""

from dataclasses import replace

import pytest

from nextstep.core.comparable import Entry, differences, nearest

HERE = Entry("suite", "new", "p-new", "judge", "v", (("judge", "v"),), "asked", "way")
THERE = replace(HERE, candidate="old", proposal_prompt_hash="p-old")


def test_a_candidates_own_parameters_are_no_difference() -> None:
    assert differences(HERE, THERE) == []


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"suite_hash": "other"}, "the suites differ: new has suite, old has other"),
        (
            {"judge": "j2", "judges": (("j2", "v"),), "verdict_prompt_hash": "v2"},
            "the judges differ: new has judge, old has j2",
        ),
        ({"verdict_prompt_hash": "v2"}, "the parameters of judge judge differ between new and old"),
        ({"verdict_prompt_hash": "v2", "way_hash": "w2"}, "judge judge was asked otherwise for new than for old"),
        ({"asked_hash": "a2"}, "the candidates' prompts differ: new was not asked as old was"),
        ({"asked_hash": None}, "it is not known with which prompt old was asked"),
    ],
)
def test_each_other_thing_is_one_and_is_told_with_what_would_mend_it(changed: dict[str, object], told: str) -> None:
    (found,) = differences(HERE, replace(THERE, **changed))  # type: ignore[arg-type]
    assert told in found.what
    assert "nextstep eval --model old" in found.remedy
    (mirrored,) = differences(replace(THERE, **changed), HERE)  # type: ignore[arg-type]
    assert mirrored.what


def test_a_jury_is_not_one_of_its_judges() -> None:
    jury = replace(THERE, judge="jury", judges=(("judge", "v"), ("second", "v")), verdict_prompt_hash="jv")
    (found,) = differences(HERE, jury)
    assert "old has judge and second" in found.what


def test_the_nearest_entry_differs_least_and_the_first_of_two_alike() -> None:
    far, near = replace(THERE, suite_hash="x", asked_hash="y"), replace(THERE, suite_hash="x")
    assert nearest(HERE, [far, near]) is near
    assert nearest(HERE, [near, replace(near, candidate="other")]) is near
    assert nearest(HERE, []) is None
