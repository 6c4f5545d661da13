"""Training cutoffs: what the table says holds for every spelling of a model, and what it does not say is unknown."""

from datetime import date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nextstep.models.cutoffs import AFTER, BEFORE, UNKNOWN, contamination, cutoff, known_cutoffs

SPELLINGS = [
    "claude-haiku-4-5",
    "claude-haiku-4-5-20251001",
    "bedrock/us.anthropic.claude-haiku-4-5-20251001-v1:0",
    "vertex/claude-haiku-4-5@20251001",
    "proxy/anthropic/claude-haiku-4-5",
]


@pytest.mark.parametrize("model", SPELLINGS)
def test_a_model_has_one_cutoff_however_it_is_reached(model: str) -> None:
    assert cutoff(model) == date(2025, 7, 31)


@pytest.mark.parametrize(
    "model", ["claude-opus-4-9", "claude-opus-5-55", "my-claude-opus-5-tuned", "cand", "offline/continue", ""]
)
def test_a_model_that_is_not_in_the_table_has_no_known_cutoff(model: str) -> None:
    assert cutoff(model) is None


def test_a_shorter_name_does_not_stand_for_a_later_model() -> None:
    assert cutoff("claude-opus-4") == cutoff("claude-opus-4-0") == cutoff("claude-opus-4-20250514")
    assert cutoff("claude-opus-4") != cutoff("claude-opus-4-5")
    assert cutoff("claude-opus-5") != cutoff("claude-opus-5-5")


def test_an_override_goes_before_the_table() -> None:
    own = {"claude-opus-5": date(2020, 1, 1), "local/mine": date(2021, 1, 1)}
    assert cutoff("claude-opus-5", own) == date(2020, 1, 1)
    assert cutoff("local/mine", own) == date(2021, 1, 1)
    assert cutoff("claude-sonnet-5", own) == cutoff("claude-sonnet-5")


def test_every_entry_is_dated_sourced_and_stands_once() -> None:
    names = [known.model for known in known_cutoffs()]
    assert len(names) == len(set(names))
    for known in known_cutoffs():
        assert known.source
        assert known.cutoff < known.entered
        assert (known.cutoff + timedelta(days=1)).day == 1


@given(st.dates(date(2000, 1, 1), date(2100, 1, 1)), st.integers(-400, 400), st.times())
def test_a_session_is_before_the_cutoff_up_to_the_end_of_its_day(day: date, later: int, at: time) -> None:
    started = datetime.combine(day + timedelta(days=later), at)
    assert contamination(started, day) == (BEFORE if later <= 0 else AFTER)


def test_what_has_no_date_is_unknown_and_never_safe() -> None:
    assert contamination(None, date(2025, 1, 1)) == UNKNOWN
    assert contamination(datetime(2025, 1, 1), None) == UNKNOWN  # noqa: DTZ001
