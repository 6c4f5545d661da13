"""Laws of the Claude Code reader, one small fixture for each odd case."""

import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.json import encode

from nextstep.core.records import Event
from nextstep.errors import EmptyTranscript, TranscriptError
from nextstep.sources import claude_code
from nextstep.sources.claude_code.messages import tool_input
from nextstep.sources.claude_code.reader import Reader
from nextstep.sources.notes import About, Note
from nextstep.sources.reading import Reading, safe_name

Json = dict[str, Any]

REFUSED = (
    "The user doesn't want to proceed with this tool use. The tool use was rejected (eg. if it was a file edit, the "
    "new_string was NOT written to the file). "
)


def stamp(second: int) -> str:
    """A timestamp of the fixtures."""
    return f"2026-01-01T{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}.000Z"


class Script:
    """A transcript in the making: each record's parent is the record before it unless it is told."""

    def __init__(self) -> None:
        self.records: list[Json] = []
        self.last = ""

    def add(self, type_: str, *, parent: str | None = "last", **fields: Any) -> str:
        """Append a record of the tree and name it."""
        number = len(self.records)
        record: Json = {
            "parentUuid": self.last if parent == "last" else parent,
            "isSidechain": False,
            "sessionId": "s",
            "type": type_,
            "uuid": f"u{number}",
            "timestamp": stamp(number),
        } | fields
        self.records.append(record)
        self.last = str(record["uuid"])
        return self.last

    def user(self, content: Any, **fields: Any) -> str:
        """Append a user record."""
        return self.add("user", message={"role": "user", "content": content}, **fields)

    def says(self, text: str, **fields: Any) -> str:
        """Append an assistant's text."""
        return self.add("assistant", message={"content": [{"type": "text", "text": text}]}, **fields)

    def calls(self, name: str, given: Any, id_: str = "t1", **fields: Any) -> str:
        """Append a tool call."""
        block = {"type": "tool_use", "id": id_, "name": name, "input": given}
        return self.add("assistant", message={"content": [block]}, **fields)

    def returns(self, content: Any, id_: str = "t1", *, error: bool | None = None, **fields: Any) -> str:
        """Append a tool's result."""
        block = {"type": "tool_result", "tool_use_id": id_, "content": content}
        return self.user([block if error is None else block | {"is_error": error}], **fields)

    def queue(self, operation: str, content: Any = None) -> None:
        """Append an operation on the queue."""
        record = {"type": "queue-operation", "operation": operation, "timestamp": stamp(len(self.records))}
        self.records.append(record | ({} if content is None else {"content": content}))

    def lines(self) -> list[bytes]:
        """The transcript's lines."""
        return [json.dumps(record).encode() for record in self.records]

    def read(self) -> "Whole":
        """What the reader makes of it."""
        return read(self.lines())


class Whole(NamedTuple):
    """A reading that has come to its end."""

    events: tuple[Event, ...]
    notes: tuple[Note, ...]
    senders: dict[str, int]
    started_at: datetime | None


def reading_of(events: Iterable[Event], of: Reader | Reading) -> Whole:
    """All of a reading."""
    told = tuple(events)
    notes = of.notes.all()
    return Whole(
        told,
        tuple(note for note in notes if note.about is About.READING),
        {note.reason: note.count for note in notes if note.about is About.SENDER},
        of.started_at,
    )


def read_file(path: Path) -> Whole:
    """The one session of a file."""
    (reading,) = claude_code.read(path)
    return reading_of(reading.events, reading)


def read(lines: Iterable[bytes]) -> Whole:
    """What the reader makes of the lines."""
    reader = Reader()
    reader.add(lines)
    reader.finish()
    return reading_of(reader.events(), reader)


def told(reading: Whole) -> list[tuple[str, str]]:
    """The events as (role/kind, text)."""
    return [(f"{event.role.value}/{event.kind.value}", event.text) for event in reading.events]


def one(script: Script) -> tuple[str, str]:
    """The last event as (role/kind, text)."""
    return told(script.read())[-1]


def texts(reading: Whole) -> list[str]:
    """The events' texts."""
    return [event.text for event in reading.events]


def note_counts(reading: Whole) -> dict[str, int]:
    """How often each note was made."""
    return {note.reason: note.count for note in reading.notes}


# What a record says


@pytest.mark.parametrize(
    ("name", "given", "text"),
    [
        ("Read", {"file_path": "/a"}, "/a"),
        ("Read", {"file_path": "/a", "limit": 3}, "file_path: /a\nlimit: 3"),
        ("Write", {"file_path": "/a", "content": "x\ny"}, "file_path: /a\ncontent:\nx\ny"),
        ("Bash", {"command": "ls", "description": "List", "timeout": 5}, "ls"),
        ("Bash", {"command": "ls", "run_in_background": True}, "command: ls\nrun_in_background: true"),
        ("Todo", {"todos": [{"a": 1, "b": "é"}]}, 'todos: [{"a":1,"b":"é"}]'),
        ("Odd", {"n": 1}, "n: 1"),
        ("Odd", {}, ""),
        ("Odd", None, ""),
        ("Odd", "plain", "plain"),
        ("Odd", [1], "[1]"),
    ],
)
def test_tool_input_follows_one_rule(name: str, given: Any, text: str) -> None:
    assert tool_input(name, given) == text


