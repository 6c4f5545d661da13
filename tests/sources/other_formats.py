"""Transcripts of other tools in the making, and what the readers make of them."""

import json
import zipfile
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType
from typing import Any

import pyarrow as pa
from hypothesis import strategies as st

from nextstep.errors import TranscriptError
from nextstep.sources import atif, codex, inspect_logs, openhands, swe_agent, tau_bench
from nextstep.sources.reading import Reading

Json = dict[str, Any]

READERS: tuple[ModuleType, ...] = (inspect_logs, swe_agent, atif, openhands, codex, tau_bench)
"""Each has NAME, looks_like and read."""

DATA = Path(__file__).parents[3] / "shared" / "data"
SAMPLES = sorted(path for path in (DATA / "other_formats").rglob("*") if path.is_file())

OUTCOME = "CANARY-7f3a: the run was graded as correct"
"""Stands in fields that tell how a session ended; no event may hold it."""


def written(path: Path, value: Any) -> Path:
    """The path, now of a JSON file with the value."""
    path.write_text(json.dumps(value), encoding="utf-8")
    return path


def lines(path: Path, values: Iterable[Any]) -> Path:
    """The path, now of a file with a value on each line; bytes are written as they are."""
    path.write_bytes(b"".join((v if isinstance(v, bytes) else json.dumps(v).encode()) + b"\n" for v in values))
    return path


def archive(path: Path, members: Json, compression: int = zipfile.ZIP_DEFLATED) -> Path:
    """The path, now of an Inspect archive with these members."""
    with zipfile.ZipFile(path, "w", compression) as file:
        for name, value in members.items():
            file.writestr(name, value if isinstance(value, bytes) else json.dumps(value))
    return path


def as_zstd(path: Path, *, lie: int | None = None) -> Path:
    """The archive again, with each stored member compressed with zstd, as newer versions of Inspect write it."""
    with zipfile.ZipFile(path) as file:
        members = [(info.filename, file.read(info)) for info in file.infolist()]
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as file:
        for name, data in members:
            file.writestr(name, pa.compress(data, codec="zstd", asbytes=True))
    raw = bytearray(path.read_bytes())
    for name, data in members:
        # Method and size stand in the central directory, 10 and 24 bytes after its signature.
        at = raw.rindex(b"PK\x01\x02", 0, raw.rindex(name.encode()))
        raw[at + 10 : at + 12] = (93).to_bytes(2, "little")
        raw[at + 24 : at + 28] = (len(data) if lie is None else lie).to_bytes(4, "little")
    path.write_bytes(bytes(raw))
    return path


def readings(reader: ModuleType, path: Path) -> list[tuple[Reading, list[tuple[str, str | None, str]]]]:
    """Each session with its events as (role/kind, tool, text)."""
    found = []
    for reading in reader.read(path):
        events = list(reading.events)
        assert [event.idx for event in events] == list(range(len(events)))
        told = [(f"{event.role.value}/{event.kind.value}", event.tool, event.text) for event in events]
        found.append((reading, told))
    return found


def told(reader: ModuleType, path: Path) -> list[tuple[str, str]]:
    """The events of the only session as (role/kind, text)."""
    ((_, events),) = readings(reader, path)
    return [(kind, text) for kind, _, text in events]


def noted(reader: ModuleType, path: Path) -> dict[str, int]:
    """The notes of the only session that are about its reading, with their counts."""
    ((reading, _),) = readings(reader, path)
    return {note.reason: note.count for note in reading.notes.all() if note.about == "reading"}


def has_no_human(reader: ModuleType, path: Path) -> bool:
    """Whether no session holds a human's choice, and each says so."""
    for reading in reader.read(path):
        choices = [event for event in reading.events if event.is_choice]
        says_so = any(note.reason.startswith("no human in this source") for note in reading.notes.all())
        if choices or not says_so:
            return False
    return True


def survives(reader: ModuleType, path: Path) -> None:
    """Read a file whatever it holds: anything but TranscriptError is a crash."""
    reader.looks_like(path)
    told_where = str(path)
    try:
        readings(reader, path)
    except TranscriptError as error:
        told_where = str(error)
    assert str(path) in told_where


ODD_NUMBERS = st.integers() | st.just(10**4000) | st.floats() | st.just(-1)
JSON_VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | ODD_NUMBERS | st.text(max_size=8) | st.sampled_from(["user", "assistant", "tool", "x"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=12,
)


@st.composite
def mutated(draw: st.DrawFn, value: Any, depth: int = 0) -> Any:
    """The value with some of its parts dropped, doubled, swapped, or replaced by any JSON."""
    action = draw(st.integers(0, 60))
    if action == 0:
        return draw(JSON_VALUES)
    if isinstance(value, dict) and depth < 7:
        return {key: draw(mutated(one, depth + 1)) for key, one in value.items() if draw(st.integers(0, 30))}
    if isinstance(value, list) and depth < 7:
        changed = [draw(mutated(one, depth + 1)) for one in value if draw(st.integers(0, 30))]
        return changed + changed[:1] if action == 1 else changed[::-1] if action == 2 else changed
    return value


def cut(data: bytes, at: float) -> bytes:
    """The first part of some bytes."""
    return data[: int(len(data) * at)]
