"""Which replies a store has: however they came, in the store before or since, and none that is not there."""

from collections.abc import Sequence

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nextstep.core.ids import make_id
from nextstep.pipeline import known
from nextstep.pipeline.known import KnownReplies

NAMES = [make_id("reply", number) for number in range(40)]
names = st.lists(st.sampled_from(NAMES), unique=True)


def opened(there: Sequence[str]) -> KnownReplies:
    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE replies AS SELECT unnest($there::VARCHAR[]) AS reply_id", {"there": there})
        return KnownReplies(connection)


@given(names, st.lists(st.tuples(st.booleans(), names), max_size=12), st.integers(0, 20))
def test_it_knows_what_was_there_and_what_came_but_not_what_turned_out_to_be_gone(
    there: list[str], came: list[tuple[bool, list[str]]], loose: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(known, "LOOSE", loose)
        replies, expected = opened(there), set(there)
        for is_stored, some in came:
            if is_stored:
                replies.add(some)
                expected |= set(some)
            else:
                for name in some:
                    replies.forget(name)
                expected -= set(some)
            assert {name for name in NAMES if name in replies} == expected
