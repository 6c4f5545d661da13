"""What the messages of other tools' transcripts say: words, reasoning, tool calls and their results."""

from collections.abc import Callable, Iterator, Mapping

from nextstep.core.records import Kind, Role
from nextstep.sources.claude_code.messages import compact, tool_input
from nextstep.sources.json_files import object_in
from nextstep.sources.saying import Json, Said, dict_of, note, text_of

MARKS = {
    "image": "[image]",
    "image_url": "[image]",
    "input_image": "[image]",
    "document": "[document]",
    "file": "[document]",
    "input_file": "[document]",
    "audio": "[audio]",
    "input_audio": "[audio]",
    "video": "[video]",
}
"""What stands for a part that is no text."""

THOUGHTS = {"reasoning": "reasoning", "thinking": "thinking", "summary_text": "text", "reasoning_text": "text"}
"""Parts that hold the model's reasoning, each with the field of its text."""


def items(value: object) -> list[Json]:
    """The objects in a list, in order; none for what is no list."""
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def says(text: str) -> Said:
    """The assistant's words."""
    return Said(Role.ASSISTANT, Kind.TEXT, text)


def thinks(text: str) -> Said:
    """The assistant's visible reasoning."""
    return Said(Role.ASSISTANT, Kind.THINKING, text)


def calls(name: str, given: object) -> Said:
    """A tool call. Input that is JSON in a string is read as what it holds."""
    given = object_in(given) or given
    return Said(Role.ASSISTANT, Kind.TOOL_USE, tool_input(name or None, given), name or None)


def returns(text: str, name: str | None) -> Said:
    """What a tool gave back."""
    return Said(Role.TOOL, Kind.TOOL_RESULT, text, name)


def content_text(content: object) -> str:
    """A message's content as one text, with marks for pictures and sounds and without reasoning."""
    if isinstance(content, str):
        return content
    if isinstance(content, dict):
        content = [content]
    if not isinstance(content, list):
        return "" if content is None else compact(content)
    return "\n".join(filter(None, map(_part_text, content)))


def _part_text(part: object) -> str:
    if isinstance(part, str):
        return part
    kind = text_of(dict_of(part).get("type"))
    return MARKS.get(kind) or ("" if kind in THOUGHTS else text_of(dict_of(part).get("text")))


def content_thoughts(content: object) -> str:
    """The reasoning among the parts of a message's content; empty when there is none, or it is encrypted."""
    texts = (text_of(part.get(THOUGHTS.get(text_of(part.get("type")), ""))) for part in items(content))
    return "\n".join(filter(str.strip, texts))


def chat(message: Json, tools: dict[str, str], user: Callable[[str], Said] = note) -> list[Said]:
    """What a message in the manner of chat APIs says: texts, reasoning and tool calls, or a tool's result.

    `tools` names the tool of a call's id, and learns the calls of this message; `user` says what a user's text is.
    """
    text = content_text(message.get("content"))
    match message.get("role"):
        case "assistant":
            return [*_thoughts(message), *([says(text)] if text.strip() else []), *_calls(message, tools)]
        case "tool" | "function":
            name = text_of(message.get("function")) or text_of(message.get("name")) or _called(message, tools)
            text = text or text_of(dict_of(message.get("error")).get("message"))
            return [returns(text, name or None)]
        case "user":
            return [user(text)] if text.strip() else []
    return [note(text)] if text.strip() else []


def _thoughts(message: Json) -> Iterator[Said]:
    parts = (message.get("content"), message.get("thinking_blocks"))
    texts = [text_of(message.get("reasoning_content")), *map(content_thoughts, parts)]
    yield from (thinks(text) for text in texts if text.strip())


def _calls(message: Json, tools: dict[str, str]) -> Iterator[Said]:
    for call in items(message.get("tool_calls")):
        function = call.get("function")
        name, given = text_of(function), call.get("arguments")
        if isinstance(function, dict):
            name, given = text_of(function.get("name")), function.get("arguments")
        tools[text_of(call.get("id"))] = name
        yield calls(name, given)


def _called(message: Json, tools: Mapping[str, str]) -> str:
    ids = message.get("tool_call_ids")
    named = [message.get("tool_call_id"), *(ids if isinstance(ids, list) else [])]
    return next((tools[one] for one in named if isinstance(one, str) and one in tools), "")
