"""What an OpenHands event says: an action of the user or the agent, or an observation."""

from collections.abc import Iterator

from nextstep.core.records import Kind
from nextstep.sources.notes import Notes
from nextstep.sources.saying import Json, Said, dict_of, human, note, text_of
from nextstep.sources.tool_text import calls, content_text, items, returns, says, thinks

SILENT_ACTIONS = frozenset({"recall", "null", "pause", "resume", "stop", "start", "condensation_request"})
SILENT_OBSERVATIONS = frozenset({"null", "success", "agent_state_changed", "think", "agent_thought"})
"""Bookkeeping, and answers that say nothing."""

BOOKKEEPING = frozenset(
    {
        "thought",
        "impl_source",
        "translated_ipython_code",
        "confirmation_state",
        "security_risk",
        "hidden",
        "blocking",
        "is_static",
        "is_input",
        "timeout",
    }
)
"""Fields of an action's arguments that the model did not give."""

STATES = {"user_confirmed": (Kind.APPROVAL, "Confirmed the action."), "user_rejected": (None, "The user rejected it.")}
"""What the user did with an action that waited for a confirmation; a rejection has no words of its own."""


class Events:
    """Knows the calls that observations answer; `with_human` says that the user is a person."""

    def __init__(self, notes: Notes, *, with_human: bool) -> None:
        self._notes = notes
        self._with_human = with_human
        self._tools: dict[str, str] = {}
        self._ran: set[str] = set()
        """Actions that the user ran, whose output no agent asked for."""

    def of(self, event: Json) -> Iterator[Said]:
        """What an event says, in order; nothing for bookkeeping."""
        if (action := text_of(event.get("action"))) and action not in SILENT_ACTIONS:
            by_user = event.get("source") == "user"
            yield from self._by_user(action, event) if by_user else self._by_agent(action, event)
        elif (observation := text_of(event.get("observation"))) and observation not in SILENT_OBSERVATIONS:
            yield from self._observed(observation, event)
        elif not action and not observation:
            self._notes.remark("event that is neither an action nor an observation: left out")

    def _by_user(self, action: str, event: Json) -> Iterator[Said]:
        args = dict_of(event.get("args"))
        if action == "change_agent_state":
            kind, text = STATES.get(text_of(args.get("agent_state")), (None, ""))
        elif action == "message":
            kind, text = Kind.TEXT, _words(event)
        elif action in ("run", "run_ipython"):
            kind, text = Kind.COMMAND, f"! {text_of(args.get('command')) or text_of(args.get('code'))}"
            self._ran.add(str(event.get("id")))
        else:
            kind, text = None, text_of(args.get("content")) or text_of(event.get("message"))
        if text.strip():
            yield human(kind, text) if kind and self._with_human else note(text)

    def _by_agent(self, action: str, event: Json) -> Iterator[Said]:
        args = dict_of(event.get("args"))
        thought = text_of(args.get("thought"))
        yield from (thinks(text) for text in _reasoning(event) if text.strip())
        if action in ("system", "condensation", "change_agent_state"):
            text = text_of(args.get("content")) or text_of(args.get("summary"))
            yield from [note(text)] if text.strip() else []
        elif action == "think":
            yield from [thinks(thought)] if thought.strip() else []
        elif action in ("message", "finish"):
            text = text_of(args.get("final_thought")) or thought or _words(event)
            yield from [says(text)] if text.strip() else []
        else:
            yield from [says(thought)] if thought.strip() else []
            yield self._call(action, event)

    def _call(self, action: str, event: Json) -> Said:
        """The call as the model made it where that is kept, otherwise the action's own arguments."""
        made = _function(event)
        name = text_of(dict_of(event.get("tool_call_metadata")).get("function_name")) or action
        self._tools[str(event.get("id"))] = name
        if made and "arguments" in made:
            return calls(name, made["arguments"])
        args = dict_of(event.get("args"))
        return calls(name, {k: v for k, v in args.items() if k not in BOOKKEEPING and v is not None})

    def _observed(self, observation: str, event: Json) -> Iterator[Said]:
        cause, text = str(event.get("cause")), content_text(event.get("content"))
        metadata = dict_of(event.get("tool_call_metadata"))
        name = text_of(metadata.get("function_name")) or self._tools.get(cause)
        if event.get("source") == "agent" and name and cause not in self._ran:
            yield returns(text, name)
        elif observation == "error" and event.get("source") == "agent":
            # The model's call could not be understood, so that no action stands before its answer.
            yield returns(text, None)
        elif text.strip():
            yield note(text)


def _words(event: Json) -> str:
    """The words of a message, with a mark for each picture."""
    args = dict_of(event.get("args"))
    images = args.get("image_urls")
    marks = ["[image]"] * len(images) if isinstance(images, list) else []
    words = text_of(args.get("content")) or text_of(event.get("message"))
    return "\n".join([words, *marks] if words else marks)


def _message(event: Json) -> Json:
    """The model's message that an action came from."""
    response = dict_of(dict_of(event.get("tool_call_metadata")).get("model_response"))
    choices = items(response.get("choices"))
    return dict_of(choices[0].get("message")) if choices else {}


def _function(event: Json) -> Json:
    """The function that the model called for this action."""
    wanted = dict_of(event.get("tool_call_metadata")).get("tool_call_id")
    made = items(_message(event).get("tool_calls"))
    return next((dict_of(call.get("function")) for call in made if call.get("id") == wanted), {})


def _reasoning(event: Json) -> Iterator[str]:
    """The model's reasoning, told with the first of the calls that it made at once."""
    message = _message(event)
    made = items(message.get("tool_calls"))
    if made and made[0].get("id") == dict_of(event.get("tool_call_metadata")).get("tool_call_id"):
        yield text_of(message.get("reasoning_content"))
