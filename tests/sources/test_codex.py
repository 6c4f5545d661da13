"""Laws of the Codex reader: rollouts of several versions, made here because none is at hand."""

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nextstep.errors import EmptyTranscript, TranscriptError
from nextstep.sources import codex
from tests.sources.other_formats import JSON_VALUES, Json, has_no_human, lines, mutated, noted, readings, survives, told


class Rollout:
    """A rollout in the making."""

    def __init__(self, **meta: Any) -> None:
        self.records: list[Any] = []
        base = {"id": "id-1", "timestamp": "2026-01-01T00:00:00.000Z", "cwd": "/home/u/p", "source": "cli"}
        self.add("session_meta", base | meta)

    def add(self, kind: str, payload: Json, **fields: Any) -> None:
        """Append a record."""
        stamp = f"2026-01-01T00:00:{len(self.records):02}.000Z"
        self.records.append({"timestamp": stamp, "type": kind, "payload": payload} | fields)

    def item(self, kind: str, **fields: Any) -> None:
        """Append an item of the conversation."""
        self.add("response_item", {"type": kind} | fields)

    def event(self, kind: str, **fields: Any) -> None:
        """Append an event for the screen."""
        self.add("event_msg", {"type": kind} | fields)

    def given(self, *parts: str, kinds: list[str] | None = None, role: str = "user") -> None:
        """Append a message to the model."""
        passed = {"internal_chat_message_metadata_passthrough": {"content_item_kinds": kinds}} if kinds else {}
        content = [{"type": "input_text", "text": part} for part in parts]
        self.item("message", role=role, content=content, **passed)

    def typed(self, text: str) -> None:
        """Append what one typed message leaves: an item and an event."""
        self.given(text)
        self.event("user_message", message=text, images=[])

    def replies(self, text: str) -> None:
        """Append what one reply leaves."""
        self.event("agent_message", message=text)
        self.item("message", role="assistant", content=[{"type": "output_text", "text": text}])

    def calls(self, name: str, arguments: Any, output: Any, call: str = "c1") -> None:
        """Append a call and its output."""
        self.item("function_call", name=name, arguments=json.dumps(arguments), call_id=call)
        self.item("function_call_output", call_id=call, output=output)

    def write(self, folder: Path) -> Path:
        """The path of its file."""
        return lines(folder / "rollout-2026-01-01T00-00-00-id-1.jsonl", self.records)


def session() -> Rollout:
    """A rollout with a bit of everything that is usual."""
    rollout = Rollout(base_instructions={"text": "You are Codex."})
    rollout.given("<permissions instructions>\nno network", role="developer")
    rollout.given("# AGENTS.md instructions for /home/u/p\n\n<INSTRUCTIONS>\nuse tabs\n</INSTRUCTIONS>")
    rollout.given("<environment_context>\n<cwd>/home/u/p</cwd>\n</environment_context>")
    rollout.add("turn_context", {"cwd": "/home/u/p", "model": "m"})
    rollout.event("task_started", turn_id="t")
    rollout.typed("Why does it fail?")
    rollout.event("agent_reasoning", text="**Look** first")
    rollout.item("reasoning", summary=[{"type": "summary_text", "text": "**Look** first"}], encrypted_content="x")
    rollout.calls("shell", {"command": ["ls"], "workdir": "/p"}, '{"output":"a.py\\n","metadata":{"exit_code":0}}')
    rollout.event("token_count", info={})
    rollout.replies("It needs a.py.")
    return rollout


SESSION = [
    ("system/note", "You are Codex."),
    ("system/note", "<permissions instructions>\nno network"),
    ("system/note", "# AGENTS.md instructions for /home/u/p\n\n<INSTRUCTIONS>\nuse tabs\n</INSTRUCTIONS>"),
    ("system/note", "<environment_context>\n<cwd>/home/u/p</cwd>\n</environment_context>"),
    ("human/text", "Why does it fail?"),
    ("assistant/thinking", "**Look** first"),
    ("assistant/tool_use", 'command: ["ls"]\nworkdir: /p'),
    ("tool/tool_result", "a.py\n"),
    ("assistant/text", "It needs a.py."),
]