def test_tool_use_and_its_result_carry_the_tools_name() -> None:
    script = Script()
    script.calls("Bash", {"command": "ls"})
    script.returns("a\nb")
    assert [(event.kind.value, event.tool, event.text) for event in script.read().events] == [
        ("tool_use", "Bash", "ls"),
        ("tool_result", "Bash", "a\nb"),
    ]


def test_system_reminders_are_stripped_from_tool_results() -> None:
    script = Script()
    script.calls("Read", {"file_path": "a"})
    script.returns("one\n\n<system-reminder>\nbe careful\n</system-reminder>\n")
    assert one(script) == ("tool/tool_result", "one")


def test_unclosed_system_reminder_loses_nothing() -> None:
    script = Script()
    script.returns("a <system-reminder> b")
    assert one(script) == ("tool/tool_result", "a <system-reminder> b")


def test_pictures_and_documents_leave_marks() -> None:
    script = Script()
    script.user([{"type": "text", "text": "look"}, {"type": "image"}, {"type": "document", "title": "a.pdf"}])
    assert one(script) == ("human/text", "look\n[image]\n[document: a.pdf]")
    script.returns([{"type": "text", "text": "x"}, {"type": "image"}])
    assert one(script) == ("tool/tool_result", "x\n[image]")


def test_pictures_source_record_is_no_second_turn() -> None:
    script = Script()
    first = script.says("done")
    script.user("look", timestamp=stamp(5))
    script.user("[Image: source: /tmp/a.png]", parent=first, timestamp=stamp(5))
    script.says("a cat")
    assert [role for role, _ in told(script.read())] == [
        "assistant/text",
        "human/text",
        "system/note",
        "assistant/text",
    ]


def test_split_assistant_message_keeps_its_records_apart() -> None:
    script = Script()
    script.add("assistant", message={"id": "m", "content": [{"type": "thinking", "thinking": "hm"}]})
    script.add("assistant", message={"id": "m", "content": [{"type": "thinking", "thinking": "", "signature": "x"}]})
    script.add("assistant", message={"id": "m", "content": [{"type": "text", "text": "yes"}]})
    assert told(script.read()) == [("assistant/thinking", "hm"), ("assistant/text", "yes")]


@pytest.mark.parametrize(
    ("opening", "words"),
    [
        (REFUSED + "To tell you how to proceed, the user said:\n", "Only implement fix 6"),
        (REFUSED + "To tell you how to proceed, the user said: ", "keep the branch"),
        ("Permission for this tool use was denied. The user said:\n", "not there\n\nbut here"),
    ],
)
def test_rejection_with_words_is_the_humans(opening: str, words: str) -> None:
    script = Script()
    script.calls("ExitPlanMode", {"plan": "p"})
    script.returns(opening + words, error=True)
    assert one(script) == ("human/rejection", words)


def test_rejections_advice_to_the_model_is_not_the_humans() -> None:
    script = Script()
    advice = "\n\nNote: The user's next message may contain a correction or preference."
    script.returns(f"{REFUSED}To tell you how to proceed, the user said:\nno{advice}", error=True)
    assert one(script) == ("human/rejection", "no")


def test_rejection_without_words_is_a_note_so_that_the_gap_before_the_next_turn_holds_it() -> None:
    script = Script()
    script.returns(REFUSED + "STOP what you are doing and wait.", error=True)
    assert one(script)[0] == "system/note"


def test_output_that_the_human_broke_off_stands_without_the_mark_which_is_a_note_after_it() -> None:
    script = Script()
    script.returns("[Request interrupted by user for tool use]\nhalf of it", error=True)
    script.returns("[Request interrupted by user for tool use]", "t2", error=True)
    assert told(script.read()) == [
        ("tool/tool_result", "half of it"),
        ("system/note", "[Request interrupted by user for tool use]"),
        ("system/note", "[Request interrupted by user for tool use]"),
    ]


def test_tool_result_that_quotes_a_rejection_is_no_rejection() -> None:
    script = Script()
    script.returns(REFUSED + "To tell you how to proceed, the user said:\nno", error=False)
    assert one(script)[0] == "tool/tool_result"


CLARIFY = REFUSED + "To tell you how to proceed, the user said:\nThe user wants to clarify these questions.\n- "


def test_menu_text_of_a_clarification_is_not_the_humans() -> None:
    script = Script()
    script.returns(CLARIFY + '"Where?"\n  (No answer provided)', error=True)
    assert one(script)[0] == "system/note"


def test_answers_within_a_clarification_are_the_humans() -> None:
    script = Script()
    script.returns(CLARIFY + '"Where?"\n  Answer: here', error=True)
    assert one(script) == ("human/answer", "here")


@pytest.mark.parametrize(
    ("details", "text"),
    [
        ({"answers": {"Where?": "here"}}, "here"),
        ({"answers": {"Where?": "here", "When?": ["now", "then"]}}, "Where? here\nWhen? now, then"),
        ({"answers": {"Where?": "A"}, "annotations": {"Where?": {"notes": "if small"}}}, "A\nif small"),
        (None, "there"),
        ("Error: no details", "there"),
    ],
)
def test_answers_are_the_humans(details: Any, text: str) -> None:
    script = Script()
    script.calls("AskUserQuestion", {"questions": []})
    said = 'User has answered your questions: "Where?"="there". You can now continue with the user\'s answers in mind.'
    script.returns(said, toolUseResult=details)
    assert one(script) == ("human/answer", text)


