"""Importing: sessions into suite and store once, refusals told, nothing overwritten."""

import json
import multiprocessing
import os
import signal
from collections.abc import Iterable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from nextstep.core.records import Session
from nextstep.core.rendering import render
from nextstep.core.trajectory import prefix
from nextstep.errors import RedactionError, UsageError
from nextstep.pipeline.importing import Import, Settings, find_transcripts, import_transcripts
from nextstep.pipeline.ingest import store_suite
from nextstep.pipeline.preparing import Wanted
from nextstep.sources.redaction import Redactor
from nextstep.sources.suite import load_suite
from nextstep.store import Store


def transcript(path: Path, *texts: str, cwd: str = "/srv/other") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    records = []
    for i, text in enumerate(texts):
        kind = "user" if i % 2 == 0 else "assistant"
        content = text if kind == "user" else [{"type": "text", "text": text}]
        record = {
            "type": kind,
            "uuid": f"u{i}",
            "parentUuid": f"u{i - 1}" if i else None,
            "sessionId": path.stem,
            "cwd": cwd,
        }
        records.append(record | {"message": {"role": kind, "content": content}, "timestamp": "2026-05-01T10:00:00Z"})
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    return path


MESSAGES = [
    {"role": "user", "content": "do it", "source": "input"},
    {"role": "assistant", "content": "done"},
    {"role": "user", "content": "do more", "source": "operator"},
    {"role": "assistant", "content": "done again"},
]


class Place:
    def __init__(self, folder: Path) -> None:
        self.suite, self.store = folder / "transcripts", Store(folder / "s.duckdb")

    def bring(self, *paths: Path, **given: Any) -> list[Import]:
        coming = import_transcripts(find_transcripts(paths), self.suite, self.store, Settings(**given))
        return [one for several in coming for one in several]


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_a_transcript_becomes_a_session_in_suite_and_store(place: Place, tmp_path: Path) -> None:
    (one,) = place.bring(transcript(tmp_path / "a.jsonl", "why", "because", "go on", "done"))
    assert (one.status, one.events, one.turns) == ("new", 4, 2)
    assert load_suite(place.suite).sessions["a"].session_id == one.session_id
    with place.store.read() as connection:
        assert connection.execute("SELECT session_id, n_events FROM sessions").fetchall() == [(one.session_id, 4)]
        assert connection.execute("SELECT text FROM events ORDER BY idx").fetchall()[2] == ("go on",)


def test_importing_again_changes_nothing(place: Place, tmp_path: Path) -> None:
    path = transcript(tmp_path / "a.jsonl", "why", "because")
    place.bring(path)
    before = (place.suite / "sessions" / "a.jsonl").read_bytes()
    (again,) = place.bring(path)
    assert again.status == "known"
    assert (place.suite / "sessions" / "a.jsonl").read_bytes() == before
    with place.store.read() as connection:
        assert connection.execute("SELECT count(*) FROM events").fetchall() == [(2,)]


def test_another_session_of_the_same_name_gets_a_name_of_its_own(place: Place, tmp_path: Path) -> None:
    place.bring(transcript(tmp_path / "x" / "a.jsonl", "why", "because"))
    (other,) = place.bring(transcript(tmp_path / "y" / "a.jsonl", "how", "so"))
    assert other.status == "new"
    assert other.name.startswith("a-")
    assert set(load_suite(place.suite).sessions) == {"a", other.name}
    (again,) = place.bring(tmp_path / "y" / "a.jsonl")
    assert (again.status, again.name) == ("known", other.name)


def test_a_corrupt_transcript_is_refused_and_the_others_come_in(place: Place, tmp_path: Path) -> None:
    (tmp_path / "t").mkdir()
    broken = tmp_path / "t" / "broken.jsonl"
    broken.write_bytes(b"\xff\xfe no json\n")
    good_one = transcript(tmp_path / "t" / "good.jsonl", "why", "because")
    refused, good = place.bring(broken, good_one, format_name="claude-code")
    assert (refused.status, good.status) == ("refused", "new")
    assert refused.reason
    assert "broken.jsonl:1: no valid JSON" in refused.reason
    assert set(load_suite(place.suite).sessions) == {"good"}


