"""How prompts are cut for a cache: what is asked never changes, and no mark is set that nobody reads back."""

import random
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import TypeAlias

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nextstep.core.caching import CHARS_PER_TOKEN, LEAST_GAIN, MARKS, PLAIN, UNSHARED, Layout, Node, places
from nextstep.core.records import Request
from nextstep.models.wire import body_of
from tests.loopback import prompt
from tests.loopback.accounting import billed, counted
from tests.loopback.caching import Cache, first_problem, minimum
from tests.loopback.least import least
from tests.loopback.replies import Body

MODEL = "claude-opus-5-5"
LEAST_TOKENS = minimum(MODEL)

Drawn: TypeAlias = Callable[[random.Random], tuple[list[str], list[int]]]

texts = st.lists(st.text("ab\n<", min_size=1, max_size=12), min_size=1, max_size=12, unique=True)
"""Texts of any shape, each of whose characters may matter."""


def entry(number: int, size: int) -> str:
    return f"\n<e{number}>" + f"{number:09d} " * (size // 10)


@st.composite
def grown(draw: st.DrawFn) -> list[str]:
    """Texts of entries, as trajectories are: large enough to be cached, with beginnings in common."""
    entries = st.lists(st.tuples(st.integers(0, 2), st.sampled_from([40, 400, 3_000])), max_size=7)
    made = draw(st.lists(entries, min_size=1, max_size=9))
    return list(dict.fromkeys("<trajectory>" + "".join(entry(*each) for each in one) for one in made))


def visits_of(some: Sequence[str]) -> st.SearchStrategy[list[int]]:
    return st.lists(st.integers(1, 4), min_size=len(some), max_size=len(some))


with_visits = st.one_of(texts, grown()).flatmap(lambda some: st.tuples(st.just(some), visits_of(some)))
"""(texts, how many requests begin with each)."""


def test_where_one_text_ends_and_another_goes_on_with_an_entry_both_have_one_beginning() -> None:
    begun = "<trajectory>" + entry(1, 400)
    some = [begun, begun + entry(2, 400), begun + entry(2, 400) + entry(3, 400), begun + entry(4, 400)]
    found = places("s", "", some, [2] * 4, 1)
    assert all(found[0].nodes[-1] in place.nodes for place in found)


@given(with_visits, st.sampled_from([0, 1, 512]))
def test_cuts_ascend_within_the_text_and_the_pieces_join_to_it(drawn: tuple[list[str], list[int]], floor: int) -> None:
    some, visits = drawn
    for text, place in zip(some, places("s", "system", some, visits, floor), strict=True):
        ends = (0, *place.layout.cuts)
        assert all(low < high for low, high in pairwise(ends))
        assert ends[-1] <= len(text)
        pieces = [text[low:high] for low, high in pairwise((*ends, len(text)))]
        assert "".join(pieces) == text


@given(with_visits, st.booleans())
def test_what_is_sent_is_the_text_whatever_the_layout(drawn: tuple[list[str], list[int]], hour: bool) -> None:
    some, visits = drawn
    for text, place in zip(some, places("s", "system", some, visits, 1, hour=hour), strict=True):
        (message,) = body_of(asked(text, 0), place.layout)["messages"]
        assert "".join(block["text"] for block in message["content"]) == text + "question 0"
        assert all(block["text"] for block in message["content"])


@given(with_visits)
def test_marks_are_some_of_the_cuts_and_no_more_than_an_api_takes(drawn: tuple[list[str], list[int]]) -> None:
    some, visits = drawn
    for place in places("s", "system", some, visits, 1):
        assert place.layout.marks <= set(place.layout.cuts)
        assert len(place.layout.marks) == len(place.nodes) == len(place.depths) <= MARKS
        assert place.depths == tuple(sorted(place.depths))


def test_of_many_beginnings_the_longest_are_marked() -> None:
    some = ["".join(entry(i, 400) for i in range(1, n)) for n in range(2, 12)]
    longest = places("s", "", some, [2] * len(some), 1)[-1]
    assert len(longest.layout.cuts) == len(some)
    assert sorted(longest.layout.marks) == list(longest.layout.cuts[-MARKS:])


@given(with_visits)
def test_no_entry_is_cut_in_two(drawn: tuple[list[str], list[int]]) -> None:
    some, visits = drawn
    for place in places("s", "", some, visits, 1):
        for end in place.layout.cuts:
            ways_on = {text[end : end + 2] for text in some if len(text) >= end}
            assert ways_on & {"\n<", ""}


@given(with_visits)
def test_one_node_is_one_beginning_byte_for_byte(drawn: tuple[list[str], list[int]]) -> None:
    some, visits = drawn
    system = "system"
    meant: dict[Node, str] = {}
    for text, place in zip(some, places("s", system, some, visits, 1), strict=True):
        for node, depth in zip(place.nodes, place.depths, strict=True):
            beginning = (system + text)[:depth]
            assert meant.setdefault(node, beginning) == beginning
    assert len(set(meant.values())) == len(meant)


@given(with_visits)
def test_what_only_one_request_begins_with_is_never_marked(drawn: tuple[list[str], list[int]]) -> None:
    some, visits = drawn
    for text, place in zip(some, places("s", "", some, visits, 1), strict=True):
        for end in place.layout.marks:
            assert sum(n for other, n in zip(some, visits, strict=True) if other.startswith(text[:end])) > 1
        assert place.layout.system <= (sum(visits) > 1)


@given(with_visits, st.integers(0, 2_000), st.integers(0, 3_000))
def test_nothing_below_the_models_minimum_is_marked(
    drawn: tuple[list[str], list[int]], floor: int, system: int
) -> None:
    for place in places("s", "x" * system, *drawn, floor):
        assert all(depth >= floor * CHARS_PER_TOKEN for depth in place.depths)
        assert not place.layout.system or system >= floor * CHARS_PER_TOKEN


@given(with_visits)
def test_beginnings_that_are_marked_gain_enough_on_one_another(drawn: tuple[list[str], list[int]]) -> None:
    for place in places("s", "", *drawn, 1):
        assert all(high - low >= LEAST_GAIN for low, high in pairwise(place.layout.cuts))


@given(st.lists(st.sampled_from([300, 900, 4_000]), min_size=1, max_size=8), st.randoms(use_true_random=False))
def test_the_prefixes_of_a_session_make_a_chain(sizes: list[int], shuffled: random.Random) -> None:
    whole = "<trajectory>" + "".join(entry(i, size) for i, size in enumerate(sizes))
    starts = [whole.index(f"\n<e{i}>") for i in range(len(sizes))]
    some = [whole[:start] for start in starts] + [whole]
    shuffled.shuffle(some)
    found = dict(zip(some, places("s", "", some, [2] * len(some), 0), strict=True))
    chain = sorted(found, key=len)
    for shorter, longer in pairwise(chain):
        assert longer.startswith(shorter)
        kept = [cut for cut in found[longer].layout.cuts if cut <= len(shorter)]
        assert list(found[shorter].layout.cuts) == kept
        if len(longer) - len(shorter) >= LEAST_GAIN and len(shorter) >= LEAST_GAIN:
            assert found[shorter].nodes[-1] in found[longer].nodes


def test_texts_that_share_nothing_are_left_plain() -> None:
    assert places("s", "", ["one" * 900, "two" * 900], [1, 1], 1) == [UNSHARED, UNSHARED]
    assert places("s", "", [], [], 1) == []


@pytest.mark.parametrize("shape", ["chain", "fan", "comb"])
def test_thousands_of_texts_do_not_recurse(shape: str) -> None:
    size = 1_500
    stem = "".join(f"\n<{i}>" for i in range(size))
    ends = [stem.index(f"\n<{i}>") for i in range(1, size)]
    made = {
        "chain": [stem[:end] for end in ends],
        "fan": [f"\n<start>\n<{i}>" for i in range(size)],
        "comb": [stem[:end] + "\n</>" for end in ends],
    }
    assert len(places("s", "", made[shape], [1] * len(made[shape]), 0)) == len(made[shape])


# --- what it costs


def asked(text: str, number: int, system: str = "system") -> Request:
    return Request(model=MODEL, system=system, content=(text, f"question {number}"), max_tokens=500)


def bodies(some: Sequence[str], visits: Sequence[int], system: str = "system") -> list[Body]:
    """The requests, those with one text together."""
    found = places("s", system, some, visits, LEAST_TOKENS)
    every = list(zip(some, found, visits, strict=True))
    return [body_of(asked(text, n, system), place.layout) for text, place, times in every for n in range(times)]


def bill(sent: Sequence[Body]) -> float:
    """Input tokens as they are billed when each request is sent once the answer of the one before has begun."""
    cache, total = Cache(), 0.0
    for body in sent:
        assert first_problem(body) is None
        reading = cache.look(body, now=0.0)
        reading.start()
        reading.begin()
        total += billed(counted(reading.usage()))  # type: ignore[arg-type]
    return total


def uncached(sent: Sequence[Body]) -> int:
    return sum(prompt.input_tokens(body) for body in sent)


@given(grown().flatmap(lambda some: st.tuples(st.just(some), visits_of(some))), st.randoms(use_true_random=False))
def test_caching_never_costs_more_than_none(drawn: tuple[list[str], list[int]], shuffled: random.Random) -> None:
    sent = bodies(*drawn)
    shuffled.shuffle(sent)
    assert bill(sent) <= uncached(sent) + len(sent)


def session(drawn: random.Random, entries: int) -> list[str]:
    return [entry(drawn.randrange(10**9), drawn.choice([100, 400, 1_500, 4_000])) for _ in range(entries)]


def asked_of_candidates(drawn: random.Random) -> tuple[list[str], list[int]]:
    """Prefixes of a session at a dozen moments, two samples each."""
    whole = session(drawn, 80)
    cuts = sorted(drawn.sample(range(10, 80), 12))
    return ["<trajectory>" + "".join(whole[:cut]) + "\n</trajectory>" for cut in cuts], [2] * 12


def asked_of_judges(drawn: random.Random) -> tuple[list[str], list[int]]:
    """A session with one turn hidden, at a dozen moments; four questions each."""
    whole = session(drawn, 80)
    cuts = sorted(drawn.sample(range(10, 80), 12))
    hidden = ["".join([*whole[:cut], "\n<decision>", *whole[cut + 1 :]]) for cut in cuts]
    return ["<trajectory>" + text + "\n</trajectory>" for text in hidden], [4] * 12


@pytest.mark.parametrize("suite", [asked_of_candidates, asked_of_judges])
@pytest.mark.parametrize("seed", range(3))
def test_real_suites_cost_little_more_than_the_least_that_is_possible(suite: Drawn, seed: int) -> None:
    some, visits = suite(random.Random(seed))
    sent = bodies(some, visits, system="Be brief. " * 300)
    fewest = least(["".join(block.text for block in prompt.blocks(body)) for body in sent])
    assert fewest <= bill(sent) <= 1.04 * fewest
    assert bill(sent) < 0.6 * uncached(sent)


def test_a_layout_counts_what_no_cache_is_expected_to_hold() -> None:
    request = asked("a" * 1_000, 1)
    assert PLAIN.unread(request) == request.characters
    assert Layout(read=900).unread(request) == request.characters - 900
    assert Layout(read=10**6).unread(request) == 0