def test_several_answers_without_details_are_read_from_the_text() -> None:
    script = Script()
    script.calls("AskUserQuestion", {"questions": []})
    script.returns('Your questions have been answered: "Where, "there"?"="a, b", "When?"="now". You can now continue.')
    assert one(script) == ("human/answer", 'Where, "there"? a, b\nWhen? now')


def test_plan_approval_is_the_humans() -> None:
    script = Script()
    script.calls("ExitPlanMode", {"plan": "p"})
    script.returns("User has approved your plan. You can now start coding.\n\n## Approved Plan:\np")
    assert one(script) == ("human/approval", "Approved the plan.")


def test_plan_that_the_human_edited_is_in_the_approval() -> None:
    script = Script()
    script.calls("ExitPlanMode", {"plan": "p"})
    script.returns("User has approved your plan.\n\n## Approved Plan (edited by user):\nq")
    assert one(script) == ("human/approval", "Approved the plan after editing it:\nq")


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("<command-name>/compact</command-name><command-args>keep it</command-args>", "/compact keep it"),
        ("<command-message>x is running…</command-message>\n<command-name>/x</command-name>", "/x"),
        ("<bash-input>ls -l</bash-input>", "! ls -l"),
        ("<user-memory-input>use tabs</user-memory-input>", "# use tabs"),
    ],
)
def test_commands_are_readable(content: str, expected: str) -> None:
    script = Script()
    script.user(content)
    assert told(script.read()) == [("human/command", expected)]


def test_skill_that_the_assistant_loads_is_no_command_of_the_human() -> None:
    script = Script()
    loading = '<command-message>The "pdf" skill is loading</command-message>\n<command-name>pdf</command-name>'
    script.user(loading)
    assert one(script)[0] == "system/note"


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("<local-command-stdout>\x1b[1mOpus\x1b[22m set</local-command-stdout>", [("system/note", "Opus set")]),
        ("<local-command-stdout>(no content)</local-command-stdout>", []),
        ("<bash-stdout>a</bash-stdout><bash-stderr>b</bash-stderr>", [("system/note", "a\nb")]),
        ("<bash-stdout></bash-stdout><bash-stderr></bash-stderr>", []),
        ("<bash-stdout>cut off", [("system/note", "cut off")]),
    ],
)
def test_output_of_commands_is_a_note(content: str, expected: list[tuple[str, str]]) -> None:
    script = Script()
    script.user(content)
    assert told(script.read()) == expected


@pytest.mark.parametrize(
    ("content", "fields"),
    [
        ("[Request interrupted by user]", {}),
        ([{"type": "text", "text": "[Request interrupted by user for tool use]"}], {}),
        ("This session is being continued from a previous conversation", {"isCompactSummary": True}),
        ("<task-notification>\n<task-id>1</task-id></task-notification>", {}),
        ('<teammate-message teammate_id="a">hi</teammate-message>', {}),
        ("Stop hook feedback:\n- run the tests", {}),
        ("Base directory for this skill: /a", {"isMeta": True}),
        ("Continue from where you left off.", {"isMeta": True}),
        ("Implement the following plan:\n\n# A", {"planContent": "# A"}),
        ("Implement the following plan:\n\n# A", {}),
        ("Unknown skill: sesion-end", {}),
        ("Hello memory agent, you are", {"promptSource": "sdk"}),
        ("check the logs", {"entrypoint": "sdk-cli", "promptSource": "sdk"}),
        ("a background task ended", {"origin": {"kind": "task-notification"}}),
        ("scheduled", {"promptSource": "system"}),
        ("<system-reminder>x</system-reminder> y", {"isMeta": True}),
    ],
)
def test_what_programs_write_is_never_the_humans(content: Any, fields: Json) -> None:
    script = Script()
    script.user(content, **fields)
    assert [role for role, _ in told(script.read())] == ["system/note"]


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"promptSource": "sdk", "entrypoint": "claude-desktop"},
        {"promptSource": "sdk", "entrypoint": "remote_mobile", "origin": {"kind": "human"}},
        {"promptSource": "typed", "entrypoint": "cli"},
        {"promptSource": "queued"},
        {"promptSource": "sdk"},
        {"entrypoint": "sdk-cli", "origin": {"kind": "human"}},
    ],
)
def test_what_a_human_typed_is_the_humans(fields: Json) -> None:
    script = Script()
    script.user("c", **fields)
    assert told(script.read()) == [("human/text", "c")]


def test_plan_that_is_marked_as_typed_is_the_humans() -> None:
    script = Script()
    script.user("Implement the following plan: mine", promptSource="typed")
    assert one(script)[0] == "human/text"


def test_words_after_an_interruption_in_one_record_are_kept() -> None:
    script = Script()
    script.user([{"type": "text", "text": "[Request interrupted by user]"}, {"type": "text", "text": "do this"}])
    assert told(script.read()) == [("system/note", "[Request interrupted by user]"), ("human/text", "do this")]


def test_words_beside_a_tool_result_are_kept() -> None:
    script = Script()
    result = {"type": "tool_result", "tool_use_id": "t", "content": "ok"}
    script.user([result, {"type": "text", "text": "and then push"}])
    assert told(script.read()) == [("tool/tool_result", "ok"), ("human/text", "and then push")]


