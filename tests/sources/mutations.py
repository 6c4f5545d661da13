"""Sessions of Claude Code with something done to their lines, and marks planted in what no candidate may know.

A session is its lines. What was done to it stands as steps of plain numbers, so that hypothesis can shrink them; each
line remembers which line of the session it is, for as long as nothing touches it.
"""

import json
import re
from collections.abc import Callable, Collection, Iterable, Sequence
from functools import cache, lru_cache
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from hypothesis import strategies as st

from nextstep.core.records import Event
from nextstep.sources.claude_code.reader import Reader
from nextstep.sources.notes import About, Note

Json = dict[str, Any]
Lines = tuple[bytes, ...]


# What the reader makes of lines


class Told(NamedTuple):
    """All that a reading tells."""

    events: tuple[Event, ...]
    lines: tuple[int, ...]
    """Of each event: the number of its line."""
    notes: tuple[Note, ...]
    is_agent: bool

    def both(self) -> list[tuple[Event, int]]:
        """The events, each with its line."""
        return list(zip(self.events, self.lines, strict=True))

    def at(self, number: int) -> list[Event]:
        """The events of a line."""
        return [event for event, line in self.both() if line == number]

    def noted(self, *reasons: str) -> set[int]:
        """The lines that notes with these words tell of."""
        told = (note for note in self.notes if note.about is About.READING)
        return {line for note in told if any(word in note.reason for word in reasons) for line in note.lines}


def read(lines: Iterable[bytes]) -> Told:
    """What the reader makes of lines."""
    reader = Reader()
    reader.add(line + b"\n" for line in lines)
    reader.finish()
    events = tuple(reader.events())
    notes = reader.notes.all()
    # The reader keeps the lines of events to itself; the laws need them.
    places = tuple(draft.line for draft in reader._drafts() if draft.node not in reader._left)
    return Told(events, places, notes, reader.is_agent)


def record_of(line: bytes) -> Json | None:
    """The JSON object on a line, read as leniently as the reader does; None when there is none."""
    try:
        record = json.JSONDecoder(strict=False).decode(line.decode("utf-8", "replace").strip().lstrip("\ufeff"))
    except (ValueError, RecursionError):
        return None
    return record if isinstance(record, dict) else None


def line_of(record: Json) -> bytes:
    """A record as a line."""
    return json.dumps(record).encode()


# Mutations


class Row(NamedTuple):
    """A line of a mutated session."""

    line: bytes
    origin: int | None
    """Which line of the session it is, byte for byte; None when something was done to it."""


Rows = list[Row]
Step = tuple[str, int, int, int]
"""The name of a mutation and three numbers for it to use."""

TELLING = re.compile(
    rb"queue-operation|queued_command|compact_boundary|isCompactSummary|user said:|your questions|<command-name>"
    rb'|"role": ?"user", ?"content": ?(?:"|\[\{"type": ?"text")'
)
"""What lines have on which more depends than on others."""

PROMPT = re.compile(rb'"role": ?"user", ?"content": ?(?:"|\[\{"type": ?"text")')

