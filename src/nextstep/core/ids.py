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
