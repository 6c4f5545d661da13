"""Real processes and one store: killed at any time or side by side, they lose no answer and double no row.

NEXTSTEP_KILLS=50 kills so often, in a suite that is as much larger.
"""

import os
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import duckdb
import pytest

from nextstep.store import Store
from tests.builders import MODEL_STEP, judgement, step, write_suite
from tests.loopback import Faults, Latency, LoopbackServer, Reply
from tests.loopback.replies import Body, default_answer

ROOT = Path(__file__).parents[2]
KILLS = int(os.environ.get("NEXTSTEP_KILLS", "3"))
CONNECTIONS = 4
NAMES = ("one", "two")
PROPOSALS = 2 * len(NAMES) * 4


def answer(body: Body) -> Reply:
    """A step, or a verdict that does not look at the steps. No two steps are the same."""
    if "format" in body.get("output_config", {}):
        return Reply(text=judgement("A"))
    answer.steps += 1  # type: ignore[attr-defined]
    return Reply(text=step(f"{MODEL_STEP} {answer.steps}"))  # type: ignore[attr-defined]


answer.steps = 0  # type: ignore[attr-defined]


def start(folder: Path, base_url: str, kill_after_s: float = 0.0, *, store: str = "s") -> "subprocess.Popen[str]":
    arguments = [str(folder / f"{store}.duckdb"), str(folder / "suite"), base_url, str(kill_after_s), str(CONNECTIONS)]
    command = [sys.executable, "-m", "tests.pipeline.killed", *arguments]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def counts(folder: Path) -> dict[str, int]:
    tables = ("replies", "proposals", "verdicts", "failures")
    with Store(folder / "s.duckdb").read() as connection:
        return {name: len(connection.execute(f"FROM {name}").fetchall()) for name in tables}


@pytest.fixture
def server() -> LoopbackServer:
    return LoopbackServer(answer, latency=Latency(0.02))


COLUMNS = {
    "replies": "reply_id, purpose, model, sample, body ->> '$.content[0].text'",
    "proposals": "proposal_id, moment_id, candidate, sample, text",
    "verdicts": 'verdict_id, proposal_id, judge, "order", choice, strength, reason',
}
"""What two runs of the same work have alike: all but times and names of runs and requests."""


def work_in(store: Path) -> dict[str, list[tuple[Any, ...]]]:
    with Store(store).read() as connection:
        return {
            table: sorted(connection.execute(f"SELECT {columns} FROM {table}").fetchall())
            for table, columns in COLUMNS.items()
        }


def served() -> LoopbackServer:
    return LoopbackServer(default_answer, Faults(share=0.1), latency=Latency(0.05))


def test_a_run_that_is_killed_again_and_again_pays_only_for_what_was_under_way(tmp_path: Path) -> None:
    write_suite(tmp_path / "suite", [f"session-{i}" for i in range(max(2, 8 * KILLS))])
    drawn = random.Random(4)
    with served() as server:
        kills = 0
        for _ in range(KILLS):
            process = start(tmp_path, server.base_url, drawn.uniform(0.6, 1.8))
            process.communicate(timeout=300)
            kills += process.returncode != 0
        said, errors = start(tmp_path, server.base_url).communicate(timeout=600)
        assert said == "done 0\n", errors
        answered = len(server.answered)
    with served() as server:
        said, errors = start(tmp_path, server.base_url, store="undisturbed").communicate(timeout=600)
        assert said == "done 0\n", errors
    assert work_in(tmp_path / "s.duckdb") == work_in(tmp_path / "undisturbed.duckdb")
    found = counts(tmp_path)
    assert (found["failures"], found["verdicts"]) == (0, 2 * found["proposals"])
    assert found["replies"] <= answered <= found["replies"] + kills * CONNECTIONS
    sys.stdout.write(f"{kills} kills, {found['replies']} replies, {answered - found['replies']} paid twice\n")


@pytest.mark.parametrize("processes", [2, 4])
def test_runs_side_by_side_lose_nothing_double_nothing_and_let_a_plain_reader_in(
    tmp_path: Path, server: LoopbackServer, processes: int
) -> None:
    write_suite(tmp_path / "suite", NAMES)
    with server:
        all_of_them = [start(tmp_path, server.base_url) for _ in range(processes)]
        looks = _read_meanwhile(tmp_path / "s.duckdb", all_of_them)
        said = [process.communicate(timeout=120) for process in all_of_them]
    assert [out for out, _ in said] == ["done 0\n"] * processes, said
    assert looks
    assert looks == sorted(looks)
    found = counts(tmp_path)
    assert found["failures"] == 0
    assert found["verdicts"] == 2 * found["proposals"]
    with Store(tmp_path / "s.duckdb").read() as connection:
        doubled = "SELECT count(*) - count(DISTINCT (candidate, moment_id, sample)) FROM proposals"
        assert connection.execute(doubled).fetchall() == [(0,)]
    assert found["proposals"] == PROPOSALS


def _read_meanwhile(store: Path, processes: "list[subprocess.Popen[str]]") -> list[int]:
    """What a plain reader, which tries again when the file is taken, finds while others write."""
    looks: list[int] = []
    while any(process.poll() is None for process in processes):
        try:
            with duckdb.connect(str(store), read_only=True) as connection:
                looks += [len(connection.execute("SELECT reply_id FROM replies").fetchall())]
        except (duckdb.IOException, duckdb.CatalogException):
            continue
    return looks