GARBAGE: tuple[bytes, ...] = (
    *(b"", b"  ", b"\0\0\0", b"\xff\xfe\xfd", b"[]", b'"x"', b"null", b"{}", b"{", b"1e999", b"9" * 5_000, b"NaN"),
    *(b"[" * 100_000, b'{"a":' * 3_000, b'{"type":"user","message":{"content":' + b"[" * 900 + b"]" * 900 + b"}}"),
    *(b'{"type":"user"}', b'{"type":null}', b'{"type":"user","message":5}', b'{"type":"user","type":"assistant"}'),
    *(
        b'{"type":"user","message":{"role":"user","content":"h',
        b'\xef\xbb\xbf{"type":"summary"}',
        b'{"type":"hologram"}',
    ),
    *(b'{"type":"assistant","message":{"content":[{"type":"tool_use","input":1e999}]}}', b'{"type":"queue-operation"}'),
    *(b'{"type":"user","message":{"content":"\\ud800 \\u0000"}}', b'{"type":"user","message":{"content":"a\\u0000b"}}'),
    b'{"type":"user","isSidechain":true,"uuid":"g"}',
    *(b'{"type":"queue-operation","operation":"popAll"}', b'{"type":"queue-operation","operation":"remove"}'),
    *(b'{"type":"queue-operation","operation":"dequeue"}', b'{"type":"system","subtype":"compact_boundary"}'),
)
ODD: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 10**30, 1.5, "", " ", "user", "assistant", "x\ud800", "\0", [], {}, [[]], ["x"]),
    *([None], [{"type": "text"}], [{"type": "text", "text": 5}], [{"type": 7}], [{"type": "tool_result"}], {"a": [1]}),
)
TIMES: tuple[Any, ...] = (
    *("2020-01-01T00:00:00.000Z", "2031-01-01T00:00:00.000Z", "2026-01-01T00:00:00", "2026-01-01T00:00:00+05:30"),
    *("9999-12-31T23:59:59.999Z", "9999-12-31T23:59:59-12:00", "0001-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00"),
    *("2026-13-45T00:00:00Z", "yesterday", "", None, 0, 1767225600000, 1e300, [], {}, True, "2026-01-01"),
)
FIELDS = (
    *("type", "uuid", "parentUuid", "isSidechain", "isMeta", "message", "timestamp", "sessionId", "subtype", "content"),
    *("operation", "attachment", "toolUseResult", "isCompactSummary", "origin", "promptSource", "entrypoint", "cwd"),
    *("isVisibleInTranscriptOnly", "planContent", "sourceToolUseID", "isApiErrorMessage", "agentId", "version"),
)
PARTS = ("role", "content", "model", "id", "type", "text", "tool_use_id", "is_error", "name", "input")


def pick(rows: Rows, number: int) -> int:
    """The place of a row: any for an even number, one on which much depends for an odd one."""
    half = number >> 1
    telling = [place for place, row in enumerate(rows) if _is_telling(row.line)] if number & 1 else []
    return telling[half % len(telling)] if telling else half % len(rows)


@lru_cache(maxsize=50_000)
def _is_telling(line: bytes) -> bool:
    return TELLING.search(line) is not None


@lru_cache(maxsize=50_000)
def _is_prompt(line: bytes) -> bool:
    return PROMPT.search(line) is not None


def edited(row: Row, change: Callable[[Json], object]) -> Row:
    """A row with its record changed; as it was when it holds none."""
    record = record_of(row.line)
    if record is None:
        return row
    change(record)
    return Row(line_of(record), None)


def swap(rows: Rows, a: int, b: int) -> None:
    """Change the places of two rows."""
    rows[a], rows[b] = rows[b], rows[a]


def cut_bytes(line: bytes, at: int, length: int) -> bytes:
    """The line without some bytes."""
    return line[:at] + line[at + length :]


def flipped(line: bytes, n: int) -> bytes:
    """The line with one bit of one byte turned over, and no line made of it."""
    if not line:
        return line
    at = (n >> 3) % len(line)
    byte = line[at] ^ (1 << (n & 7))
    return line if byte == 10 else line[:at] + bytes([byte]) + line[at + 1 :]


def drop(rows: Rows, i: int, j: int, n: int) -> None:
    """Lose a few lines in a row."""
    del rows[i : i + 1 + (n % 8 == 0) * (n % 5)]


def swap_far(rows: Rows, i: int, j: int, n: int) -> None:
    """Change the places of two lines."""
    swap(rows, i, j)


def swap_near(rows: Rows, i: int, j: int, n: int) -> None:
    """Change the places of two neighbours."""
    swap(rows, i, min(i + 1, len(rows) - 1))


def move(rows: Rows, i: int, j: int, n: int) -> None:
    """Put a line elsewhere."""
    rows.insert(j, rows.pop(i))


def double(rows: Rows, i: int, j: int, n: int) -> None:
    """Write a line again, near or far."""
    rows.insert(i + 1 if n & 1 else j, rows[i])


def truncate(rows: Rows, i: int, j: int, n: int) -> None:
    """End a line early."""
    rows[i] = Row(rows[i].line[: n % (len(rows[i].line) + 1)], None)


