"""JSON files that other tools wrote -> their values, within bounds: nothing in them is trusted."""

import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, cast

from nextstep.errors import TranscriptError
from nextstep.sources.notes import Notes
from nextstep.sources.saying import LONGEST_LINE, TOO_LONG, Json, dict_of

LARGEST_DOCUMENT = 256_000_000
"""Bytes of one JSON document, which has to be in memory as a whole: several times as much once it is parsed."""
LARGEST_STREAM = 4_000_000_000
"""Bytes that one compressed file may give: no session is that long."""
DAMAGED = "no valid JSON: line left out"
REPLACED = "bytes that are not UTF-8: replaced"

PEEKED_BYTES = 4_000_000
PEEKED_TOKENS = 20_000
PEEKED_DEPTH = 3
ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"

# Control characters inside strings are no reason to lose a document.
_DECODER = json.JSONDecoder(strict=False)
_TOKEN = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"?|[{}\[\]:,]', re.DOTALL)


def load(path: Path, notes: Notes) -> object:
    """The value of a JSON file. Raises TranscriptError for one that cannot be opened, is too large, or is no JSON."""
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST_DOCUMENT + 1)
    except OSError as error:
        raise unreadable(path, error) from error
    return parse(data, str(path), notes)


def parse(data: bytes, where: str, notes: Notes) -> object:
    """The value of a JSON document. Raises TranscriptError naming `where`, with the line of the damage."""
    if len(data) > LARGEST_DOCUMENT:
        raise TranscriptError(f"{where}: is larger than {LARGEST_DOCUMENT:,} bytes; split it, or leave it out")
    try:
        return decode(data, notes)
    except json.JSONDecodeError as error:
        raise TranscriptError(
            f"{where}:{error.lineno}: is no valid JSON ({error.msg}); the file may be cut off, or still being written"
        ) from error
    except (ValueError, RecursionError) as error:
        raise TranscriptError(f"{where}: holds numbers too long or values nested too deep to be read") from error


def decode(data: bytes, notes: Notes) -> object:
    """The value of a JSON text; bytes that are not UTF-8 are replaced. Raises ValueError or RecursionError."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("utf-8-sig", "replace")
        notes.remark(REPLACED)
    return cast("object", _DECODER.decode(text))


def decode_line(number: int, line: bytes, notes: Notes) -> object:
    """The value on a line of a file; None, and a note, for what is no JSON."""
    problem = TOO_LONG if len(line) > LONGEST_LINE else DAMAGED
    try:
        if problem is DAMAGED:
            return decode(line, notes)
    except (ValueError, RecursionError):
        pass
    notes.add(problem, number)
    return None


def object_in(value: object) -> Json:
    """The value when it is an object, or a text that holds one; an empty one otherwise."""
    if isinstance(value, str) and value.lstrip().startswith("{"):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return {}
    return dict_of(value)


def numbered_lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """The lines of a file that hold something, from 1; of a line that is too long, the part that tells so.

    A file compressed with zstd is read as what it holds. Raises TranscriptError.
    """
    try:
        with path.open("rb") as file:
            given = 0
            for number, line in enumerate(bounded_lines(_plain(file)), 1):
                given += len(line)
                if given > LARGEST_STREAM:
                    raise TranscriptError(f"{path}: holds more than {LARGEST_STREAM:,} bytes; leave it out")
                if line.strip():
                    yield number, line
    except OSError as error:
        raise unreadable(path, error) from error


def bounded_lines(file: BinaryIO) -> Iterator[bytes]:
    """A file's lines; of a line that is too long, the part that tells so."""
    readline = file.readline
    while line := readline(LONGEST_LINE + 1):
        yield line
        while len(line) > LONGEST_LINE and not line.endswith(b"\n"):
            line = readline(LONGEST_LINE + 1)


def _plain(file: BinaryIO) -> BinaryIO:
    magic = file.read(len(ZSTD_MAGIC))
    file.seek(0)
    return unzstd(file) if magic == ZSTD_MAGIC else file


def unzstd(file: BinaryIO) -> BinaryIO:
    """What a file compressed with zstd holds, as a stream. Damage comes up as OSError while reading."""
    import pyarrow as pa

    return cast("BinaryIO", io.BufferedReader(pa.CompressedInputStream(pa.PythonFile(file, mode="r"), "zstd")))


def unreadable(path: Path, error: OSError) -> TranscriptError:
    """The error for a file that cannot be opened or read."""
    return TranscriptError(f"{path}: cannot be read ({error.strerror or error}); give the path of a whole file")


def outline(path: Path) -> dict[str, str]:
    """The keys at the beginning of a JSON file, dotted, each with its first string value (empty for other values).

    Lists do not count as a level, so that `steps.source` is a key of the steps' objects; `""` is there, and `[`, where
    the file itself is a list. Only the beginning of the file is looked at; nothing for what cannot be opened.
    """
    try:
        with path.open("rb") as file:
            head = file.read(PEEKED_BYTES).decode("utf-8-sig", "replace").lstrip()
    except OSError:
        return {}
    if not head.startswith(("{", "[")):
        return {}
    return ({"": "["} if head.startswith("[") else {}) | _keys(head)


def _keys(head: str) -> dict[str, str]:
    """The dotted keys of a JSON text that may be cut off."""
    found: dict[str, str] = {}
    keys: list[str] = []
    last, value_of = "", ""
    for count, match in enumerate(_TOKEN.finditer(head)):
        if count > PEEKED_TOKENS:
            break
        match match[0][0]:
            case '"':
                last = match[0].strip('"')[:200]
                if value_of and not found[value_of]:
                    found[value_of] = last
            case ":" if keys:
                keys[-1] = last
                value_of = ".".join(keys) if len(keys) <= PEEKED_DEPTH else ""
                found.setdefault(value_of, "")
                continue
            case "{":
                keys.append("")
            case "}" if keys:
                keys.pop()
        value_of = ""
    found.pop("", None)
    return found
