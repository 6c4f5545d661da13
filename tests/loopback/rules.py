"""Which requests are refused, and with which message.

A problem is one line that begins with the name of the field, as in the API's own messages; the first one is told.
"""

from collections.abc import Iterator
from typing import Any

from tests.loopback.models import EFFORTS, THINKING_TYPES, Model, find
from tests.loopback.replies import Body
from tests.loopback.schemas import schema_problems

SHARED_FIELDS = frozenset(
    {"messages", "model", "cache_control", "output_config", "speed", "system", "thinking", "tool_choice", "tools"}
)
MESSAGE_FIELDS = SHARED_FIELDS | {
    "max_tokens",
    "container",
    "diagnostics",
    "inference_geo",
    "metadata",
    "service_tier",
    "stop_sequences",
    "stream",
}
SAMPLING = ("temperature", "top_p", "top_k")
ROLES = ("user", "assistant", "system")
VERSION_WITHOUT_SAMPLING = "2026-10-21"


def first_problem(body: Body, version: str, *, counting: bool = False) -> str | None:
    """Why the API would answer 400 under this `anthropic-version`; None when it would not. `counting`: count_tokens."""
    return next(_problems(body, version, counting), None)


def _problems(body: Body, version: str, counting: bool) -> Iterator[str]:
    if not version:
        yield "anthropic-version: header is required"
    if not isinstance(body.get("model"), str) or not body["model"]:
        yield "model: Field required"
        return
    model = find(body["model"])
    yield from _field_problems(body, model, version, SHARED_FIELDS if counting else MESSAGE_FIELDS)
    if not counting:
        yield from _max_tokens_problems(body)
    yield from _message_problems(body, model)
    yield from _system_problems(body)
    yield from _output_problems(body, model)
    yield from _thinking_problems(body, model)
    if _forces_a_tool(body) and not model.takes_forced_tools:
        yield f"tool_choice: {model.name} does not support forced tool use; use tool_choice auto or none"


def _field_problems(body: Body, model: Model, version: str, known: frozenset[str]) -> Iterator[str]:
    for name in body:
        if name in SAMPLING:
            if version >= VERSION_WITHOUT_SAMPLING or not model.takes_sampling:
                yield f"{name}: not accepted by {model.name} under anthropic-version {version}"
        elif name not in known:
            yield f"{name}: Extra inputs are not permitted"


def _max_tokens_problems(body: Body) -> Iterator[str]:
    limit = body.get("max_tokens")
    if limit is None:
        yield "max_tokens: Field required"
    elif not isinstance(limit, int) or isinstance(limit, bool):
        yield "max_tokens: Input should be a valid integer"
    elif limit < 0:
        yield "max_tokens: Input should be greater than or equal to 0"
    elif limit == 0:
        not_with = {
            "output_config.format": bool(_part(body, "output_config").get("format")),
            "stream": body.get("stream") is True,
            "thinking.enabled": _part(body, "thinking").get("type") == "enabled",
            "forced tool_choice": _forces_a_tool(body),
        }
        for name in (name for name, present in not_with.items() if present):
            yield f"max_tokens: must be at least 1 with {name}"


def _message_problems(body: Body, model: Model) -> Iterator[str]:
    messages = body.get("messages")
    if messages is None:
        yield "messages: Field required"
    elif not isinstance(messages, list) or not messages:
        yield "messages: at least one message is required"
    elif not all(isinstance(message, dict) for message in messages):
        yield "messages: each message should be an object"
    else:
        for place, message in enumerate(messages):
            yield from _turn_problems(message, f"messages.{place}")
        if messages[-1].get("role") == "assistant" and not model.takes_prefill:
            yield (
                f"messages: {model.name} does not support assistant message prefill; "
                "the conversation must end with a user message"
            )


def _turn_problems(message: dict[str, Any], where: str) -> Iterator[str]:
    if message.get("role") not in ROLES:
        yield f"{where}.role: Input should be one of {', '.join(ROLES)}"
    content = message.get("content")
    if content is None:
        yield f"{where}.content: Field required"
    elif isinstance(content, list):
        yield from _block_problems(content, f"{where}.content")
    elif not isinstance(content, str) or not content.strip():
        yield f"{where}.content: text must hold something other than whitespace"


def _block_problems(blocks: list[Any], where: str) -> Iterator[str]:
    if not blocks:
        yield f"{where}: at least one content block is required"
    for place, block in enumerate(blocks):
        if not isinstance(block, dict) or "type" not in block:
            yield f"{where}.{place}.type: Field required"
        elif block["type"] == "text" and not str(block.get("text") or "").strip():
            yield f"{where}.{place}.text: text content blocks must be non-empty"


def _system_problems(body: Body) -> Iterator[str]:
    system = body.get("system")
    if isinstance(system, list) and system:
        yield from _block_problems(system, "system")
    elif system is not None and not isinstance(system, str | list):
        yield "system: Input should be a string or a list of text blocks"


def _output_problems(body: Body, model: Model) -> Iterator[str]:
    config = _part(body, "output_config")
    for name in config.keys() - {"effort", "format"}:
        yield f"output_config.{name}: Extra inputs are not permitted"
    effort = config.get("effort")
    if effort is not None and effort not in EFFORTS:
        yield f"output_config.effort: Input should be one of {', '.join(EFFORTS)}"
    elif effort is not None and not model.takes_effort:
        yield f"output_config.effort: {model.name} does not support effort"
    wanted = config.get("format")
    if wanted is None:
        return
    if not isinstance(wanted, dict) or wanted.get("type") != "json_schema":
        yield "output_config.format.type: Input should be 'json_schema'"
    elif not isinstance(wanted.get("schema"), dict):
        yield "output_config.format.schema: Field required"
    else:
        yield from schema_problems(wanted["schema"], "output_config.format.schema")


def _thinking_problems(body: Body, model: Model) -> Iterator[str]:
    thinking = _part(body, "thinking")
    if not thinking:
        return
    kind, budget = thinking.get("type"), thinking.get("budget_tokens")
    effort = _part(body, "output_config").get("effort")
    if kind not in THINKING_TYPES:
        yield f"thinking.type: Input should be one of {', '.join(THINKING_TYPES)}"
    elif kind not in model.thinking:
        yield f"thinking.type: {model.name} does not support {kind}"
    elif kind == "disabled" and model.name == "claude-opus-5" and effort in ("xhigh", "max"):
        yield f"thinking.type: disabled is not supported at effort {effort}"
    elif kind == "enabled" and not (isinstance(budget, int) and 1024 <= budget < body.get("max_tokens", budget + 1)):
        yield "thinking.budget_tokens: must be at least 1024 and less than max_tokens"


def _forces_a_tool(body: Body) -> bool:
    return _part(body, "tool_choice").get("type") in ("any", "tool")


def _part(body: Body, name: str) -> dict[str, Any]:
    part = body.get(name)
    return part if isinstance(part, dict) else {}
