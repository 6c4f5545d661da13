"""A suite's files: what is written is read back, and whatever is broken is told at once, with file and line."""

import json
import re
from collections.abc import Callable
from datetime import timedelta, timezone
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from nextstep.core.ids import sha256
from nextstep.core.records import Event, Kind, MomentSet, Role, Session
from nextstep.errors import SuiteError
from nextstep.sources.suite import Suite, load_suite, session_lines
from tests.builders import SESSION, events, moment_line, write_session, write_suite

zones = st.none() | st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
texts = st.text(max_size=30) | st.sampled_from(["\u2028", "\x85", "\r\n", "\x00", '"}\n{"', "\U0001f600", "\ufeff"])
made_events = st.lists(
    st.builds(
        Event,
        idx=st.just(0),
        role=st.sampled_from(Role),
        kind=st.sampled_from(Kind),
        text=texts,
        tool=st.none() | texts,
        at=st.none() | st.datetimes(timezones=zones),
    ),
    min_size=1,
    max_size=8,
).map(lambda made: tuple(replace(event, idx=i) for i, event in enumerate(made)))
made_sessions = st.builds(
    Session,
    name=st.sampled_from(["a", "x-1", "with.dot", "Ü"]),
    title=texts,
    source=texts,
    sha256=st.text(min_size=1, max_size=64),
    started_at=st.none() | st.datetimes(timezones=zones),
    events=made_events,
)


def rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def write_rows(path: Path, lines: list[Any]) -> None:
    """Write a file of JSON lines; what is a text already is written as it is."""
    made = (line if isinstance(line, str) else json.dumps(line) for line in lines)
    path.write_text("".join(f"{line}\n" for line in made), encoding="utf-8")


def problems(folder: Path) -> list[str]:
    """What is told of a suite, its folder left out."""
    with pytest.raises(SuiteError) as caught:
        load_suite(folder)
    return [problem.removeprefix(f"{folder}/") for problem in caught.value.problems]


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    """The folder of a good suite of one session."""
    return write_suite(tmp_path / "suite", ["one"])


class TestRoundTrip:
    @given(made_sessions)
    @settings(max_examples=100)
    def test_a_session_that_was_written_reads_back_the_same(self, session: Session) -> None:
        with TemporaryDirectory() as folder:
            path = Path(folder) / "sessions" / f"{session.name}.jsonl"
            path.parent.mkdir()
            path.write_bytes(b"".join(session_lines(session)))
            read = load_suite(Path(folder)).sessions[session.name]
        assert read == session
        assert read.session_id == session.session_id

    @given(made_sessions)
    @settings(max_examples=50)
    def test_a_line_is_one_event_whatever_its_text_holds(self, session: Session) -> None:
        lines = list(session_lines(session))
        assert len(lines) == len(session.events) + 1
        assert all(line.endswith(b"\n") and line.count(b"\n") == 1 for line in lines)

    def test_text_stays_readable_in_the_file(self) -> None:
        session = Session(name="a", source="test", sha256="", events=events("h: naïve 漢字"))
        assert "naïve 漢字".encode() in b"".join(session_lines(session))


