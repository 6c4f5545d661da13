"""Suites in the form of the `datasets` library -> checked sessions and moments.

    sessions/*.parquet      one row a session, its events nested and in order
    moments/*.parquet       one row a moment

Rows are streamed. Every id stands in a column and is worked out anew: a changed event is refused.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
from pydantic import ValidationError

from nextstep.core.places import hub_place
from nextstep.core.records import Event, Moment, Record, Session
from nextstep.core.trajectory import hindsight_problem, step_problem
from nextstep.errors import SuiteError, UsageError
from nextstep.sources.dataset.columns import EVENT_COLUMNS, MOMENT_COLUMNS, SESSION_COLUMNS, Columns, column_problems
from nextstep.sources.dataset.files import DatasetFiles, is_dataset, local_files
from nextstep.sources.dataset.hub import hub_files, library
from nextstep.sources.suite import Suite, load_suite

if TYPE_CHECKING:
    from datasets import IterableDataset


def open_suite(place: str, *, every: bool = False) -> Suite:
    """The suite at a place: a folder of text files, a dataset's folder, or hf://org/name@REVISION.

    Of a dataset only the sessions with moments are brought, unless `every` one is wanted.
    """
    try:
        hub = hub_place(place)
    except ValueError as error:
        raise UsageError(f"{place}: {error}") from error
    if hub:
        return read_dataset(hub_files(hub), every=every)
    folder = Path(place)
    return read_dataset(local_files(folder), every=every) if is_dataset(folder) else load_suite(folder)


def read_dataset(files: DatasetFiles, *, every: bool = False) -> Suite:
    """The suite in a dataset's files. Raises SuiteError with every problem found."""
    problems: list[str] = []
    with TemporaryDirectory() as cache:
        moment_rows = list(_rows(files.place, files.moments, MOMENT_COLUMNS, problems, cache))
        used = None if every else sorted({str(row["session_id"]) for row in moment_rows})
        session_rows = _rows(files.place, files.sessions, SESSION_COLUMNS, problems, cache, used)
        sessions = _sessions(files.place, session_rows, problems)
    broken = bool(problems)
    moments = tuple(_moments(files.place, moment_rows, sessions, problems, broken=broken))
    if problems:
        raise SuiteError(problems)
    return Suite(files.place, sessions, moments)


def _rows(
    place: str,
    paths: Sequence[str],
    columns: Columns,
    problems: list[str],
    cache: str,
    session_ids: Sequence[str] | None = None,
) -> Iterator[dict[str, Any]]:
    """The rows of some files, one at a time; none when a column is missing or of another type."""
    with library(place):
        data = _stream(paths, columns, cache, session_ids)
        found = list(column_problems(f"{place}: {_part(paths)}", data.features.arrow_schema, columns))
        problems += found
        if not found:
            for table in data.with_format("arrow").iter(batch_size=1):
                yield from table.to_pylist()


def _stream(paths: Sequence[str], columns: Columns, cache: str, session_ids: Sequence[str] | None) -> "IterableDataset":
    """The library's view on some Parquet files. Only what the filter needs is read, and nothing is kept on disk.

    The library makes an empty lock file in `cache`; its own place for that would be in the user's home.
    """
    import pyarrow as pa
    from datasets import IterableDataset
    from pyarrow.compute import field

    filters = None if session_ids is None else field("session_id").isin(pa.array(session_ids, pa.string()))
    return IterableDataset.from_parquet(
        list(paths), columns=list(columns), filters=filters, batch_size=1, cache_dir=cache
    )


def _part(paths: Sequence[str]) -> str:
    return paths[0].rsplit("/", 2)[1]


def _sessions(place: str, rows: Iterable[dict[str, Any]], problems: list[str]) -> dict[str, Session]:
    """The sessions that are whole, by name, in the rows' order."""
    sessions: dict[str, Session] = {}
    ids: set[str] = set()
    for row in rows:
        where = f"{place}: session {_brief(row['name'])}"
        session = _session(row, where, problems)
        if session is None:
            continue
        if session.name in sessions or session.session_id in ids:
            problems.append(f"{where}: stands twice")
        sessions[session.name] = session
        ids.add(session.session_id)
    return sessions


def _session(row: Mapping[str, Any], where: str, problems: list[str]) -> Session | None:
    """A row's session when its events are those that its id was made from."""
    values = {name: row[name] for name in SESSION_COLUMNS if name != "session_id"}
    events = _events(row["events"] or (), where, problems)
    session = None if events is None else _validated(Session, values | {"events": events}, where, problems)
    if session is None:
        return None
    if not session.events:
        problems.append(f"{where}: has no event")
    elif [event.idx for event in session.events] != list(range(len(session.events))):
        problems.append(f"{where}: its events do not count up from 0; their order was changed")
    elif session.session_id != row["session_id"]:
        problems.append(
            f"{where}: its events make it {session.session_id}, not {_brief(row['session_id'])}; an event was changed."
            " Get the dataset as it was, or change the suite it was exported from"
        )
    else:
        return session
    return None


def _events(rows: Iterable[Mapping[str, Any] | None], where: str, problems: list[str]) -> tuple[Event, ...] | None:
    """The events of a row; more columns than an event has are left alone."""
    try:
        some = [row and {name: row[name] for name in EVENT_COLUMNS} for row in rows]
        return msgspec.convert(some, tuple[Event, ...])
    except msgspec.ValidationError as error:
        problems.append(f"{where}: events: {error}")
        return None


def _moments(
    place: str, rows: Iterable[dict[str, Any]], sessions: dict[str, Session], problems: list[str], *, broken: bool
) -> Iterator[Moment]:
    """The moments that fit their sessions. With `broken` sessions about, a missing one is not told again."""
    by_id = {session.session_id: session for session in sessions.values()}
    seen: set[str] = set()
    for number, row in enumerate(rows, 1):
        where = f"{place}: moments row {number} ({_brief(row['session'])} {row['cut']})"
        values = {name: value for name, value in row.items() if name != "moment_id"}
        moment = _validated(Moment, values, where, problems)
        if moment is None:
            continue
        session = by_id.get(moment.session_id)
        if session is None:
            problems += [] if broken else [f"{where}: its session {_brief(moment.session_id)} is not in {place}"]
        elif problem := _moment_problem(moment, session, row["moment_id"]):
            problems.append(f"{where}: {problem}")
        elif moment.moment_id in seen:
            problems.append(f"{where}: stands twice")
        else:
            seen.add(moment.moment_id)
            yield moment


def _moment_problem(moment: Moment, session: Session, moment_id: str) -> str | None:
    if moment.session != session.name:
        return f"its session is called {_brief(session.name)}"
    if problem := step_problem(session.events, moment.cut):
        return problem
    if problem := hindsight_problem(session.events, moment.cut, moment.recovered_at):
        return problem
    if moment.human_step != session.events[moment.cut].text.strip():
        return f"human_step is not what stands at event {moment.cut}; one of the two was changed"
    if moment.moment_id != moment_id:
        return f"session and cut make it {moment.moment_id}, not {_brief(moment_id)}; one of them was changed"
    return None


Made = TypeVar("Made", bound=Record)


def _validated(model: type[Made], values: dict[str, Any], where: str, problems: list[str]) -> Made | None:
    try:
        return model.model_validate(values)
    except ValidationError as error:
        details = error.errors(include_url=False, include_input=False, include_context=False)
        problems += [f"{where}: {'.'.join(map(str, detail['loc']))}: {detail['msg']}" for detail in details]
        return None


def _brief(value: object) -> str:
    """The start of a text from a dataset, with nothing that a terminal obeys."""
    return f"{value!r:.60}"
