"""What the messages of a Claude Code transcript say: texts, tool calls, and what came back instead of a result."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence

from nextstep.core.records import Kind, Role
from nextstep.sources.claude_code_line import Step
from nextstep.sources.claude_code_text import (
    Json,
    Said,
    block_text,
    blocks_of,
    dict_of,
    free_text,
    human,
    note,
    text_of,
    without_reminders,
)

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
_GIVEN = re.compile(r"^\s*(?:Answer|User notes): (.+)$", re.MULTILINE)


def said_by_assistant(record: Json) -> list[Said]:
    """Texts, non-empty thinking and tool calls, in the order in which the message holds them."""
    message = dict_of(record.get("message"))
    said = [said for block in blocks_of(message.get("content")) if (said := _assistant_block(block)) is not None]
    if record.get("isApiErrorMessage") is True or message.get("model") == "<synthetic>":
        return [note(one.text) for one in said]
    return said


def _assistant_block(block: Json) -> Said | None:
    kind = text_of(block.get("type"))
    if kind == "text":
        text = text_of(block.get("text"))
        return Said(Role.ASSISTANT, Kind.TEXT, text) if text.strip() and text != "(no content)" else None
    if kind == "thinking":
        # Newer versions keep the signature of a thought and leave its text empty.
        text = text_of(block.get("thinking"))
        return Said(Role.ASSISTANT, Kind.THINKING, text) if text.strip() else None
    if kind.endswith("tool_use"):
        name = text_of(block.get("name")) or None
        return Said(Role.ASSISTANT, Kind.TOOL_USE, tool_input(name, block.get("input")), name)
    if kind.endswith("tool_result"):
        return Said(Role.TOOL, Kind.TOOL_RESULT, result_text(block.get("content")))
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


def compact(value: object) -> str:
    """JSON without spaces, in its own alphabet."""
    try:
        return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    except RecursionError:
        return "[nested too deep]"


def said_by_user(record: Json, tools: Mapping[str, str], *, agent: bool) -> list[Said]:
    """Everything in a user record, most of which no human wrote. `tools` names the tool of a tool_use id.

    `agent` says that the record belongs to a side chain, whose prompts come from another agent.
    """
    blocks = blocks_of(dict_of(record.get("message")).get("content"))
    results = sum(block.get("type") == "tool_result" for block in blocks)
    # toolUseResult describes one result; with several in a record nobody can say which.
    details = dict_of(record.get("toolUseResult")) if results == 1 else {}
    said: list[Said] = []
    for block in blocks:
        if block.get("type") == "tool_result":
            said.append(said_by_tool(block, details, tools))
        else:
            said.extend(free_text(block_text(block), record, agent=agent))
    return list(_joined(said))


def _joined(said: list[Said]) -> Iterator[Said]:
    """Neighbours that are parts of one message (words and pictures) as one."""
    last: Said | None = None
    for one in said:
        if last and one[:2] == last[:2] and one.kind in (Kind.TEXT, Kind.NOTE):
            last = last._replace(text=f"{last.text}\n{one.text}")
            continue
        if last:
            yield last
        last = one
    if last:
        yield last


def said_by_tool(block: Json, details: Json, tools: Mapping[str, str]) -> Said:
    """What a tool gave back, or what the human said instead of letting it run. `details` is its toolUseResult."""
    name = tools.get(text_of(block.get("tool_use_id")))
    text = result_text(block.get("content"))
    choice = _refusal(text, name) if block.get("is_error") is not False else None
    if choice is None and name in ("AskUserQuestion", None) and text.startswith(ANSWERED):
        choice = _answer(text, details, name)
    if choice is None and name in PLAN_TOOLS and text.startswith("User has approved"):
        choice = _approval(text, name)
    return choice or Said(Role.TOOL, Kind.TOOL_RESULT, without_reminders(text), name)


def result_text(content: object) -> str:
    """A tool result's content as text."""
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        return "\n".join(block_text(block) for block in blocks_of(content))
    return compact(content) if content is not None else ""


def _refusal(text: str, name: str | None) -> Said | None:
    """The human's words in a refusal. A bare refusal has none, and stays a tool result."""
    start = _WORDS.search(text) if text.startswith(REFUSALS) else None
    if start is None:
        return None
    words = without_reminders(text[start.end() :].partition(_ADVICE)[0]).strip()
    if words.startswith(CLARIFYING):
        # The program wrote this about a menu; only the answers in it are the human's.
        given = "\n".join(_GIVEN.findall(words))
        return human(Kind.ANSWER, given, name) if given else None
    return human(Kind.REJECTION, words, name) if words else None


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


def tool_names(record: Json) -> Iterator[tuple[str, str]]:
    """The id and the name of each tool call in an assistant's record."""
    for block in blocks_of(dict_of(record.get("message")).get("content")):
        name = text_of(block.get("name"))
        if name and text_of(block.get("type")).endswith("tool_use"):
            yield text_of(block.get("id")), name


def user_step(record: Json, said: Sequence[Said]) -> Step:
    """What a user record is for the shape of the session."""
    if record.get("isCompactSummary") is True:
        return Step.COMPACTION
    if any(block.get("type") == "tool_result" for block in blocks_of(dict_of(record.get("message")).get("content"))):
        return Step.RESULT
    if any(one[:2] == (Role.HUMAN, Kind.TEXT) for one in said):
        return Step.PROMPT
    return Step.COMMAND if any(one.kind is Kind.COMMAND for one in said) else Step.OTHER
