"""A request's prompt as the blocks that caching sees, in their order."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import msgspec

from tests.loopback.replies import Body

PLAIN = frozenset({"type", "text", "cache_control"})


@dataclass(frozen=True, slots=True)
class Block:
    """A part of a prompt. `place` is "tools", "system" or a role. `text` is what it is counted as."""

    place: str
    text: str
    mark: Any = None
    """Its `cache_control`."""
    markable: bool = True


def blocks(body: Body) -> list[Block]:
    """The blocks of a request: tools, then system, then the messages' content."""
    return list(_blocks(body))


def _blocks(body: Body) -> Iterator[Block]:
    yield from _inside("tools", body.get("tools") or [])
    yield from _inside("system", body.get("system") or [])
    for message in body["messages"]:
        yield from _inside(message["role"], message["content"])


def _inside(place: str, content: Any) -> Iterator[Block]:
    if isinstance(content, str):
        yield Block(place, content)
        return
    for part in content if isinstance(content, list) else ():
        mark = part.get("cache_control") if isinstance(part, dict) else None
        yield Block(place, _text(part), mark, mark is None or part.get("type") != "thinking")


def _text(part: Any) -> str:
    """The text of a text block; the JSON of anything else, without its mark."""
    if not isinstance(part, dict):
        return str(part)
    if part.get("type") == "text" and part.keys() <= PLAIN:
        return str(part.get("text") or "")
    return msgspec.json.encode({name: value for name, value in part.items() if name != "cache_control"}).decode()


def tokens(characters: int) -> int:
    """The tokens of a prompt's first characters: a quarter of them, rounded up.

    Parts are counted as differences of this, so that no total depends on where a text is split into blocks.
    """
    return -(-characters // 4)


def input_tokens(body: Body) -> int:
    """The tokens of a whole prompt."""
    return tokens(sum(len(block.text) for block in blocks(body)))
