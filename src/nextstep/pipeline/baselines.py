"""A stored candidate as one file, to be committed and compared against where there is no store.

JSON with a line a moment, so that a change shows in a diff: what the scores depend on, the scores, and what the judge's
card said. No text of any session, step or verdict is in it.
"""

import json
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, Field, ValidationError

from nextstep import __version__
from nextstep.core.comparable import Entry
from nextstep.core.pairing import Scores, Tried
from nextstep.core.records import Count, MomentSet, Record
from nextstep.errors import UsageError
from nextstep.pipeline.entries import entry_of, scores_of
from nextstep.pipeline.results import read_health
from nextstep.pipeline.score import Contest
from nextstep.store import Connection, Store
from nextstep.store.database import query

FORMAT = 1
ENDING = ".json"
LAST = "last"

Score = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]


class Judge(Record):
    """A judge and the hash of what it was asked with."""

    judge: str
    prompt_hash: str


class MomentScores(Record):
    """What became of one moment: the scores of its judged samples, and the samples without one."""

    moment_id: str
    session_id: str
    set: MomentSet
    scores: tuple[Score, ...]
    failed: Count = 0
    pending: Count = 0


class Figure(Record):
    """A figure of a judge's card, as in the table judge_health."""

    judge: str
    prompt_hash: str
    probe: str
    n: Count
    n_sessions: Count
    value: float | None
    ci_low: float | None
    ci_high: float | None
    expected: str
    ok: bool | None
    status: str
    trust: Literal["trusted", "use with care", "not trusted"]
    updated_at: datetime


class Judged(Record):
    """The candidate's scores under one judge or jury."""

    judge: str
    verdict_prompt_hash: str
    judges: Annotated[tuple[Judge, ...], Field(min_length=1)]
    offline: bool
    moments: tuple[MomentScores, ...]


class Baseline(Record):
    """A baseline's file."""

    nextstep_baseline: Literal[1]
    version: str
    run_id: str
    made_at: AwareDatetime
    suite_hash: str
    candidate: str
    proposal_prompt_hash: str
    asked_hash: str
    way_hash: str
    scribe_hash: str | None
    judge_health: tuple[Figure, ...]
    results: Annotated[tuple[Judged, ...], Field(min_length=1)]

    def entries(self) -> list[Entry]:
        """What each of its results depends on."""
        return [self._entry(judged) for judged in self.results]

    def _entry(self, judged: Judged) -> Entry:
        return Entry(
            self.suite_hash,
            self.candidate,
            self.proposal_prompt_hash,
            judged.judge,
            judged.verdict_prompt_hash,
            tuple((one.judge, one.prompt_hash) for one in judged.judges),
            self.asked_hash,
            self.way_hash,
            self.scribe_hash,
            judged.offline,
        )

    def scores(self, entry: Entry) -> Scores:
        """What became of every moment, under one of its entries."""
        (judged,) = (one for one in self.results if (one.judge, one.verdict_prompt_hash) == entry.judged_by)
        return {
            one.moment_id: Tried(one.session_id, one.set, one.scores, one.failed, one.pending) for one in judged.moments
        }

    def health(self) -> list[dict[str, Any]]:
        """Its judges' cards, as rows of judge_health."""
        return [figure.model_dump() for figure in self.judge_health]


def make_baseline(store: Store, run: str, candidate: str | None = None) -> Baseline:
    """The baseline of a run's candidate, from what the store has of it now: of the one candidate unless named.

    `run` is the start of a run's id, or `last`. UsageError where none or several are meant.
    """
    with store.read() as connection:
        found = _run(connection, run)
        config = json.loads(found["config"])
        contests = [Contest(**(one | {"models": tuple(one["models"])})) for one in config["contests"]]
        chosen = _of(contests, candidate, found["run_id"])
        results = _results(connection, found["suite_hash"], chosen)
        judges = {(contest.judge, contest.verdict_prompt_hash) for contest in chosen}
        health = [
            Figure.model_validate({name: row[name] for name in Figure.model_fields})
            for row in read_health(connection, found["suite_hash"])
            if (row["judge"], row["prompt_hash"]) in judges
        ]
    first = chosen[0]
    return Baseline(
        nextstep_baseline=FORMAT,
        version=__version__,
        run_id=found["run_id"],
        made_at=found["started_at"].isoformat() + "Z",
        suite_hash=found["suite_hash"],
        candidate=first.candidate,
        proposal_prompt_hash=first.proposal_prompt_hash,
        asked_hash=first.asked_hash or "",
        way_hash=first.way_hash or "",
        scribe_hash=first.scribe_hash,
        judge_health=tuple(health),
        results=results,
    )


