"""Names made from content: the same everywhere, different for different work."""

import hashlib
import json
import os
import subprocess
import sys

from hypothesis import given, settings
from hypothesis import strategies as st

from nextstep.core.ids import canonical, make_id, sha256

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)

VALUE = {"b": [1, 2.5, None], "a": "é\n", "c": {"y": True, "x": "$"}}


def test_ids_do_not_change_between_versions_of_nextstep() -> None:
    """Every stored row is found again by its id: if this fails, stores of users lose their work."""
    assert make_id("moment", "session", 5) == "fc83618a0a84db7f0b63"
    assert make_id("reply", VALUE) == "7e3e3186200c4ee908ef"


def test_ids_are_the_same_in_every_process() -> None:
    code = "import sys, json; from nextstep.core.ids import make_id; print(make_id('t', json.load(sys.stdin)))"
    for seed in ("0", "1", "4242"):
        done = subprocess.run(
            [sys.executable, "-c", code],
            input=json.dumps(VALUE),
            env=os.environ | {"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout.strip() == make_id("t", VALUE)


@given(json_values)
@settings(max_examples=100)
def test_the_canonical_spelling_loses_nothing(value: object) -> None:
    assert json.loads(canonical(value)) == value


@given(st.dictionaries(st.text(), json_values, min_size=2, max_size=6))
@settings(max_examples=50)
def test_the_order_of_keys_does_not_matter(value: dict[str, object]) -> None:
    assert make_id("t", dict(reversed(value.items()))) == make_id("t", value)


@given(json_values, json_values)
@settings(max_examples=100)
def test_different_values_have_different_ids(one: object, other: object) -> None:
    assert (make_id("t", one) == make_id("t", other)) == (canonical(one) == canonical(other))


def test_the_kind_and_the_bounds_of_the_parts_are_in_the_name() -> None:
    ids = [
        make_id("a", "b", "c"),
        make_id("ab", "c"),
        make_id("a", "bc"),
        make_id("a", ["b", "c"]),
        make_id("b", "a", "c"),
    ]
    assert len(set(ids)) == len(ids)
    assert make_id("a", 1) != make_id("a", "1")


@given(st.text(alphabet=st.characters(categories=["Cs", "L", "P"])))
def test_a_lone_surrogate_can_be_named(text: str) -> None:
    name = make_id("t", text)
    assert len(name) == 20
    assert set(name) <= set("0123456789abcdef")


def test_spelling_is_compact_utf_8() -> None:
    assert canonical({"b": "é", "a": (1, 2)}) == '{"a":[1,2],"b":"é"}'.encode()


@given(st.binary())
def test_sha256_is_the_standard_one(data: bytes) -> None:
    assert sha256(data) == hashlib.sha256(data).hexdigest()