class TestLoading:
    def test_sessions_are_in_order_of_their_names_and_moments_in_the_files(self, tmp_path: Path) -> None:
        suite = load_suite(write_suite(tmp_path, ["b", "c", "a"]))
        assert list(suite.sessions) == ["a", "b", "c"]
        assert [(m.session, m.cut) for m in suite.moments] == [(name, cut) for name in "bca" for cut in (5, 8)]

    def test_a_moment_has_its_labels_its_sessions_id_and_the_humans_words(self, tmp_path: Path) -> None:
        write_session(tmp_path, "s", [*SESSION[:5], "h:  \n look at {name} \n", *SESSION[6:]])
        write_rows(tmp_path / "moments.jsonl", [moment_line("s", 5, "control", recovered_at=10, tags=["a", "b"])])
        suite = load_suite(tmp_path)
        (moment,) = suite.moments
        assert moment.human_step == "look at s"
        assert (moment.set, moment.recovered_at, moment.tags) == (MomentSet.CONTROL, 10, ("a", "b"))
        assert (moment.why, moment.resolution) == ("because", "row 17")
        assert moment.session_id == suite.sessions["s"].session_id
        assert suite.events_of(moment) == suite.sessions["s"].events

    def test_a_session_without_a_transcript_is_named_by_its_file(self, suite: Path) -> None:
        path = suite / "sessions" / "one.jsonl"
        session = load_suite(suite).sessions["one"]
        assert session.sha256 == sha256(path.read_bytes())
        header, *more = rows(path)
        write_rows(path, [header | {"sha256": "of the transcript", "lab": "lab/one"}, *more])
        assert load_suite(suite).sessions["one"].sha256 == "of the transcript"

    def test_blank_lines_and_other_files_do_not_matter(self, suite: Path) -> None:
        before = load_suite(suite)
        for path in (suite / "sessions" / "one.jsonl", suite / "moments.jsonl"):
            path.write_text("\n  \n" + path.read_text().replace("\n", "\r\n\n") + "\n \n")
        (suite / "sessions" / "notes.txt").write_text("mine")
        (suite / "README.md").write_text("mine")
        after = load_suite(suite)
        assert after.suite_hash == before.suite_hash
        assert after.sessions["one"].events == before.sessions["one"].events

    @pytest.mark.parametrize("text", [None, "", "\n \n"])
    def test_a_suite_may_have_no_moments_yet_whatever_its_folder_is_called(
        self, tmp_path: Path, text: str | None
    ) -> None:
        folder = tmp_path / "sessions"
        write_session(folder, "one")
        if text is not None:
            (folder / "moments.jsonl").write_text(text)
        assert load_suite(folder).moments == ()

    @pytest.mark.parametrize("make", [lambda folder: None, lambda folder: (folder / "sessions").write_text("x")])
    def test_a_folder_without_sessions_says_how_to_get_some(
        self, tmp_path: Path, make: Callable[[Path], object]
    ) -> None:
        make(tmp_path)
        with pytest.raises(SuiteError, match=re.escape(f"{tmp_path}: has no sessions/ folder; `nextstep init`")):
            load_suite(tmp_path)


Lines = list[Any]


def replaced(number: int, line: Any) -> Callable[[Lines], Lines]:
    """The file with another line of this number."""
    return lambda lines: [*lines[: number - 1], line, *lines[number:]]


def with_values(number: int, **values: Any) -> Callable[[Lines], Lines]:
    return lambda lines: [*lines[: number - 1], lines[number - 1] | values, *lines[number:]]


def without(number: int, key: str) -> Callable[[Lines], Lines]:
    def change(lines: Lines) -> Lines:
        line = {name: value for name, value in lines[number - 1].items() if name != key}
        return replaced(number, line)(lines)

    return change


class TestBrokenSessions:
    @pytest.mark.parametrize(
        ("change", "told"),
        [
            (replaced(4, "{"), "4: Input data was truncated"),
            (replaced(4, "hello"), "4: JSON is malformed: "),
            (replaced(4, "[]"), "4: Expected `object`, got `array`"),
            (replaced(4, "null"), "4: Expected `object`, got `null`"),
            (
                replaced(4, '{"idx": 2, "role": "tool", "kind": "text", "text": "\\ud800"}'),
                "4: Input data was truncated",
            ),
            (without(3, "text"), "3: Object missing required field `text`"),
            (without(3, "idx"), "3: Object missing required field `idx`"),
            (with_values(3, role="robot"), "3: Invalid enum value 'robot' - at `$.role`"),
            (with_values(3, kind="shout"), "3: Invalid enum value 'shout' - at `$.kind`"),
            (with_values(3, text=None), "3: Expected `str`, got `null` - at `$.text`"),
            (with_values(3, mood="good"), "3: Object contains unknown field `mood`"),
            (with_values(3, at="yesterday"), "3: Invalid RFC3339 encoded datetime - at `$.at`"),
            (lambda lines: [lines[0], *lines[2:]], "2: idx is 1, but 0 is due here; events count up from 0"),
            (with_values(3, idx=-1), "3: Expected `int` >= 0 - at `$.idx`"),
            (lambda lines: [*lines[:4], *lines[5:]], "5: idx is 4, but 3 is due here"),
            (lambda lines: [*lines[:4], lines[3], *lines[4:]], "5: idx is 2, but 3 is due here"),
            (with_values(1, format=2), "1: format: Input should be 1"),
            (with_values(1, type="event"), "1: type: Input should be 'session'"),
            (with_values(1, colour="red"), "1: colour: Extra inputs are not permitted"),
            (without(1, "source"), "1: source: Field required"),
            (replaced(1, "# a comment"), "1: Invalid JSON: "),
        ],
    )
    def test_a_broken_line_is_told_once_with_file_and_line(
        self, suite: Path, change: Callable[[Lines], Lines], told: str
    ) -> None:
        path = suite / "sessions" / "one.jsonl"
        write_rows(path, change(rows(path)))
        (problem,) = problems(suite)
        assert problem.startswith(f"sessions/one.jsonl:{told}")

    def test_a_file_without_a_header_is_told_on_its_first_line(self, suite: Path) -> None:
        path = suite / "sessions" / "one.jsonl"
        write_rows(path, ["", *rows(path)[1:]])
        told = problems(suite)
        assert told[0] == "sessions/one.jsonl:2: type: Field required"
        assert [problem for problem in told if not problem.startswith("sessions/one.jsonl:2: ")] == [
            "sessions/one.jsonl:3: idx is 1, but 0 is due here; events count up from 0"
        ]

    def test_an_empty_file_and_one_without_events_are_told(self, suite: Path) -> None:
        header = rows(suite / "sessions" / "one.jsonl")[0]
        write_rows(suite / "sessions" / "two.jsonl", [header])
        write_rows(suite / "sessions" / "three.jsonl", ["", " "])
        (suite / "sessions" / "four.jsonl").write_text("")
        assert problems(suite) == [
            "sessions/four.jsonl: is empty",
            "sessions/three.jsonl: is empty",
            "sessions/two.jsonl: has a header and no event",
        ]

    def test_bytes_that_are_not_utf_8_and_a_folder_in_a_files_place_are_told(self, suite: Path) -> None:
        (suite / "sessions" / "two.jsonl").write_bytes(b'{"type": "\xff"}')
        (suite / "sessions" / "three.jsonl").mkdir()
        assert problems(suite) == [
            "sessions/three.jsonl: cannot be read (Is a directory)",
            "sessions/two.jsonl: is not UTF-8 text (byte 10)",
        ]

    def test_every_broken_line_is_told(self, suite: Path) -> None:
        path = suite / "sessions" / "one.jsonl"
        write_rows(path, replaced(9, "x")(with_values(6, role="x", kind="y")(without(3, "text")(rows(path)))))
        assert [problem.split(": ")[0].split(":")[1] for problem in problems(suite)] == ["3", "6", "9"]