def test_injected_blocks_are_cut_from_the_ends_of_a_humans_text_only() -> None:
    script = Script()
    script.user("<ide_opened_file>a.py</ide_opened_file>\nwhy <system-reminder>x</system-reminder> this?")
    assert one(script) == ("human/text", "why <system-reminder>x</system-reminder> this?")


def test_api_error_is_a_note() -> None:
    script = Script()
    script.says("You're out of extra usage", isApiErrorMessage=True)
    assert one(script) == ("system/note", "You're out of extra usage")


@pytest.mark.parametrize(
    "record",
    [
        {"type": "summary", "summary": "The end", "leafUuid": "x"},
        {"type": "last-prompt", "lastPrompt": "fix it", "sessionId": "s"},
        {"type": "ai-title", "title": "Fix"},
        {"type": "custom-title", "title": "Fix"},
        {"type": "mode", "mode": "plan"},
        {"type": "permission-mode", "permissionMode": "plan"},
        {"type": "file-history-snapshot", "messageId": "x", "snapshot": {}},
        {"type": "progress", "data": {"type": "agent_progress", "message": {"content": "secret"}}},
        {"type": "attachment", "attachment": {"type": "opened_file_in_ide", "filename": "x"}},
        {"type": "system", "subtype": "away_summary", "content": "next: deploy"},
        {"type": "system", "subtype": "turn_duration", "content": "5"},
    ],
)
def test_what_may_leak_the_future_gives_no_event_and_no_note(record: Json) -> None:
    script = Script()
    script.user("hello")
    script.records.append(record)
    reading = script.read()
    assert (told(reading), reading.notes) == ([("human/text", "hello")], ())


# The queue


def attach(script: Script, prompt: Any, mode: str = "prompt", **marks: Any) -> None:
    """Append a queued_command attachment."""
    script.add("attachment", attachment={"type": "queued_command", "prompt": prompt, "commandMode": mode} | marks)


def at_work() -> Script:
    """A script in which the assistant is at work."""
    script = Script()
    script.user("go")
    script.calls("Bash", {"command": "ls"})
    return script


def test_queued_message_of_an_attachment_stands_where_it_was_delivered_once() -> None:
    script = at_work()
    script.queue("enqueue", "and the tests")
    script.returns("a")
    script.queue("remove", "and the tests")
    attach(script, "and the tests")
    script.says("ok")
    assert told(script.read())[2:] == [
        ("tool/tool_result", "a"),
        ("human/queued", "and the tests"),
        ("assistant/text", "ok"),
    ]


def test_attachment_before_its_removal_is_still_one_message() -> None:
    script = at_work()
    script.queue("enqueue", "x")
    attach(script, [{"type": "text", "text": "x"}])
    script.queue("remove")
    assert texts(script.read()).count("x") == 1


def test_message_that_only_the_queue_holds_stands_where_it_was_taken_out() -> None:
    script = at_work()
    script.queue("enqueue", '{"task_id":"b1"}')
    script.queue("enqueue", "and linked docs")
    script.returns("a")
    script.queue("remove")
    script.says("ok")
    reading = script.read()
    assert told(reading)[2:] == [
        ("tool/tool_result", "a"),
        ("human/queued", "and linked docs"),
        ("assistant/text", "ok"),
    ]
    assert reading.events[3].at is not None


def test_removal_without_a_logged_enqueue_is_kept() -> None:
    script = at_work()
    script.queue("remove", "and more")
    assert one(script) == ("human/queued", "and more")


def test_dequeued_message_is_the_user_record_alone() -> None:
    script = at_work()
    script.queue("enqueue", "next")
    script.returns("a")
    script.says("done")
    script.queue("dequeue")
    script.user("next")
    assert texts(script.read()).count("next") == 1


def test_queued_messages_sent_as_one_are_not_repeated() -> None:
    script = at_work()
    script.queue("enqueue", "one")
    script.queue("enqueue", "two")
    script.says("done")
    script.queue("dequeue")
    script.queue("dequeue")
    script.user("one\ntwo")
    assert texts(script.read())[2:] == ["done", "one\ntwo"]


def test_same_words_typed_again_later_do_not_hide_a_queued_message() -> None:
    script = at_work()
    script.queue("enqueue", "ok")
    script.queue("remove")
    script.says("done")
    script.user("ok")
    assert told(script.read())[2:] == [("human/queued", "ok"), ("assistant/text", "done"), ("human/text", "ok")]


def test_same_words_queued_twice_are_two_messages() -> None:
    script = at_work()
    script.queue("enqueue", "go on")
    script.queue("remove")
    script.says("first")
    script.queue("enqueue", "go on")
    script.says("second")
    script.queue("dequeue")
    script.user("go on")
    assert texts(script.read())[2:] == ["go on", "first", "second", "go on"]


def test_message_taken_back_into_the_editor_is_noted_and_left_out() -> None:
    script = at_work()
    script.queue("enqueue", "half a tho")
    script.queue("popAll", "half a tho")
    script.says("done")
    script.user("half a thought")
    reading = script.read()
    assert "half a tho" not in texts(reading)
    assert note_counts(reading) == {"queued message taken back into the editor: left out there": 1}


