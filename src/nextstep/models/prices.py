"""What an answer costs, from the genai-prices library's dated table."""

from decimal import Decimal
from functools import lru_cache

from nextstep.core.records import Usage
from nextstep.models import is_offline

BATCH_SHARE = 0.5
"""Of the price of a call on its own, what the same call costs in a batch, for tokens of every kind.

Source: the vendor's pages on Message Batches, as of November 2026.
"""


def in_batch(cost: float | None) -> float | None:
    """What a call of this cost costs in a batch; None where that is not known."""
    return None if cost is None else BATCH_SHARE * cost


def cost_usd(model: str, usage: Usage) -> float | None:
    """US dollars for one answer; 0 for an offline model, None where the price or the usage is not known.

    None is never to be read as nothing: a server of one's own has a price that the library cannot know.
    """
    if is_offline(model):
        return 0.0
    if usage.input_tokens is None or usage.output_tokens is None:
        return None
    price = _price(model, usage)
    return None if price is None else float(price)


@lru_cache(maxsize=1024)
def _price(model: str, usage: Usage) -> Decimal | None:
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
        return calc_price(tokens, rest or model, provider_id=provider).total_price
    except LookupError:
        return None
