"""A record is named by what produced it.

Identifiers are BLAKE2b digests of canonical JSON with a tag for the kind of record, so that resuming, caching and
merging stores are one mechanism: the same work has the same name everywhere.
"""

import hashlib
import json
from typing import Any

ID_BYTES = 10


def canonical(value: Any) -> bytes:
    """The one JSON spelling of a value: sorted keys, no spaces, UTF-8."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "surrogatepass")


def make_id(tag: str, *parts: Any) -> str:
    """A 20-character hexadecimal name for a record of kind `tag` made from JSON-able `parts`."""
    return hashlib.blake2b(canonical([tag, *parts]), digest_size=ID_BYTES).hexdigest()


def sha256(data: bytes) -> str:
    """The SHA-256 of bytes, in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


class ListId:
    """The name that `make_id(tag, parts)` gives to a list, for parts that come one by one, as canonical JSON."""

    def __init__(self, tag: str) -> None:
        self._digest = hashlib.blake2b(canonical([tag])[:-1] + b",[", digest_size=ID_BYTES)
        self._between = b""

    def add(self, part: bytes) -> None:
        """Take in the canonical JSON of the next part."""
        self._digest.update(self._between)
        self._digest.update(part)
        self._between = b","

    def name(self) -> str:
        """The name of the list as it is so far."""
        whole = self._digest.copy()
        whole.update(b"]]")
        return whole.hexdigest()