def after(rollout: Rollout, folder: Path) -> list[tuple[str, str]]:
    """What comes after the usual beginning."""
    return told(codex, rollout.write(folder))[len(SESSION) :]


def test_usual_rollout_is_told_once_and_in_order(tmp_path: Path) -> None:
    ((reading, events),) = readings(codex, session().write(tmp_path))
    assert [(kind, text) for kind, _, text in events] == SESSION
    assert [tool for _, tool, _ in events if tool] == ["shell", "shell"]
    assert (reading.name, reading.origin) == ("rollout-2026-01-01T00-00-00-id-1", "id-1")
    assert (reading.project, str(reading.started_at)) == ("/home/u/p", "2026-01-01 00:00:00+00:00")


def test_items_of_the_version_without_wrappers_read_the_same(tmp_path: Path) -> None:
    header = {"id": "id-1", "timestamp": "2026-01-01T00:00:00Z", "instructions": "You are Codex.", "git": {}}
    items = [record["payload"] for record in session().records if record["type"] == "response_item"]
    flat = lines(tmp_path / "rollout-old.jsonl", [header, {"record_type": "state"}, *items])
    assert codex.looks_like(flat)
    assert told(codex, flat) == SESSION


def test_document_of_the_first_version_reads_the_same(tmp_path: Path) -> None:
    header = {"id": "id-1", "timestamp": "2026-01-01T00:00:00Z", "instructions": "You are Codex."}
    items = [record["payload"] for record in session().records if record["type"] == "response_item"]
    path = tmp_path / "rollout-oldest.json"
    path.write_text(json.dumps({"session": header, "items": items}, indent=2))
    assert codex.looks_like(path)
    assert told(codex, path) == SESSION


def test_compressed_rollout_reads_the_same(tmp_path: Path) -> None:
    path = tmp_path / "rollout-1.jsonl.zst"
    path.write_bytes(pa.compress(session().write(tmp_path).read_bytes(), codec="zstd", asbytes=True))
    assert codex.looks_like(path)
    ((reading, events),) = readings(codex, path)
    assert reading.name == "rollout-1"
    assert [(kind, text) for kind, _, text in events] == SESSION


def test_compressed_rollout_that_is_cut_off_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "rollout-1.jsonl.zst"
    path.write_bytes(pa.compress(session().write(tmp_path).read_bytes(), codec="zstd", asbytes=True)[:-20])
    with pytest.raises(TranscriptError, match=r"rollout-1.jsonl.zst: cannot be read"):
        list(codex.read(path))


@pytest.mark.parametrize("order", [["item", "event"], ["event", "item"], ["item"], ["event"], ["completed", "item"]])
def test_typed_words_are_one_event_in_whatever_records_they_stand(tmp_path: Path, order: list[str]) -> None:
    rollout = session()
    for record in order:
        if record == "item":
            rollout.given("and the tests")
        elif record == "event":
            rollout.event("user_message", message="and the  tests\n")
        else:
            content = [{"type": "text", "text": "and the tests"}]
            rollout.event("item_completed", item={"type": "UserMessage", "id": "u", "content": content})
    ((kind, text),) = after(rollout, tmp_path)
    assert (kind, text.split()) == ("human/text", ["and", "the", "tests"])


def test_same_words_typed_twice_are_two_events(tmp_path: Path) -> None:
    rollout = session()
    rollout.typed("go on")
    rollout.replies("ok")
    rollout.typed("go on")
    assert [text for _, text in after(rollout, tmp_path)] == ["go on", "ok", "go on"]


@pytest.mark.parametrize(
    "text",
    [
        "<environment_context>\n<cwd>/</cwd>\n</environment_context>",
        "<user_instructions>\nuse tabs\n</user_instructions>",
        "# AGENTS.md instructions\n\n<INSTRUCTIONS>x</INSTRUCTIONS>",
        "<turn_aborted>\nThe user interrupted\n</turn_aborted>",
        "<skill>\n<name>pdf</name>\n</skill>",
        "<subagent_notification>{}</subagent_notification>",
        "<SUBAGENT_NOTIFICATION>{}</SUBAGENT_NOTIFICATION>",
        "<user_action>\n<context>review</context>\n</user_action>",
        "Another language model started to solve this problem and produced a summary",
        "Warning: The maximum number of unified exec processes you can keep open is 60",
    ],
)
def test_what_codex_writes_is_never_the_humans(tmp_path: Path, text: str) -> None:
    rollout = session()
    rollout.given(text)
    assert after(rollout, tmp_path) == [("system/note", text)]


