"""A suite folder <-> sessions and moments: text files that are read and reviewed in git.

    transcripts/
        sessions/NAME.jsonl     a header line, then one event a line, in order
        moments.jsonl           one moment a line, naming its session and the human event it stands at

Loading checks everything and tells all problems at once, each with file and line.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches
from functools import cached_property
from pathlib import Path
from typing import Literal, TypeVar

from pydantic import ValidationError

from nextstep.core.ids import make_id, sha256
from nextstep.core.records import NO_EVENT, Count, Event, Moment, MomentSet, Record, Session, decode_event
from nextstep.core.trajectory import hindsight_problem, step_problem
from nextstep.errors import SuiteError

FORMAT = 1
SESSIONS, MOMENTS = "sessions", "moments.jsonl"


class Header(Record):
    """The first line of a session's file."""

    type: Literal["session"]
    format: Literal[1]
    source: str
    title: str = ""
    started_at: datetime | None = None
    sha256: str | None = None
    """Of the transcript that the session was imported from; a session written by hand has none."""
    lab: str | None = None
    """Where the programs of the session stand, for sessions written with them."""
    origin: str | None = None
    """The session's own name in the tool that wrote it: two snapshots of one session share it."""
    redacted: bool | None = None
    """Whether secrets were looked for and replaced on import."""


class MomentLine(Record):
    """A line of moments.jsonl."""

    session: str
    cut: Count
    set: MomentSet
    why: str
    recovered_at: Count
    resolution: str
    tags: tuple[str, ...] = ()


@dataclass(frozen=True)
class Suite:
    """Sessions and moments, loaded and checked. `sessions` is in order of their names, `moments` in the file's."""

    folder: Path | str
    sessions: dict[str, Session]
    moments: tuple[Moment, ...]

    @cached_property
    def suite_hash(self) -> str:
        """Names the content: sessions that moments use, and the moments with their labels and notes."""
        return make_id("suite", sorted(_content(moment) for moment in self.moments))

    def events_of(self, moment: Moment) -> tuple[Event, ...]:
        """The events of the session in which a moment stands."""
        return self.sessions[moment.session].events


def _content(moment: Moment) -> str:
    return moment.model_dump_json(exclude={"session"})


def load_suite(folder: Path) -> Suite:
    """The suite in a folder. Raises SuiteError with every problem found."""
    problems: list[str] = []
    if not (folder / SESSIONS).is_dir():
        hint = "`nextstep init` writes a sample suite, `nextstep import` brings in your own sessions"
        raise SuiteError([f"{folder}: has no {SESSIONS}/ folder; {hint}"])
    paths = sorted((folder / SESSIONS).glob("*.jsonl"))
    sessions = {path.stem: session for path in paths if (session := _load_session(path, problems))}
    broken = {path.stem for path in paths} - sessions.keys()
    moments = tuple(_load_moments(folder / MOMENTS, sessions, broken, problems))
    if problems:
        raise SuiteError(problems)
    return Suite(folder, sessions, moments)


def _load_session(path: Path, problems: list[str]) -> Session | None:
    found = len(problems)
    header: Header | None = None
    events: list[Event] = []
    due = -1
    for number, line in _read_lines(path, problems):
        where = f"{path}:{number}"
        if due < 0:
            header = _validated(Header, line, where, problems)
        elif event := _event(line, where, problems):
            if event.idx != due:
                problems.append(f"{where}: idx is {event.idx}, but {due} is due here; events count up from 0")
            due = event.idx
            events.append(event)
        due += 1
    if not events and len(problems) == found:
        problems.append(f"{path}: has a header and no event" if header else f"{path}: is empty")
    if header is None or len(problems) > found:
        return None
    known = header.sha256 or sha256(path.read_bytes())
    return Session(
        name=path.stem,
        title=header.title,
        source=header.source,
        sha256=known,
        started_at=header.started_at,
        events=tuple(events),
    )


def _event(line: str, where: str, problems: list[str]) -> Event | None:
    try:
        return decode_event(line)
    except NO_EVENT as error:
        problems.append(f"{where}: {error}")
        return None


def _load_moments(path: Path, sessions: dict[str, Session], broken: set[str], problems: list[str]) -> Iterator[Moment]:
    seen: dict[tuple[str, int], int] = {}
    if not path.exists():
        return
    for number, text in _read_lines(path, problems):
        where = f"{path}:{number}"
        line = _validated(MomentLine, text, where, problems)
        if line is None or line.session in broken:
            continue
        if line.session not in sessions:
            close = get_close_matches(line.session, sessions, n=1)
            hint = f"; did you mean {close[0]!r}?" if close else ""
            problems.append(f"{where}: no session is named {line.session!r} in {SESSIONS}/{hint}")
        elif first := seen.get((sessions[line.session].session_id, line.cut)):
            problems.append(f"{where}: the moment {line.session} {line.cut} stands on line {first} already")
        elif problem := _moment_problem(line, sessions[line.session]):
            problems.append(f"{where}: {problem}")
        else:
            seen[sessions[line.session].session_id, line.cut] = number
            yield _moment(line, sessions[line.session])


def _moment_problem(line: MomentLine, session: Session) -> str | None:
    if problem := step_problem(session.events, line.cut):
        return f"session {line.session}: {problem}"
    return hindsight_problem(session.events, line.cut, line.recovered_at)


def _moment(line: MomentLine, session: Session) -> Moment:
    return Moment(session_id=session.session_id, human_step=session.events[line.cut].text.strip(), **line.model_dump())


Model = TypeVar("Model", bound=Record)


def _validated(model: type[Model], line: str, where: str, problems: list[str]) -> Model | None:
    try:
        return model.model_validate_json(line)
    except ValidationError as error:
        for detail in error.errors(include_url=False, include_input=False):
            key = ".".join(map(str, detail["loc"]))
            problems.append(f"{where}: {f'{key}: ' if key else ''}{detail['msg']}")
        return None


def _read_lines(path: Path, problems: list[str]) -> list[tuple[int, str]]:
    """The file's lines with their numbers, empty ones left out."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        problems.append(f"{path}: cannot be read ({error.strerror})")
        return []
    except UnicodeDecodeError as error:
        problems.append(f"{path}: is not UTF-8 text (byte {error.start})")
        return []
    return [(number, line) for number, line in enumerate(text.split("\n"), 1) if line.strip()]


def session_lines(session: Session) -> Iterator[bytes]:
    """A session as the lines of its file, each ended."""
    yield header_line(
        Header(
            type="session",
            format=FORMAT,
            source=session.source,
            title=session.title,
            started_at=session.started_at,
            sha256=session.sha256,
        )
    )
    yield from (event.json() + b"\n" for event in session.events)


def header_line(header: Header) -> bytes:
    """The first line of a session's file."""
    return header.model_dump_json(exclude_none=True).encode() + b"\n"
