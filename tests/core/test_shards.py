"""Shards: a session is in exactly one, by its id alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nextstep.core.shards import Shard


@given(st.text(), st.integers(1, 50))
def test_a_session_is_in_exactly_one_shard(session_id: str, total: int) -> None:
    assert sum(Shard(number, total).holds(session_id) for number in range(1, total + 1)) == 1


def test_sessions_are_dealt_about_evenly() -> None:
    dealt = [sum(Shard(number, 4).holds(f"s{i}") for i in range(4_000)) for number in range(1, 5)]
    assert min(dealt) > 900


@pytest.mark.parametrize("text", ["1/3", " 3 / 3 ", "1/1", "10000/10000"])
def test_a_shard_reads_back(text: str) -> None:
    assert str(Shard.parse(text)) == text.replace(" ", "")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("0/3", "there is no shard 0 of 3; they count from 1 to 3"),
        ("4/3", "there is no shard 4 of 3"),
        ("1/0", "1 to 10000 shards, not to 0"),
        ("1/99999", "not to 99999"),
        ("1", "such as 1/3"),
        ("one/two", "such as 1/3"),
        ("-1/3", "such as 1/3"),
        ("1/3/5", "such as 1/3"),
        ("", "such as 1/3"),
        ("²/3", "such as 1/3"),
    ],
)
def test_what_is_no_shard_is_told_in_words(text: str, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        Shard.parse(text)