def _run(connection: Connection, wanted: str) -> dict[str, Any]:
    rows = query(connection, "run_named", run_id=wanted)
    if not rows:
        raise UsageError(
            f"no run that evaluated candidates has an id that starts with {wanted!r}; `nextstep runs` lists them, and"
            " `--run last` is the last one (runs of an earlier nextstep: `nextstep eval` again, it sends nothing)"
        )
    if len(rows) > 1 and wanted != LAST:
        raise UsageError(f"{len(rows)} runs start with {wanted!r}: {', '.join(row['run_id'] for row in rows[:5])}")
    return rows[0]


def _of(contests: Sequence[Contest], candidate: str | None, run_id: str) -> list[Contest]:
    """The contests of the candidate that is meant."""
    names = list(dict.fromkeys(contest.candidate for contest in contests))
    if candidate is None and len(names) > 1:
        raise UsageError(f"run {run_id} has several candidates; say which with --model: {', '.join(names)}")
    wanted = candidate or names[0]
    if wanted not in names:
        raise UsageError(f"run {run_id} has no candidate {wanted!r}; it has {', '.join(names)}")
    return [contest for contest in contests if contest.candidate == wanted]


def _results(connection: Connection, suite_hash: str, contests: Sequence[Contest]) -> tuple[Judged, ...]:
    """A candidate's scores under each of its judges, and under all of them as a jury."""
    groups = [[contest] for contest in contests]
    entries = {entry.judged_by: entry for entry in (entry_of(suite_hash, group) for group in [*groups, list(contests)])}
    results = tuple(_judged(entry, scores_of(connection, entry)) for entry in entries.values())
    if not any(one.scores for result in results for one in result.moments):
        raise UsageError(f"nothing of {contests[0].candidate} was judged yet; `nextstep eval` does, then export again")
    return results


def _judged(entry: Entry, scores: Scores) -> Judged:
    return Judged(
        judge=entry.judge,
        verdict_prompt_hash=entry.verdict_prompt_hash,
        judges=tuple(Judge(judge=label, prompt_hash=digest) for label, digest in entry.judges),
        offline=entry.offline,
        moments=tuple(
            MomentScores(
                moment_id=moment_id,
                session_id=one.session_id,
                set=one.set,
                scores=one.scores,
                failed=one.failed,
                pending=one.pending,
            )
            for moment_id, one in sorted(scores.items())
        ),
    )


def write_baseline(baseline: Baseline, path: Path) -> None:
    """Write a baseline's file: all of it, or UsageError."""
    if path.suffix != ENDING:
        raise UsageError(f"-o {path}: a baseline is a {ENDING} file, such as baseline{ENDING}")
    try:
        path.write_text(baseline_text(baseline), encoding="utf-8")
    except OSError as error:
        raise UsageError(f"-o {path}: cannot be written ({error.strerror})") from error


def baseline_text(baseline: Baseline) -> str:
    """A baseline as JSON with a line for each moment and each figure of the judge's card."""
    head = baseline.model_dump(mode="json", exclude={"results", "judge_health"})
    lines = [f"{json.dumps(name)}: {json.dumps(value, ensure_ascii=True)}" for name, value in head.items()]
    lines.append(f'"judge_health": {_lines([one.model_dump(mode="json") for one in baseline.judge_health])}')
    results = []
    for judged in baseline.results:
        own = json.dumps(judged.model_dump(mode="json", exclude={"moments"}))[:-1]
        results.append(f'{own}, "moments": {_lines([one.model_dump(mode="json") for one in judged.moments])}}}')
    lines.append('"results": [\n' + ",\n".join(results) + "\n]")
    return "{\n" + ",\n".join(lines) + "\n}\n"


def _lines(rows: Sequence[dict[str, Any]]) -> str:
    return "[\n" + ",\n".join(f"  {json.dumps(row)}" for row in rows) + "\n]" if rows else "[]"


def read_baseline(path: Path) -> Baseline:
    """The baseline in a file. UsageError says what is wrong with it, and where."""
    mend = "make it anew with `nextstep export --run`"
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror}); {mend}, or give a candidate's name") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{path}: is not UTF-8 text (byte {error.start}); {mend}") from error
    try:
        baseline = Baseline.model_validate_json(text)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"])) or "the file"
        raise UsageError(f"{path}: is no baseline of this nextstep ({where}: {first['msg']}); {mend}") from error
    for judged in baseline.results:
        if len({one.moment_id for one in judged.moments}) < len(judged.moments):
            raise UsageError(f"{path}: a moment stands twice under {judged.judge}; {mend}")
    return baseline