def test_unknown_tags_are_the_humans_only_where_an_event_says_so(tmp_path: Path) -> None:
    for text, is_typed in (("<new_tag>x</new_tag>", False), ("<div> is broken", True)):
        rollout = session()
        rollout.given(text)
        if is_typed:
            rollout.event("user_message", message=text)
        assert after(rollout, tmp_path) == [("human/text" if is_typed else "system/note", text)]
    rollout = session()
    rollout.given("<new_tag>x</new_tag>")
    reason = "text in tags that nobody is known to have typed: kept as a system note"
    assert noted(codex, rollout.write(tmp_path))[reason] == 1


def test_kinds_beside_the_parts_tell_who_made_them(tmp_path: Path) -> None:
    rollout = session()
    rollout.given("<new_tag> why?", "a hook said so", kinds=["user.text", "hooks.additional_context"])
    assert after(rollout, tmp_path) == [("human/text", "<new_tag> why?"), ("system/note", "a hook said so")]


def test_context_of_an_editor_is_cut_from_the_words(tmp_path: Path) -> None:
    rollout = session()
    rollout.typed("# Context from my IDE setup:\n\n## Active file: a.py\n\n## My request for Codex:\nfix it\n")
    assert after(rollout, tmp_path)[-1] == ("human/text", "fix it")
    assert [kind for kind, _ in after(rollout, tmp_path)] == ["system/note", "human/text"]


def test_pictures_leave_marks_without_their_tags(tmp_path: Path) -> None:
    rollout = session()
    parts = ["<image name=[Image #1]>", None, "</image>", "what is this?"]
    content = [{"type": "input_text", "text": p} if p else {"type": "input_image", "image_url": "data:"} for p in parts]
    rollout.item("message", role="user", content=content)
    rollout.event("user_message", message="what is this?", images=["data:"])
    assert after(rollout, tmp_path) == [("human/text", "[image]\nwhat is this?")]


def test_shell_command_of_the_human_is_a_command_and_its_output_a_note(tmp_path: Path) -> None:
    rollout = session()
    result = "Exit code: 0\nDuration: 0.1 seconds\nOutput:\non main"
    body = f"<command>\ngit status\n</command>\n<result>\n{result}\n</result>"
    rollout.given(f"<user_shell_command>\n{body}\n</user_shell_command>", kinds=["shell.user_command"])
    assert after(rollout, tmp_path) == [("human/command", "! git status"), ("system/note", result)]


def test_accepted_plan_is_an_approval(tmp_path: Path) -> None:
    rollout = session()
    rollout.typed("Implement the plan.")
    assert after(rollout, tmp_path) == [("human/approval", "Implement the plan.")]


QUESTIONS = {"questions": [{"id": "a", "question": "Where?"}, {"id": "b", "question": "When?"}]}


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ({"a": ["here"]}, ("human/answer", "here")),
        ({"a": ["here", "user_note: if small"], "b": ["now"]}, ("human/answer", "Where? here\nif small\nWhen? now")),
        ({"a": []}, ("tool/tool_result", '{"answers": {"a": {"answers": []}}}')),
    ],
)
def test_answers_to_questions_are_the_humans(tmp_path: Path, answers: Json, expected: tuple[str, str]) -> None:
    rollout = session()
    output = json.dumps({"answers": {key: {"answers": value} for key, value in answers.items()}})
    rollout.calls("request_user_input", QUESTIONS, output)
    assert after(rollout, tmp_path)[-1] == expected


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        ("plain", "plain"),
        ({"content": "older", "success": True}, "older"),
        ([{"type": "input_text", "text": "parts"}, {"type": "input_image"}], "parts\n[image]"),
        ('{"output":"bad\\n","metadata":{"exit_code":2}}', "bad\n\n[exit code 2]"),
        ('{"output": 5}', '{"output": 5}'),
        ("", ""),
    ],
)
def test_outputs_are_text_in_whatever_form(tmp_path: Path, output: Any, expected: str) -> None:
    rollout = session()
    rollout.calls("exec_command", {"cmd": "x"}, output)
    assert after(rollout, tmp_path) == [("assistant/tool_use", "x"), ("tool/tool_result", expected)]


