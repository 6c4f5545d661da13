"""The least that a set of prompts can be billed for."""

from collections.abc import Sequence
from itertools import pairwise

WRITE = {"5m": 1.25, "1h": 2.0}
READ = 0.1
"""What a token costs that is written to the cache or read from it; one that is neither costs 1."""


def least(texts: Sequence[str]) -> float:
    """The fewest billed tokens that these prompts can cost, with a cache that is never missed.

    Think of the prompts as a trie of characters. A character that only one prompt goes through costs 1. One that `n`
    prompts go through is written once, at 1.25, and read by the other n - 1, at 0.1 each. A token is a quarter of a
    character. Minimum lengths, numbers of breakpoints, lifetimes and answers that have not begun are all left out: no
    client can be billed less, and often none can be billed as little.

    The trie is never built: in sorted order, a prompt shares with all the others what it shares with its neighbours.
    With D distinct characters (nodes of the trie), U of them used once, and N in all, the sum over the nodes is
    U + (1.25 - 0.1) (D - U) + 0.1 (N - U).
    """
    ordered = sorted(texts)
    shared = [common(first, second) for first, second in pairwise(ordered)]
    whole = sum(map(len, ordered))
    distinct = whole - sum(shared)
    own = zip(ordered, [0, *shared], [*shared, 0], strict=False)
    once = sum(len(text) - max(before, after) for text, before, after in own)
    return (once + (WRITE["5m"] - READ) * (distinct - once) + READ * (whole - once)) / 4


def common(first: str, second: str) -> int:
    """How many characters two texts have in common at their start: found by halving, not one by one."""
    low, high = 0, min(len(first), len(second))
    while low < high:
        middle = (low + high + 1) // 2
        if first[low:middle] == second[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low
