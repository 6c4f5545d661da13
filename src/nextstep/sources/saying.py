"""What transcripts of every format come to: things said, and values that may be of any type."""

import re
from datetime import UTC, datetime
from typing import Any

import msgspec

from nextstep.core.records import Kind, Role

Json = dict[str, Any]

LONGEST_LINE = 32_000_000
"""Bytes. A longer line is left out: no message is that long, and memory has to stay flat."""

TOO_LONG = f"longer than {LONGEST_LINE:,} bytes: line left out"

_ANSI = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)")
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


class Said(msgspec.Struct, frozen=True, gc=False):
    """One thing said, before it has a place on the session's line."""

    role: Role
    kind: Kind
    text: str
    tool: str | None = None
    why: str = ""
    """In a user record: the code of the reason for which this is the human's, or is not."""


SYSTEM, HUMAN, NOTE = Role.SYSTEM, Role.HUMAN, Kind.NOTE  # an enum's members are slow to look up in Python 3.11


def is_prompt(said: Said) -> bool:
    """Whether this is what a human typed at the prompt."""
    return said.role is HUMAN and said.kind is Kind.TEXT


def note(text: str, why: str = "") -> Said:
    """Something that the program itself put into the session."""
    return Said(SYSTEM, NOTE, _ANSI.sub("", text).strip(), None, why)


def human(kind: Kind, text: str, tool: str | None = None, why: str = "") -> Said:
    """Something that the human said or ran."""
    return Said(HUMAN, kind, text.strip(), tool, why or str(kind))


def inside(text: str, tag: str) -> str | None:
    """What stands in the first `<tag>`; up to the text's end when the tag was never closed, None when there is none."""
    start = text.find(f"<{tag}>")
    if start < 0:
        return None
    start += len(tag) + 2
    end = text.find(f"</{tag}>", start)
    return text[start:] if end < 0 else text[start:end]


def is_storable(text: str) -> bool:
    """Whether a text has neither lone surrogates nor NUL, which UTF-8 and DuckDB refuse."""
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            return False
    return "\0" not in text


def storable(text: str) -> str:
    """The text with a replacement for what cannot be stored."""
    return text if is_storable(text) else _UNSTORABLE.sub("\ufffd", text)


def dict_of(value: object) -> Json:
    """The value when it is an object, an empty one otherwise."""
    return value if isinstance(value, dict) else {}


def text_of(value: object) -> str:
    """The value when it is a string, an empty one otherwise."""
    return value if isinstance(value, str) else ""


def timestamp(value: object) -> datetime | None:
    """A point in time as the program wrote it, UTC where it names no zone; None for anything else."""
    if not isinstance(value, str) or not value:
        return None
    try:
        at = datetime.fromisoformat(value)
        return at if at.tzinfo is UTC else (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