def test_message_that_was_never_delivered_is_noted_and_left_out() -> None:
    script = at_work()
    script.queue("enqueue", "too late")
    reading = script.read()
    assert "too late" not in texts(reading)
    assert note_counts(reading) == {"queued message that was never delivered: left out": 1}


def test_dequeued_message_whose_record_was_damaged_is_kept() -> None:
    script = at_work()
    script.queue("enqueue", "next")
    script.says("done")
    script.queue("dequeue")
    lines = [*script.lines(), b'{"type":"user","message":{"role":"user","content":"nex']
    assert told(read(lines))[-1] == ("human/queued", "next")


def test_notification_in_the_queue_is_not_the_humans() -> None:
    script = at_work()
    script.queue("enqueue", "<task-notification>done</task-notification>")
    script.queue("remove")
    attach(script, "<task-notification>done</task-notification>", "task-notification")
    assert [role for role, _ in told(script.read())[2:]] == ["system/note"]


def test_slash_command_in_the_queue_is_a_command() -> None:
    script = at_work()
    attach(script, "/review now")
    assert one(script) == ("human/command", "/review now")


# Branches


def test_branch_that_the_human_went_back_from_is_dropped_and_noted() -> None:
    script = Script()
    script.user("start")
    fork = script.says("ready")
    script.user("wrong way")
    script.says("going wrong")
    script.user("right way", parent=fork)
    script.says("going right")
    reading = script.read()
    assert texts(reading) == ["start", "ready", "right way", "going right"]
    assert [(note.count, note.lines) for note in reading.notes] == [(2, (3, 4))]
    assert [event.idx for event in reading.events] == [0, 1, 2, 3]


def test_prompt_sent_again_at_once_is_one_turn() -> None:
    script = Script()
    fork = script.says("ready")
    script.user("go")
    script.user("go", parent=fork)
    script.says("going")
    assert texts(script.read()) == ["ready", "go", "going"]


def test_going_back_twice_leaves_the_last_branch() -> None:
    script = Script()
    fork = script.says("ready")
    for way in ("a", "b", "c"):
        script.user(way, parent=fork)
        script.says(f"did {way}")
    assert texts(script.read()) == ["ready", "c", "did c"]


def test_last_prompt_without_an_answer_drops_nothing() -> None:
    script = Script()
    fork = script.says("ready")
    script.user("a")
    script.says("did a")
    script.user("b", parent=fork)
    assert texts(script.read()) == ["ready", "a", "did a", "b"]


def test_branch_that_goes_on_after_the_fork_is_kept() -> None:
    script = Script()
    fork = script.says("ready")
    script.user("a")
    left = script.says("did a")
    script.user("b", parent=fork)
    script.says("did b")
    script.user("a again", parent=left)
    assert len(script.read().events) == 6


def test_parallel_tool_calls_are_no_branches() -> None:
    script = Script()
    script.user("go")
    first = script.calls("Read", {"file_path": "a"}, "t1")
    second = script.calls("Read", {"file_path": "b"}, "t2")
    script.returns("A", "t1", parent=first)
    script.returns("B", "t2", parent=second)
    script.says("both")
    assert texts(script.read()) == ["go", "a", "b", "A", "B", "both"]


def test_hooks_are_no_branches() -> None:
    script = Script()
    end = script.says("done")
    hook = script.add("progress", data={"type": "hook_progress"})
    script.user("one", parent=end)
    script.says("did one")
    script.user("two", parent=hook)
    script.says("did two")
    assert len(script.read().events) == 5


def test_local_commands_with_one_parent_are_no_branches() -> None:
    script = Script()
    caveat = script.user("Caveat: The messages below were generated by the user while running local commands.")
    script.user("<command-name>/clear</command-name>")
    script.user("<command-name>/model</command-name>", parent=caveat)
    script.user("hello", parent=caveat)
    script.says("hi")
    assert texts(script.read())[1:] == ["/clear", "/model", "hello", "hi"]


@pytest.mark.parametrize("logical", ["u1", "not-in-this-file"])
def test_compaction_loses_nothing_before_it(logical: str) -> None:
    script = Script()
    script.user("before")
    script.says("working")
    script.add(
        "system",
        parent=None,
        subtype="compact_boundary",
        logicalParentUuid=logical,
        content="Conversation compacted",
    )
    script.user("This session is being continued from a previous conversation", isCompactSummary=True)
    script.user("after")
    assert [role for role, _ in told(script.read())] == [
        "human/text",
        "assistant/text",
        "system/note",
        "system/note",
        "human/text",
    ]


def test_prompt_after_a_compaction_with_an_old_parent_drops_nothing() -> None:
    script = Script()
    fork = script.says("ready")
    script.user("before")
    script.says("working")
    script.add("system", parent=None, subtype="compact_boundary")
    script.user("after", parent=fork)
    script.says("on")
    assert "before" in texts(script.read())


def test_missing_parents_lose_nothing() -> None:
    script = Script()
    script.user("one", parent="gone")
    script.says("did one")
    script.user("two", parent="gone")
    script.says("did two")
    assert texts(script.read()) == ["one", "did one", "two", "did two"]


def test_second_root_loses_nothing() -> None:
    script = Script()
    script.user("one")
    script.says("did one")
    script.user("two", parent=None)
    script.says("did two")
    assert texts(script.read()) == ["one", "did one", "two", "did two"]


