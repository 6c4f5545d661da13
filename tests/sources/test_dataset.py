"""Suites as datasets: nothing changes on the way, what was changed is refused, and nothing else is opened or asked."""

import json
import os
import socket
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta, timezone
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from pyarrow import parquet

from nextstep.core.places import HubPlace, hub_place, hub_repository
from nextstep.core.records import Event, Kind, Moment, MomentSet, Role, Session
from nextstep.core.trajectory import step_problem
from nextstep.errors import SuiteError, UsageError
from nextstep.pipeline.exporting import export_suite
from nextstep.sources.dataset import open_suite
from nextstep.sources.dataset import writing as dataset_writing
from nextstep.sources.dataset.columns import EVENT_COLUMNS, MOMENT_COLUMNS, SESSION_COLUMNS
from nextstep.sources.dataset.files import choose_files, text_folder
from nextstep.sources.dataset.hub import library
from nextstep.sources.suite import Suite, load_suite, session_lines
from tests.builders import SESSION, events, moment_line, write_session, write_suite

zones = st.none() | st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
times = st.none() | st.datetimes(timezones=zones)
texts = st.text(max_size=20) | st.sampled_from(
    ["", "\u2028", "\r\n", '"}\n{"', "\U0001f600", "\ufeff", "e\u0301", " x "]
)
made_events = st.lists(
    st.builds(
        Event,
        idx=st.just(0),
        role=st.sampled_from(Role),
        kind=st.sampled_from(Kind),
        text=texts,
        tool=st.none() | texts,
        at=times,
    ),
    min_size=1,
    max_size=6,
).map(lambda made: tuple(replace(event, idx=i) for i, event in enumerate(made)))
ASKED = events("h: why", "a: let me see", "h: look at x", "a: done")
"""Events at the end of which a moment can stand, two before the last."""


def lengthened(made: Sequence[Event]) -> tuple[Event, ...]:
    """Some events and then ASKED."""
    return tuple(replace(event, idx=i) for i, event in enumerate((*made, *ASKED)))


def suite_of(made: Sequence[tuple[Session, str, str]]) -> Suite:
    """A suite of these sessions, each with a moment wherever one can stand, labelled with these two texts."""
    sessions = {session.name: session for session, _, _ in made}
    moments = [
        Moment(
            session_id=session.session_id,
            session=session.name,
            cut=cut,
            set=MomentSet.DETOUR if cut % 2 else MomentSet.CONTROL,
            human_step=session.events[cut].text.strip(),
            why=why,
            recovered_at=cut + 1,
            resolution=why[::-1],
            tags=(tag,) * (cut % 3),
        )
        for session, why, tag in made
        for cut in range(len(session.events))
        if step_problem(session.events, cut) is None
    ]
    return Suite(Path("made"), sessions, tuple(moments))


names = st.sampled_from(["a", "x-1", "with.dot", "a name", "Ü", "漢字", "a b.c"])
made_sessions = st.builds(
    Session,
    name=names,
    title=texts,
    source=texts,
    sha256=texts,
    started_at=times,
    events=made_events | made_events.map(lengthened),
)
made_suites = st.lists(
    st.tuples(made_sessions, texts, texts),
    min_size=1,
    max_size=3,
    unique_by=(lambda one: one[0].name, lambda one: one[0].session_id),
).map(suite_of)


def spelled(suite: Suite) -> list[object]:
    """Every byte of a suite that its files would hold."""
    lines: list[object] = []
    for session in suite.sessions.values():
        lines += [session.name, *session_lines(session)]
    return [*lines, *(moment.model_dump_json() for moment in suite.moments)]


def ids(suite: Suite) -> list[str]:
    sessions = [session.session_id for session in suite.sessions.values()]
    return [suite.suite_hash, *sessions, *(moment.moment_id for moment in suite.moments)]


@pytest.fixture
def exported(tmp_path: Path) -> Path:
    """The dataset of a suite of three sessions, each with two moments."""
    folder = tmp_path / "out"
    export_suite(load_suite(write_suite(tmp_path / "suite")), folder)
    return folder


def problems(folder: Path, *, every: bool = False) -> list[str]:
    """What is told of a dataset, its folder left out."""
    with pytest.raises(SuiteError) as caught:
        open_suite(str(folder), every=every)
    return [problem.replace(f"{folder}: ", "").replace(str(folder), "DIR") for problem in caught.value.problems]


