"""Costs are those of the vendor's list of November 2026; what is not known is unknown, never nothing."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nextstep.core.records import Usage
from nextstep.models.prices import cost_usd

PRICES = {
    "claude-fable-5-2": (8, 40, 10, 0.20),
    "claude-opus-5-5": (4, 20, 5, 0.20),
    "claude-sonnet-5-5": (2, 10, 2.5, 0.10),
    "claude-haiku-5-5": (0.10, 0.50, 0.125, 0.01),
    "claude-fable-5-1": (10, 50, 12.5, 0.25),
    "claude-fable-5": (10, 50, 12.5, 1.00),
    "claude-opus-5": (5, 25, 6.25, 0.50),
    "claude-sonnet-5": (2, 10, 2.5, 0.20),
    "claude-opus-4-8": (5, 25, 6.25, 0.50),
    "claude-opus-4-6": (5, 25, 6.25, 0.50),
    "claude-sonnet-4-6": (3, 15, 3.75, 0.30),
    "claude-opus-4-5-20251101": (5, 25, 6.25, 0.50),
    "claude-haiku-4-5-20251001": (1, 5, 1.25, 0.10),
    "claude-sonnet-4-5-20250929": (3, 15, 3.75, 0.30),
}
"""US dollars for a million tokens: input, output, written to a cache for five minutes, read from a cache."""

counts = st.integers(0, 25_000)


def usage(read: int = 0, written: int = 0, *, fresh: int = 0, output: int = 0) -> Usage:
    return Usage(input_tokens=fresh, output_tokens=output, cache_read_tokens=read, cache_write_tokens=written)


@pytest.mark.parametrize("model", PRICES)
def test_each_kind_of_token_has_the_price_of_the_list(model: str) -> None:
    fresh, output, written, read = PRICES[model]
    n = 40_000
    assert cost_usd(model, usage(fresh=n)) == pytest.approx(fresh * n / 1e6)
    assert cost_usd(model, usage(output=n)) == pytest.approx(output * n / 1e6)
    assert cost_usd(model, usage(written=n)) == pytest.approx(written * n / 1e6)
    assert cost_usd(model, usage(read=n)) == pytest.approx(read * n / 1e6)


@settings(max_examples=60)
@given(st.sampled_from(sorted(PRICES)), counts, counts, counts, counts)
def test_a_cost_is_the_sum_over_the_kinds_each_token_once(
    model: str, fresh: int, output: int, written: int, read: int
) -> None:
    prices = PRICES[model]
    expected = sum(price * n for price, n in zip(prices, (fresh, output, written, read), strict=True)) / 1e6
    assert cost_usd(model, usage(read, written, fresh=fresh, output=output)) == pytest.approx(expected, abs=1e-12)


def test_a_long_prompt_of_haiku_5_5_costs_five_times_as_much_for_every_token() -> None:
    model = "claude-haiku-5-5"
    assert cost_usd(model, usage(fresh=100_000, output=1000)) == pytest.approx(0.0105)
    assert cost_usd(model, usage(fresh=100_001, output=1000)) == pytest.approx(0.0525, abs=1e-5)
    assert cost_usd(model, usage(fresh=200_000, output=1000)) == pytest.approx(0.1025)


def test_other_models_have_no_such_step() -> None:
    assert cost_usd("claude-opus-5-5", usage(fresh=400_000)) == pytest.approx(1.6)


@pytest.mark.parametrize("cached", [None, 0])
def test_cached_tokens_that_are_not_told_are_none(cached: int | None) -> None:
    told = Usage(input_tokens=1000, output_tokens=100, cache_read_tokens=cached, cache_write_tokens=cached)
    assert cost_usd("claude-opus-5-5", told) == pytest.approx(0.006)


@pytest.mark.parametrize("model", ["claude-opus-99", "claude-", "gpt-5", "x", "", "local/claude-opus-5-5", "/x"])
def test_a_price_that_is_not_known_is_unknown_and_never_nothing(model: str) -> None:
    assert cost_usd(model, usage(fresh=1000, output=1000)) is None
    assert cost_usd(model, usage()) is None


@pytest.mark.parametrize(
    "lacking",
    [Usage(), Usage(input_tokens=10), Usage(output_tokens=10), Usage(cache_read_tokens=10, cache_write_tokens=10)],
)
def test_a_cost_without_usage_is_unknown(lacking: Usage) -> None:
    assert cost_usd("claude-opus-5-5", lacking) is None


@pytest.mark.parametrize("told", [Usage(), usage(), usage(fresh=10**6, output=10**6)])
def test_an_offline_model_costs_nothing(told: Usage) -> None:
    assert cost_usd("offline/continue", told) == 0


def test_an_answer_of_no_tokens_costs_nothing() -> None:
    assert cost_usd("claude-opus-5-5", usage()) == 0


def test_the_clouds_have_prices_of_their_own() -> None:
    told = usage(fresh=1_000_000)
    assert cost_usd("vertex/claude-opus-5-5", told) == pytest.approx(4)
    in_the_cloud = cost_usd("bedrock/anthropic.claude-opus-5-5", told)
    assert in_the_cloud is not None
    assert 4 <= in_the_cloud < 5
