"""Which maker a model comes from, read off its name.

A judge may favour steps in the style of its own family (Panickssery et al. 2024, arXiv:2404.13076), so results mark
where judge and candidate share one. A name tells of the maker and never of the training data: a model that was tuned
on another family's answers counts with the name that stands first in it.
"""

import re

MAKERS = {
    "anthropic": r"anthropic|claude",
    "openai": r"openai|chatgpt|gpt-?\d(?!all)|gpt-oss|o[1-9](?![a-z0-9.])|davinci",
    "google": r"gemini|gemma|palm-?2",
    "meta": r"(?:code)?llama",
    "alibaba": r"qwen|qwq",
    "mistral": r"(?:mi|co|mini|magi|dev)stral|mixtral|pixtral",
    "deepseek": r"deepseek",
    "xai": r"grok",
    "moonshot": r"kimi|moonshot",
    "zhipu": r"(?:chat)?glm",
    "cohere": r"cohere|command-(?:a|r)(?![a-z])|aya-",
    "microsoft": r"phi-?\d",
    "amazon": r"nova-(?:micro|lite|pro|premier)|titan",
    "nvidia": r"nemotron",
    "minimax": r"minimax",
}
"""For each family, how its models' names begin: at the start of the name or of a word in it."""

_NAMED = re.compile("(?<![a-z0-9])(?:" + "|".join(f"(?P<{maker}>{names})" for maker, names in MAKERS.items()) + ")")


def family(model: str) -> str | None:
    """The maker of a model, such as `anthropic` or `openai`; `offline` for the built-in ones, None when not known.

    What stands before the first slash says where a model runs, not what it is, so it is not looked at. Of several
    makers in one name the first counts: `deepseek-r1-distill-qwen-7b` is `deepseek`.
    """
    place, slash, name = model.lower().partition("/")
    if slash and place == "offline":
        return "offline"
    found = _NAMED.search(name if slash else place)
    return found.lastgroup if found else None


def same_family(one: str, other: str) -> bool:
    """Whether both models are known to come from one maker; False as soon as one of them is not known."""
    first = family(one)
    return first is not None and first == family(other)
