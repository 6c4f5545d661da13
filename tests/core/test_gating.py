"""PASS, REGRESSION or NO VERDICT: what decides, what comes before it, and what would help."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nextstep.core.gating import (
    Reason,
    Rule,
    Ruling,
    Verdict,
    advice,
    objection_to_imbalance,
    objections_to_missing,
    overall,
    plan,
    rule_on,
    strongest,
)
from nextstep.core.pairing import Pairing, Tried, pair_up
from nextstep.core.records import MomentSet
from nextstep.core.stats import Figure, MarginTest, non_inferiority

RULE = Rule(0.1, 0.05)


def side(*scores: float, samples: int = 1) -> dict[str, Tried]:
    return {f"m{i:03}": Tried(f"s{i}", MomentSet.DETOUR, (y,) * samples) for i, y in enumerate(scores)}


def paired(ours: list[float], theirs: list[float]) -> Pairing:
    return pair_up(side(*ours), side(*theirs))


def compared(ours: list[float], theirs: list[float], rule: Rule = RULE) -> MarginTest:
    return non_inferiority(paired(ours, theirs).units, margin=rule.margin, alpha=rule.alpha)


def ruling(ours: list[float], theirs: list[float], rule: Rule = RULE) -> Ruling:
    (found,) = rule_on([compared(ours, theirs, rule)], rule)
    return found


score = st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0])
lists = st.lists(st.tuples(score, score), min_size=30, max_size=60)


@given(lists, st.floats(0.02, 0.6))
def test_a_pass_lies_above_the_margin_and_a_regression_below_it(
    pairs: list[tuple[float, float]], margin: float
) -> None:
    rule = Rule(margin, 0.05)
    ours, theirs = ([pair[i] for pair in pairs] for i in (0, 1))
    test, found = compared(ours, theirs, rule), ruling(ours, theirs, rule)
    assert test.low is not None
    assert test.high is not None
    expected = Verdict.PASS if test.low > -margin else Verdict.REGRESSION if test.high < -margin else Verdict.NO_VERDICT
    assert found.verdict == expected
    assert (found.verdict is Verdict.NO_VERDICT) == bool(found.objections)


@given(lists)
def test_a_wider_margin_never_makes_a_pass_a_regression(pairs: list[tuple[float, float]]) -> None:
    ours, theirs = ([pair[i] for pair in pairs] for i in (0, 1))
    order = [Verdict.REGRESSION, Verdict.NO_VERDICT, Verdict.PASS]
    found = [order.index(ruling(ours, theirs, Rule(margin, 0.05)).verdict) for margin in (0.05, 0.1, 0.2, 0.4)]
    assert found == sorted(found)


@pytest.mark.parametrize("n", [1, 9, 29])
def test_fewer_than_thirty_moments_decide_nothing_however_clear_they_are(n: int) -> None:
    found = ruling([0.0] * n, [1.0] * n)
    assert (found.verdict, found.objections[0].reason) == (Verdict.NO_VERDICT, Reason.INCONCLUSIVE)
    assert f"{n} moments" in found.objections[0].what


def test_moments_of_few_sessions_decide_nothing() -> None:
    units = [(f"s{i % 9}", (1.0, 1.0)) for i in range(90)]
    (found,) = rule_on([non_inferiority(units, margin=0.1, alpha=0.05)], RULE)
    assert found.verdict is Verdict.NO_VERDICT
    assert "9.0 equal ones" in found.objections[0].what


def test_one_regression_among_several_sets_must_outlast_their_number() -> None:
    """A set just below the margin is a regression alone, and not as one of many."""
    theirs = [1.0] * 40
    near = [0.0] * 9 + [0.5] * 3 + [1.0] * 28
    assert ruling(near, theirs).verdict is Verdict.REGRESSION
    others = [compared([0.5] * 40, [0.5] * 40)] * 9
    assert rule_on([compared(near, theirs), *others], RULE)[0].verdict is Verdict.NO_VERDICT


def test_the_whole_passes_only_if_every_set_does() -> None:
    passed, regressed, none = Verdict.PASS, Verdict.REGRESSION, Verdict.NO_VERDICT
    assert overall([passed, passed]) is passed
    assert overall([passed, none]) is none
    assert overall([none, regressed]) is regressed
    assert overall([]) is none


def test_a_pass_says_what_it_would_hide() -> None:
    low, high = [0.5] * 20 + [0.4] * 20, [0.5] * 40
    assert ruling(low, high).remark == "worse, but by less than the margin"
    assert ruling(high, low).remark == "better"
    assert ruling(high, high).remark is None


class TestPlans:
    ours, theirs = [1.0, 0.0, 0.5, 0.5] * 10, [0.0, 1.0, 0.5, 0.0] * 10

    def planned(self, **more: bool) -> str:
        found = plan(
            paired(self.ours, self.theirs), compared(self.ours, self.theirs), RULE, **{"fixed_baseline": False} | more
        )
        return advice(found, 40, 0.125)

    def test_it_tells_the_moments_that_make_the_interval_narrow_enough(self) -> None:
        """With as many moments more, drawn alike, equal models pass about four times in five."""
        found = plan(paired(self.ours, self.theirs), compared(self.ours, self.theirs), RULE, fixed_baseline=False)
        assert found.moments_if_equal is not None
        times = 1 + -(-found.moments_if_equal // 40)
        test = compared(self.ours * times, self.theirs * times)
        assert (test.power or 0) == pytest.approx(0.8, abs=0.06)
        assert "more moments like these 40 would decide" in self.planned()

    def test_with_one_sample_more_of_them_are_recommended_without_a_number_that_nobody_knows(self) -> None:
        assert "--samples 4" in self.planned()

    def test_nothing_is_promised_where_nothing_varies(self) -> None:
        equal = [0.5] * 20
        found = plan(paired(equal, equal), compared(equal, equal), RULE, fixed_baseline=False)
        assert (found.moments_if_equal, found.samples_if_equal) == (None, None)
        assert advice(found, 20, 0.0)

    def test_a_file_gets_no_more_samples(self) -> None:
        ours = {f"m{i}": Tried(f"s{i}", MomentSet.DETOUR, (1.0, 0.0, 0.5)) for i in range(40)}
        theirs = {f"m{i}": Tried(f"s{i}", MomentSet.DETOUR, (float(i % 2),)) for i in range(40)}
        pairing = pair_up(ours, theirs)
        test = non_inferiority(pairing.units, margin=0.1, alpha=0.05)
        assert plan(pairing, test, RULE, fixed_baseline=True).samples == 3
        assert plan(pairing, test, RULE, fixed_baseline=False).samples == 1


class TestMissing:
    @staticmethod
    def tried(missing: int, due: int) -> list[Tried]:
        return [Tried("s", MomentSet.DETOUR, (), 1)] * missing + [Tried("s", MomentSet.DETOUR, (1.0,))] * (
            due - missing
        )

    def test_two_percent_are_tolerated_and_not_more(self) -> None:
        whole = self.tried(0, 100)
        assert objections_to_missing("n", "o", self.tried(2, 100), whole) == []
        (found,) = objections_to_missing("n", "o", whole, self.tried(3, 100))
        assert found.reason is Reason.TOO_MANY_FAILURES
        assert "3 of 100 samples of o" in found.what

    def test_six_moments_of_one_model_alone_are_no_chance_and_five_may_be(self) -> None:
        whole, broken = self.tried(0, 1)[0], self.tried(1, 1)[0]
        assert objection_to_imbalance("n", "o", [(broken, whole)] * 5 + [(whole, whole)] * 500) is None
        found = objection_to_imbalance("n", "o", [(broken, whole)] * 6 + [(whole, whole)] * 500)
        assert found is not None
        assert "n alone at 6 moments, of o alone at 0" in found.what
        assert objection_to_imbalance("n", "o", [(broken, broken)] * 50) is None


def test_the_strongest_of_those_that_were_judged_broadly_is_taken() -> None:
    def rate(value: float, n: int) -> Figure:
        return Figure(value, value, value, n, n, "ok")

    assert strongest([rate(0.1, 40), rate(0.3, 40), rate(0.9, 3)]) == rate(0.3, 40)
    assert strongest([rate(0.0, 0)]) is None
    assert strongest([]) is None
