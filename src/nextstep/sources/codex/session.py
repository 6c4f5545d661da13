"""Records of a Codex rollout -> what was said, in order.

What the model was given and gave (`response_item`) is read. `event_msg` repeats most of it for the screen: of those
only what the user sent is looked at, because it proves that a user's message was typed and not made by the program.
"""

from datetime import datetime

from nextstep.core.records import Kind, Role
from nextstep.sources.codex.items import Tools, message, said_by_user
from nextstep.sources.gathering import no_human
from nextstep.sources.notes import Notes
from nextstep.sources.saying import Json, Said, dict_of, note, text_of, timestamp
from nextstep.sources.tool_text import content_text

PROGRAMS = frozenset({"exec", "mcp", "codex_exec"})
"""Sources of sessions whose prompts come from a script or from another program."""
TURNS = frozenset({Kind.TEXT, Kind.APPROVAL})
"""The human's kinds that begin a turn, so that it can be taken back."""


class Draft:
    """Something said that may still be rolled back, or turn out to be a program's."""

    def __init__(self, said: Said, at: datetime | None, line: int, *, is_doubtful: bool = False) -> None:
        self.said = said
        self.at = at
        self.line = line
        self.is_doubtful = is_doubtful

    @property
    def is_human(self) -> bool:
        """Whether the human said it, as far as is known."""
        return self.said.role is Role.HUMAN

    @property
    def starts_turn(self) -> bool:
        """Whether Codex counts a turn of the human from here."""
        return self.is_human and self.said.kind in TURNS


