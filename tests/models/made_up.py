"""A key, a model and a request that are good enough for any test here. Importing this imports no SDK."""

from typing import Any

from nextstep.core.records import Request

KEY = "-".join(("made", "up", "for", "these", "tests"))
KEY_NAME = "NEXTSTEP_TEST_KEY"
MODEL = "local/claude-opus-5-5"
WHOLE = 500
"""A `max_tokens` whose answer comes in one piece."""


def request(text: str = "What next?", **changes: Any) -> Request:
    asked: dict[str, Any] = {"model": MODEL, "system": "Be brief.", "content": (text,), "max_tokens": WHOLE}
    return Request(**asked | changes)