def test_other_calls_are_told_with_their_tool(tmp_path: Path) -> None:
    rollout = session()
    rollout.item("custom_tool_call", name="apply_patch", input="*** Begin Patch", call_id="p", status="completed")
    rollout.item("custom_tool_call_output", call_id="p", output="Success")
    rollout.item("local_shell_call", call_id="l", status="completed", action={"type": "exec", "command": ["ls"]})
    rollout.item("web_search_call", status="completed", action={"type": "search", "query": "duckdb"})
    rollout.item("image_generation_call", id="i", status="completed", revised_prompt="a cat", result="iVBOR")
    ((_, events),) = readings(codex, rollout.write(tmp_path))
    assert events[len(SESSION) :] == [
        ("assistant/tool_use", "apply_patch", "*** Begin Patch"),
        ("tool/tool_result", "apply_patch", "Success"),
        ("assistant/tool_use", "local_shell", 'command: ["ls"]'),
        ("assistant/tool_use", "web_search", "duckdb"),
        ("assistant/tool_use", "image_generation", "a cat"),
        ("tool/tool_result", "image_generation", "[image]"),
    ]


def test_turns_that_were_rolled_back_are_left_out_and_noted(tmp_path: Path) -> None:
    rollout = session()
    rollout.typed("wrong way")
    rollout.replies("as you wish")
    rollout.event("thread_rolled_back", num_turns=1)
    rollout.typed("wrong way")
    rollout.replies("again")
    path = rollout.write(tmp_path)
    assert [text for _, text in told(codex, path)[len(SESSION) :]] == ["wrong way", "again"]
    assert noted(codex, path)["event on a branch that the human went back from: left out"] == 2


@pytest.mark.parametrize("turns", [5, True, -1, 0, "x", None])
def test_odd_rollbacks_never_crash(tmp_path: Path, turns: Any) -> None:
    rollout = session()
    rollout.event("thread_rolled_back", num_turns=turns)
    rollout.replies("still here")
    assert told(codex, rollout.write(tmp_path))[-1] == ("assistant/text", "still here")


def test_interruption_is_one_note(tmp_path: Path) -> None:
    rollout = session()
    rollout.event("turn_aborted", reason="interrupted")
    assert after(rollout, tmp_path) == [("system/note", "[Turn aborted: interrupted]")]
    rollout = session()
    rollout.given("<turn_aborted>\nx\n</turn_aborted>")
    rollout.event("turn_aborted", reason="interrupted")
    assert after(rollout, tmp_path) == [("system/note", "<turn_aborted>\nx\n</turn_aborted>")]


def test_compaction_is_a_note_and_its_history_is_not_told_again(tmp_path: Path) -> None:
    rollout = session()
    history = [{"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Why does it fail?"}]}]
    rollout.add("compacted", {"message": "We looked.", "replacement_history": history})
    rollout.add("compacted", {"message": "", "replacement_history": history})
    assert after(rollout, tmp_path) == [("system/note", "We looked."), ("system/note", "Conversation compacted")]


@pytest.mark.parametrize(
    "meta",
    [
        {"source": "exec"},
        {"source": "mcp"},
        {"source": {"subagent": {"thread_spawn": {"parent_thread_id": "p"}}}},
        {"thread_source": "subagent"},
        {"source": None, "originator": "codex_exec"},
    ],
)
def test_prompts_of_programs_are_no_human(tmp_path: Path, meta: Json) -> None:
    rollout = Rollout(**meta)
    rollout.typed("do it")
    rollout.replies("done")
    rollout.typed("and this")
    assert has_no_human(codex, rollout.write(tmp_path))