def test_circle_of_parents_loses_nothing() -> None:
    script = Script()
    script.user("one", uuid="a", parent="b")
    script.says("two", uuid="b", parent="a")
    script.user("three", uuid="c", parent="c")
    assert texts(script.read()) == ["one", "two", "three"]


def test_record_written_twice_is_one_event() -> None:
    script = Script()
    script.user("one")
    script.says("two")
    script.records.append(dict(script.records[0]))
    reading = script.read()
    assert texts(reading) == ["one", "two"]
    assert note_counts(reading) == {"record written a second time: left out": 1}


def test_two_records_with_one_uuid_are_both_kept() -> None:
    script = Script()
    script.user("one", uuid="a")
    script.user("two", uuid="a", parent="x")
    assert texts(script.read()) == ["one", "two"]


def test_line_order_goes_before_timestamps() -> None:
    script = Script()
    script.user("first", timestamp=stamp(500))
    script.says("second", timestamp=stamp(20))
    assert texts(script.read()) == ["first", "second"]


def test_very_long_chain_needs_no_recursion() -> None:
    script = Script()
    fork = script.says("ready")
    for number in range(3_000):
        script.user(f"q{number}")
        script.says(f"a{number}")
    script.user("back", parent=fork)
    script.says("here")
    assert texts(script.read()) == ["ready", "back", "here"]


def human_words(reading: Whole) -> list[str]:
    """What the human said, in order."""
    return [event.text for event in reading.events if event.role.value == "human"]


@pytest.mark.parametrize("named", [True, False])
def test_word_that_is_said_again_and_again_is_as_many_turns(named: bool) -> None:
    script = Script()
    script.user("start")
    script.says("working")
    for operation in ("enqueue", "enqueue", "remove", "remove"):
        script.queue(operation, "continue" if named or operation == "enqueue" else None)
    early = human_words(script.read())
    script.says("more")
    script.queue("enqueue", "continue")
    script.queue("dequeue")
    script.user("continue")
    assert early == ["start", "continue", "continue"]
    assert human_words(script.read()) == ["start", "continue", "continue", "continue"]


def test_message_that_a_program_queued_through_the_sdk_is_no_humans() -> None:
    script = Script()
    script.user("go", entrypoint="sdk-cli")
    script.says("working")
    script.add("attachment", attachment={"type": "queued_command", "prompt": "and now"}, entrypoint="sdk-cli")
    script.queue("enqueue", "then this")
    script.queue("remove")
    assert human_words(script.read()) == []


def test_message_to_a_sub_agent_is_no_humans() -> None:
    script = Script()
    script.user("explore", isSidechain=True)
    script.says("working", isSidechain=True)
    script.add("attachment", attachment={"type": "queued_command", "prompt": "faster"}, isSidechain=True)
    assert human_words(script.read()) == []


def test_result_that_is_no_error_is_no_refusal() -> None:
    script = Script()
    script.returns(REFUSED + "To tell you how to proceed, the user said:\nno")
    assert one(script)[0] == "tool/tool_result"


@pytest.mark.parametrize("count", [40_000])
def test_odd_texts_take_no_time(count: int) -> None:
    script = Script()
    script.user([{"type": "text", "text": "word"}] * count)
    script.user("[Request interrupted by user]" * count)
    script.user("<system-reminder>x</system-reminder>" * count + "hello")
    script.returns(CLARIFY + "\n" * count + "Answer: x", error=True)
    assert script.read().events


# Side chains


def test_side_chain_is_not_on_the_line() -> None:
    script = Script()
    script.user("Warmup", isSidechain=True)
    script.says("ready", isSidechain=True)
    script.user("hello", parent=None)
    script.user("explore", isSidechain=True)
    script.says("hi")
    reading = script.read()
    assert texts(reading) == ["hello", "hi"]
    assert note_counts(reading) == {"record of a side chain: not on the session's line": 3}


def test_file_of_a_side_chain_is_an_agents_session_without_human_turns(tmp_path: Path) -> None:
    script = Script()
    script.user("Run the tests", isSidechain=True)
    script.calls("Bash", {"command": "pytest"}, isSidechain=True)
    script.returns("ok", isSidechain=True)
    (reading,) = claude_code.read(write(tmp_path / "agent-1.jsonl", script.lines()))
    assert reading.source == "claude-code-agent"
    assert [event.role.value for event in reading.events] == ["system", "assistant", "tool"]


# Damage


def test_damaged_lines_are_noted_with_their_numbers() -> None:
    script = Script()
    script.user("hello")
    lines = [b"{", b"[1]", *script.lines(), b"", b'{"type":"user","message":{"role":"user","content":"h', b"\0\0"]
    reading = read(lines)
    assert texts(reading) == ["hello"]
    assert {note.reason: note.lines for note in reading.notes} == {
        "no valid JSON: line left out": (1, 6),
        "no JSON object: line left out": (2,),
        "no valid JSON where a human may have spoken: line left out": (5,),
    }


def test_note_keeps_the_first_two_hundred_lines() -> None:
    (note,) = read([b"{"] * 300).notes
    assert (note.count, note.lines) == (300, tuple(range(1, 201)))


