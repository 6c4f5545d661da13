"""What the messages of a Claude Code transcript say: texts, tool calls, and what came back instead of a result."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby

import msgspec

from nextstep.core.records import Kind, Role
from nextstep.sources.claude_code.record import Block, Line, blocks_of, details
from nextstep.sources.claude_code.text import INTERRUPTED, block_text, content_of, free_text, without_reminders
from nextstep.sources.claude_code.tree import COMMAND, COMPACTION, OTHER, PROMPT, RESULT, Step
from nextstep.sources.saying import Json, Said, dict_of, human, is_prompt, note, text_of

ASSISTANT, TOOL = Role.ASSISTANT, Role.TOOL
TEXT, TOOL_USE, TOOL_RESULT = Kind.TEXT, Kind.TOOL_USE, Kind.TOOL_RESULT
PLAN_TOOLS = frozenset({"ExitPlanMode", "exit_plan_mode"})
REFUSALS = (
    "The user doesn't want to proceed with this tool use",
    "The user doesn't want to take this action right now",
    "Permission for this tool use was denied",
)
CLARIFYING = ("The user wants to clarify these questions", "The user has indicated they have provided enough answers")
ANSWERED = ("User has answered your questions:", "Your questions have been answered:", "The user answered:")
_WORDS = re.compile(r"the user said:\s*", re.IGNORECASE)
_ADVICE = "\n\nNote: The user's next message may contain"
_GIVEN = re.compile(r"^[ \t]*(?:Answer|User notes): (.+)$", re.MULTILINE)


def said_by_assistant(line: Line, tools: dict[str, str]) -> list[Said]:
    """Texts, non-empty thinking and tool calls, in the order in which the message holds them.

    Enters the name of each tool call under its id in `tools`.
    """
    content = content_of(line)
    blocks = content if isinstance(content, list) else blocks_of(content)
    said = [said for block in blocks if (said := _assistant_block(block, tools)) is not None]
    if line.is_api_error_message or (line.message and line.message.model == "<synthetic>"):
        return [note(one.text) for one in said]
    return said


def _assistant_block(block: Block, tools: dict[str, str]) -> Said | None:
    kind = block.type or ""
    if kind == "text":
        text = block.text
        return Said(ASSISTANT, TEXT, text) if text and text != "(no content)" and not text.isspace() else None
    if kind == "thinking":
        # Newer versions keep the signature of a thought and leave its text empty.
        thought = block.thinking
        return Said(ASSISTANT, Kind.THINKING, thought) if thought and not thought.isspace() else None
    if kind.endswith("tool_use"):
        name = block.name or None
        if name:
            tools[block.id or ""] = name
        return Said(ASSISTANT, TOOL_USE, tool_input(name, block.input), name)
    if kind.endswith("tool_result"):
        return Said(TOOL, TOOL_RESULT, result_text(block.content))
    return None


def tool_input(name: str | None, value: object) -> str:
    """A tool's input as text: a single string stands alone, otherwise one `key: value` a line."""
    if not isinstance(value, dict):
        return value if isinstance(value, str) else compact(value) if value is not None else ""
    if name == "Bash":
        value = {key: one for key, one in value.items() if key not in ("description", "timeout")}
    if len(value) == 1:
        (only,) = value.values()
        if isinstance(only, str):
            return only
    return "\n".join(_input_line(key, one) for key, one in value.items())


def _input_line(key: str, value: object) -> str:
    text = value if isinstance(value, str) else compact(value)
    return f"{key}:\n{text}" if "\n" in text else f"{key}: {text}"


_encode = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode


def compact(value: object) -> str:
    """JSON without spaces, in its own alphabet."""
    try:
        return _encode(value)
    except RecursionError:
        return "[nested too deep]"


def said_by_user(line: Line, tools: Mapping[str, str], *, agent: bool) -> list[Said]:
    """Everything in a user record, most of which no human wrote. `tools` names the tool of a tool_use id.

    `agent` says that the record belongs to a side chain, whose prompts come from another agent.
    """
    content = content_of(line)
    if isinstance(content, str):
        return free_text(content, line, agent=agent)
    if content is not None and len(content) == 1 and content[0].type == "tool_result":
        return said_by_tool(content[0], line, tools)
    # toolUseResult describes one result; with several in a record nobody can say which.
    is_single = sum(block.type == "tool_result" for block in content or ()) == 1
    said: list[Said] = []
    for block in content or ():
        if block.type == "tool_result":
            said.extend(said_by_tool(block, line if is_single else None, tools))
        else:
            said.extend(free_text(block_text(block), line, agent=agent))
    return list(_joined(said)) if len(said) > 1 else said


