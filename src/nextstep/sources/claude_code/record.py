"""A line of a Claude Code transcript -> the fields that the reader knows, whatever they hold."""

import json
import re
from typing import Any

import msgspec

from nextstep.sources.saying import Json, dict_of, text_of

DAMAGED = "no valid JSON: line left out"
DAMAGED_PROMPT = "no valid JSON where a human may have spoken: line left out"


class Block(msgspec.Struct, gc=False):
    """A part of a message, as the model's API has it: text, thinking, a tool's use or result, a picture ..."""

    type: str | None = None
    text: str | None = None
    thinking: str | None = None
    tool_use_id: str | None = None
    content: "str | list[Block] | None" = None
    is_error: bool | None = None
    id: str | None = None
    name: str | None = None
    input: object = None
    title: str | None = None
    tool_name: str | None = None


class Message(msgspec.Struct, gc=False):
    """What was said, as the model's API has it."""

    model: str | None = None
    content: str | list[Block] | None = None


class Line(msgspec.Struct, rename="camel", gc=False):
    """A record as another program wrote it, with the fields that the reader knows; any may be missing.

    The fields stand in the order in which records usually have them, which makes them faster to read.
    """

    parent_uuid: str | None = None
    is_sidechain: bool | None = None
    agent_id: str | None = None
    cwd: str | None = None
    session_id: str | None = None
    type: str | None = None
    message: Message | None = None
    uuid: str | None = None
    timestamp: str | None = None
    tool_use_result: msgspec.Raw = msgspec.Raw(b"")
    """Unread: it repeats the result, often with whole files."""
    subtype: str | None = None
    content: object = None
    is_meta: bool | None = None
    entrypoint: str | None = None
    is_compact_summary: bool | None = None
    is_visible_in_transcript_only: bool | None = None
    is_api_error_message: bool | None = None
    plan_content: str | None = None
    prompt_source: str | None = None
    operation: str | None = None
    leaf_uuid: str | None = None
    message_id: str | None = None
    source_tool_use_id: str | None = msgspec.field(default=None, name="sourceToolUseID")
    origin: object = None
    attachment: object = None
    snapshot: msgspec.Raw = msgspec.Raw(b"")


_FIELDS: dict[type[msgspec.Struct], dict[str, Any]] = {
    kind: {field.encode_name: field for field in msgspec.structs.fields(kind)} for kind in (Line, Message, Block)
}
decode = msgspec.json.Decoder(Line).decode
# Control characters inside strings are no reason to lose a line.
_LENIENT = json.JSONDecoder(strict=False)
_PROMPT_START = re.compile(rb'"role": ?"user", ?"content": ?(?:"|\[\{"type": ?"text")')


UNDECODABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""What `decode` raises for a line that is not quite JSON, or has a field of another type than expected."""


def parse(line: bytes) -> tuple[Line | None, str]:
    """The record on a line and what was wrong with the line, if anything; None for what is no record."""
    try:
        return decode(line), ""
    except UNDECODABLE:
        return _parse_odd(line)


def _parse_odd(line: bytes) -> tuple[Line | None, str]:
    """What can be saved of a line that is not quite JSON, or has a field of another type than expected."""
    problem = ""
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError:
        text, problem = line.decode("utf-8", "replace"), "bytes that are not UTF-8: replaced"
    try:
        record = _LENIENT.decode(text.lstrip("\ufeff"))
    except (ValueError, RecursionError):
        return None, DAMAGED_PROMPT if _PROMPT_START.search(line) else DAMAGED
    return (line_of(record), problem) if isinstance(record, dict) else (None, "no JSON object: line left out")


def line_of(record: Json) -> Line:
    """A record from its JSON object; a field of another type than expected counts as missing."""
    return Line(**_fitting(Line, record))


def _fitting(kind: type[msgspec.Struct], record: Json) -> dict[str, Any]:
    """The fields of a JSON object that have their place and type in a record."""
    fields, fitting = _FIELDS[kind], {}
    for name, value in record.items():
        field = fields.get(name)
        if field is not None:
            try:
                fitting[field.name] = _fit(name, value, field.type)
            except (msgspec.MsgspecError, RecursionError, UnicodeEncodeError):
                continue
    return fitting


def _fit(name: str, value: object, kind: Any) -> object:
    if kind is msgspec.Raw:
        return msgspec.Raw(json.dumps(value).encode())
    if name == "message" and isinstance(value, dict):
        return Message(**_fitting(Message, value))
    if name == "content" and isinstance(value, list) and kind is not object:
        return blocks_of(value)
    return msgspec.convert(value, kind)


def blocks_of(content: object) -> list[Block]:
    """A message's content as blocks, whichever way it was written."""
    if isinstance(content, str):
        return [Block("text", content)]
    if not isinstance(content, list):
        return []
    return [block if isinstance(block, Block) else _block(block) for block in content]


def _block(value: object) -> Block:
    return Block(**_fitting(Block, value)) if isinstance(value, dict) else Block("text", text_of(value))


def details(line: Line) -> Json:
    """The toolUseResult of a record when it is an object, an empty one otherwise."""
    try:
        return dict_of(msgspec.json.decode(line.tool_use_result))
    except UNDECODABLE:
        return {}
