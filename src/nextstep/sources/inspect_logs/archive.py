"""An Inspect archive (.eval): a zip of JSON -> its header, and its samples one at a time.

Nothing is written to disk, and a member's name is only looked up. Sizes are bounded by what the archive declares and by
what it gives.
"""

import io
import lzma
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from nextstep.errors import TranscriptError
from nextstep.sources.json_files import LARGEST_DOCUMENT, LARGEST_STREAM, parse, unreadable, unzstd
from nextstep.sources.notes import Notes
from nextstep.sources.saying import Json, dict_of

Sample = Callable[[Notes], object]
"""Loads a sample into memory; None, and a note, for one that is damaged."""

HEADERS = ("header.json", "_journal/start.json")
"""Where the description of the evaluation stands; a log that was never finished has the journal's alone."""
ZSTD = 93
_SAMPLE = re.compile(r"samples/[^/\\]+\.json")
_LOCAL_HEADER = 30

BROKEN = (
    *(OSError, EOFError, ValueError, NotImplementedError, UnicodeError, RuntimeError),
    *(zipfile.BadZipFile, zlib.error, lzma.LZMAError),
)
"""What an archive that is cut off or tampered with raises."""


def is_archive(path: Path) -> bool:
    """Whether the file is a zip with the header or the journal of an evaluation."""
    try:
        with zipfile.ZipFile(path) as archive:
            return any(name in archive.NameToInfo for name in HEADERS)
    except BROKEN:
        return False


def open_archive(path: Path) -> tuple[Json, Iterator[Sample]]:
    """The header of an archive, and its samples in the archive's order. Raises TranscriptError."""
    try:
        archive = zipfile.ZipFile(path)
    except OSError as error:
        raise unreadable(path, error) from error
    except BROKEN as error:
        raise TranscriptError(f"{path}: is no zip archive that can be read ({error}); it may be cut off") from error
    if sum(member.file_size for member in archive.infolist()) > LARGEST_STREAM:
        archive.close()
        raise TranscriptError(f"{path}: unpacks to more than {LARGEST_STREAM:,} bytes; leave it out")
    known = {member.filename: member for member in archive.infolist()}
    header = next((known[name] for name in HEADERS if name in known), None)
    described = dict_of(_loaded(archive, path, header, Notes())) if header else {}
    samples = [member for member in known.values() if _SAMPLE.fullmatch(member.filename)]
    return described, _samples(archive, path, samples)


def _samples(archive: zipfile.ZipFile, path: Path, members: list[zipfile.ZipInfo]) -> Iterator[Sample]:
    with archive:
        for member in members:
            yield partial(_loaded, archive, path, member)


def _loaded(archive: zipfile.ZipFile, path: Path, member: zipfile.ZipInfo, notes: Notes) -> object:
    """The value of a member; None, and a note, where it is damaged."""
    try:
        return parse(_unpacked(archive, path, member), member.filename, notes)
    except TranscriptError as error:
        notes.remark(f"sample left out: {error}")
        return None


def _unpacked(archive: zipfile.ZipFile, path: Path, member: zipfile.ZipInfo) -> bytes:
    """The bytes of a member, one more than allowed where it is too large."""
    if member.flag_bits & 1:
        raise TranscriptError(f"{member.filename}: is encrypted; write the log without a password")
    try:
        if member.compress_type == ZSTD:
            return _zstd_member(path, member)
        with archive.open(member) as file:
            return file.read(LARGEST_DOCUMENT + 1)
    except BROKEN as error:
        raise TranscriptError(f"{member.filename}: cannot be unpacked ({error})") from error


def _zstd_member(path: Path, member: zipfile.ZipInfo) -> bytes:
    """What a member holds whose compression the standard library learned only in Python 3.14."""
    with path.open("rb") as file:
        file.seek(member.header_offset)
        local = file.read(_LOCAL_HEADER)
        if len(local) < _LOCAL_HEADER or not local.startswith(b"PK\x03\x04"):
            raise zipfile.BadZipFile("no header where the member should begin")
        name_and_extra = int.from_bytes(local[26:28], "little") + int.from_bytes(local[28:30], "little")
        file.seek(name_and_extra, io.SEEK_CUR)
        packed = io.BytesIO(file.read(min(member.compress_size, LARGEST_DOCUMENT)))
    with unzstd(packed) as whole:
        return whole.read(LARGEST_DOCUMENT + 1)