def test_a_file_of_no_known_format_is_refused_when_named_and_skipped_in_a_folder(place: Place, tmp_path: Path) -> None:
    (tmp_path / "t").mkdir()
    (tmp_path / "t" / "package.json").write_text('{"name": "x"}')
    for path, status in ((tmp_path / "t" / "package.json", "refused"), (tmp_path / "t", "skipped")):
        (one,) = place.bring(path)
        assert (one.status, one.session_id) == (status, None)
        assert "looks like none of the formats claude-code, codex" in (one.reason or "")


def sessions(store: Store) -> set[tuple[str, int, int]]:
    """Names, events as told, and events as stored."""
    sql = "SELECT name, n_events, (SELECT count(*) FROM events e WHERE e.session_id = s.session_id) FROM sessions s"
    with store.read() as connection:
        return set(connection.execute(sql).fetchall())


def test_what_is_there_is_not_read_again(place: Place, tmp_path: Path) -> None:
    path = transcript(tmp_path / "a.jsonl", "why", "because")
    (first,) = place.bring(path)
    file = place.suite / "sessions" / "a.jsonl"
    file.write_bytes(file.read_bytes().splitlines()[0] + b"\nwhoever reads this is told\n")
    (again,) = place.bring(path)
    assert (again.status, again.session_id, again.events, again.turns) == ("known", first.session_id, 2, 1)


def test_a_transcript_of_another_suite_is_not_known_by_its_name(place: Place, tmp_path: Path) -> None:
    one, two = transcript(tmp_path / "x" / "t.jsonl", "why", "so"), transcript(tmp_path / "y" / "t.jsonl", "how", "so")
    other = Place(tmp_path)
    other.suite = tmp_path / "other"
    assert [place.bring(one)[0].status, other.bring(two)[0].status] == ["new", "new"]
    assert other.bring(one)[0].status == "new"
    assert len(load_suite(other.suite).sessions) == 2


def test_a_session_that_grew_in_one_suite_leaves_another_suites_session_of_the_name(
    place: Place, tmp_path: Path
) -> None:
    path = transcript(tmp_path / "t.jsonl", "why", "so")
    place.bring(path)
    other = Place(tmp_path)
    other.suite = tmp_path / "other"
    record = transcript(tmp_path / "y" / "t.jsonl", "how", "so")
    record.write_text(record.read_text().replace('"sessionId": "t"', '"sessionId": "other"'))
    other.bring(record)
    assert place.bring(transcript(path, "why", "so", "go on", "done"))[0].status == "grown"
    assert sorted(events for _, events, _ in sessions(place.store)) == [2, 4]


@pytest.mark.parametrize("lost", ["file", "store"])
def test_what_was_lost_comes_in_again_and_once(place: Place, tmp_path: Path, lost: str) -> None:
    path = transcript(tmp_path / "a.jsonl", "why", "because")
    place.bring(path)
    (place.suite / "sessions" / "a.jsonl" if lost == "file" else place.store.path).unlink()
    (again,) = place.bring(path)
    assert again.status == ("new" if lost == "file" else "known")
    assert sessions(place.store) == {("a", 2, 2)}
    assert [one.name for one in (place.suite / "sessions").iterdir()] == ["a.jsonl"]


def test_an_import_that_was_stopped_goes_on(place: Place, tmp_path: Path) -> None:
    paths = [transcript(tmp_path / f"{name}.jsonl", name, "because") for name in "abc"]
    coming = import_transcripts(find_transcripts(paths), place.suite, place.store)
    next(coming)
    coming.close()
    assert {one.status for one in place.bring(*paths)} <= {"new", "known"}
    assert sessions(place.store) == {(name, 2, 2) for name in "abc"}


