"""What is dear to make is made once, as long as there is room."""

from weakref import ref

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nextstep.pipeline.kept import Kept


class Maker:
    """Makes texts of a size, and remembers what it made."""

    def __init__(self) -> None:
        self.made: list[int] = []

    def __call__(self, size: int) -> str:
        self.made.append(size)
        return "x" * size


def kept(room: int) -> Kept[str]:
    return Kept(room, len)


@given(st.integers(0, 30), st.lists(st.integers(0, 12)))
def test_the_value_is_always_that_of_the_key_and_what_is_used_is_counted(room: int, sizes: list[int]) -> None:
    some, make = kept(room), Maker()
    for size in sizes:
        assert some.get(size, None, lambda size=size: make(size)) == "x" * size  # type: ignore[misc]
        assert some.used <= max(room, size)


@given(st.lists(st.integers(1, 5)))
def test_where_all_fit_each_is_made_once(sizes: list[int]) -> None:
    some, make = kept(15), Maker()
    for size in sizes:
        some.get(size, None, lambda size=size: make(size))  # type: ignore[misc]
    assert len(make.made) == len(set(sizes))


def test_what_was_used_longest_ago_goes_first() -> None:
    some, make = kept(6), Maker()
    for size in (1, 2, 3, 1, 4):
        some.get(size, None, lambda size=size: make(size))  # type: ignore[misc]
    made = len(make.made)
    for size in (4, 1):
        some.get(size, None, lambda size=size: make(size))  # type: ignore[misc]
    assert len(make.made) == made
    some.get(2, None, lambda: make(2))
    assert len(make.made) == made + 1


def test_the_newest_stays_however_large() -> None:
    some, make = kept(3), Maker()
    some.get("a", None, lambda: make(2))
    some.get("b", None, lambda: make(9))
    some.get("b", None, lambda: make(9))
    assert make.made == [2, 9]
    assert some.used == 9


def test_an_owner_lives_as_long_as_what_is_named_by_its_id() -> None:
    class Owner:
        pass

    some, owner = kept(4), Owner()
    seen = ref(owner)
    some.get(id(owner), owner, lambda: "x")
    del owner
    assert seen() is not None
    some.get("larger", None, lambda: "xxxx")
    assert seen() is None


def test_what_is_forgotten_is_made_anew() -> None:
    some, make = kept(9), Maker()
    some.get("a", None, lambda: make(2))
    some.clear()
    assert some.used == 0
    some.get("a", None, lambda: make(2))
    assert make.made == [2, 2]


def test_what_cannot_be_made_leaves_nothing() -> None:
    some = kept(9)

    def broken() -> str:
        raise LookupError

    with pytest.raises(LookupError):
        some.get("a", None, broken)
    assert some.get("a", None, lambda: "x") == "x"
    assert some.used == 1
