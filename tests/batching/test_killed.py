"""A client that is killed leaves all that the next one needs."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.batching.__main__ import STEPS
from tests.batching.world import Place, answer, batch_statuses
from tests.loopback import Batches, LoopbackServer

ROOT = Path(__file__).parents[2]
RULES = Batches(takes_s=0.1, errored=0.1, expired=0.05)


def killed(place: Place, step: str, times: int) -> None:
    """Run a client that dies at a step."""
    command = [sys.executable, "-m", "tests.batching", step, str(times), place.flags()]
    search = os.pathsep.join((str(ROOT / "src"), str(ROOT)))
    done = subprocess.run(
        command, cwd=ROOT, env=os.environ | {"PYTHONPATH": search}, capture_output=True, text=True, check=False
    )
    assert done.returncode == -signal.SIGKILL, done.stderr[-2000:]


@pytest.mark.parametrize(("step", "times"), [*((step, 1) for step in STEPS), ("after_create", 2), ("in_results", 5)])
def test_the_next_run_ends_as_if_nobody_had_been_killed(
    step: str, times: int, plain: dict[str, list[str]], tmp_path: Path
) -> None:
    with LoopbackServer(answer, batches=RULES) as server:
        place = Place(tmp_path, server.base_url)
        place.job()
        killed(place, step, times)
        result = place.run()
    assert (result.status, result.in_batches, place.heard.left) == ("done", (), 0)
    assert place.final() == plain
    assert set(server.ledger.times_answered.values()) == {1}
    created = server.summary()["batches"]["created"]
    assert len([status for status in batch_statuses(place) if status == "collected"]) == created
    assert batch_statuses(place).count("lost") == (step == "before_create")