class Session:
    """Goes over the records once; `finish` then settles what is still doubtful."""

    def __init__(self) -> None:
        self.notes = Notes()
        self.drafts: list[Draft] = []
        self.started_at: datetime | None = None
        self.origin = self.project = ""
        self._tools = Tools()
        self._meta: Json | None = None
        self._items: dict[str, list[Draft]] = {}
        """The human's words as the model was given them, that no event has confirmed yet."""
        self._sent: dict[str, int] = {}
        """The human's words as they were sent, whose message has not come yet."""

    def add(self, number: int, record: Json) -> None:
        """Take in a record."""
        payload, at = dict_of(record.get("payload")), timestamp(record.get("timestamp"))
        self.started_at = self.started_at or at
        if self._is_copied(record):
            self.notes.add("record copied from the session that started this one: left out", number)
            return
        match record.get("type"):
            case "session_meta":
                self._describe(payload, at, number)
            case "response_item":
                self._item(payload, at, number)
            case "event_msg":
                self._event(payload, at, number)
            case "compacted":
                text = text_of(payload.get("message")).strip() or "Conversation compacted"
                self.drafts.append(Draft(note(text), at, number))
            case "inter_agent_communication":
                self._say([note(text)] if (text := content_text(payload.get("content"))).strip() else [], at, number)
            case "turn_context" | "state" | "world_state" | "token_usage_record":
                pass
            case other:
                self.notes.add(f"unknown record type {text_of(other)[:40]!r}: left out", number)

    def _is_copied(self, record: Json) -> bool:
        start, ordinal = (self._meta or {}).get("subagent_history_start_ordinal"), record.get("ordinal")
        return isinstance(start, int) and isinstance(ordinal, int) and 0 < ordinal < start

    def _describe(self, payload: Json, at: datetime | None, number: int) -> None:
        """Take in the header; a second one belongs to the session that this one was forked from."""
        if self._meta is not None:
            return
        self._meta = payload
        self.started_at = timestamp(payload.get("timestamp")) or self.started_at
        self.origin, self.project = text_of(payload.get("id")), text_of(payload.get("cwd"))
        if payload.get("forked_from_id"):
            self.notes.add("session forked from another: its beginning is the other's", number)
        given = payload.get("base_instructions") or payload.get("instructions")
        text = text_of(dict_of(given).get("text")) or text_of(given)
        self._say([note(text)] if text.strip() else [], at, number)

    def _say(self, said: list[Said], at: datetime | None, number: int) -> None:
        self.drafts.extend(Draft(one, at, number) for one in said)

    def _item(self, item: Json, at: datetime | None, number: int) -> None:
        if item.get("type") == "message" and item.get("role") == "user":
            self._user(item, at, number)
            return
        said = message(item) if item.get("type") == "message" else self._tools.said(item)
        if said is None:
            self.notes.add(f"unknown item type {text_of(item.get('type'))[:40]!r}: left out", number)
        self._say(said or [], at, number)

    def _user(self, item: Json, at: datetime | None, number: int) -> None:
        kinds = dict_of(item.get("internal_chat_message_metadata_passthrough")).get("content_item_kinds")
        words = said_by_user(item.get("content"), kinds)
        for said in words:
            key = _key(said.text)
            if said.role is Role.HUMAN and self._sent.get(key):
                self._sent[key] -= 1
                continue
            draft = Draft(said, at, number, is_doubtful=words.doubtful and said.kind is Kind.TEXT)
            self.drafts.append(draft)
            if said.role is Role.HUMAN:
                self._items.setdefault(key, []).append(draft)

    def _event(self, event: Json, at: datetime | None, number: int) -> None:
        """Take in what the user sent, what was interrupted, and what was rolled back; the rest repeats the items."""
        match event.get("type"):
            case "user_message":
                self._confirm(said_by_user(text_of(event.get("message"))), at, number)
            case "item_completed" if dict_of(event.get("item")).get("type") == "UserMessage":
                self._confirm(said_by_user(dict_of(event.get("item")).get("content")), at, number)
            case "turn_aborted":
                if not (self.drafts and self.drafts[-1].said.text.startswith("<turn_aborted>")):
                    reason = text_of(event.get("reason")) or "interrupted"
                    self._say([note(f"[Turn aborted: {reason}]")], at, number)
            case "thread_rolled_back":
                self._roll_back(event.get("num_turns"))

    def _confirm(self, words: list[Said], at: datetime | None, number: int) -> None:
        """Mark the message that these words were given to the model in, or keep them when there is none yet."""
        for said in words:
            key = _key(said.text)
            if said.role is Role.HUMAN and self._items.get(key):
                self._items[key].pop(0).is_doubtful = False
            elif said.role is Role.HUMAN:
                self._sent[key] = self._sent.get(key, 0) + 1
                self.drafts.append(Draft(said, at, number))

    def _roll_back(self, turns: object) -> None:
        """Take back the last turns of the human, with everything after each."""
        count = turns if isinstance(turns, int) else 1
        starts = [i for i, draft in enumerate(self.drafts) if draft.starts_turn]
        if count < 1 or not starts:
            return
        cut = starts[-count] if count <= len(starts) else starts[0]
        lines = [draft.line for draft in self.drafts[cut:]]
        self.notes.add("event on a branch that the human went back from: left out", *lines)
        del self.drafts[cut:]
        self._items.clear()
        self._sent.clear()

    def finish(self) -> None:
        """Settle who spoke."""
        if why := _machine_reason(self._meta or {}):
            no_human(self.notes, why)
        for draft in filter(lambda one: one.is_human, self.drafts):
            if draft.is_doubtful:
                self.notes.add("text in tags that nobody is known to have typed: kept as a system note", draft.line)
            if why or draft.is_doubtful:
                draft.said = note(draft.said.text)
            else:
                self.notes.sender(str(draft.said.kind), draft.line)


def _machine_reason(meta: Json) -> str:
    """Why no human typed the prompts of a session; empty when one did."""
    source = meta.get("source")
    if meta.get("thread_source") == "subagent" or "subagent" in dict_of(source) or source == "subagent":
        return "a sub-agent, its prompts come from another agent"
    sender = source if isinstance(source, str) else text_of(meta.get("originator"))
    return f"prompts sent by a program, through {sender}" if sender in PROGRAMS else ""


def _key(text: str) -> str:
    """What two records of the same words have in common: pictures and spaces may be told differently."""
    return "".join(text.replace("[image]", "").split())
