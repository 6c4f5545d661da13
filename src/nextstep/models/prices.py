"""What an answer costs, from the genai-prices library's dated table."""

from decimal import Decimal
from functools import cache

from nextstep.core.records import Usage
from nextstep.models import is_offline


def cost_usd(model: str, usage: Usage) -> float | None:
    """US dollars for one answer; 0 for an offline model, None where the price or the usage is not known.

    None is never to be read as nothing: a server of one's own has a price that the library cannot know.
    """
    if is_offline(model):
        return 0.0
    if usage.input_tokens is None or usage.output_tokens is None:
        return None
    price = _price(
        model, usage.input_tokens, usage.output_tokens, usage.cache_read_tokens or 0, usage.cache_write_tokens or 0
    )
    return None if price is None else float(price)


@cache
def _price(model: str, fresh: int, output: int, read: int, written: int) -> Decimal | None:
    from genai_prices import Usage as Tokens
    from genai_prices import calc_price

    prefix, slash, rest = model.partition("/")
    provider = {"bedrock": "aws", "vertex": "google"}.get(prefix) if slash else "anthropic"
    if provider is None:
        return None
    tokens = Tokens(
        input_tokens=fresh + read + written, cache_read_tokens=read, cache_write_tokens=written, output_tokens=output
    )
    try:
        return calc_price(tokens, rest or model, provider_id=provider).total_price
    except LookupError:
        return None