def test_history_copied_into_a_sub_agents_rollout_is_left_out(tmp_path: Path) -> None:
    rollout = Rollout(source={"subagent": {}}, subagent_history_start_ordinal=3)
    rollout.add("session_meta", {"id": "parent", "cwd": "/other"}, ordinal=1)
    rollout.add("response_item", {"type": "message", "role": "assistant", "content": "parent's words"}, ordinal=2)
    rollout.add("response_item", {"type": "message", "role": "assistant", "content": "own words"}, ordinal=3)
    path = rollout.write(tmp_path)
    assert told(codex, path) == [("assistant/text", "own words")]
    assert noted(codex, path)["record copied from the session that started this one: left out"] == 2


def test_second_header_changes_nothing(tmp_path: Path) -> None:
    rollout = session()
    rollout.add("session_meta", {"id": "parent", "cwd": "/other", "source": "exec"})
    ((reading, events),) = readings(codex, rollout.write(tmp_path))
    assert (reading.origin, len(events)) == ("id-1", len(SESSION))


def test_unknown_records_and_items_are_noted(tmp_path: Path) -> None:
    rollout = session()
    rollout.add("brand_new", {})
    rollout.item("brand_new_item")
    notes = noted(codex, rollout.write(tmp_path))
    assert notes["unknown record type 'brand_new': left out"] == 1
    assert notes["unknown item type 'brand_new_item': left out"] == 1


def test_damaged_lines_cost_only_themselves(tmp_path: Path) -> None:
    rollout = session()
    rollout.records[1:1] = [b"{cut", b"[1]", b"\xff\xfe", b""]
    rollout.records.append(b'{"timestamp": "x", "type": "response_it')
    path = rollout.write(tmp_path)
    assert told(codex, path) == SESSION
    notes = noted(codex, path)
    assert (notes["no valid JSON: line left out"], notes["no JSON object: line left out"]) == (3, 1)


def test_times_that_cannot_be_read_are_none(tmp_path: Path) -> None:
    rollout = session()
    for record in rollout.records:
        record["timestamp"] = "soon"
    (reading,) = codex.read(rollout.write(tmp_path))
    assert {event.at for event in reading.events} == {None}


def test_rollout_without_a_message_is_empty(tmp_path: Path) -> None:
    with pytest.raises(EmptyTranscript):
        list(codex.read(Rollout().write(tmp_path)))


@settings(max_examples=150, suppress_health_check=list(HealthCheck), deadline=None)
@given(mutated(session().records), st.binary(max_size=6), st.integers(0, 20))
def test_mutated_rollouts_never_crash(tmp_path: Path, records: Any, noise: bytes, at: int) -> None:
    values = records if isinstance(records, list) else [records]
    survives(codex, lines(tmp_path / "rollout-1.jsonl", [*values[:at], noise, *values[at:]]))


@settings(max_examples=100, suppress_health_check=list(HealthCheck), deadline=None)
@given(st.sampled_from(["content", "output", "arguments", "action", "summary", "type", "call_id", "name"]), JSON_VALUES)
def test_any_value_in_a_field_of_an_item_never_crashes(tmp_path: Path, field: str, value: Any) -> None:
    rollout = session()
    for record in rollout.records:
        if record["type"] == "response_item":
            record["payload"] |= {field: value}
    survives(codex, rollout.write(tmp_path))


@settings(max_examples=100, suppress_health_check=list(HealthCheck), deadline=None)
@given(st.lists(st.sampled_from(["typed", "replies", "back", "machine"]), max_size=12))
def test_every_typed_message_that_was_not_taken_back_is_told(tmp_path: Path, steps: list[str]) -> None:
    rollout, expected = Rollout(), list[str]()
    for number, step in enumerate(steps):
        if step == "typed":
            rollout.typed(f"turn {number}")
            expected.append(f"turn {number}")
        elif step == "replies":
            rollout.replies("ok")
        elif step == "machine":
            rollout.given("<environment_context>x</environment_context>")
        elif expected:
            rollout.event("thread_rolled_back", num_turns=1)
            expected.pop()
    try:
        events = told(codex, rollout.write(tmp_path))
    except EmptyTranscript:
        events = []
    assert [text for kind, text in events if kind == "human/text"] == expected