def rewrite(folder: Path, table: str, change: Callable[[list[dict[str, Any]]], object]) -> None:
    """Change the rows of a table in place; the columns stay as they were."""
    path = folder / table / "00000.parquet"
    before = parquet.read_table(path)
    rows = before.to_pylist()
    change(rows)
    parquet.write_table(pa.Table.from_pylist(rows, before.schema), path)


class TestRoundTrip:
    @given(made_suites)
    @settings(max_examples=60, deadline=None)
    def test_a_round_trip_changes_no_id_and_no_byte(self, suite: Suite) -> None:
        with TemporaryDirectory() as folder:
            export_suite(suite, Path(folder) / "out")
            read = open_suite(str(Path(folder) / "out"), every=True)
        assert ids(read) == ids(suite)
        assert spelled(read) == spelled(suite)

    def test_a_folder_exported_and_read_is_the_same_suite(self, tmp_path: Path) -> None:
        folder = write_suite(tmp_path / "suite", ["b.c", "a name", "a"])
        suite = load_suite(folder)
        export_suite(suite, tmp_path / "out")
        read = open_suite(str(tmp_path / "out"))
        assert list(read.sessions) == list(suite.sessions)
        assert ids(read) == ids(suite)
        assert read.moments == suite.moments

    @pytest.mark.parametrize(("group", "file"), [(1, 1), (1, 10**9), (10**9, 10**9)])
    def test_groups_and_files_change_nothing_but_themselves(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, group: int, file: int
    ) -> None:
        suite = load_suite(write_suite(tmp_path / "suite"))
        monkeypatch.setattr(dataset_writing, "GROUP_BYTES", group)
        monkeypatch.setattr(dataset_writing, "FILE_BYTES", file)
        export_suite(suite, tmp_path / "out")
        paths = sorted((tmp_path / "out" / "sessions").iterdir())
        assert [path.name for path in paths] == [f"{i:05}.parquet" for i in range(3 if file == 1 else 1)]
        groups = sum(parquet.ParquetFile(path).num_row_groups for path in paths)
        assert groups == (3 if group == 1 else 1)
        assert spelled(open_suite(str(tmp_path / "out"), every=True)) == spelled(suite)

    def test_the_same_suite_gives_the_same_bytes(self, tmp_path: Path, exported: Path) -> None:
        export_suite(load_suite(tmp_path / "suite"), tmp_path / "again")
        names = [path.relative_to(exported) for path in exported.rglob("*") if path.is_file()]
        assert len(names) == 3
        for name in names:
            assert (tmp_path / "again" / name).read_bytes() == (exported / name).read_bytes()

    def test_a_suite_without_moments_is_one_still(self, tmp_path: Path) -> None:
        write_session(tmp_path / "suite", "one")
        export_suite(load_suite(tmp_path / "suite"), tmp_path / "out")
        assert open_suite(str(tmp_path / "out")).moments == ()
        assert list(open_suite(str(tmp_path / "out"), every=True).sessions) == ["one"]

    def test_every_field_of_the_records_has_a_column(self) -> None:
        assert sorted(EVENT_COLUMNS) == sorted(Event.__struct_fields__)
        assert set(SESSION_COLUMNS) == {"session_id", *Session.model_fields}
        assert set(MOMENT_COLUMNS) == {"moment_id", *Moment.model_fields}

    @pytest.mark.parametrize("streaming", [True, False])
    def test_the_library_reads_both_configs_by_name(self, exported: Path, tmp_path: Path, streaming: bool) -> None:
        import datasets

        def rows(name: str) -> list[dict[str, Any]]:
            cache = str(tmp_path / "cache")
            data = datasets.load_dataset(
                str(exported), name, split="train", streaming=streaming, cache_dir=cache, features=None
            )
            assert data.features is not None
            return list(data)

        suite = open_suite(str(exported))
        assert [row["name"] for row in rows("sessions")] == list(suite.sessions)
        assert [event["text"] for event in rows("sessions")[0]["events"]] == [
            event.text for event in suite.sessions["one"].events
        ]
        assert [row["moment_id"] for row in rows("moments")] == [moment.moment_id for moment in suite.moments]


