"""What an answer costs: from evals.yaml where that has a price, else from the genai-prices library's dated table."""

from collections.abc import Mapping
from decimal import Decimal
from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from nextstep.config import Price
from nextstep.core.records import Usage
from nextstep.models import is_offline

if TYPE_CHECKING:
    from genai_prices.types import PriceCalculation

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
    if rates := prices.get(model) or _flat(model):
        return _at(rates, usage)
    hour = usage.cache_write_1h_tokens or 0
    whole = _listed(model, usage)
    if whole is None or not hour:
        return whole
    kept = _listed(model, Usage(input_tokens=0, output_tokens=0, cache_write_tokens=hour)) or 0.0
    return whole + (HOUR_OVER_MINUTES - 1) * kept


class Rates(NamedTuple):
    """US dollars per million tokens, the same for prompts of every length."""

    input: float
    output: float
    read: float
    write: float


def _at(rates: Price | Rates, usage: Usage) -> float:
    """By rates per million tokens."""
    hour = usage.cache_write_1h_tokens or 0
    return (
        (usage.input_tokens or 0) * rates.input
        + (usage.output_tokens or 0) * rates.output
        + (usage.cache_read_tokens or 0) * rates.read
        + ((usage.cache_write_tokens or 0) - hour) * rates.write
        + hour * rates.write * HOUR_OVER_MINUTES
    ) / 1e6


@lru_cache(maxsize=256)
def _flat(model: str) -> Rates | None:
    """The library's rates, for models that have one price for prompts of every length: it takes 90 us for each answer.

    None where the price depends on the length, or is not known.
    """
    found = _calculation(model, Usage(input_tokens=0, output_tokens=0))
    if found is None:
        return None
    kinds = found.model_price
    rates = (kinds.input_mtok, kinds.output_mtok, kinds.cache_read_mtok, kinds.cache_write_mtok)
    flat = [float(rate) for rate in rates if isinstance(rate, Decimal)]
    return Rates(*flat) if len(flat) == len(rates) else None


def _listed(model: str, usage: Usage) -> float | None:
    """The library's price."""
    found = _calculation(model, usage)
    return float(found.total_price) if found else None


def _calculation(model: str, usage: Usage) -> "PriceCalculation | None":
    """What the library finds for a usage, in which it counts cached tokens as input; None for a model it has not."""
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
        return calc_price(tokens, rest or model, provider_id=provider)
    except LookupError:
        return None