def test_bytes_that_are_not_utf8_are_replaced_and_noted() -> None:
    reading = read([b'{"type":"user","timestamp":"2026-01-01T00:00:00Z","message":{"content":"caf\xe9"}}'])
    assert texts(reading) == ["caf\ufffd"]
    assert note_counts(reading) == {"bytes that are not UTF-8: replaced": 1}


def test_text_can_be_stored() -> None:
    script = Script()
    script.user("a\x00b\ud800c😀")
    script.calls("B\x00", {"x": "\udfff"})
    reading = script.read()
    assert texts(reading) == ["a\ufffdb\ufffdc😀", "\ufffd"]
    assert reading.events[1].tool == "B\ufffd"
    assert note_counts(reading) == {"characters that cannot be stored: replaced": 2}


@pytest.mark.parametrize("value", [None, "", "yesterday", 5, [], "2026-99-01T00:00:00Z", "0001-01-01T00:00:00+14:00"])
def test_bad_timestamp_is_noted_and_the_event_kept(value: Any) -> None:
    script = Script()
    script.user("one", timestamp=value)
    script.user("two")
    reading = script.read()
    assert [event.at is None for event in reading.events] == [True, False]
    assert note_counts(reading) == {"no usable timestamp: kept without one": 1}


def test_timestamp_without_a_zone_is_utc() -> None:
    script = Script()
    script.user("one", timestamp="2026-01-01T00:00:00")
    (event,) = script.read().events
    assert event.at == datetime(2026, 1, 1, tzinfo=UTC)


def test_unknown_record_type_is_noted() -> None:
    script = Script()
    script.user("hello")
    script.add("hologram\ud800")
    assert list(note_counts(script.read())) == ["unknown record type 'hologram\\ud800': left out"]


def test_control_characters_in_a_string_do_not_lose_the_line() -> None:
    assert texts(read([b'{"type":"user","message":{"content":"a\tb"}}'])) == ["a\tb"]


def test_deeply_nested_input_does_not_stop_the_reader() -> None:
    deep = "[" * 900 + "]" * 900
    head, tail = '{"type":"assistant","message":{"content":[{"type":"tool_use","name":"X","input":', "}]}}"
    assert len(read([(head + deep + tail).encode(), b'{"type":"user","message":{"content":"on"}}']).events) == 2


# Files


def write(path: Path, lines: Sequence[bytes]) -> Path:
    """A file of the lines."""
    path.write_bytes(b"\n".join(lines))
    return path


def test_file_becomes_a_session_without_a_title(tmp_path: Path) -> None:
    script = Script()
    script.records.append({"type": "summary", "summary": "The answer", "leafUuid": "x"})
    script.user("hello")
    (session,) = claude_code.read(write(tmp_path / "a b(1).jsonl", script.lines()))
    assert (session.name, session.title, session.source) == ("a-b-1-", "", "claude-code")
    assert session.origin == "s"
    assert session.started_at == next(session.events).at


@pytest.mark.parametrize(
    ("stem", "name"), [("a.b-c_1", "a.b-c_1"), ("é", "session"), ("..", "session"), (".x", "x"), ("-x-", "x-")]
)
def test_names_are_safe(stem: str, name: str) -> None:
    assert safe_name(stem) == name


@pytest.mark.parametrize("content", [b"", b"\n\n", b'{"type":"summary","summary":"x","leafUuid":"y"}\n'])
def test_file_without_an_event_is_empty_and_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.jsonl"
    path.write_bytes(content)
    with pytest.raises(EmptyTranscript, match=r"x\.jsonl: holds no message"):
        list(claude_code.read(path))


def test_file_that_is_all_damage_is_refused_with_the_first_damaged_line(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    path.write_bytes(b'{"type":"summary","summary":"x","leafUuid":"y"}\nnot json\n')
    with pytest.raises(TranscriptError, match=r"x\.jsonl:2: no valid JSON") as caught:
        list(claude_code.read(path))
    assert not isinstance(caught.value, EmptyTranscript)


@pytest.mark.parametrize("name", ["missing.jsonl", "."])
def test_what_cannot_be_opened_is_refused_by_name(tmp_path: Path, name: str) -> None:
    with pytest.raises(TranscriptError, match="cannot be read"):
        list(claude_code.read(tmp_path / name))
    assert not claude_code.looks_like(tmp_path / name)


def test_own_files_are_recognised(tmp_path: Path) -> None:
    script = Script()
    script.user("hello")
    assert claude_code.looks_like(write(tmp_path / "a.jsonl", [b"{damaged", *script.lines()]))
    snapshot = b'{"type":"file-history-snapshot","messageId":"x","snapshot":{}}'
    assert claude_code.looks_like(write(tmp_path / "b.jsonl", [snapshot]))


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"\x00\xff",
        b'{"type":"user","text":"x"}',
        b'{"type":"session_meta","payload":{"id":"x"}}',
        b'{"idx":0,"role":"human","kind":"text","text":"x"}',
    ],
)
def test_other_files_are_not_recognised(tmp_path: Path, line: bytes) -> None:
    assert not claude_code.looks_like(write(tmp_path / "a.jsonl", [line]))


