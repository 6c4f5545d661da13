"""`nextstep eval --batch` through the real SDK against a server with batches on loopback."""

import signal
import subprocess
import sys

import pytest

from tests.cli.conftest import Cli
from tests.cli.test_server import CALLS, RUN, connect
from tests.loopback import Batches, LoopbackServer

AT_ONCE, SLOW = Batches(takes_s=0), Batches(takes_s=3600)


def test_a_run_in_batches_ends_like_any_other(project: Cli) -> None:
    with LoopbackServer(batches=AT_ONCE) as server:
        connect(project, server)
        document = project.json(*RUN, "--batch")
        assert (document["status"], document["requests"], document["in_batches"]) == ("done", CALLS, [])
        assert {one.path for one in server.requests if one.body} == {"/v1/messages/batches"}
        assert project.json(*RUN)["requests"] == 0


def test_no_wait_says_what_is_left_and_that_the_same_command_collects(project: Cli) -> None:
    with LoopbackServer(batches=SLOW) as server:
        connect(project, server)
        document = project.json(*RUN, "--batch", "--no-wait")
        assert [one["calls"] for one in document["in_batches"]] == [6]
        assert "6 calls are in 1 batch that are still processed (msgbatch_" in project.err
        assert "the same command collects them later" in project.err
        assert "No answer has come yet" in project.err
        project(*RUN)
        assert "6 calls are in 1 batch" in project.err
        assert not [one for one in server.requests if one.path == "/v1/messages"]


def test_calibrations_go_in_batches_too(project: Cli) -> None:
    with LoopbackServer(batches=AT_ONCE) as server:
        connect(project, server)
        project("calibrate", "--judge", "claude-y", "--batch")
        assert server.summary()["batches"]["items"]["succeeded"]
        assert not [one for one in server.requests if one.path == "/v1/messages"]


def test_a_check_goes_in_batches_too(project: Cli) -> None:
    with LoopbackServer(batches=AT_ONCE) as server:
        connect(project, server)
        gate = ("check", "--model", "claude-x", "--against", "claude-z", "--judge", "claude-y")
        document = project.json(*gate, "--batch", code=3)
        assert document["requests"] > CALLS
        assert {one.path for one in server.requests if one.body} == {"/v1/messages/batches"}
        asked = len(server.requests)
        project(*gate, "--batch", "--no-run", code=3)
        assert len(server.requests) == asked


@pytest.mark.parametrize("flags", [("--no-wait",), ("--batch", "--no-wait", "--dry-run")])
def test_flags_that_do_not_fit_are_refused_before_anything_is_read(project: Cli, flags: tuple[str, ...]) -> None:
    project(*RUN, *flags, code=2)
    assert "--no-wait" in project.err


def test_the_environment_asks_for_batches(project: Cli) -> None:
    with LoopbackServer(batches=AT_ONCE) as server:
        connect(project, server)
        project.monkeypatch.setenv("NEXTSTEP_BATCH", "1")
        assert project.json(*RUN)["requests"] == CALLS
        assert server.summary()["batches"]["created"] == 3


def test_ctrl_c_while_waiting_leaves_the_batches_to_the_next_run(project: Cli) -> None:
    with LoopbackServer(batches=SLOW) as server:
        connect(project, server)
        command = [sys.executable, "-m", "nextstep", *RUN, "--batch"]
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as client:
            assert client.stderr
            said = ""
            while "next look in" not in said:
                said += client.stderr.readline()
            client.send_signal(signal.SIGINT)
            said += client.stderr.read()
        assert client.returncode == 130
        assert "6 calls in 1 batch" in said
        assert "6 calls are in 1 batch that are still processed" in said
        again = project.json(*RUN, "--batch", "--no-wait")
        assert [one["calls"] for one in again["in_batches"]] == [6]
        assert server.summary()["batches"]["created"] == 1