def test_snapshots_of_one_session_leave_the_longest_in_suite_and_store(place: Place, tmp_path: Path) -> None:
    said = ("why", "because", "go on", "done")
    for folder, count in (("x", 2), ("y", 4), ("z", 3)):
        transcript(tmp_path / "t" / folder / "a.jsonl", *said[:count])
    statuses = [one.status for one in place.bring(tmp_path / "t")]
    assert statuses == ["new", "grown", "part"]
    assert sessions(place.store) == {("a", 4, 4)}
    assert set(load_suite(place.suite).sessions) == {"a"}
    assert [one.status for one in place.bring(tmp_path / "t")] == ["known"] * 3


def test_a_snapshot_that_grew_since_the_last_import_replaces_its_beginning(place: Place, tmp_path: Path) -> None:
    path = transcript(tmp_path / "a.jsonl", "why", "because")
    place.bring(path)
    transcript(path, "why", "because", "go on", "done")
    (one,) = place.bring(path)
    assert one.status == "grown"
    assert sessions(place.store) == {("a", 4, 4)}


def test_two_processes_bring_the_same_as_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nextstep.pipeline.importing.WORTH_A_PROCESS", 0)
    for number in range(6):
        transcript(tmp_path / "t" / f"{number}.jsonl", f"why {number}", "because")
    (tmp_path / "t" / "odd.jsonl").write_bytes(b"{}\n")
    found = []
    for jobs in (1, 2):
        (tmp_path / str(jobs)).mkdir()
        place = Place(tmp_path / str(jobs))
        place.bring(tmp_path / "t", jobs=jobs)
        files = {path.name: path.read_bytes() for path in (place.suite / "sessions").iterdir()}
        found.append((files, sessions(place.store)))
    assert found[0] == found[1]
    assert len(found[0][0]) == 6


def test_secrets_are_replaced_unless_asked_otherwise(place: Place, tmp_path: Path) -> None:
    path = transcript(
        tmp_path / "a.jsonl", "mail casey.lee@acme-labs.io", "ok", "and casey.lee@acme-labs.io again", "ok"
    )
    (one,) = place.bring(path)
    (session,) = load_suite(place.suite).sessions.values()
    assert [event.text for event in session.events][::2] == ["mail [redacted-email-1]", "and [redacted-email-1] again"]
    assert [(note.reason, note.count) for note in one.notes if note.about == "redaction"] == [("email", 2)]
    everything = b"".join(file.read_bytes() for file in [place.store.path, *place.suite.rglob("*.jsonl")])
    assert b"casey.lee" not in everything
    (plain,) = place.bring(path, redact=False)
    assert plain.status == "new"
    assert b"casey.lee@acme-labs.io" in (place.suite / "sessions" / f"{plain.name}.jsonl").read_bytes()


def test_a_secret_that_only_a_later_text_gives_away_is_replaced_before_it_too(place: Place, tmp_path: Path) -> None:
    value = "q8Zr" + "V2xLw9TbK4mN"
    said = (f"try {value} now", "ok", f"export API_TOKEN={value}", "ok")
    place.bring(transcript(tmp_path / "a.jsonl", *said[:2]))
    (one,) = place.bring(transcript(tmp_path / "a.jsonl", *said))
    assert (one.status, [note.count for note in one.notes if "gave away" in note.reason]) == ("grown", [1])
    (session,) = load_suite(place.suite).sessions.values()
    assert not [event.text for event in session.events if value in event.text]


