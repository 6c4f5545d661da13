"""`nextstep export`, and suites that are datasets: in a folder, and on a Hub that a server on this machine plays."""

import json
import os
import pty
import select
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nextstep.sources.suite import load_suite
from nextstep.store import Store
from tests.builders import write_session, write_suite
from tests.cli.conftest import Cli
from tests.sources.loopback_hub import TOKEN, Hub, Repository, running

OFFLINE = ("--model", "offline/continue", "--judge", "offline/lexical")
CALLS = 6 + 6 + 6 * 2
"""A proposal, the human's step in the form and a verdict in both orders, for each moment."""


def fails(cli: Cli, *words: str, code: int = 2) -> str:
    """Standard error of a command that ends with this code; it is a message and no traceback."""
    cli(*words, code=code)
    assert "Traceback" not in cli.err
    return cli.err


class TestExport:
    def test_export_writes_the_suite_once_and_says_where(self, project: Cli) -> None:
        assert project("export", "-o", "out").startswith("wrote out (3 sessions, 6 moments, suite ")
        assert "secrets" in project.err
        files = {str(path.relative_to("out")) for path in Path("out").rglob("*") if path.is_file()}
        assert files == {"README.md", "sessions/00000.parquet", "moments/00000.parquet"}
        assert project("export", "-o", "out", "-q").startswith("there already: out (3 sessions")
        assert project.err == ""

    def test_export_as_json_has_the_facts(self, project: Cli) -> None:
        told = project.json("export", "--suite", "transcripts", "-o", "out", "-q")["export"]
        assert told.pop("bytes") > 0
        suite_hash = load_suite(Path("transcripts")).suite_hash
        facts = {"folder": "out", "status": "new", "sessions": 3, "moments": 6, "pushed": None}
        assert told == facts | {"suite_hash": suite_hash}
        assert project.json("export", "-o", "out")["export"]["status"] == "known"

    def test_an_export_of_an_export_is_the_same(self, project: Cli) -> None:
        project("export", "-o", "one")
        project("export", "--suite", "one", "-o", "two")
        for name in ("README.md", "sessions/00000.parquet", "moments/00000.parquet"):
            assert (Path("one") / name).read_bytes() == (Path("two") / name).read_bytes()

    @pytest.mark.parametrize(
        ("words", "told"),
        [
            ((), "say where to write: -o FOLDER, or --push hf://org/name"),
            (("-o", "results.parquet"), "and so are results (--results)"),
            (("-o", "transcripts"), "transcripts is not empty"),
            (("-o", "out", "--public"), "give --push"),
            (("-o", "out", "--push", "org/name"), "a push goes to hf://org/name"),
            (("-o", "out", "--push", "hf://org/name@v1"), "without a revision"),
            (("-o", "out", "--suite", "nowhere"), "nowhere: has no sessions/ folder"),
            (("-o", "out", "--suite", "hf://org/name"), "with a commit or a tag as REVISION"),
        ],
    )
    def test_bad_input_is_told_in_words_and_nothing_is_written(
        self, project: Cli, words: tuple[str, ...], told: str
    ) -> None:
        assert told in fails(project, "export", *words)
        assert not Path("out").exists()


