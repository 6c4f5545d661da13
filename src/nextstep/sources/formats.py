"""The formats that transcripts may have, and the one door through which they come in."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from nextstep.errors import TranscriptError, UnknownFormat, UsageError
from nextstep.sources import atif, claude_code, codex, inspect_logs, openhands, swe_agent, tau_bench
from nextstep.sources.reading import Reading

AUTO = "auto"
READER = "2"
"""Raised whenever a reader gives other events for the same bytes, so that transcripts are read again."""


@dataclass(frozen=True)
class Format:
    """A format of transcripts: how to tell it, and how to read it."""

    name: str
    endings: tuple[str, ...]
    looks_like: Callable[[Path], bool]
    """Cheap: looks at the beginning of a file; False for what cannot be opened."""
    read: Callable[[Path], Iterator[Reading]]
    """Raises TranscriptError or EmptyTranscript."""


FORMATS = {
    one.name: one
    for one in (
        Format(claude_code.NAME, (".jsonl",), claude_code.looks_like, claude_code.read),
        Format(codex.NAME, (".jsonl", ".jsonl.zst", ".json"), codex.looks_like, codex.read),
        Format(inspect_logs.NAME, (".json", ".eval"), inspect_logs.looks_like, inspect_logs.read),
        Format(swe_agent.NAME, (".traj",), swe_agent.looks_like, swe_agent.read),
        Format(atif.NAME, (".json",), atif.looks_like, atif.read),
        Format(openhands.NAME, (".json", ".jsonl"), openhands.looks_like, openhands.read),
        Format(tau_bench.NAME, (".json",), tau_bench.looks_like, tau_bench.read),
    )
}
ENDINGS = tuple(dict.fromkeys(ending for one in FORMATS.values() for ending in one.endings))


def format_named(name: str) -> str:
    """The name itself when it is a format's, or auto. Raises UsageError with the nearest name."""
    if name == AUTO or name in FORMATS:
        return name
    close = get_close_matches(name, [AUTO, *FORMATS], n=1)
    hint = f"; did you mean {close[0]!r}?" if close else ""
    raise UsageError(f"--format is one of {', '.join([AUTO, *FORMATS])}, not {name!r}{hint}")


def read_transcript(path: Path, format_name: str = AUTO) -> Iterator[Reading]:
    """The sessions in a transcript of a named format, or of whichever it looks like.

    Raises UnknownFormat for what looks like none, TranscriptError for what cannot be read.
    """
    if format_name != AUTO:
        return FORMATS[format_name].read(path)
    return _recognised(path).read(path)


def format_of(path: Path) -> str | None:
    """The name of the format that a file looks like, by its ending and its beginning; None for no known one."""
    own = (one for one in FORMATS.values() if path.name.lower().endswith(one.endings))
    return next((one.name for one in own if one.looks_like(path)), None)


def _recognised(path: Path) -> Format:
    name = format_of(path)
    if name:
        return FORMATS[name]
    try:
        with path.open("rb") as file:
            empty = not file.read(1)
    except OSError as error:
        raise TranscriptError(f"{path}: cannot be read ({error.strerror or error}); give the path of a file") from error
    if empty:
        raise UnknownFormat(f"{path}: is empty; leave it out")
    if not path.name.lower().endswith(ENDINGS):
        raise UnknownFormat(f"{path}: has none of the endings {', '.join(ENDINGS)}; name its format with --format")
    raise UnknownFormat(
        f"{path}: looks like none of the formats {', '.join(FORMATS)}; name its format with --format, or leave it out"
    )
