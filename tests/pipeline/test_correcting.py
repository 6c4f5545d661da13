"""A corrected rate undoes errors that were measured, and is not given where they were not; trust is the card's."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nextstep.core.stats import Measured, estimate, rate_figure, rogan_gladen
from nextstep.core.stats.clusters import cluster, jackknife_variance
from nextstep.pipeline.correcting import NAMES, NOTHING, TRUSTS, with_cards
from nextstep.pipeline.figures import summary
from tests.stores import Pair, scored

ROW: dict[str, Any] = {
    "judge": "j",
    "verdict_prompt_hash": "h",
    "jury": None,
    "set": "detour",
    "win_rate": 0.5,
    "ci_low": 0.4,
    "n_moments": 130,
    "n_sessions": 60,
    "variance": 0.25 / 87,
}
"""As of 130 moments with a design effect of 1.5."""


def card(oracle: float, worsened: float, n: int = 60, **more: Any) -> list[dict[str, Any]]:
    """A card whose figures are of one moment a session, each 0 or 1 but for one that makes the mean."""
    both = {"oracle": oracle, "worsened": worsened}
    name = {"judge": "j", "prompt_hash": "h", "trust": "use with care"}
    return [name | {"probe": probe} | asdict(rate_figure(_scores(rate, n))) | more for probe, rate in both.items()]


def _scores(rate: float, n: int) -> Sequence[tuple[int, float]]:
    return list(enumerate(min(1.0, max(0.0, rate * n - i)) for i in range(n)))


def corrected(row: dict[str, Any], health: list[dict[str, Any]]) -> tuple[Any, ...]:
    (found,) = with_cards([row], health)
    assert row.items() <= found.items()
    return tuple(found[name] for name in NAMES)


@given(st.floats(0.05, 0.95), st.floats(0.8, 1.0), st.floats(0.0, 0.2))
def test_the_errors_of_a_judge_are_undone(truth: float, sensitivity: float, false_alarms: float) -> None:
    judged = truth * sensitivity + (1 - truth) * false_alarms
    value, low, high, status = corrected(ROW | {"win_rate": judged}, card(sensitivity, false_alarms))
    assert value == pytest.approx(truth)
    assert low <= value <= high
    assert status == "ok"


def test_a_perfect_judge_leaves_the_rate_as_it_is() -> None:
    assert corrected(ROW, card(1.0, 0.0))[0] == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("row", "health"),
    [
        (ROW, []),
        (ROW, card(0.9, 0.1)[:1]),
        (ROW, card(0.9, 0.1, judge="other")),
        (ROW, card(0.9, 0.1, prompt_hash="other")),
        (ROW, card(0.9, 0.1, value=None, ci_low=None)),
        (ROW, card(0.9, 0.1, ci_low=None, status="single_session")),
        (ROW | {"set": "control"}, card(0.9, 0.1)),
        (ROW | {"group": "loss"}, card(0.9, 0.1)),
        (ROW | {"win_rate": None, "ci_low": None}, card(0.9, 0.1)),
        (ROW | {"ci_low": None, "variance": None, "n_sessions": 1}, card(0.9, 0.1)),
    ],
)
def test_without_intervals_of_this_very_judges_errors_there_is_none(
    row: dict[str, Any], health: list[dict[str, Any]]
) -> None:
    assert corrected(row, health) == tuple(NOTHING.values())


@pytest.mark.parametrize(
    ("health", "why"),
    [
        (card(0.9, 0.1, n=29), "few_calibrated"),
        (card(0.6, 0.4), "weak_judge"),
        (card(0.9, 0.1, trust="not trusted"), "judge_not_trusted"),
    ],
)
def test_a_card_that_is_too_weak_gives_the_reason_and_no_figure(health: list[dict[str, Any]], why: str) -> None:
    assert corrected(ROW, health) == (None, None, None, why)


def test_sessions_that_are_alike_widen_the_interval() -> None:
    widths = []
    for variance in (0.25 / 130, 0.25 / 65, 0.0):
        _, low, high, _ = corrected(ROW | {"variance": variance, "n_sessions": 30}, card(0.9, 0.1))
        widths.append(high - low)
    assert widths == sorted(set(widths))


TRIPLES = [(i // 3, (i % 7 < 4) - 0.5 * (i % 5 == 0) * (i % 7 < 4)) for i in range(129)]
"""Scores 0, 0.5 and 1 of 43 sessions with three moments each: neither plain counts nor independent."""


def test_the_win_rate_comes_with_the_variance_that_its_own_interval_has() -> None:
    found, variance = estimate(TRIPLES), jackknife_variance(cluster(TRIPLES))
    p = sum(score for _, score in TRIPLES) / len(TRIPLES)
    row = ROW | {"win_rate": p, "ci_low": found.ci_low, "n_sessions": 43, "variance": variance}
    n = p * (1 - p) / variance
    assert n != pytest.approx(len(TRIPLES) / (found.deff or 1), rel=0.1)
    wanted = rogan_gladen(Measured(p, n), Measured(1.0, 60), Measured(1.0, 60))
    assert corrected(row, card(1.0, 0.0)) == (wanted.value, wanted.ci_low, wanted.ci_high, "ok")


def test_the_errors_of_the_judge_come_with_the_variance_of_their_intervals() -> None:
    scores = [(session, 0.5 + score / 2) for session, score in TRIPLES]
    figure, variance = asdict(rate_figure(scores)), jackknife_variance(cluster(scores))
    health = card(0.9, 0.0)
    health[0] |= figure
    n = figure["value"] * (1 - figure["value"]) / variance
    wanted = rogan_gladen(Measured(0.5, 87), Measured(figure["value"], n), Measured(1.0, 60))
    assert corrected(ROW, health)[:3] == (
        pytest.approx(wanted.value),
        pytest.approx(wanted.ci_low),
        pytest.approx(wanted.ci_high),
    )


@pytest.mark.parametrize("n", [30, 40])
def test_moments_that_are_independent_count_as_they_are(n: int) -> None:
    plain = rogan_gladen(Measured(0.5, 87), Measured(0.9, n), Measured(0.9, n))
    assert corrected(ROW, card(0.9, 0.1, n)) == (*map(pytest.approx, (plain.value, plain.ci_low, plain.ci_high)), "ok")


@given(st.integers(40, 90), st.floats(0.7, 0.97))
def test_what_is_read_back_from_a_card_never_claims_more_than_one_moment_each(n: int, rate: float) -> None:
    health = card(rate, 0.0, n)
    _, low, high, _ = corrected(ROW, health)
    mean = health[0]["value"]
    plain = rogan_gladen(Measured(0.5, 87), Measured(mean, n + 2), Measured(1.0, n))
    assert plain.ci_low is not None
    assert plain.ci_high is not None
    assert high - low >= (plain.ci_high - plain.ci_low) * 0.97


def test_a_win_rates_variance_is_that_of_its_moments_by_leaving_out_sessions() -> None:
    assert scored([Pair(), Pair(moment=1)])["detour"]["variance"] is None
    pairs = [Pair(session=i // 2, moment=i % 2, sample=k) for i in range(8) for k in range(2)]
    assert scored(pairs)["detour"]["variance"] == 0.0
    tallies: list[dict[str, Any]] = [
        {"session_id": i // 2, "moment_id": i, "score": score, "average_score": score, "outcome": "win"}
        | {"flipped": False, "score_first": score, "score_second": score, "words": 5, "human_words": 5}
        | {"refused": False, "prefix_shortened": False, "judge_shortened": False}
        for i, score in enumerate([1.0, 0.0, 1.0, 1.0, 0.5, 0.0])
    ]
    wanted = jackknife_variance(cluster([(row["session_id"], row["score"]) for row in tallies]))
    assert summary(tallies)["variance"] == pytest.approx(wanted)


def trust_of(row: dict[str, Any], health: list[dict[str, Any]]) -> str:
    (found,) = with_cards([row], health)
    return str(found["trust"])


@pytest.mark.parametrize("trust", ["trusted", "use with care", "not trusted"])
@pytest.mark.parametrize("more", [{}, {"set": "control"}, {"group": "loss"}, {"win_rate": None, "ci_low": None}])
def test_every_row_says_how_far_the_card_of_its_judge_trusts_it(trust: str, more: dict[str, Any]) -> None:
    assert trust_of(ROW | more, card(0.9, 0.1, trust=trust)) == trust
    assert trust_of(ROW | more, card(0.9, 0.1, trust=trust, prompt_hash="other")) == "not calibrated"


@given(st.lists(st.sampled_from(TRUSTS), min_size=2, max_size=4))
def test_a_jury_is_trusted_as_far_as_the_least_of_its_judges(said: list[str]) -> None:
    jury = [{"judge": "j", "prompt_hash": f"h{i}"} for i in range(len(said))]
    health = [
        row
        for i, trust in enumerate(said)
        if trust != "not calibrated"
        for row in card(0.9, 0.1, prompt_hash=f"h{i}", trust=trust)
    ]
    assert trust_of(ROW | {"judge": "jury", "jury": jury}, health) == min(said, key=TRUSTS.index)
