"""What may still be spent: never more under way than fits, and one call alone while any money is left."""

from hypothesis import given
from hypothesis import strategies as st

from nextstep.pipeline.spending import Spend

costs = st.floats(0, 1, allow_nan=False)


@given(st.floats(0, 3), st.lists(st.tuples(costs, costs, st.booleans())))
def test_what_is_under_way_fits_and_what_is_over_leaves_nothing(
    limit: float, calls: list[tuple[float, float, bool]]
) -> None:
    spend, out = Spend(limit), list[tuple[float, float]]()
    for estimate, cost, ends in calls:
        if spend.has_room(estimate):
            assert spend.usd < limit
            assert not out or spend.usd + spend.under_way_usd + estimate <= limit
            spend.begin(estimate)
            out.append((estimate, cost))
        if ends and out:
            begun, paid = out.pop(0)
            spend.end(begun)
            spend.add(paid)
    for begun, paid in out:
        spend.end(begun)
        spend.add(paid)
    assert (spend.under_way, spend.under_way_usd) == (0, 0.0)
    assert spend.has_room(1e9) == (spend.usd < limit)


def test_without_a_limit_there_is_always_room() -> None:
    spend = Spend()
    spend.add(1e9)
    spend.add(None)
    assert spend.has_room(1e9)
    assert not spend.reached


def test_an_answer_of_unknown_cost_exhausts_a_limit() -> None:
    spend = Spend(5.0)
    spend.add(None)
    assert spend.reached
    assert not spend.has_room(0.0)
    assert "not known" in spend.reason