# Laws

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
TYPES = st.sampled_from(["user", "assistant", "system", "attachment", "queue-operation", "progress", "summary", "x"])
BLOCKS = st.fixed_dictionaries(
    {"type": st.sampled_from(["text", "thinking", "tool_use", "tool_result", "image", "document"]) | VALUES},
    optional={
        key: st.sampled_from(["t1", REFUSED + "the user said: x", "<command-name>", "<bash-input>a"]) | VALUES
        for key in ("text", "thinking", "name", "id", "input", "tool_use_id", "content", "is_error")
    },
)
NAMES = st.sampled_from(["a", "b", "c"]) | VALUES
RECORDS = st.fixed_dictionaries(
    {"type": TYPES | VALUES},
    optional={
        "uuid": NAMES,
        "parentUuid": NAMES,
        "timestamp": st.sampled_from([stamp(1), stamp(2)]) | VALUES,
        "message": VALUES | st.fixed_dictionaries({"content": VALUES | st.lists(BLOCKS, max_size=3)}),
        "isSidechain": VALUES,
        "isMeta": VALUES,
        "subtype": VALUES,
        "content": VALUES,
        "operation": st.sampled_from(["enqueue", "dequeue", "remove", "popAll"]) | VALUES,
        "attachment": VALUES | st.fixed_dictionaries({"type": st.just("queued_command"), "prompt": VALUES}),
        "toolUseResult": VALUES | st.fixed_dictionaries({"answers": VALUES, "annotations": VALUES}),
        "origin": VALUES,
        "promptSource": VALUES,
        "entrypoint": VALUES,
        "planContent": VALUES,
    },
)


def is_storable(event: Event) -> bool:
    """Whether UTF-8 and DuckDB take the event."""
    return "\0" not in event.text and bool(encode(event))


@settings(max_examples=300, deadline=None)
@given(st.lists(RECORDS, max_size=12))
def test_no_record_stops_the_reader(records: list[Json]) -> None:
    reading = read(json.dumps(record).encode() for record in records)
    assert [event.idx for event in reading.events] == list(range(len(reading.events)))
    assert all(is_storable(event) for event in reading.events)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.binary(max_size=40), max_size=8))
def test_no_bytes_stop_the_reader(lines: list[bytes]) -> None:
    read(lines)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from(["prompt", "reply", "tool"]), max_size=20), st.data())
def test_human_turn_is_lost_only_with_a_branch_that_was_left(steps: list[str], data: st.DataObject) -> None:
    script = Script()
    for number, step in enumerate(steps):
        parent = data.draw(st.sampled_from(["last", None, "gone", *(r["uuid"] for r in script.records)]))
        if step == "prompt":
            script.user(f"p{number}", parent=parent)
        elif step == "reply":
            script.says(f"r{number}", parent=parent)
        else:
            script.returns(f"t{number}", parent=parent)
    reading = script.read()
    dropped = sum(note.count for note in reading.notes)
    assert len(reading.events) + dropped == len(steps)
    if all(record["parentUuid"] in (None, "gone") for record in script.records):
        assert dropped == 0


# Real files (not part of the repository)

DATA = Path(__file__).parents[3] / "shared" / "data" / "claude_code"
FILES = sorted(DATA.rglob("*.jsonl")) if DATA.exists() else []
SERIES = sorted(DATA.glob("*/series/*/")) if DATA.exists() else []
EMPTY = {"c001d2c0-fa59-4098-9d96-e46afcfa1170", "medium-conversation"}
real = pytest.mark.skipif(not FILES, reason="the real files are not here")


def import_all(paths: Iterable[Path]) -> list[Whole]:
    """The sessions of those files that hold one."""
    return [read_file(path) for path in paths if path.stem not in EMPTY]


@real
def test_real_files_are_recognised_and_read() -> None:
    assert all(claude_code.looks_like(path) for path in FILES)
    for imported in import_all(FILES):
        assert imported.events
        assert all(is_storable(event) for event in imported.events)


@real
def test_no_program_text_stands_as_the_humans_in_real_files() -> None:
    machine = ("<", "[Request", "Caveat:", "This session is being", "Implement the following plan", "Base directory")
    for imported in import_all(FILES):
        said = [event.text for event in imported.events if event.role.value == "human"]
        assert not [text for text in said if text.startswith(machine)]


@real
def test_real_human_turns_are_as_many_as_the_manifest_counts() -> None:
    rows = [line.split("|") for line in (DATA.parent / "MANIFEST.md").read_text().splitlines() if ".jsonl |" in line]
    expected = {row[1].strip(): int(row[7]) for row in rows}
    for name, count in expected.items():
        path = DATA / name
        if path.stem in EMPTY:
            continue
        events = read_file(path).events
        assert (name, sum((e.role.value, e.kind.value) == ("human", "text") for e in events)) == (name, count)


@real
def test_snapshots_of_a_growing_session_hold_a_prefix_of_its_events() -> None:
    assert SERIES
    for series in SERIES:
        lines = [imported.events for imported in import_all(sorted(series.glob("*.jsonl")))]
        for shorter, longer in pairwise(lines):
            assert shorter == longer[: len(shorter)]


@real
def test_reading_fewer_lines_never_shows_what_came_later() -> None:
    for path in FILES:
        lines = path.read_bytes().splitlines()
        whole = read(lines).events
        for count in range(0, len(lines), max(1, len(lines) // 7)):
            part = read(lines[:count]).events
            assert part == whole[: len(part)], (path.name, count)