def flip(rows: Rows, i: int, j: int, n: int) -> None:
    """Turn a bit over."""
    rows[i] = Row(flipped(rows[i].line, n * 7919 + j), None)


def lose_bytes(rows: Rows, i: int, j: int, n: int) -> None:
    """Take some bytes out of a line, or put some in."""
    line = rows[i].line
    at = (n * 7919) % (len(line) + 1)
    rows[i] = Row(cut_bytes(line, at, 1 + j % 40) if n & 1 else line[:at] + b"\xc3\0\xff" + line[at:], None)


def insert(rows: Rows, i: int, j: int, n: int) -> None:
    """Put a line in that is no record, or an odd one."""
    rows.insert(i, Row(GARBAGE[n % len(GARBAGE)], None))


def reparent(rows: Rows, i: int, j: int, n: int) -> None:
    """Hang a record elsewhere: on another one, on itself, on one that is not there, on none."""
    other = record_of(rows[j].line) or {}
    own = record_of(rows[i].line) or {}
    parents = [other.get("uuid"), other.get("uuid"), other.get("parentUuid"), own.get("uuid"), "gone", None]
    rows[i] = edited(rows[i], lambda record: record.update(parentUuid=parents[n % len(parents)]))


def branch(rows: Rows, i: int, j: int, n: int) -> None:
    """Hang a prompt where an earlier one hangs, as a human who goes back does."""
    prompts = [place for place, row in enumerate(rows) if _is_prompt(row.line)]
    if len(prompts) > 1:
        at = n % (len(prompts) - 1)
        earlier, later = prompts[at], prompts[at + 1 + j % (len(prompts) - 1 - at)]
        parent = (record_of(rows[earlier].line) or {}).get("parentUuid")
        rows[later] = edited(rows[later], lambda record: record.update(parentUuid=parent))


def retime(rows: Rows, i: int, j: int, n: int) -> None:
    """Give a record another time: that of another one, an odd one, or none."""
    if n % 4 == 0:
        rows[i] = edited(rows[i], lambda record: record.pop("timestamp", None))
        return
    other = (record_of(rows[j].line) or {}).get("timestamp")
    stamp = other if n % 4 == 1 else TIMES[n % len(TIMES)]
    rows[i] = edited(rows[i], lambda record: record.update(timestamp=stamp))


def rename(rows: Rows, i: int, j: int, n: int) -> None:
    """Give a record the name of another one."""
    other = record_of(rows[j].line) or {}
    rows[i] = edited(rows[i], lambda record: record.update(uuid=other.get("uuid")))


def odd_field(rows: Rows, i: int, j: int, n: int) -> None:
    """Give a field a value that it never has."""
    rows[i] = edited(rows[i], lambda record: record.update({FIELDS[j % len(FIELDS)]: ODD[n % len(ODD)]}))


def odd_part(rows: Rows, i: int, j: int, n: int) -> None:
    """Give a field of a message, or of one of its blocks, a value that it never has."""

    def change(record: Json) -> None:
        message = record.get("message")
        if not isinstance(message, dict):
            record["message"] = {PARTS[j % len(PARTS)]: ODD[n % len(ODD)]}
            return
        content = message.get("content")
        blocks = [block for block in content if isinstance(block, dict)] if isinstance(content, list) else []
        (blocks[0] if blocks and n & 1 else message)[PARTS[j % len(PARTS)]] = ODD[n % len(ODD)]

    rows[i] = edited(rows[i], change)


def retype(rows: Rows, i: int, j: int, n: int) -> None:
    """Turn a record into one of another kind, a side chain's, or a note of the program."""
    changes: tuple[Json, ...] = (
        *({"type": "user"}, {"type": "assistant"}, {"type": "system"}, {"type": "progress"}, {"type": "x"}),
        *({"isSidechain": True}, {"isMeta": True}, {"isCompactSummary": True}, {"subtype": "compact_boundary"}),
        *({"promptSource": "sdk"}, {"entrypoint": "sdk-cli"}, {"origin": {"kind": "human"}}, {"isSidechain": False}),
    )
    rows[i] = edited(rows[i], lambda record: record.update(changes[n % len(changes)]))