class TestSuiteInAFolder:
    def test_an_evaluation_of_the_dataset_finds_every_answer_of_the_folders(self, project: Cli) -> None:
        first = project.json("eval", *OFFLINE, "-q")
        project("export", "-o", "out", "-q")
        second = project.json("eval", *OFFLINE, "--suite", "out", "-q")
        assert first["requests"] == CALLS
        assert (second["requests"], second["suite_hash"]) == (0, first["suite_hash"])
        assert project.json("results", "--suite", "out")["win_rates"] == project.json("results")["win_rates"]
        with Store(Path("nextstep.duckdb")).read() as connection:
            counts = connection.execute(
                "SELECT (SELECT count(*) FROM moments), (SELECT count(*) FROM sessions), (SELECT count(*) FROM events)"
            ).fetchall()
        assert counts == [(6, 3, 33)]

    def test_a_place_in_the_config_is_meant_from_the_configs_folder_and_stored_as_written(self, project: Cli) -> None:
        project("export", "-o", "there/out", "-q")
        Path("there/evals.yaml").write_text("suite: out\n")
        run = project.json("eval", "-c", "there/evals.yaml", "--store", "s.duckdb", *OFFLINE, "-q")
        assert run["requests"] == CALLS
        project("eval", "-c", "there/evals.yaml", "--store", "s.duckdb", "--suite", "there/out", *OFFLINE)
        with Store(Path("s.duckdb")).read() as connection:
            rows = connection.execute("SELECT config->>'suite' FROM runs").fetchall()
        assert sorted(rows) == [("out",), ("there/out",)]

    def test_a_changed_event_is_refused_with_the_sessions_name_before_anything_is_sent(self, project: Cli) -> None:
        import pyarrow as pa
        from pyarrow import parquet

        project("export", "-o", "out", "-q")
        path = Path("out/sessions/00000.parquet")
        table = parquet.read_table(path)
        rows = table.to_pylist()
        rows[0]["events"][7]["text"] = "\x1b[31mother"
        parquet.write_table(pa.Table.from_pylist(rows, table.schema), path)
        told = fails(project, "eval", *OFFLINE, "--suite", "out")
        assert "session 'one': its events make it" in told
        assert "\x1b" not in told
        assert not Path("nextstep.duckdb").exists()

    def test_import_never_writes_into_a_dataset(self, project: Cli) -> None:
        project("export", "-o", "out", "-q")
        before = {path: path.read_bytes() for path in Path("out").rglob("*") if path.is_file()}
        for place in ("out", "hf://org/name@v1"):
            assert "only read" in fails(project, "import", "transcripts/sessions/one.jsonl", "--suite", place)
        assert {path: path.read_bytes() for path in Path("out").rglob("*") if path.is_file()} == before
        assert not Path("nextstep.duckdb").exists()

    def test_a_place_that_is_not_pinned_is_told_with_its_line(self, project: Cli) -> None:
        Path("evals.yaml").write_text("store: s.duckdb\nsuite: hf://org/name\n")
        told = fails(project, "eval", *OFFLINE)
        assert "evals.yaml:2: `suite`: a suite on the Hub is hf://org/name@REVISION" in told
        assert "a flag does not fit: suite: " in fails(project, "eval", "-c", str(good(project)), "--suite", "hf://a/b")


def good(project: Cli) -> Path:
    path = project.folder / "good.yaml"
    path.write_text("suite: transcripts/\n")
    return path


class Remote:
    """`nextstep` in a process of its own, because the library reads the Hub's address when it is imported."""

    def __init__(self, hub: Hub, folder: Path) -> None:
        self.hub = hub
        self.folder = folder
        self.variables = {"HF_ENDPOINT": hub.endpoint, "HF_TOKEN": TOKEN, "HOME": str(folder / "home")}
        self.repository = Repository()

    def environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("HF_", "NEXTSTEP_"))}
        return {**kept, **self.variables, "NO_PROXY": "127.0.0.1"}

    def __call__(self, *words: str, code: int = 0) -> str:
        """Standard output; `self.err` has standard error."""
        line = [sys.executable, "-m", "nextstep", *words]
        done = subprocess.run(  # noqa: PLW1510 - the exit code is what the tests look at
            line, cwd=self.folder, env=self.environment(), capture_output=True, text=True, timeout=120
        )
        self.err = done.stderr
        assert done.returncode == code, done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        assert TOKEN not in done.stdout + done.stderr
        return done.stdout

    def json(self, *words: str) -> dict[str, Any]:
        told: dict[str, Any] = json.loads(self(*words, "--json"))
        return told


@pytest.fixture(scope="module")
def hub() -> Iterator[Hub]:
    with running() as made:
        yield made


