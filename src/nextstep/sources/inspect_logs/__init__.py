"""Inspect logs (.json and .eval) -> a session for each sample and epoch.

A sample's `messages` are read: the whole conversation, once. Its events repeat that conversation at each model call and
hold the scorers' calls too, so they are read only where the messages are missing.
"""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from nextstep.core.records import Kind
from nextstep.errors import TranscriptError
from nextstep.sources.gathering import Spoken, events, left_out, no_human, part_name, sessions
from nextstep.sources.inspect_logs.archive import is_archive, open_archive
from nextstep.sources.json_files import load, outline
from nextstep.sources.notes import Notes
from nextstep.sources.reading import Reading
from nextstep.sources.saying import Json, Said, dict_of, human, text_of, timestamp
from nextstep.sources.tool_text import chat, items

NAME = "inspect"

OUTCOMES = ("target", "output", "scores", "store", "limit", "error", "error_retries")
"""Fields of a sample that tell what was wanted, or how it went."""
OPERATOR = "operator"
"""The source of a user's message that a human typed into a running sample; all others are the task's or the agent's."""
REFERENCE = "attachment://"
SCORING = frozenset({"scorer", "scorers"})


def looks_like(path: Path) -> bool:
    """Whether the file is an Inspect log: an archive with a header or a journal, or JSON that begins as one."""
    keys = outline(path)
    return {"version", "eval", "eval.task", "eval.model"} <= keys.keys() or is_archive(path)


def read(path: Path) -> Iterator[Reading]:
    """A session for each sample and epoch. Raises TranscriptError, or EmptyTranscript for a log without a message."""
    if is_archive(path):
        header, samples = open_archive(path)
        attempts = (partial(_loaded, path, header, sample) for sample in samples)
        return sessions(path, attempts)
    damage = Notes()
    log = load(path, damage)
    if not isinstance(log, dict):
        raise TranscriptError(f"{path}: is no object with samples; give a .json or .eval log of Inspect")
    return sessions(path, [partial(_reading, path, log, sample) for sample in items(log.get("samples"))], damage)


def _loaded(path: Path, header: Json, sample: Callable[[Notes], object], notes: Notes) -> Reading | None:
    value = sample(notes)
    return _reading(path, header, value, notes) if isinstance(value, dict) else None


def _reading(path: Path, log: Json, sample: Json, notes: Notes) -> Reading:
    messages = items(sample.get("messages"))
    if not messages:
        notes.remark("sample without messages: read from its model events")
        messages = _from_events(items(sample.get("events")))
    if not any(_is_typed(message) for message in messages):
        no_human(notes, "an Inspect evaluation, its task from a dataset")
    left_out(notes, sample, *OUTCOMES)
    epoch, task = sample.get("epoch"), dict_of(log.get("eval"))
    return Reading(
        name=part_name(path, str(sample.get("id", "")), f"epoch{epoch}" if epoch not in (None, 1) else ""),
        source=NAME,
        events=events(_spoken(messages, dict_of(sample.get("attachments")), notes), notes),
        notes=notes,
        title=text_of(task.get("task")),
        started_at=timestamp(sample.get("started_at")) or timestamp(task.get("created")),
        origin=text_of(sample.get("uuid")),
    )


def _spoken(messages: list[Json], attachments: Json, notes: Notes) -> Iterator[Spoken]:
    tools: dict[str, str] = {}
    for message in messages:
        whole = _resolved(message, attachments, notes)
        yield from map(Spoken, chat(whole, tools, _typed) if _is_typed(message) else chat(whole, tools))


def _is_typed(message: Json) -> bool:
    return message.get("role") == "user" and message.get("source") == OPERATOR


def _typed(text: str) -> Said:
    return human(Kind.TEXT, text)


def _resolved(message: Json, attachments: Json, notes: Notes) -> Json:
    """The message with the texts in the places of the references to them."""

    def whole(value: object, depth: int = 0) -> object:
        if isinstance(value, str) and value.startswith(REFERENCE):
            found = attachments.get(value.removeprefix(REFERENCE))
            if not isinstance(found, str):
                notes.remark("reference to an attachment that is not there: kept as it is")
            return found if isinstance(found, str) else value
        if isinstance(value, list) and depth < 8:
            return [whole(one, depth + 1) for one in value]
        if isinstance(value, dict) and depth < 8:
            return {key: whole(one, depth + 1) for key, one in value.items()}
        return value

    return {key: whole(value) for key, value in message.items()}


def _from_events(logged: list[Json]) -> list[Json]:
    """The conversation of the model call that was given most of it, with its answer; no call of a scorer counts."""
    best: list[Json] = []
    for event in logged:
        kind = text_of(event.get("event"))
        if kind == "score" or (event.get("action") != "end" and text_of(event.get("type")) in SCORING):
            break
        given = items(event.get("input"))
        if kind == "model" and len(given) + 1 >= len(best):
            choices = items(dict_of(event.get("output")).get("choices"))
            best = given + [dict_of(choice.get("message")) for choice in choices[:1]]
    return best
