"""Sessions on their way into a suite folder: whole or not at all, once, and never over another file."""

import os
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nextstep.core.records import Event, Session
from nextstep.errors import SuiteError
from nextstep.sources.aside import Aside, rewrite_aside, write_aside
from nextstep.sources.placing import Placed, Shelf
from nextstep.sources.suite import FORMAT, Header, load_suite
from tests.builders import events


def header(sha256: str = "0", origin: str | None = None) -> Header:
    return Header(type="session", format=FORMAT, source="test", sha256=sha256, origin=origin)


def aside(folder: Path, *lines: str, name: str = "s", sha256: str = "0", origin: str | None = None) -> Aside:
    return write_aside(folder, name, header(sha256, origin), events(*lines))


def place(folder: Path, *lines: str, **given: str) -> Placed:
    return Shelf(folder).place(aside(folder, *lines, **given))


def names(folder: Path) -> set[str]:
    return {path.name for path in (folder / "sessions").iterdir()}


def test_a_new_session_is_written_and_can_be_loaded(tmp_path: Path) -> None:
    placed = place(tmp_path / "suite", "h: why", "a: hm")
    assert (placed.status, placed.path) == ("new", tmp_path / "suite" / "sessions" / "s.jsonl")
    (session,) = load_suite(tmp_path / "suite").sessions.values()
    assert session.events == events("h: why", "a: hm")
    assert names(tmp_path / "suite") == {"s.jsonl"}


def test_what_was_written_aside_has_the_id_that_loading_gives(tmp_path: Path) -> None:
    one = aside(tmp_path, "h: naïve 漢字", 'a: \x01\u2028 \\ "', "r: out")
    Shelf(tmp_path).place(one)
    (session,) = load_suite(tmp_path).sessions.values()
    assert session.session_id == one.session_id


def test_a_session_that_is_there_is_left_as_it_is(tmp_path: Path) -> None:
    path = place(tmp_path, "h: why", "a: hm").path
    edited = path.read_text().replace('"title":""', '"title":"by hand","lab":"lab/s"') + "\n"
    path.write_text(edited)
    assert place(tmp_path, "h: why", "a: hm").status == "known"
    assert path.read_text() == edited


def test_a_session_in_another_spelling_of_json_is_known(tmp_path: Path) -> None:
    path = place(tmp_path, "h: why", "a: hm").path
    path.write_text(path.read_text().replace('":"', '": "').replace('"tool":null,', ""))
    assert place(tmp_path, "h: why", "a: hm").status == "known"


def test_another_session_of_the_name_gets_a_name_of_its_own_and_keeps_it(tmp_path: Path) -> None:
    place(tmp_path, "h: why")
    other = place(tmp_path, "h: how")
    assert other.status == "new"
    assert other.name.startswith("s-")
    assert place(tmp_path, "h: how") == Placed("known", other.name, other.path)


def test_of_two_snapshots_the_longer_one_takes_the_place(tmp_path: Path) -> None:
    first = place(tmp_path, "h: why", "a: hm", origin="o", name="early")
    grown = place(tmp_path, "h: why", "a: hm", "h: go on", origin="o", name="late")
    assert (grown.status, grown.path) == ("grown", first.path)
    part = place(tmp_path, "h: why", origin="o", name="earliest")
    assert (part.status, part.name) == ("part", "early")
    assert names(tmp_path) == {"early.jsonl"}
    (session,) = load_suite(tmp_path).sessions.values()
    assert len(session.events) == 3


def test_a_title_given_by_hand_outlives_growth(tmp_path: Path) -> None:
    path = place(tmp_path, "h: why", "a: hm", origin="o").path
    path.write_text(path.read_text().replace('"title":""', '"title":"by hand"'))
    assert place(tmp_path, "h: why", "a: hm", "h: go on", origin="o").status == "grown"
    (session,) = load_suite(tmp_path).sessions.values()
    assert (session.title, len(session.events)) == ("by hand", 3)


def test_a_snapshot_in_which_a_moment_stands_is_kept_beside_the_longer_one(tmp_path: Path) -> None:
    place(tmp_path, "h: why", "a: hm", origin="o", name="early")
    (tmp_path / "moments.jsonl").write_text('{"session": "early", "cut": 2}\n')
    late = place(tmp_path, "h: why", "a: hm", "h: go on", origin="o", name="late")
    assert (late.status, late.beside) == ("new", "beside early, an earlier snapshot in which moments stand")
    assert names(tmp_path) == {"early.jsonl", "late.jsonl"}


