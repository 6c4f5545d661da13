"""What an answer costs: from evals.yaml where that has a price, else from the genai-prices library's dated table."""

from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType

from nextstep.config import Price
from nextstep.core.records import Usage
from nextstep.models import is_offline

HOUR_OVER_MINUTES = 2 / 1.25
"""What keeping tokens for an hour costs, over keeping them for five minutes."""
NO_PRICES: Mapping[str, Price] = MappingProxyType({})
BATCH_SHARE = 0.5
"""Of the price of a call on its own, what the same call costs in a batch, for tokens of every kind.

Source: the vendor's pages on Message Batches, as of November 2026.
"""


def in_batch(cost: float | None) -> float | None:
    """What a call of this cost costs in a batch; None where that is not known."""
    return None if cost is None else BATCH_SHARE * cost


def cost_usd(model: str, usage: Usage, prices: Mapping[str, Price] = NO_PRICES) -> float | None:
    """US dollars for one answer; 0 for an offline model, None where the price or the usage is not known.

    None is never to be read as nothing: a server of one's own has a price that the library cannot know. `prices` has
    those of evals.yaml by the names that models have there, and goes before the library.
    """
    if is_offline(model):
        return 0.0
    if usage.input_tokens is None or usage.output_tokens is None:
        return None
    if model in prices:
        return _own(prices[model], usage)
    hour = usage.cache_write_1h_tokens or 0
    whole = _listed(model, usage)
    if whole is None or not hour:
        return whole
    kept = _listed(model, Usage(input_tokens=0, output_tokens=0, cache_write_tokens=hour)) or 0.0
    return whole + (HOUR_OVER_MINUTES - 1) * kept


def _own(price: Price, usage: Usage) -> float:
    """By a price of evals.yaml, per million tokens."""
    hour = usage.cache_write_1h_tokens or 0
    return (
        (usage.input_tokens or 0) * price.input
        + (usage.output_tokens or 0) * price.output
        + (usage.cache_read_tokens or 0) * price.read
        + ((usage.cache_write_tokens or 0) - hour) * price.write
        + hour * price.write * HOUR_OVER_MINUTES
    ) / 1e6


@lru_cache(maxsize=1024)
def _listed(model: str, usage: Usage) -> float | None:
    """The library's price; it counts cached tokens in the input."""
    from genai_prices import Usage as Tokens
    from genai_prices import calc_price

    prefix, slash, rest = model.partition("/")
    provider = {"bedrock": "aws", "vertex": "google"}.get(prefix) if slash else "anthropic"
    if provider is None:
        return None
    read, written = usage.cache_read_tokens or 0, usage.cache_write_tokens or 0
    tokens = Tokens(
        input_tokens=(usage.input_tokens or 0) + read + written,
        cache_read_tokens=read,
        cache_write_tokens=written,
        output_tokens=usage.output_tokens,
    )
    try:
        return float(calc_price(tokens, rest or model, provider_id=provider).total_price)
    except LookupError:
        return None
