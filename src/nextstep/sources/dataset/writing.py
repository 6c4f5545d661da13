"""Sessions and moments -> a folder of Parquet files with a dataset card, the same bytes for the same suite."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from nextstep.core.records import Moment, Session
from nextstep.sources.dataset.columns import (
    EVENT_COLUMNS,
    MOMENT_COLUMNS,
    SESSION_COLUMNS,
    Columns,
    arrow_schema,
    card_features,
)
from nextstep.sources.dataset.files import MOMENTS, SESSIONS

if TYPE_CHECKING:
    from pyarrow.parquet import ParquetWriter

GROUP_BYTES = 8_000_000
"""Text in a group of rows: what a writer and a reader hold at once, unless one session is longer."""
FILE_BYTES = 256_000_000
"""Text in a file, from which on the next one is begun."""
EVENT_BYTES = 60
"""What an event takes besides its text."""

NOTHING: "tuple[list[Row], int]" = ([], 0)
"""A table without rows is one file without groups: some readers stumble over an empty group."""

Row = dict[str, Any]
Rows = Iterable[tuple[Row, int]]
"""Rows with their sizes."""


def write_dataset(folder: Path, sessions: Iterable[Session], moments: Sequence[Moment]) -> None:
    """Write both tables below a folder. Sessions are taken one after the other."""
    write_rows(folder / SESSIONS, SESSION_COLUMNS, map(_session_row, sessions))
    write_rows(folder / MOMENTS, MOMENT_COLUMNS, ((_moment_row(moment), 0) for moment in moments))


def _session_row(session: Session) -> tuple[Row, int]:
    events = msgspec.to_builtins(session.events)
    size = sum(len(event.text.encode()) + EVENT_BYTES for event in session.events)
    return {
        "session_id": session.session_id,
        **session.model_dump(mode="json", exclude={"events"}),
        "events": events,
    }, size


def _moment_row(moment: Moment) -> Row:
    return {"moment_id": moment.moment_id, **moment.model_dump(mode="json")}


def write_rows(folder: Path, columns: Columns, rows: Rows) -> None:
    """Write rows as numbered files of groups; one empty file when there is no row."""
    import pyarrow as pa

    schema = arrow_schema(columns)
    groups = _grouped(rows)
    folder.mkdir(parents=True)
    for number, first in enumerate(chain([next(groups, NOTHING)], groups)):
        with _writer(folder / f"{number:05}.parquet", columns) as writer:
            for group in _until_full(first, groups) if first is not NOTHING else ():
                writer.write_table(pa.Table.from_pylist(group, schema))


def _writer(path: Path, columns: Columns) -> "ParquetWriter":
    from pyarrow import parquet

    # Statistics of the ids let a reader skip groups that it does not need.
    return parquet.ParquetWriter(path, arrow_schema(columns), compression="zstd", write_statistics=["session_id"])


def _grouped(rows: Rows) -> Iterator[tuple[list[Row], int]]:
    """Rows in groups of at most GROUP_BYTES, or of one longer row, with each group's size."""
    group: list[Row] = []
    held = 0
    for row, size in rows:
        if group and held + size > GROUP_BYTES:
            yield group, held
            group, held = [], 0
        group.append(row)
        held += size
    if group:
        yield group, held


def _until_full(first: tuple[list[Row], int], more: Iterator[tuple[list[Row], int]]) -> Iterator[list[Row]]:
    """The groups of one file."""
    held = 0
    for group, size in chain([first], more):
        yield group
        held += size
        if held >= FILE_BYTES:
            return


CARD = """\
---
# license: the licence is yours to choose; name it here before others may read this
pretty_name: Research sessions with moments of choice
tags: [nextstep]
{yaml}---

# Research sessions with moments of choice

{sessions} sessions and {moments} moments ({detours} detours, {controls} controls): the suite `{suite_hash}`, written
by `nextstep export`.

A **session** is a transcript of people and an assistant at work: its events in order. A **moment** is a turn at which
the human chose what to do next. `cut` is the position of that event; what lies before it is what a candidate may see.

```python
from datasets import load_dataset

sessions = load_dataset("PLACE", "sessions", split="train")
moments = load_dataset("PLACE", "moments", split="train")
```

```
nextstep eval --suite DIR --model MODEL --judge JUDGE
nextstep eval --suite hf://org/name@REVISION --model MODEL --judge JUDGE
```

| table | columns |
| --- | --- |
| sessions | {session_columns}; an event has {event_columns} |
| moments | {moment_columns} |

Times are texts in ISO 8601. `session_id` is made from the events and `moment_id` from the session and the cut;
nextstep works both out anew when it loads this, and refuses a session of which an event was changed.

## What this is not

- Not a sample of how people work: somebody chose these sessions, and these moments in them. `set`, `why`,
  `recovered_at` and `resolution` are judgements made in hindsight.
- Not a score. A win rate on these moments holds for these moments, this judge and these prompts.
- Not checked for secrets, names or consent by being here: whoever publishes it answers for what the texts hold.
- No longer a test once a model was trained on it: what is public can end up in training data.
"""


def card(suite_hash: str, n_sessions: int, moments: Sequence[Moment]) -> str:
    """The dataset card: two configs for `load_dataset`, and what people should know."""
    detours = sum(moment.set == "detour" for moment in moments)
    return CARD.format(
        yaml=_card_yaml(),
        sessions=n_sessions,
        moments=len(moments),
        detours=detours,
        controls=len(moments) - detours,
        suite_hash=suite_hash,
        session_columns=_listed(SESSION_COLUMNS),
        event_columns=_listed(EVENT_COLUMNS),
        moment_columns=_listed(MOMENT_COLUMNS),
    )


def _listed(columns: Columns) -> str:
    return ", ".join(f"`{name}`" for name in columns)


def _card_yaml() -> str:
    import yaml

    tables = {SESSIONS: SESSION_COLUMNS, MOMENTS: MOMENT_COLUMNS}
    configs = [
        {"config_name": name, "data_files": [{"split": "train", "path": f"{name}/*.parquet"}]} for name in tables
    ]
    infos = [{"config_name": name, "features": card_features(columns)} for name, columns in tables.items()]
    return str(yaml.safe_dump({"configs": configs, "dataset_info": infos}, sort_keys=False))