class TestBrokenMoments:
    @pytest.mark.parametrize(
        ("change", "told"),
        [
            (with_values(1, session="onne"), "1: no session is named 'onne' in sessions/; did you mean 'one'?"),
            (with_values(1, session="zzz"), "1: no session is named 'zzz' in sessions/"),
            (with_values(1, cut=11), "1: session one: cut 11 is past the last event, 10"),
            (
                with_values(1, cut=6),
                "1: session one: cut 6 is not a human's choice but assistant/tool_use; those stand",
            ),
            (with_values(1, cut=7), "1: session one: cut 7 is not a human's choice but tool/tool_result"),
            (with_values(1, cut=0), "1: session one: cut 0 has nothing before it that the assistant did"),
            (with_values(1, cut=-1), "1: cut: Input should be greater than or equal to 0"),
            (with_values(1, cut="five"), "1: cut: Input should be a valid integer"),
            (
                with_values(1, recovered_at=5),
                "1: recovered_at 5 must lie after the cut 5 and not after the last event 10",
            ),
            (with_values(2, recovered_at=11), "2: recovered_at 11 must lie after the cut 8 and not after the last"),
            (with_values(2, set="detours"), "2: set: Input should be 'detour' or 'control'"),
            (with_values(2, tags="loss"), "2: tags: Input should be a valid array"),
            (with_values(2, note="x"), "2: note: Extra inputs are not permitted"),
            (with_values(2, cut=5), "2: the moment one 5 stands on line 1 already"),
            (without(2, "why"), "2: why: Field required"),
            (replaced(2, "{]"), "2: Invalid JSON: "),
        ],
    )
    def test_a_broken_line_is_told_with_file_and_line(
        self, suite: Path, change: Callable[[Lines], Lines], told: str
    ) -> None:
        path = suite / "moments.jsonl"
        write_rows(path, change(rows(path)))
        (problem,) = problems(suite)
        assert problem.startswith(f"moments.jsonl:{told}")

    @pytest.mark.parametrize("cut", [6, 10])
    def test_a_moment_may_recover_at_any_later_event(self, suite: Path, cut: int) -> None:
        path = suite / "moments.jsonl"
        write_rows(path, with_values(1, recovered_at=cut)(rows(path)))
        assert load_suite(suite).moments[0].recovered_at == cut

    def test_a_moment_at_the_last_event_or_at_a_turn_without_words_is_told(self, tmp_path: Path) -> None:
        write_session(tmp_path, "s", ["a: hm", "h: ", "a: ok", "h: bye"])
        write_rows(tmp_path / "moments.jsonl", [moment_line("s", 1, "detour"), moment_line("s", 3, "detour")])
        assert [problem.split("cut ")[1] for problem in problems(tmp_path)] == [
            "1 is a human event without words",
            "3 is the session's last event, so nobody can know how it turned out",
        ]

    def test_one_moment_under_two_names_of_a_session_is_told(self, tmp_path: Path) -> None:
        """Both would have the same id, and be counted as one here and as two there."""
        write_session(tmp_path, "a", [line.format(name="x") for line in SESSION])
        write_session(tmp_path, "b", [line.format(name="x") for line in SESSION])
        write_rows(tmp_path / "moments.jsonl", [moment_line("a", 5, "detour"), moment_line("b", 5, "control")])
        assert problems(tmp_path) == ["moments.jsonl:2: the moment b 5 stands on line 1 already"]

    def test_a_file_that_cannot_be_read_is_told(self, suite: Path) -> None:
        (suite / "moments.jsonl").write_bytes(b"\xff")
        assert problems(suite) == ["moments.jsonl: is not UTF-8 text (byte 0)"]
        (suite / "moments.jsonl").unlink()
        (suite / "moments.jsonl").mkdir()
        assert problems(suite) == ["moments.jsonl: cannot be read (Is a directory)"]

    def test_problems_of_all_files_are_told_at_once_and_none_that_follow_from_others(self, tmp_path: Path) -> None:
        folder = write_suite(tmp_path, ["one", "two", "three"])
        path = folder / "sessions" / "two.jsonl"
        write_rows(path, replaced(5, "{")(rows(path)))
        (folder / "sessions" / "four.jsonl").write_text("")
        path = folder / "moments.jsonl"
        lines = with_values(5, cut=7)(with_values(1, session="ten")(rows(path)))
        write_rows(path, [*lines, "{", moment_line("four", 5, "detour")])
        assert [problem.split(": ")[0] for problem in problems(folder)] == [
            *("sessions/four.jsonl", "sessions/two.jsonl:5"),
            *("moments.jsonl:1", "moments.jsonl:5", "moments.jsonl:7"),
        ]