def remove_field(rows: Rows, i: int, j: int, n: int) -> None:
    """Lose a field."""
    rows[i] = edited(rows[i], lambda record: record.pop((sorted(record) or [""])[n % max(len(record), 1)], None))


def cut_end(rows: Rows, i: int, j: int, n: int) -> None:
    """End the file within a line."""
    truncate(rows, i, j, n)
    del rows[i + 1 :]


def cut_start(rows: Rows, i: int, j: int, n: int) -> None:
    """Begin the file later."""
    del rows[: i // 2]


def join(rows: Rows, i: int, j: int, n: int) -> None:
    """Lose the end of a line, so that two stand on one."""
    rows[i : i + 2] = [Row(b"".join(row.line for row in rows[i : i + 2]), None)]


def split(rows: Rows, i: int, j: int, n: int) -> None:
    """Put the end of a line into a line, between two fields."""
    head, comma, tail = rows[i].line.partition(b",")
    rows[i : i + 1] = [Row(head + comma, None), Row(tail, None)]


def windows(rows: Rows, i: int, j: int, n: int) -> None:
    """End the lines as Windows does."""
    rows[:] = [Row(row.line.removesuffix(b"\r") + b"\r", row.origin) for row in rows]


def mark(rows: Rows, i: int, j: int, n: int) -> None:
    """Begin the file with a byte order mark."""
    rows[0] = Row(b"\xef\xbb\xbf" + rows[0].line, rows[0].origin)


def append_again(rows: Rows, i: int, j: int, n: int) -> None:
    """Write lines of the file again at its end, as a session that is resumed may."""
    rows.extend(rows[i : i + 1 + n % 30])


def append_other(rows: Rows, i: int, j: int, n: int) -> None:
    """Put another session's beginning before or after this one."""
    everything = built()
    other = [Row(line, None) for line in everything[n % len(everything)][: j + 1]]
    rows[:] = [*other, *rows] if i & 1 else [*rows, *other]


MUTATIONS: dict[str, Callable[[Rows, int, int, int], None]] = {
    one.__name__: one
    for one in (
        *(
            drop,
            swap_far,
            swap_near,
            move,
            double,
            truncate,
            flip,
            lose_bytes,
            insert,
            reparent,
            branch,
            retime,
            rename,
        ),
        *(odd_field, odd_part, retype, remove_field, cut_end, cut_start, join, split, windows, mark),
        *(append_again, append_other),
    )
}

_NUMBER = st.integers(0, 65_535)
STEPS = st.lists(st.tuples(st.sampled_from(sorted(MUTATIONS)), _NUMBER, _NUMBER, _NUMBER), min_size=1, max_size=12)
"""What is done to a session, in this order."""


def mutate(lines: Lines, steps: Sequence[Step]) -> Rows:
    """The session with these steps taken."""
    rows = [Row(line, origin) for origin, line in enumerate(lines)]
    for name, i, j, n in steps:
        if rows:
            MUTATIONS[name](rows, pick(rows, i), pick(rows, j), n)
    return rows


# Canaries

CANARY = "canary-of-what-nobody-knows-yet"

NAMES = frozenset(
    {
        *(
            "type",
            "subtype",
            "uuid",
            "parentUuid",
            "logicalParentUuid",
            "leafUuid",
            "messageId",
            "sessionId",
            "timestamp",
        ),
        *("id", "tool_use_id", "name", "role", "operation", "promptSource", "entrypoint", "origin", "commandMode"),
        *("userType", "version", "sourceToolUseID", "agentId", "model", "toolUseID", "parentToolUseID", "requestId"),
    }
)
"""Fields that make the shape of a session, and say nothing."""

END_STATE = frozenset(
    {
        *("progress", "file-history-snapshot", "file-history-delta", "summary", "last-prompt", "ai-title", "pr-link"),
        *("custom-title", "agent-name", "agent-color", "agent-setting", "mode", "permission-mode", "worktree-state"),
    }
)
"""Records that may know what comes, wherever they stand."""

SHOWN = frozenset({None, "informational", "local_command", "compact_boundary"})
"""Subtypes of system records that stood in the conversation."""


def plant(lines: Lines, seen: int, moment: int, copies: Collection[int]) -> Lines:
    """The lines with a canary in all that nobody knew at the moment on line `moment`. Lines count from 1.

    `seen` is the line of the last thing that the agent did before it; between the two, all counts as unknown. Where
    both stand on one line, that line is left as it is. So are later copies of known records, and of messages that have
    left the queue: with a canary they would be no copies, but new ones.
    """
    queued, old = waiting(lines[:seen])
    known = {name for line in lines[:seen] if isinstance(name := (_record(line) or {}).get("uuid"), str)}
    planted = []
    for number, line in enumerate(lines, 1):
        record = _record(line) or {}
        is_copy = (number in copies and record.get("uuid") in known) or _queued_text(record) in old
        hidden = number > seen
        if number == seen == moment or (hidden and is_copy):
            planted.append(line)
        else:
            planted.append(_planted(line, queued, hidden=hidden))
    return tuple(planted)


def waiting(lines: Sequence[bytes]) -> tuple[tuple[str, ...], frozenset[str]]:
    """The texts of messages that are certainly still in the queue when the lines end, and those of all others."""
    texts: dict[str, bool] = {}
    for line in lines:
        record = _record(line) or {}
        if record.get("type") != "queue-operation":
            if record.get("type") in ("user", "attachment"):
                texts = {text: still and not _holds_start(line, text) for text, still in texts.items()}
            continue
        entered, text = record.get("operation") == "enqueue", _queued_text(record)
        if not entered:
            texts = dict.fromkeys(texts, False)
        if text:
            texts[text] = texts.get(text, entered)
    queued = tuple(sorted(text for text, still in texts.items() if still))
    return queued, frozenset(texts.keys() - set(queued))


def _queued_text(record: Json) -> str:
    """The text of an operation on the queue; empty for everything else."""
    text = record.get("content") if record.get("type") == "queue-operation" else None
    return text.strip() if isinstance(text, str) else ""


def _holds_start(line: bytes, text: str) -> bool:
    start = text[:12]
    return start.encode("utf-8", "replace") in line or json.dumps(start)[1:-1].encode() in line


@lru_cache(maxsize=20_000)
def _record(line: bytes) -> Json | None:
    return record_of(line)


@lru_cache(maxsize=50_000)
def _planted(line: bytes, queued: tuple[str, ...], *, hidden: bool) -> bytes:
    """The line with canaries, as long as it stays a line of the same shape; if it would not, as it was."""
    record = record_of(line)
    if record is None:
        return line + CANARY.encode() if hidden and line.strip() else line
    whole = hidden or _is_end_state(record)
    try:
        planted = line_of(_marked_whole(record, queued) if whole else _marked_edges(record, queued))
        same = _shape(planted) == _shape(line) if whole else read([line_of(record)]).events == read([line]).events
    except RecursionError:
        return line
    return planted if same else line


def _is_end_state(record: Json) -> bool:
    kind, subtype, attachment = str(record.get("type")), record.get("subtype"), record.get("attachment")
    if kind == "attachment":
        return not isinstance(attachment, dict) or attachment.get("type") != "queued_command"
    return kind in END_STATE or (kind == "system" and (subtype and str(subtype)) not in SHOWN)


def _marked_whole(value: Any, queued: tuple[str, ...]) -> Any:
    if isinstance(value, str):
        return marked(value, queued)
    if isinstance(value, list):
        return [_marked_whole(one, queued) for one in value]
    if isinstance(value, dict):
        return {key: one if key in NAMES else _marked_whole(one, queued) for key, one in value.items()}
    return value


def _marked_edges(record: Json, queued: tuple[str, ...]) -> Json:
    """A record that everybody knew, with canaries in what it says of the session as a whole and of the queue."""
    edges = dict.fromkeys(("gitBranch", "slug", "sessionTitle", "summary", "lastPrompt", "title"), CANARY)
    if (text := _queued_text(record)) in queued:
        edges["content"] = marked(text, queued)
    return record | edges


def marked(text: str, queued: tuple[str, ...] = ()) -> str:
    """The text with a canary on a line of its own, or inside its last tag; queued messages in it each with theirs."""
    parts = [part for part in queued if f"\n{part}\n" in f"\n{text.strip()}\n"]
    if parts and text.strip() not in parts:
        for part in parts:
            text = f"\n{text.strip()}\n".replace(f"\n{part}\n", f"\n{marked(part)}\n", 1).strip()
        return text
    if not text.strip() or text.startswith("[Request interrupted"):
        return text
    if text.startswith("Unknown "):
        return f"{text.rstrip()}{CANARY}"
    head, bracket, tail = text.rpartition("<") if text.rstrip().endswith(">") else (text.rstrip(), "", "")
    return f"{head}\n{CANARY}\n{bracket}{tail}" if bracket else f"{head}\n{CANARY}"


def _shape(line: bytes) -> list[Any]:
    """What a line is to the session: who speaks, and how."""
    return [(event.role, event.kind, event.tool) for event in read([line]).events]


# Sessions


class Script:
    """A transcript in the making: each record's parent is the record before it, unless it is told."""

    def __init__(self, name: str = "s") -> None:
        self.name = name
        self.lines: list[bytes] = []
        self.last: str | None = None

    def put(self, type_: str, **fields: Any) -> None:
        """Append a record without a place in the tree."""
        self.lines.append(line_of({"type": type_, "sessionId": self.name} | fields))

    def add(self, type_: str, *, parent: str | None = "last", **fields: Any) -> str:
        """Append a record of the tree and name it."""
        number = len(self.lines)
        stamp = f"2026-01-01T{number // 3600:02}:{number // 60 % 60:02}:{number % 60:02}.000Z"
        uuid = f"{self.name}{number}"
        above = self.last if parent == "last" else parent
        known = {"parentUuid": above, "isSidechain": False, "cwd": "/w", "gitBranch": "main", "uuid": uuid}
        self.put(type_, **(known | {"timestamp": stamp} | fields))
        self.last = uuid
        return uuid

    def user(self, content: Any, **fields: Any) -> str:
        """Append a user record."""
        return self.add("user", message={"role": "user", "content": content}, **fields)

    def says(self, text: str, **fields: Any) -> str:
        """Append an assistant's text."""
        return self.add("assistant", message={"content": [{"type": "text", "text": text}]}, **fields)

    def calls(self, name: str, result: Any, *, error: bool | None = None, **fields: Any) -> str:
        """Append a tool call and its result."""
        id_ = f"t{len(self.lines)}"
        call = {"type": "tool_use", "id": id_, "name": name, "input": {"command": f"{name} {id_}"}}
        self.add("assistant", message={"content": [{"type": "thinking", "thinking": "hm"}, call]})
        self.add("progress", data={"type": "hook_progress", "command": "check"})
        block = {"type": "tool_result", "tool_use_id": id_, "content": result}
        return self.user([block if error is None else block | {"is_error": error}], **fields)

    def queue(self, operation: str, content: str | None = None) -> None:
        """Append an operation on the queue."""
        stamp = f"2026-01-01T00:00:{len(self.lines) % 60:02}.500Z"
        self.put("queue-operation", operation=operation, timestamp=stamp, **({"content": content} if content else {}))


REFUSED = "The user doesn't want to proceed with this tool use. The tool use was rejected. "
TOLD = "To tell you how to proceed, the user said:\n"


def work(script: Script, number: int = 0) -> None:
    """Append a turn of prompt, tools and reply."""
    script.put("file-history-snapshot", messageId=f"m{number}", snapshot={"trackedFileBackups": {}})
    script.user(f"please look at part {number} of the loop")
    script.says(f"I look at part {number}.")
    script.calls("Bash", f"line {number}\n<system-reminder>be careful</system-reminder>", toolUseResult={"stdout": "x"})
    script.says(f"Part {number} holds a fault.")
    script.put("last-prompt", lastPrompt=f"part {number}")


def talk(script: Script) -> None:
    """Prompts, commands, pictures, notes of the program."""
    script.put("summary", summary="About the loop", leafUuid="x")
    work(script, 1)
    script.user("Caveat: The messages below were generated by the user", isMeta=True)
    script.user("<command-name>/compact</command-name><command-args>keep it</command-args>")
    script.user("<local-command-stdout>done</local-command-stdout>")
    script.says("Compacted.")
    script.user("<bash-input>ls -l</bash-input>")
    script.user("<bash-stdout>a b</bash-stdout><bash-stderr></bash-stderr>")
    above = script.user([{"type": "text", "text": "what is in the picture"}, {"type": "image"}])
    script.says("A cat.")
    script.add("system", subtype="away_summary", content="The human will ask for a dog.")
    script.user("<task-notification>done</task-notification>")
    script.user("now a dog", origin={"kind": "human"}, promptSource="typed")
    script.says("A dog.")
    script.put("ai-title", aiTitle="Cats and dogs")
    script.user("[Request interrupted by user]")
    script.user("no, a horse", parent=script.last)
    script.says(f"A horse, not {above}.")
    script.add("attachment", attachment={"type": "opened_file_in_ide", "filename": "/w/horse"})
    script.user("Unknown skill: ride")
    script.user("<system-reminder>short</system-reminder>ride the horse")
    script.says("Riding.")


def choices(script: Script) -> None:
    """Refusals, answers, approvals, broken-off tools."""
    work(script, 2)
    script.calls("Edit", f"{REFUSED}{TOLD}only the first file", error=True)
    script.says("Only the first.")
    script.calls("Edit", f"{REFUSED}STOP and wait.", error=True)
    script.user("[Request interrupted by user for tool use]")
    script.user("try another way")
    script.says("Another way.")
    asked = 'User has answered your questions: "Where?"="there", "When?"="now". You can now continue.'
    script.calls("AskUserQuestion", asked, toolUseResult={"answers": {"Where?": "there", "When?": "now"}})
    script.says("There and now.")
    script.calls("ExitPlanMode", "User has approved your plan. You can now start coding.")
    script.says("I start.")
    script.calls("Bash", "[Request interrupted by user for tool use]\nhalf of it", error=True)
    script.user("it takes too long, use fewer rows")
    script.says("Fewer rows.")


def queueing(script: Script) -> None:
    """Messages typed while the agent was at work, in every way that they reach it or do not."""
    script.user("start the long run")
    script.says("Started.")
    script.queue("enqueue", "also print the loss")
    script.calls("Bash", "step 1")
    script.queue("remove")
    script.says("With the loss.")
    script.queue("enqueue", "and the rate")
    script.says("Done.")
    script.queue("dequeue")
    script.user("and the rate")
    script.says("With the rate.")
    script.queue("enqueue", "plot it")
    script.queue("enqueue", '{"task_id": "b1"}')
    script.calls("Bash", "step 2")
    script.queue("remove", "plot it")
    script.add("attachment", attachment={"type": "queued_command", "prompt": "plot it", "commandMode": "prompt"})
    script.says("Plotted.")
    script.queue("enqueue", "never mind")
    script.queue("popAll", "never mind")
    script.user("go on then")
    script.queue("enqueue", "twice")
    script.says("Going on.")
    script.queue("dequeue")
    script.says("Twice.")
    script.queue("enqueue", "later, please")
    script.calls("Edit", f"{REFUSED}{TOLD}first the other file", error=True)
    script.says("The other file.")
    script.queue("remove")
    script.says("Later is now.")
    script.queue("enqueue", "nobody reads this")
    script.says("The end.")


def branches(script: Script) -> None:
    """Turns that the human went back from, pictures that only look so, and roots that hold nothing."""
    work(script, 3)
    fork = script.says("Which way?")
    script.user("to the left")
    script.says("Left it is.")
    script.user("further left")
    script.says("Further.")
    script.user("to the right", parent=fork)
    end = script.says("Right it is.")
    stamp = "2026-01-01T00:00:59.000Z"
    script.user("look at this", parent=end, timestamp=stamp)
    script.user("[Image: source: /tmp/a.png]", parent=end, timestamp=stamp)
    script.says("I see it.")
    script.user("a new root", parent=None)
    script.says("New.")
    script.user("lost parent", parent="gone")
    script.says("Found.")


def compacted(script: Script) -> None:
    """Compactions with a boundary and without."""
    work(script, 4)
    last = script.last
    script.add("system", parent=None, subtype="compact_boundary", logicalParentUuid=last, content="Compacted")
    script.user("This session is being continued from a previous conversation: part 4", isCompactSummary=True)
    script.user("now part 5")
    script.says("Part 5.")
    script.user("This session is being continued", parent=None, isCompactSummary=True, isVisibleInTranscriptOnly=True)
    script.user("now part 6", parent=last)
    script.says("Part 6.")


def chains(script: Script) -> None:
    """Side chains within the file."""
    script.user("Warmup", isSidechain=True, parent=None)
    script.says("ready", isSidechain=True)
    script.user("explore the code", parent=None)
    script.says("I send somebody.")
    end = script.last
    script.user("explore", isSidechain=True, parent=None)
    script.says("explored", isSidechain=True)
    script.user("what did they find", parent=end)
    script.says("Much.")


def agent(script: Script) -> None:
    """Nothing but a side chain."""
    script.user("Run the tests", isSidechain=True)
    script.says("They pass.", isSidechain=True)
    script.user("a human steps in", isSidechain=True, origin={"kind": "human"})
    script.says("Welcome.", isSidechain=True)


@cache
def built() -> tuple[Lines, ...]:
    """Sessions that hold every odd case on purpose, with no third party's word in them."""
    sessions = []
    parts = (talk, choices, queueing, branches, compacted, chains)
    for number, chosen in enumerate([*((one,) for one in parts), (agent,), parts, parts[::-1]]):
        script = Script("abcdefghi"[number])
        for one in chosen:
            one(script)
        sessions.append(tuple(script.lines))
    return tuple(sessions)


DATA = Path(__file__).parents[3] / "shared" / "data" / "claude_code"
"""Real files, which are not part of the repository."""

LONG = 100
"""Characters of a string that are kept of real files at each end."""

SPAN = 120
"""Lines of a slice."""

FEATURES = (
    rb"queue-operation",
    rb"compact_boundary|isCompactSummary",
    rb"the user said:",
    rb"your questions",
    rb"agentId",
)


@cache
def real() -> tuple[Lines, ...]:
    """The smallest real sessions with three human turns or more, and slices of the others around what is rare.

    Long strings are shortened in their middle: the laws are about lines, and a thousand times as many are read.
    """
    files = sorted(
        (path for path in DATA.rglob("*.jsonl") if "series" not in path.parts), key=lambda p: p.stat().st_size
    )
    sessions = [tuple(path.read_bytes().split(b"\n")) for path in files]
    small = islice((lines for lines in sessions if len(lines) < 400 and _turns(lines) >= 3), 8)
    slices = [part for lines in sessions for part in _slices(lines) if _turns(part)]
    return tuple(dict.fromkeys(tuple(map(shortened, lines)) for lines in [*small, *slices]))


def _turns(lines: Sequence[bytes]) -> int:
    return sum(event.is_choice for event in read(lines).events)


def _slices(lines: Lines) -> Iterable[Lines]:
    yield lines[:SPAN]
    for feature in FEATURES:
        found = next((number for number, line in enumerate(lines) if re.search(feature, line)), 0)
        if found > SPAN:
            yield lines[found - SPAN // 2 : found + SPAN // 2]


def shortened(line: bytes) -> bytes:
    """The line with the middle of its long strings left out; a line that is no record as it is."""
    record = record_of(line) if len(line) > 2 * LONG else None
    return line if record is None else line_of(_short(record))


def _short(value: Any) -> Any:
    if isinstance(value, str) and len(value) > 3 * LONG:
        return f"{value[:LONG]} ... {value[-LONG:]}"
    if isinstance(value, list):
        return [_short(one) for one in value[:8]]
    return {key: _short(one) for key, one in value.items()} if isinstance(value, dict) else value