def _joined(said: list[Said]) -> Iterator[Said]:
    """Neighbours that are parts of one message (words and pictures) as one."""
    for (_, kind), some in groupby(said, key=lambda one: (one.role, one.kind)):
        parts = list(some)
        if kind in (Kind.TEXT, Kind.NOTE) and len(parts) > 1:
            yield msgspec.structs.replace(parts[0], text="\n".join(part.text for part in parts))
        else:
            yield from parts


def said_by_tool(block: Block, line: Line | None, tools: Mapping[str, str]) -> list[Said]:
    """What a tool gave back, or what the human said instead of letting it run. `line` has details of the result."""
    name = tools.get(block.tool_use_id or "")
    text = result_text(block.content)
    choice = _refusal(text, name) if block.is_error else None
    if choice is None and name in ("AskUserQuestion", None) and text.startswith(ANSWERED):
        choice = _answer(text, details(line) if line else {}, name)
    if choice is None and name in PLAN_TOOLS and text.startswith("User has approved"):
        choice = _approval(text, name)
    return [choice] if choice else _result(text, name)


def _result(text: str, name: str | None) -> list[Said]:
    """A tool's output; that the human broke it off stands after it, as the beginning of what the human did next."""
    mark = INTERRUPTED.match(text) if text.startswith("[") else None
    output = without_reminders(text[mark.end() :].lstrip("\n") if mark else text)
    result = Said(TOOL, TOOL_RESULT, output, name, "tool-result")
    if mark is None:
        return [result]
    return [*([result] if output.strip() else []), note(mark[0], "interruption")]


def result_text(content: str | list[Block] | None) -> str:
    """A tool result's content as text."""
    if isinstance(content, str):
        return content
    return "\n".join(map(block_text, content)) if content else ""


def _refusal(text: str, name: str | None) -> Said | None:
    """The human's words in a refusal. A bare one has none: it is a note, the beginning of what the human did next."""
    if not text.startswith(REFUSALS):
        return None
    start = _WORDS.search(text)
    if start is None:
        return note(text, "refusal")
    words = without_reminders(text[start.end() :].partition(_ADVICE)[0]).strip()
    if words.startswith(CLARIFYING):
        # The program wrote this about a menu; only the answers in it are the human's.
        given = "\n".join(_GIVEN.findall(words))
        return human(Kind.ANSWER, given, name) if given else note(text, "refusal")
    return human(Kind.REJECTION, words, name) if words else note(text, "refusal")


def _answer(text: str, details: Json, name: str | None) -> Said | None:
    """The human's answers: one alone as it is, several each after its question."""
    pairs = [(question, answer) for question, answer in _answers(details) or _quoted_answers(text) if answer.strip()]
    if not pairs:
        return None
    if len(pairs) == 1:
        return human(Kind.ANSWER, pairs[0][1], name)
    return human(Kind.ANSWER, "\n".join(f"{question} {answer}" for question, answer in pairs), name)


def _answers(details: Json) -> list[tuple[str, str]]:
    """Questions and answers as the program kept them beside the text, with what the human added to a choice."""
    given, annotations = dict_of(details.get("answers")), dict_of(details.get("annotations"))
    pairs = []
    for question in dict.fromkeys([*given, *annotations]):
        value = given.get(question)
        chosen = ", ".join(map(text_of, value)) if isinstance(value, list) else text_of(value)
        added = text_of(dict_of(annotations.get(question)).get("notes"))
        pairs.append((question, "\n".join(filter(str.strip, (chosen, added)))))
    return pairs


def _quoted_answers(text: str) -> list[tuple[str, str]]:
    """Questions and answers from `...: "question"="answer", "question"="answer". You can now ...`."""
    first, *others = text.split('"="')
    questions, answers = [first.partition('"')[2]], []
    for part in others[:-1]:
        answer, _, question = part.rpartition(', "')
        questions.append(question)
        answers.append(answer.removesuffix('"'))
    answers.extend(last.rpartition('". ')[0] or last.rpartition('"')[0] or last for last in others[-1:])
    return list(zip(questions, answers, strict=False))


def _approval(text: str, name: str | None) -> Said:
    """That the human approved; the plan stands in the tool's input, unless the human edited it first."""
    edited = text.partition("## Approved Plan (edited by user):")[2].strip()
    words = f"Approved the plan after editing it:\n{edited}" if edited else "Approved the plan."
    return human(Kind.APPROVAL, words, name)


def user_step(line: Line, said: Sequence[Said]) -> Step:
    """What a user record is for the shape of the session."""
    if line.is_compact_summary:
        return COMPACTION
    if (said and said[0].kind is TOOL_RESULT) or _has_result(content_of(line)):
        return RESULT
    if any(map(is_prompt, said)):
        return PROMPT
    return COMMAND if any(one.kind is Kind.COMMAND for one in said) else OTHER


def _has_result(content: str | list[Block] | None) -> bool:
    return isinstance(content, list) and any(block.type == "tool_result" for block in content)