class TestSuiteHash:
    def hash_with(self, suite: Path, change: Callable[[Lines], Lines], file: str = "moments.jsonl") -> str:
        """The hash of the suite with another file; the file is put back."""
        path = suite / file
        before = path.read_text()
        write_rows(path, change(rows(path)))
        found = load_suite(suite).suite_hash
        path.write_text(before)
        return found

    @pytest.mark.parametrize(
        "values",
        [
            *({"set": "control"}, {"why": "x"}, {"recovered_at": 7}, {"resolution": "x"}, {"tags": []}),
            *({"tags": ["loss", "x"]}, {"cut": 8, "recovered_at": 9}),
        ],
        ids=str,
    )
    def test_every_label_and_note_is_in_it(self, suite: Path, values: dict[str, Any]) -> None:
        write_rows(suite / "moments.jsonl", rows(suite / "moments.jsonl")[:1])
        assert self.hash_with(suite, with_values(1, **values)) != load_suite(suite).suite_hash

    def test_a_moment_more_or_another_word_in_its_session_is_another_suite(self, suite: Path) -> None:
        before = load_suite(suite).suite_hash
        assert self.hash_with(suite, lambda lines: lines[:1]) != before
        assert self.hash_with(suite, with_values(12, text="Row 18 was the cause."), "sessions/one.jsonl") != before

    def test_neither_order_nor_titles_nor_sessions_without_moments_are_in_it(self, tmp_path: Path) -> None:
        folder = write_suite(tmp_path)
        before = load_suite(folder).suite_hash
        assert self.hash_with(folder, lambda lines: lines[::-1]) == before
        assert self.hash_with(folder, with_values(1, title="Another", source="x"), "sessions/one.jsonl") == before
        write_session(folder, "unused")
        assert load_suite(folder).suite_hash == before

    def test_the_names_of_sessions_are_not_in_it(self, suite: Path) -> None:
        before: Suite = load_suite(suite)
        (suite / "sessions" / "one.jsonl").rename(suite / "sessions" / "renamed.jsonl")
        path = suite / "moments.jsonl"
        write_rows(path, [line | {"session": "renamed"} for line in rows(path)])
        after = load_suite(suite)
        assert after.suite_hash == before.suite_hash
        assert [m.moment_id for m in after.moments] == [m.moment_id for m in before.moments]
