"""The events of a streamed answer -> the message that would have come in one piece.

The SDK's own stream makes objects of events, deltas, blocks and messages, which takes as long as the rest of a call;
these stay JSON, as they came. Source: the vendor's page on streaming (August 2026).
"""

from typing import Any

PIECES = {"text_delta": "text", "thinking_delta": "thinking"}
"""By type, deltas that are the next piece of a block's words, and the name that both have for them."""


class Growing:
    """A message as far as it has come. Without a stop reason, its end is still to come."""

    def __init__(self) -> None:
        self._message: dict[str, Any] | None = None

    @property
    def message(self) -> dict[str, Any]:
        """What there is. Raises LookupError before its start."""
        if self._message is None:
            raise LookupError("no message_start")
        return self._message

    def add(self, event: Any) -> None:
        """The next event; unknown types say nothing.

        Raises AttributeError, LookupError, TypeError or ValueError when it cannot be that.
        """
        kind = event["type"]
        if kind == "message_start":
            self._message = dict(event["message"], content=[])
        elif kind == "content_block_start":
            self.message["content"].append(dict(event["content_block"]))
        elif kind == "content_block_delta":
            _continue(self.message["content"][event["index"]], event["delta"])
        elif kind == "message_delta":
            began, ended = self.message.get("usage"), event.get("usage")
            # Half of it would count as little output, or as no input at all.
            usage = began | _said(ended) if began and ended else None
            self.message.update(_said(event["delta"]), usage=usage)


def _continue(block: dict[str, Any], delta: dict[str, Any]) -> None:
    kind = delta["type"]
    if name := PIECES.get(kind):
        block[name] += delta[name]
    elif kind == "signature_delta":
        block["signature"] = delta["signature"]
    elif kind == "citations_delta":
        block["citations"] = [*(block.get("citations") or ()), delta["citation"]]


def _said(fields: dict[str, Any]) -> dict[str, Any]:
    """What is told: null says that nothing is."""
    return {name: value for name, value in fields.items() if value is not None}
