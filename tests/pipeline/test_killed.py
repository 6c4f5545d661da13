"""Real processes and one store: killed at any time or side by side, they lose no answer and double no row."""

import random
import subprocess
import sys
from pathlib import Path

import pytest

from nextstep.store import Store
from tests.builders import MODEL_STEP, judgement, step, write_suite
from tests.loopback import Latency, LoopbackServer, Reply
from tests.loopback.replies import Body

ROOT = Path(__file__).parents[2]
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


def start(folder: Path, base_url: str, kill_after_s: float = 0.0) -> "subprocess.Popen[str]":
    arguments = [str(folder / "s.duckdb"), str(folder / "suite"), base_url, str(kill_after_s), str(CONNECTIONS)]
    command = [sys.executable, "-m", "tests.pipeline.killed", *arguments]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def counts(folder: Path) -> dict[str, int]:
    tables = ("replies", "proposals", "verdicts", "failures")
    with Store(folder / "s.duckdb").read() as connection:
        return {name: len(connection.execute(f"FROM {name}").fetchall()) for name in tables}


@pytest.fixture
def server() -> LoopbackServer:
    return LoopbackServer(answer, latency=Latency(0.02))


def test_a_run_that_is_killed_again_and_again_pays_only_for_what_was_under_way(
    tmp_path: Path, server: LoopbackServer
) -> None:
    write_suite(tmp_path / "suite", NAMES)
    drawn = random.Random(4)
    with server:
        kills = 0
        for _ in range(3):
            process = start(tmp_path, server.base_url, drawn.uniform(0.6, 1.8))
            process.communicate(timeout=60)
            kills += process.returncode != 0
        said, errors = start(tmp_path, server.base_url).communicate(timeout=60)
        assert said == "done 0\n", errors
        answered = len(server.answered)
    distinct = 3 * PROPOSALS
    assert counts(tmp_path) == {
        "replies": distinct,
        "proposals": PROPOSALS,
        "verdicts": 2 * PROPOSALS,
        "failures": 0,
    }
    assert distinct <= answered <= distinct + kills * CONNECTIONS


def test_two_runs_side_by_side_lose_nothing_and_double_nothing(tmp_path: Path, server: LoopbackServer) -> None:
    write_suite(tmp_path / "suite", NAMES)
    with server:
        both = [start(tmp_path, server.base_url) for _ in range(2)]
        said = [process.communicate(timeout=60) for process in both]
    assert [out for out, _ in said] == ["done 0\n"] * 2, said
    found = counts(tmp_path)
    assert found["failures"] == 0
    assert found["verdicts"] == 2 * found["proposals"]
    with Store(tmp_path / "s.duckdb").read() as connection:
        doubled = "SELECT count(*) - count(DISTINCT (candidate, moment_id, sample)) FROM proposals"
        assert connection.execute(doubled).fetchall() == [(0,)]
    assert found["proposals"] == PROPOSALS