class TestBringing:
    def test_only_sessions_with_moments_are_brought_unless_all_are_wanted(self, tmp_path: Path) -> None:
        folder = write_suite(tmp_path / "suite", ["a", "b"])
        write_session(folder, "c")
        export_suite(load_suite(folder), tmp_path / "out")
        assert list(open_suite(str(tmp_path / "out")).sessions) == ["a", "b"]
        assert list(open_suite(str(tmp_path / "out"), every=True).sessions) == ["a", "b", "c"]
        assert open_suite(str(tmp_path / "out")).suite_hash == load_suite(folder).suite_hash

    def test_a_group_without_a_wanted_session_is_never_opened(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        folder = write_suite(tmp_path / "suite", ["a"])
        write_session(folder, "b", [line + " unlike a" for line in SESSION])
        monkeypatch.setattr(dataset_writing, "GROUP_BYTES", 1)
        export_suite(load_suite(folder), tmp_path / "out")
        path = tmp_path / "out" / "sessions" / "00000.parquet"
        spoil_group(path, 1)
        assert list(open_suite(str(tmp_path / "out")).sessions) == ["a"]
        assert "cannot be read as a dataset" in problems(tmp_path / "out", every=True)[0]

    def test_reading_asks_no_network_writes_nothing_at_home_and_leaves_the_library_as_it_was(
        self, exported: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        import datasets

        asked: list[object] = []

        def blocked(*words: object, **_: object) -> None:
            asked.append(words)
            raise OSError("no network here")

        monkeypatch.setattr(socket.socket, "connect", blocked)
        monkeypatch.setattr(socket, "getaddrinfo", blocked)
        cache = Path(datasets.config.HF_DATASETS_CACHE)
        there = sorted(cache.rglob("*")) if cache.exists() else None
        before = library_settings()
        files = sorted(exported.rglob("*"))
        open_suite(str(exported))
        assert asked == []
        assert (sorted(cache.rglob("*")) if cache.exists() else None) == there
        assert library_settings() == before
        assert sorted(exported.rglob("*")) == files

    def test_the_library_gives_up_soon_and_says_nothing_while_it_is_ours(self) -> None:
        import datasets

        @library("out")
        def broken() -> None:
            waits = [getattr(datasets.config, name) for name in vars(datasets.config) if name.startswith("STREAMING_")]
            assert max(waits) <= 2
            assert datasets.logging.get_verbosity() >= datasets.logging.CRITICAL
            assert datasets.are_progress_bars_disabled()
            raise OSError("broken")

        before = library_settings()
        with pytest.raises(SuiteError, match="out: cannot be read as a dataset"):
            broken()
        assert library_settings() == before

    @pytest.mark.parametrize("name", ["a[1]", "*", "a?b", "[!x]", "ü {a,b}", "#1%20"])
    def test_a_folder_may_have_any_name(self, tmp_path: Path, name: str) -> None:
        suite = load_suite(write_suite(tmp_path / "suite"))
        export_suite(suite, tmp_path / name)
        (tmp_path / "ab").mkdir()
        assert ids(open_suite(str(tmp_path / name))) == ids(suite)

    def test_a_path_that_the_library_takes_for_an_address_is_refused(self, exported: Path, tmp_path: Path) -> None:
        folder = tmp_path / "zip:: x"
        exported.rename(folder)
        assert "rename the folder" in problems(folder)[0]

    @pytest.mark.skipif(os.name == "nt", reason="needs links")
    def test_the_files_may_be_links_as_in_the_hubs_own_cache(self, exported: Path, tmp_path: Path) -> None:
        for table in ("sessions", "moments"):
            path = exported / table / "00000.parquet"
            path.rename(tmp_path / table)
            path.symlink_to(tmp_path / table)
        assert len(open_suite(str(exported)).moments) == 6


def spoil_group(path: Path, number: int) -> None:
    """Overwrite the data of a row group, and leave the file's footer as it is."""
    group = parquet.ParquetFile(path).metadata.row_group(number)
    starts = [
        group.column(i).dictionary_page_offset or group.column(i).data_page_offset for i in range(group.num_columns)
    ]
    data = bytearray(path.read_bytes())
    for i in range(group.num_columns):
        size = group.column(i).total_compressed_size
        data[starts[i] : starts[i] + size] = b"\xff" * size
    path.write_bytes(data)


def library_settings() -> list[object]:
    import datasets
    import huggingface_hub

    names = sorted(name for name in vars(datasets.config) if name.startswith("STREAMING_"))
    bars = [module.are_progress_bars_disabled() for module in (datasets, huggingface_hub.utils)]
    logs = [module.logging.get_verbosity() for module in (datasets, huggingface_hub)]
    return [*(getattr(datasets.config, name) for name in names), *bars, *logs]


Rows = list[dict[str, Any]]


class TestRefusing:
    @pytest.mark.parametrize(
        ("change", "told"),
        [
            (lambda rows: rows[1]["events"][4].update(text="other"), "session 'three': its events make it "),
            (lambda rows: rows[1]["events"][4].update(tool=""), "session 'three': its events make it "),
            (
                lambda rows: rows[1]["events"][4].update(at="2026-05-01T10:00:00"),
                "session 'three': its events make it ",
            ),
            (lambda rows: rows[1]["events"].pop(), "session 'three': its events make it "),
            (lambda rows: rows[1]["events"].reverse(), "session 'three': its events do not count up from 0"),
            (lambda rows: rows[1].update(events=[]), "session 'three': has no event"),
            (lambda rows: rows[1].update(events=None), "session 'three': has no event"),
            (
                lambda rows: rows[1]["events"].insert(0, None),
                "session 'three': events: Expected `object`, got `null` - at `$[0]`",
            ),
            (
                lambda rows: rows[1]["events"][4].update(role="God"),
                "session 'three': events: Invalid enum value 'God' - at `$[4].role`",
            ),
            (
                lambda rows: rows[1]["events"][4].update(at="soon"),
                "session 'three': events: Invalid RFC3339 encoded datetime - at `$[4].at`",
            ),
            (lambda rows: rows[1].update(title=None), "session 'three': title: "),
            (lambda rows: rows.append(rows[0]), "session 'one': stands twice"),
            (lambda rows: rows[1].update(name="one"), "session 'one': stands twice"),
        ],
    )
    def test_a_changed_session_is_refused_by_name(
        self, exported: Path, change: Callable[[Rows], object], told: str
    ) -> None:
        rewrite(exported, "sessions", change)
        assert any(problem.startswith(told) for problem in problems(exported)), problems(exported)

    def test_a_session_that_is_gone_is_missed_by_its_moments(self, exported: Path) -> None:
        rewrite(exported, "sessions", lambda rows: rows.pop(1))
        first, second = problems(exported)
        assert first.startswith("moments row 5 ('three' 5): its session")
        assert second.startswith("moments row 6 ('three' 8): its session")

    @pytest.mark.parametrize(
        ("values", "told"),
        [
            ({"cut": 7}, "('one' 7): cut 7 is not a human's choice"),
            ({"cut": 8, "recovered_at": 9}, "('one' 8): human_step is not what stands at event 8"),
            ({"human_step": "other"}, "('one' 5): human_step is not what stands at event 5"),
            ({"moment_id": "0" * 20}, "('one' 5): session and cut make it "),
            ({"moment_id": None}, "('one' 5): session and cut make it "),
            ({"recovered_at": 99}, "('one' 5): recovered_at 99 must lie"),
            ({"recovered_at": 5}, "('one' 5): recovered_at 5 must lie"),
            ({"session": "two"}, "('two' 5): its session is called 'one'"),
            ({"session_id": "\x1b[2J"}, "('one' 5): its session '\\x1b[2J' is not in"),
            ({"set": "all"}, "('one' 5): set: "),
            ({"tags": None}, "('one' 5): tags: "),
            ({"cut": None}, "('one' None): cut: "),
        ],
    )
    def test_a_changed_moment_is_refused_by_its_row(self, exported: Path, values: dict[str, object], told: str) -> None:
        rewrite(exported, "moments", lambda rows: rows[0].update(values))
        assert problems(exported)[0].startswith(f"moments row 1 {told}")

    def test_a_moment_that_stands_twice_is_refused(self, exported: Path) -> None:
        rewrite(exported, "moments", lambda rows: rows.append(rows[0]))
        assert problems(exported) == ["moments row 7 ('one' 5): stands twice"]

    def test_a_changed_label_is_another_suite_of_the_same_moments(self, exported: Path) -> None:
        before = open_suite(str(exported))
        rewrite(exported, "moments", lambda rows: rows[0].update(why="other"))
        after = open_suite(str(exported))
        assert after.suite_hash != before.suite_hash
        assert [m.moment_id for m in after.moments] == [m.moment_id for m in before.moments]

    def test_all_problems_are_told_at_once(self, exported: Path) -> None:
        rewrite(exported, "sessions", lambda rows: [row["events"][0].update(text="other") for row in rows])
        rewrite(exported, "moments", lambda rows: rows[0].update(set="all"))
        told = problems(exported)
        assert [problem[:15] for problem in told] == [
            "session 'one': ",
            "session 'three'",
            "session 'two': ",
            "moments row 1 (",
        ]


class TestFiles:
    def test_missing_columns_and_wrong_types_are_told_together(self, exported: Path) -> None:
        table = parquet.read_table(exported / "sessions" / "00000.parquet")
        lists = pa.array([["x"]] * len(table))
        table = table.drop_columns(["title", "events"]).append_column("events", lists)
        parquet.write_table(table, exported / "sessions" / "00000.parquet")
        moments = parquet.read_table(exported / "moments" / "00000.parquet").drop_columns(["why"])
        moments = moments.set_column(moments.schema.get_field_index("cut"), "cut", pa.array(["5"] * len(moments)))
        parquet.write_table(moments, exported / "moments" / "00000.parquet")
        assert problems(exported) == [
            "moments: column `cut` is string, not a whole number",
            "moments has no column `why` (a text)",
            "sessions has no column `title` (a text)",
            "sessions: column `events` is list<item: string>, not a list of events",
        ]

    def test_a_missing_field_of_the_events_is_told(self, exported: Path) -> None:
        table = parquet.read_table(exported / "sessions" / "00000.parquet")
        rows = [[{"idx": 0.5, "text": "x"}]] * len(table)
        table = table.drop_columns(["events"]).append_column("events", pa.array(rows))
        parquet.write_table(table, exported / "sessions" / "00000.parquet")
        told = problems(exported)
        assert "sessions.events: column `idx` is double, not a whole number" in told
        assert "sessions.events has no column `role` (a text)" in told

    def test_columns_that_nobody_asked_for_and_wider_types_do_not_matter(self, exported: Path) -> None:
        before = open_suite(str(exported))
        path = exported / "sessions" / "00000.parquet"
        rows = [
            row | {"extra": 1, "events": [event | {"more": "x"} for event in row["events"]]}
            for row in parquet.read_table(path).to_pylist()
        ]
        table = pa.Table.from_pylist(rows)
        table = table.set_column(0, "session_id", table["session_id"].cast(pa.large_string()))
        parquet.write_table(table, path)
        assert spelled(open_suite(str(exported))) == spelled(before)

    @pytest.mark.parametrize("table", ["sessions", "moments"])
    def test_a_folder_that_lacks_a_table_says_which(self, exported: Path, table: str) -> None:
        (exported / table / "00000.parquet").rename(exported / "elsewhere")
        assert any(f"has no {table}/" in problem for problem in problems(exported))

    @pytest.mark.parametrize("data", [b"", b"PAR1", b"no parquet at all", b"PAR1" + b"\0" * 50 + b"PAR1"])
    @pytest.mark.parametrize("table", ["sessions", "moments"])
    def test_a_file_that_is_no_parquet_is_a_problem_and_no_crash(
        self, exported: Path, table: str, data: bytes, capfd: pytest.CaptureFixture[str]
    ) -> None:
        (exported / table / "00000.parquet").write_bytes(data)
        assert "cannot be read as a dataset" in problems(exported)[0]
        assert capfd.readouterr() == ("", "")

    @given(st.data())
    @settings(max_examples=40, deadline=None)
    def test_damaged_bytes_never_crash_and_never_change_a_suite(self, data: st.DataObject) -> None:
        with TemporaryDirectory() as made:
            folder = Path(made) / "out"
            suite = load_suite(write_suite(Path(made) / "suite", ["one"]))
            export_suite(suite, folder)
            path = folder / data.draw(st.sampled_from(["sessions", "moments"])) / "00000.parquet"
            raw = bytearray(path.read_bytes())
            for _ in range(data.draw(st.integers(1, 5))):
                raw[data.draw(st.integers(4, len(raw) - 1))] = data.draw(st.integers(0, 255))
            path.write_bytes(raw)
            try:
                read = open_suite(str(folder), every=True)
            except SuiteError:
                return
        assert [m.moment_id for m in read.moments] in ([m.moment_id for m in suite.moments], [])
        assert {s.session_id for s in read.sessions.values()} <= {s.session_id for s in suite.sessions.values()}

    def test_a_card_or_a_script_has_no_say(self, exported: Path, tmp_path: Path) -> None:
        before = ids(open_suite(str(exported)))
        (exported / "README.md").write_text(
            "---\nconfigs:\n- config_name: sessions\n  data_files: http://127.0.0.1:1/x.parquet\n---\n",
            encoding="utf-8",
        )
        (exported / f"{exported.name}.py").write_text("raise SystemExit('was run')")
        (exported / "sessions" / "more.json").write_text("{}")
        assert ids(open_suite(str(exported))) == before

    def test_a_column_that_claims_to_be_images_is_refused_unopened(self, exported: Path, tmp_path: Path) -> None:
        secret = tmp_path / "secret"
        secret.write_text("mine")
        path = exported / "sessions" / "00000.parquet"
        table = parquet.read_table(path)
        images = pa.array([{"bytes": None, "path": str(secret)}] * len(table))
        table = table.drop_columns(["title"]).append_column("title", images)
        features = {"info": {"features": {name: {"_type": "Value", "dtype": "string"} for name in table.column_names}}}
        features["info"]["features"]["title"] = {"_type": "Image"}
        parquet.write_table(table.replace_schema_metadata({"huggingface": json.dumps(features)}), path)
        assert any("column `title` is" in problem or "cannot be read" in problem for problem in problems(exported))

    @pytest.mark.parametrize("metadata", ["{", '{"info": 1}', '{"info": {"features": {"a": {"_type": "Nobody"}}}}'])
    def test_metadata_that_makes_no_sense_is_a_problem_and_no_crash(self, exported: Path, metadata: str) -> None:
        path = exported / "moments" / "00000.parquet"
        parquet.write_table(parquet.read_table(path).replace_schema_metadata({"huggingface": metadata}), path)
        (problem,) = problems(exported)
        assert problem.startswith("cannot be read as a dataset")

    def test_sessions_in_both_forms_are_refused(self, exported: Path) -> None:
        write_session(exported, "one")
        assert problems(exported) == ["holds sessions as .jsonl beside .parquet; keep one of the two forms"]

    @pytest.mark.parametrize("name", ["zip::x.parquet", "*.parquet", "a b.parquet", "x\n.parquet", "é.parquet"])
    def test_a_file_name_that_could_be_an_address_or_a_pattern_is_refused(self, name: str) -> None:
        with pytest.raises(SuiteError, match="has a name with other than"):
            choose_files("hf://a/b@c", "hf://datasets/a/b@c", [f"sessions/{name}", "moments/0.parquet"])

    def test_files_are_taken_from_two_places_only_and_in_order(self) -> None:
        names = ["x.parquet", "sessions/1.parquet", "sessions/0.parquet", "sessions/a/0.parquet", "moments/m.parquet"]
        files = choose_files("p", "root", [*names, "moments/m.json"])
        assert files.sessions == ("root/sessions/0.parquet", "root/sessions/1.parquet")
        assert files.moments == ("root/moments/m.parquet",)


class TestExporting:
    def test_the_same_suite_is_there_already_with_its_edited_card(self, exported: Path, tmp_path: Path) -> None:
        (exported / "README.md").write_text("---\nlicense: mit\n---\nmine", encoding="utf-8")
        assert export_suite(load_suite(tmp_path / "suite"), exported).new is False
        assert (exported / "README.md").read_text(encoding="utf-8").endswith("mine")

    @pytest.mark.parametrize(
        ("change", "told"),
        [
            (lambda suite: keep_one_moment(suite / "moments.jsonl"), "holds the suite "),
            (lambda suite: write_session(suite, "more"), "holds the same moments"),
            (lambda suite: rename_title(suite / "sessions" / "one.jsonl"), "holds the same moments"),
        ],
        ids=["moments", "sessions", "titles"],
    )
    def test_another_suite_is_never_written_over(
        self, exported: Path, tmp_path: Path, change: Callable[[Path], object], told: str
    ) -> None:
        change(tmp_path / "suite")
        before = {path: path.read_bytes() for path in exported.rglob("*") if path.is_file()}
        with pytest.raises(UsageError, match=f"is not empty, and {told}"):
            export_suite(load_suite(tmp_path / "suite"), exported)
        assert {path: path.read_bytes() for path in exported.rglob("*") if path.is_file()} == before

    def test_what_is_no_export_is_never_written_over(self, tmp_path: Path) -> None:
        suite = load_suite(write_suite(tmp_path / "suite"))
        with pytest.raises(UsageError, match="holds no whole export"):
            export_suite(suite, tmp_path / "suite")
        (tmp_path / "file").write_text("mine")
        with pytest.raises(UsageError, match="is a file"):
            export_suite(suite, tmp_path / "file")
        (tmp_path / "empty").mkdir()
        assert export_suite(suite, tmp_path / "empty").new is True

    def test_an_interrupted_export_leaves_nothing(self, tmp_path: Path) -> None:
        suite = load_suite(write_suite(tmp_path / "suite"))

        def interrupted(sessions: Any) -> Iterator[Session]:
            yield next(iter(sessions))
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            export_suite(suite, tmp_path / "out", interrupted)
        assert [path.name for path in tmp_path.iterdir()] == ["suite"]

    def test_the_card_says_what_and_how_much_it_is_and_names_no_licence(self, exported: Path) -> None:
        import yaml

        text = (exported / "README.md").read_text(encoding="utf-8")
        front = yaml.safe_load(text.split("---\n")[1])
        assert [config["config_name"] for config in front["configs"]] == ["sessions", "moments"]
        assert "license" not in front
        assert "3 sessions and 6 moments (3 detours, 3 controls)" in text
        assert open_suite(str(exported)).suite_hash in text


def keep_one_moment(path: Path) -> None:
    path.write_text(json.dumps(moment_line("one", 5, "control")) + "\n", encoding="utf-8")


def rename_title(path: Path) -> None:
    path.write_text(path.read_text(encoding="utf-8").replace("About one", "About two"), encoding="utf-8")


class TestPlaces:
    @pytest.mark.parametrize(
        ("text", "place"),
        [
            ("transcripts/", None),
            ("/abs/hf", None),
            ("hf://org/name@v1.0", HubPlace("org/name", "v1.0")),
            ("hf://my-org/my.name_2@" + "0a" * 20, HubPlace("my-org/my.name_2", "0a" * 20)),
        ],
    )
    def test_a_place_is_a_folder_or_pinned(self, text: str, place: HubPlace | None) -> None:
        assert hub_place(text) == place
        assert place is None or str(place) == text

    @pytest.mark.parametrize(
        "text",
        [
            *("hf://org/name", "hf://org/name@", "hf://name@v1", "hf://datasets/org/name@v1", "hf://", "HF://o/n@v1 "),
            *("hf://org/../x@v1", "hf://../x@v1", "hf://org/name@refs/pr/1", "hf://org/name@v1/x", "hf://o/n@v1\n"),
        ],
    )
    def test_what_is_not_pinned_says_how_to_pin_it(self, text: str) -> None:
        with pytest.raises(ValueError, match="with a commit or a tag as REVISION"):
            hub_place(text)
        with pytest.raises(UsageError, match="with a commit or a tag as REVISION"):
            open_suite(text)

    @pytest.mark.parametrize("text", ["org/name", "hf://org", "hf://org/name@v1", "hf://org/name/x", "hf://org/na me"])
    def test_a_push_goes_to_a_repository_without_a_revision(self, text: str) -> None:
        assert hub_repository("hf://org/name") == "org/name"
        with pytest.raises(ValueError, match="hf://org/name, without a revision"):
            hub_repository(text)

    def test_a_dataset_is_no_folder_to_write_to(self, exported: Path, tmp_path: Path) -> None:
        for place in (str(exported), "hf://org/name@v1"):
            with pytest.raises(UsageError, match="only read"):
                text_folder(place)
        assert text_folder(str(tmp_path / "suite")) == tmp_path / "suite"
        assert text_folder(str(tmp_path / "new")) == tmp_path / "new"