@pytest.fixture
def remote(hub: Hub, tmp_path: Path) -> Remote:
    """A project beside an empty Hub."""
    hub.repositories.clear()
    hub.asked.clear()
    hub.broken = False
    write_suite(tmp_path / "transcripts")
    return Remote(hub, tmp_path)


class TestHub:
    def test_what_was_pushed_is_private_holds_the_exports_bytes_and_evaluates_with_the_same_ids(
        self, remote: Remote
    ) -> None:
        first = remote.json("eval", *OFFLINE)
        told = remote.json("export", "-o", "out", "--push", "hf://me/suite")["export"]
        there = remote.hub.repositories["me/suite"]
        assert there.private
        assert told["pushed"] == f"hf://me/suite@{there.head}"
        for path in (remote.folder / "out").rglob("*.*"):
            assert there.commits[there.head][path.relative_to(remote.folder / "out").as_posix()] == path.read_bytes()
        second = remote.json("eval", *OFFLINE, "--suite", told["pushed"])
        assert (second["requests"], second["suite_hash"]) == (0, first["suite_hash"])
        assert not list((remote.folder / "home").rglob("*.parquet"))

    def test_only_the_row_groups_of_sessions_with_moments_are_asked_for(self, remote: Remote) -> None:
        bulk = [f"a: {os.urandom(100_000).hex()}" for _ in range(80)]
        write_session(remote.folder / "transcripts", "zzz", bulk)
        remote("export", "--push", "hf://me/suite", "-q")
        place = f"hf://me/suite@{remote.hub.repositories['me/suite'].head}"
        remote.hub.sent = 0
        assert remote.json("eval", *OFFLINE, "--suite", place)["requests"] == CALLS
        held = len(remote.hub.repositories["me/suite"].commits[place.partition("@")[2]]["sessions/00000.parquet"])
        assert remote.hub.sent < held

    def test_a_tag_is_taken_and_a_branch_is_refused_with_its_commit(self, remote: Remote) -> None:
        remote("export", "--push", "hf://me/suite")
        there = remote.hub.repositories["me/suite"]
        there.tags["v1"] = there.head
        remote("results", "--suite", "hf://me/suite@main", code=2)
        remote("export", "--suite", "hf://me/suite@v1", "-o", "out")
        remote("export", "--suite", "hf://me/suite@main", "-o", "more", code=2)
        assert f"main is a branch, which moves; its commit of now is hf://me/suite@{there.head}" in remote.err
        remote("export", "--suite", "hf://me/suite@v2", "-o", "more", code=2)
        assert "has no such commit or tag" in remote.err

    def test_a_push_is_never_more_public_or_less_than_was_asked_for(self, remote: Remote) -> None:
        remote("export", "--push", "hf://me/open", "--public")
        remote("export", "--push", "hf://me/closed")
        assert not remote.hub.repositories["me/open"].private
        heads = {name: one.head for name, one in remote.hub.repositories.items()}
        remote("export", "--push", "hf://me/open", code=2)
        assert "is public on the Hub, and this push is to be private; give --public" in remote.err
        remote("export", "--push", "hf://me/closed", "--public", code=2)
        assert "is private on the Hub" in remote.err
        assert {name: one.head for name, one in remote.hub.repositories.items()} == heads

    def test_a_second_push_replaces_the_tables_and_keeps_the_commit_before(self, remote: Remote) -> None:
        remote("export", "--push", "hf://me/suite")
        there = remote.hub.repositories["me/suite"]
        before = there.head
        there.add({**there.commits[before], "sessions/00001.parquet": b"old", "notes.txt": b"mine"})
        write_session(remote.folder / "transcripts", "more")
        remote("export", "--push", "hf://me/suite")
        names = {".gitattributes", "README.md", "notes.txt", "moments/00000.parquet", "sessions/00000.parquet"}
        assert set(there.commits[there.head]) == names
        first = remote.json("export", "--suite", f"hf://me/suite@{before}", "-o", "before")["export"]
        last = remote.json("export", "--suite", f"hf://me/suite@{there.head}", "-o", "after")["export"]
        assert (first["sessions"], last["sessions"]) == (3, 4)

    def test_a_dataset_that_may_not_be_seen_or_written_is_told(self, remote: Remote) -> None:
        remote("export", "--push", "hf://me/suite")
        place = f"hf://me/suite@{remote.hub.repositories['me/suite'].head}"
        remote.variables["HF_TOKEN"] = "hf_wrong" + "x" * 20
        remote("eval", *OFFLINE, "--suite", place, code=2)
        assert "is not on the Hub, or is private and HF_TOKEN may not see it" in remote.err
        remote("export", "--push", "hf://me/other", code=2)
        assert "the push did not succeed: hf://me/other: the Hub refused" in remote.err
        assert remote.variables["HF_TOKEN"] not in remote.err

    @pytest.mark.parametrize(
        ("variables", "told"),
        [
            ({"HF_ENDPOINT": "http://127.0.0.1:9"}, "the Hub cannot be reached; check the network and HF_ENDPOINT"),
            ({"HF_ENDPOINT": "nonsense"}, "the Hub cannot be reached; check the network and HF_ENDPOINT"),
            ({"HF_HUB_OFFLINE": "1"}, "is switched off by HF_HUB_OFFLINE"),
        ],
    )
    def test_a_hub_out_of_reach_is_told_at_once(self, remote: Remote, variables: dict[str, str], told: str) -> None:
        remote.variables |= variables
        remote("eval", *OFFLINE, "--suite", "hf://me/suite@" + "0a" * 20, code=2)
        assert told in remote.err
        remote("export", "--push", "hf://me/suite", code=2)
        assert told in remote.err

    def test_a_hub_that_is_down_is_told(self, remote: Remote) -> None:
        remote.hub.broken = True
        remote("eval", *OFFLINE, "--suite", "hf://me/suite@" + "0a" * 20, code=2)
        assert "the Hub refused (Server error '503 Service Unavailable'" in remote.err

    def test_a_damaged_dataset_is_told_in_our_words_alone(self, remote: Remote) -> None:
        remote("export", "-o", "out")
        (remote.folder / "out" / "moments" / "00000.parquet").write_bytes(b"PAR1 no parquet PAR1")
        remote("eval", *OFFLINE, "--suite", "out", code=2)
        first, second = remote.err.splitlines()
        assert first == "nextstep: the suite cannot be used:"
        assert second.startswith("  out: cannot be read as a dataset (")

    def test_a_terminal_is_asked_before_a_push_and_no_means_no(self, remote: Remote) -> None:
        told, code = at_terminal(remote, b"n\n", "export", "--push", "hf://me/suite")
        assert "This uploads 3 sessions and 6 moments to me/suite" in told
        assert "nothing was uploaded" in told
        assert (code, remote.hub.repositories) == (130, {})
        told, code = at_terminal(remote, b"", "export", "--push", "hf://me/suite", "-y")
        assert (code, list(remote.hub.repositories)) == (0, ["me/suite"])
        assert "Go on?" not in told


def at_terminal(remote: Remote, typed: bytes, *words: str) -> tuple[str, int]:
    """What a command shows on a terminal on which this is typed, and its exit code."""
    ours, its = pty.openpty()
    line = [sys.executable, "-m", "nextstep", *words]
    with subprocess.Popen(
        line, cwd=remote.folder, env=remote.environment(), stdin=its, stdout=its, stderr=its
    ) as process:
        os.close(its)
        os.write(ours, typed)
        shown = b""
        while select.select([ours], [], [], 60)[0]:
            try:
                part = os.read(ours, 10_000)
            except OSError:
                break
            if not part:
                break
            shown += part
        process.wait(60)
    os.close(ours)
    return shown.decode(errors="replace"), process.returncode