def test_sessions_that_begin_alike_and_have_other_origins_are_two(tmp_path: Path) -> None:
    place(tmp_path, "h: hello", origin="o", sha256="1")
    assert place(tmp_path, "h: hello", "a: hi", origin="p", sha256="2", name="t").status == "new"
    assert len(names(tmp_path)) == 2


def test_sessions_of_one_origin_that_went_different_ways_are_both_kept(tmp_path: Path) -> None:
    place(tmp_path, "h: hello", "a: left", origin="o")
    assert place(tmp_path, "h: hello", "a: right", "h: on", origin="o").status == "new"
    assert len(names(tmp_path)) == 2


@given(st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from(["x", "y", "z"])), max_size=8))
@settings(max_examples=40)
def test_no_file_is_ever_written_over_and_no_session_lost(wanted: list[tuple[str, str]]) -> None:
    with TemporaryDirectory() as name:
        folder, seen = Path(name), dict[Path, bytes]()
        for called, text in wanted:
            placed = place(folder, f"h: {text}", name=called, sha256=text)
            assert (placed.status == "new") == (placed.path not in seen)
            seen.setdefault(placed.path, placed.path.read_bytes())
            assert {path: path.read_bytes() for path in seen} == seen
            assert load_suite(folder).sessions[placed.name].events == events(f"h: {text}")


@given(st.lists(st.integers(1, 6), min_size=1, max_size=6))
@settings(max_examples=40)
def test_of_snapshots_in_any_order_the_longest_is_what_stays(lengths: list[int]) -> None:
    said = [f"{'ha'[i % 2]}: {i}" for i in range(6)]
    with TemporaryDirectory() as name:
        for number, length in enumerate(lengths):
            place(Path(name), *said[:length], origin="o", name=f"s{number}", sha256=str(number))
        (left,) = load_suite(Path(name)).sessions.values()
    assert left.events == events(*said[: max(lengths)])


def test_a_broken_file_of_the_name_is_left_for_the_user_to_look_at(tmp_path: Path) -> None:
    (tmp_path / "sessions").mkdir()
    broken = tmp_path / "sessions" / "s.jsonl"
    broken.write_text("{")
    assert place(tmp_path, "h: why").name != "s"
    assert broken.read_text() == "{"


def test_where_both_names_are_taken_nothing_is_written(tmp_path: Path) -> None:
    (tmp_path / "sessions").mkdir()
    session = Session(name="s", source="test", sha256="0", events=events("h: why"))
    for name in ("s", f"s-{session.session_id[:8]}"):
        (tmp_path / "sessions" / f"{name}.jsonl").write_text("mine")
    with pytest.raises(SuiteError, match=r"s-[0-9a-f]{8}\.jsonl: stands in the way of session s; move it away"):
        place(tmp_path, "h: why")
    assert {path.read_text() for path in (tmp_path / "sessions").iterdir()} == {"mine"}


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "suite").write_text("mine")
    with pytest.raises(SuiteError, match="suite/sessions: cannot be made"):
        place(tmp_path / "suite", "h: why")


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_events_that_stop_coming_leave_no_half_file(tmp_path: Path, error: BaseException) -> None:
    def coming() -> Iterator[Event]:
        yield from events("h: why")
        raise error

    with pytest.raises(SuiteError if isinstance(error, OSError) else KeyboardInterrupt):
        write_aside(tmp_path, "s", header(), coming())
    assert names(tmp_path) == set()


def test_rewriting_changes_every_text_and_leaves_no_other_file(tmp_path: Path) -> None:
    one = rewrite_aside(aside(tmp_path, "h: key", "a: the key is key"), lambda text: text.replace("key", "x"))
    Shelf(tmp_path).place(one)
    (session,) = load_suite(tmp_path).sessions.values()
    assert [event.text for event in session.events] == ["x", "the x is x"]
    assert session.session_id == one.session_id
    assert names(tmp_path) == {"s.jsonl"}


def test_files_without_a_header_do_not_stop_an_import(tmp_path: Path) -> None:
    (tmp_path / "sessions").mkdir()
    (tmp_path / "sessions" / "odd.jsonl").write_bytes(b"\xff\n")
    assert place(tmp_path, "h: why").status == "new"


def test_what_a_killed_import_left_is_cleared_away_when_it_is_old_and_nobody_writes_it(tmp_path: Path) -> None:
    dead, alive, fresh = (aside(tmp_path, "h: why").path for _ in range(3))
    dead = dead.rename(dead.with_name(".s.4194399.0.part"))
    for old in (dead, alive):
        os.utime(old, (0, 0))
    Shelf(tmp_path)
    assert names(tmp_path) == {alive.name, fresh.name}
