"""Importing: sessions into suite and store once, refusals told, nothing overwritten."""

import json
from pathlib import Path

import pytest

from nextstep.errors import UsageError
from nextstep.pipeline.importing import Import, find_transcripts, import_transcripts
from nextstep.sources.suite import load_suite
from nextstep.store import Store


def transcript(path: Path, *texts: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    records = []
    for i, text in enumerate(texts):
        kind = "user" if i % 2 == 0 else "assistant"
        content = text if kind == "user" else [{"type": "text", "text": text}]
        record = {"type": kind, "uuid": f"u{i}", "parentUuid": f"u{i - 1}" if i else None, "sessionId": path.stem}
        records.append(record | {"message": {"role": kind, "content": content}, "timestamp": "2026-05-01T10:00:00Z"})
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    return path


class Place:
    def __init__(self, folder: Path) -> None:
        self.suite, self.store = folder / "transcripts", Store(folder / "s.duckdb")

    def bring(self, *paths: Path) -> list[Import]:
        return list(import_transcripts(find_transcripts(paths), self.suite, self.store))


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_a_transcript_becomes_a_session_in_suite_and_store(place: Place, tmp_path: Path) -> None:
    (one,) = place.bring(transcript(tmp_path / "a.jsonl", "why", "because", "go on", "done"))
    assert (one.status, one.events, one.choices) == ("new", 4, 2)
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
    (tmp_path / "t" / "broken.jsonl").write_bytes(b"\xff\xfe no json\n")
    transcript(tmp_path / "t" / "good.jsonl", "why", "because")
    refused, good = place.bring(tmp_path / "t")
    assert (refused.status, good.status) == ("refused", "new")
    assert refused.refused
    assert "broken.jsonl:1: no valid JSON" in refused.refused
    assert set(load_suite(place.suite).sessions) == {"good"}


@pytest.mark.parametrize("name", ["nowhere.jsonl", "empty"])
def test_paths_without_transcripts_are_refused_before_anything_is_written(
    place: Place, tmp_path: Path, name: str
) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match=name):
        place.bring(tmp_path / name)
    assert not place.suite.exists()