def test_names_titles_tools_and_paths_are_redacted_too(place: Place, tmp_path: Path) -> None:
    token = "ghp_" + "aB3dE5fG7hJ9kL1mN3pQ5rS7tU9vW1xY3zA5"
    path = transcript(tmp_path / f"{token}.jsonl", "why", "because")
    call = {"type": "tool_use", "id": "t", "name": token, "input": {}}
    record = {"type": "assistant", "uuid": "u9", "sessionId": token, "message": {"content": [call]}}
    path.write_text(path.read_text() + json.dumps(record | {"timestamp": "2026-05-01T10:00:00Z"}) + "\n")
    place.bring(path)
    everything = b"".join(file.read_bytes() for file in [place.store.path, *place.suite.rglob("*")] if file.is_file())
    assert token.encode() not in everything
    assert token not in "".join(file.name for file in place.suite.rglob("*"))


def test_one_transcript_that_meets_a_bug_costs_no_other(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = [transcript(tmp_path / f"{name}.jsonl", name, "because") for name in "abc"]

    def fails(reader: Redactor, texts: Iterable[str]) -> Iterator[str]:
        for text in texts:
            if text == "b":
                raise KeyError(text)
            yield text

    monkeypatch.setattr("nextstep.pipeline.preparing.Redactor.redact_all", fails)
    assert [one.status for one in place.bring(*paths)] == ["new", "refused", "new"]
    assert len(list((place.suite / "sessions").iterdir())) == 2


def test_what_a_filter_left_out_comes_in_without_it(place: Place, tmp_path: Path) -> None:
    samples = [{"id": number, "epoch": 1, "messages": MESSAGES[: 2 + 2 * number]} for number in range(2)]
    log = {"version": 2, "status": "success", "eval": {"task": "t", "model": "m", "dataset": {}}, "samples": samples}
    path = tmp_path / "log.json"
    path.write_text(json.dumps(log))
    few = place.bring(path, wanted=Wanted(min_turns=1))
    assert {one.status for one in few} <= {"skipped", "new"}
    assert len(place.bring(path)) == 2
    assert len(load_suite(place.suite).sessions) == 2


def test_a_text_that_cannot_be_searched_for_secrets_is_not_stored(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(_: object, texts: Iterable[str]) -> Iterator[str]:
        for text in texts:
            if text == "because":
                raise RedactionError("no")
            yield text

    monkeypatch.setattr("nextstep.pipeline.preparing.Redactor.redact_all", fails)
    (one,) = place.bring(transcript(tmp_path / "a.jsonl", "why", "because"))
    assert (one.status, one.reason) == ("refused", "no")
    assert not list((place.suite / "sessions").iterdir())


@pytest.mark.parametrize(
    ("wanted", "status"),
    [
        (Wanted(), "new"),
        (Wanted(since=date(2026, 5, 1), until=date(2026, 5, 1)), "new"),
        (Wanted(since=date(2026, 5, 2)), "skipped"),
        (Wanted(until=date(2026, 4, 30)), "skipped"),
        (Wanted(min_turns=2), "new"),
        (Wanted(min_turns=3), "skipped"),
        (Wanted(project="lab"), "new"),
        (Wanted(project="*/lab"), "new"),
        (Wanted(project="lab/*"), "skipped"),
        (Wanted(project="other"), "skipped"),
    ],
)
def test_filters_leave_out_what_is_not_wanted(place: Place, tmp_path: Path, wanted: Wanted, status: str) -> None:
    path = transcript(tmp_path / "a.jsonl", "why", "because", "go on", "done", cwd="/srv/lab")
    (one,) = place.bring(path, wanted=wanted)
    assert one.status == status
    assert bool(list((place.suite / "sessions").iterdir())) == (status == "new")
    (later,) = place.bring(path)
    assert later.status == ("known" if status == "new" else "new")


def test_what_was_repaired_and_who_wrote_what_is_in_the_store(place: Place, tmp_path: Path) -> None:
    path = transcript(tmp_path / "a.jsonl", "why", "because", "<task-notification>x</task-notification>")
    path.write_bytes(path.read_bytes() + b"{ no json\n")
    place.bring(path)
    with place.store.read() as connection:
        notes = connection.execute("SELECT about, reason, count, lines FROM import_notes ORDER BY ALL").fetchall()
        rows = connection.execute("SELECT status, bytes, len(session_ids), redacted FROM imports").fetchall()
    assert notes == [
        ("reading", "no valid JSON: line left out", 1, [4]),
        ("sender", "machine-tag", 1, [3]),
        ("sender", "typed", 1, [1]),
    ]
    assert rows == [("new", path.stat().st_size, 1, True)]


def test_an_evaluation_on_the_same_store_keeps_what_the_import_told(place: Place, tmp_path: Path) -> None:
    place.bring(transcript(tmp_path / "a.jsonl", "why", "because"))
    sql = "SELECT origin, redacted, name FROM sessions"
    with place.store.read() as connection:
        before = connection.execute(sql).fetchall()
    store_suite(place.store, load_suite(place.suite))
    with place.store.read() as connection:
        assert connection.execute(sql).fetchall() == before == [("a", True, "a")]


@pytest.mark.parametrize("name", ["nowhere.jsonl", "empty"])
def test_paths_without_transcripts_are_refused_before_anything_is_written(
    place: Place, tmp_path: Path, name: str
) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match=name):
        place.bring(tmp_path / name)
    assert not place.suite.exists()


def test_parallel_import_that_is_stopped_leaves_no_file_behind(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nextstep.pipeline.importing.WORTH_A_PROCESS", 0)
    paths = [transcript(tmp_path / f"{number}.jsonl", f"why {number}", "because") for number in range(12)]
    coming = import_transcripts(find_transcripts(paths), place.suite, place.store, Settings(jobs=2))
    next(coming)
    coming.close()
    assert not list((place.suite / "sessions").glob(".*"))
    assert [one.status for one in place.bring(*paths)].count("refused") == 0
    assert len(sessions(place.store)) == 12


def test_a_process_that_dies_costs_what_it_read_and_nothing_else(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nextstep.pipeline.importing.WORTH_A_PROCESS", 0)
    paths = [transcript(tmp_path / f"{number}.jsonl", f"why {number}", "because") for number in range(14)]
    coming = import_transcripts(find_transcripts(paths), place.suite, place.store, Settings(jobs=2))
    found = [*next(coming)]
    for child in multiprocessing.active_children():
        os.kill(child.pid or 0, signal.SIGKILL)
    found += [one for several in coming for one in several]
    statuses = [one.status for one in found]
    assert len(statuses) == 14
    assert set(statuses) <= {"new", "refused"}
    assert all("run again" in (one.reason or "") for one in found if one.status == "refused")
    again = place.bring(*paths)
    assert {one.status for one in again} <= {"new", "known"}
    assert len(sessions(place.store)) == 14


# Real files (not part of the repository)

SERIES = sorted((Path(__file__).parents[3] / "shared" / "data" / "claude_code").glob("*/series/*/"))


@pytest.mark.skipif(not SERIES, reason="the real files are not here")
@pytest.mark.parametrize("series", SERIES, ids=[path.name for path in SERIES])
def test_a_turn_has_the_same_prefix_in_every_snapshot_that_holds_it(series: Path, tmp_path: Path) -> None:
    """The oracle for "nothing of the future": what was on disk when the human spoke, redacted and rendered."""
    snapshots: list[Session] = []
    for number, path in enumerate(sorted(series.glob("*.jsonl"))):
        suite = tmp_path / f"t{number}"
        list(import_transcripts([(path, True)], suite, Store(tmp_path / f"{number}.duckdb")))
        snapshots += load_suite(suite).sessions.values()
    longest = max(snapshots, key=lambda session: len(session.events))
    turns = [event.idx for event in longest.events if event.is_choice]
    assert turns
    for idx in turns:
        earliest = next(one for one in snapshots if idx < len(one.events))
        assert earliest.events[idx] == longest.events[idx]
        for budget in (2_000, 200_000):
            seen = [render(prefix(session.events, idx), budget) for session in (earliest, longest)]
            assert seen[0] == seen[1]
