"""What an item of a Codex rollout says: words, reasoning, a tool call, or its result."""

import re
from collections.abc import Iterator

from nextstep.core.records import Kind
from nextstep.sources.json_files import object_in
from nextstep.sources.saying import Json, Said, dict_of, human, inside, note, text_of
from nextstep.sources.tool_text import calls, content_text, content_thoughts, items, returns, says, thinks

MACHINE_OPENINGS = (
    "<environment_context>",
    "<user_instructions>",
    "<user_action>",
    "<turn_aborted>",
    "<skill>",
    "<subagent",
    "<hook_prompt",
    "<permissions",
    "<collaboration_mode>",
    "<apps_instructions>",
    "<skills_instructions>",
    "<plugins_instructions>",
    "<recommended_plugins",
    "<realtime_conversation>",
    "<model_switch>",
    "<codex_internal_context",
    "<instructions>",
    "# agents.md instructions",
    "another language model started to solve this problem",
    "warning: the maximum number of unified exec processes",
    "warning: apply_patch was requested via",
    "warning: your account was flagged",
)
"""How the texts begin, in lower case, that Codex itself writes where the user's words stand."""

REQUEST = re.compile(r"^## My request for Codex:\s*", re.MULTILINE)
"""What an editor puts between its own context and the words that were typed."""
PLAN_ACCEPTED = "Implement the plan."
"""What choosing to implement a plan sends in the user's name."""
SHELL_COMMAND = "<user_shell_command>"
ASKING_TOOL = "request_user_input"
USER_NOTE = "user_note: "

_PICTURE_TAG = re.compile(r"</?image\b[^>]*>")
_TAG = re.compile(r"<[a-zA-Z][\w-]*[ >]")


class Words(list[Said]):
    """What a user's message says. `doubtful` when it is in tags that no rule knows: a program may have written it."""

    doubtful = False


def said_by_user(content: object, kinds: object = None) -> Words:
    """What each part of a user's message is; neighbouring words of the human are one.

    `kinds` is what newer versions write beside the parts to tell who made them.
    """
    parts = content if isinstance(content, list) else [content]
    told = kinds if isinstance(kinds, list) and len(kinds) == len(parts) else [None] * len(parts)
    said = Words()
    for part, kind in zip(parts, told, strict=True):
        text = content_text(part)
        if not text.strip() or _PICTURE_TAG.fullmatch(text.strip()):
            continue
        for one in _said(text, text_of(kind)):
            said.doubtful |= one.kind is Kind.TEXT and not kind and _TAG.match(one.text) is not None
            if said and one.kind is Kind.TEXT is said[-1].kind:
                said[-1] = human(Kind.TEXT, f"{said[-1].text}\n{one.text}")
            else:
                said.append(one)
    return said


def _said(text: str, kind: str) -> list[Said]:
    text = text.strip()
    if text.startswith(SHELL_COMMAND):
        return _shell(text)
    if kind and not kind.startswith("user.") and kind != "unknown":
        return [note(text)]
    if not kind.startswith("user.") and text.lower().startswith(MACHINE_OPENINGS):
        return [note(text)]
    return _typed(text)


def _typed(text: str) -> list[Said]:
    """The words, after the context that an editor put before them."""
    before, *after = REQUEST.split(text)
    if after:
        words = human(Kind.TEXT, after[-1])
        return [note(before), *([words] if words.text else [])]
    return [human(Kind.APPROVAL, text) if text == PLAN_ACCEPTED else human(Kind.TEXT, text)]


def _shell(text: str) -> list[Said]:
    """A command that the human ran in Codex's prompt, and what it printed."""
    output = (inside(text, "result") or "").removesuffix("</user_shell_command>").strip()
    command = human(Kind.COMMAND, f"! {(inside(text, 'command') or '').strip()}")
    return [command, note(output)] if output else [command]


class Tools:
    """The calls that were made, so that a result knows its tool and an answer its questions."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}
        self._questions: dict[str, dict[str, str]] = {}

    def said(self, item: Json) -> list[Said] | None:
        """What an item of the assistant or of a tool says; None for an item of no known type."""
        match item.get("type"):
            case "reasoning":
                texts = (content_thoughts(item.get("summary")), content_thoughts(item.get("content")))
                return [thinks(text) for text in texts if text]
            case "function_call" | "custom_tool_call" | "local_shell_call" | "web_search_call" | "tool_search_call":
                return [self._call(item)]
            case "function_call_output" | "custom_tool_call_output":
                return [self._result(item)]
            case "tool_search_output":
                names = "\n".join(text_of(tool.get("name")) for tool in items(item.get("tools")))
                return [returns(names, "tool_search")]
            case "image_generation_call":
                made = [returns("[image]", "image_generation")] if item.get("result") else []
                return [calls("image_generation", text_of(item.get("revised_prompt"))), *made]
            case "agent_message":
                return [note(text)] if (text := content_text(item.get("content"))).strip() else []
            case "compaction" | "compaction_summary" | "context_compaction" | "additional_tools" | "other":
                return []
        return None

    def _call(self, item: Json) -> Said:
        kind = text_of(item.get("type"))
        name = text_of(item.get("name")) or kind.removesuffix("_call")
        given = item.get("arguments", item.get("input", item.get("action")))
        if isinstance(given, dict):
            given = {key: value for key, value in given.items() if key != "type" and value is not None}
        key = text_of(item.get("call_id")) or text_of(item.get("id"))
        self._names[key] = name
        if name == ASKING_TOOL:
            asked = items(object_in(given).get("questions"))
            self._questions[key] = {text_of(one.get("id")): text_of(one.get("question")) for one in asked}
        return calls(name, given)

    def _result(self, item: Json) -> Said:
        key = text_of(item.get("call_id"))
        name = self._names.get(key) or text_of(item.get("name")) or None
        text = _output(item.get("output"))
        if key in self._questions and (words := "\n".join(_answers(text, self._questions[key]))).strip():
            return human(Kind.ANSWER, words, name)
        return returns(text, name)


def _output(output: object) -> str:
    """A tool's output as text; older versions wrapped it in JSON together with the exit code."""
    if isinstance(output, dict):
        output = output.get("content", output.get("output"))
    text = content_text(output)
    wrapped = object_in(text) if text.startswith('{"output":') else {}
    if not isinstance(wrapped.get("output"), str):
        return text
    code = dict_of(wrapped.get("metadata")).get("exit_code")
    return f"{wrapped['output']}\n[exit code {code}]" if code else str(wrapped["output"])


def _answers(text: str, questions: dict[str, str]) -> Iterator[str]:
    """The human's answers: one alone as it is, several each after its question."""
    given = dict_of(object_in(text).get("answers"))
    for key, answer in given.items():
        chosen = dict_of(answer).get("answers")
        words = (
            [one.removeprefix(USER_NOTE) for one in chosen if isinstance(one, str)] if isinstance(chosen, list) else []
        )
        if any(map(str.strip, words)):
            question = f"{questions.get(key, '')} " if len(given) > 1 else ""
            yield (question + "\n".join(words)).strip()


def message(item: Json) -> list[Said]:
    """What a message that is not the user's says: the assistant's words, or instructions."""
    text = content_text(item.get("content"))
    if not text.strip():
        return []
    return [says(text) if item.get("role") == "assistant" else note(text)]
