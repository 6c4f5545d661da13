"""`import nextstep`: the same jobs from Python, in scripts and under a running loop, with Arrow tables."""

import asyncio
import inspect
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pyarrow as pa
import pytest

import nextstep
from nextstep.api.waiting import wait_for
from nextstep.errors import FatalModelError, UsageError
from tests.builders import write_suite
from tests.loopback import Batches, LoopbackServer

ROOT = Path(__file__).parents[2]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in list(os.environ):
        if name.startswith(("ANTHROPIC_", "NEXTSTEP_")):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    write_suite(tmp_path / "transcripts")
    return tmp_path


def offline(**more: object) -> nextstep.Evaluation:
    return nextstep.evaluate("offline/continue", judges="offline/lexical", **more)  # type: ignore[arg-type]


def test_an_evaluation_gives_its_figures_and_a_second_one_asks_nothing(folder: Path) -> None:
    first = offline()
    assert (first.status, first.requests, first.failed, first.cost_usd) == ("done", 24, 0, 0.0)
    assert first.win_rates.column("set").to_pylist() == ["detour", "control"]
    assert first.outcomes.num_rows == 6
    assert first.store == Path("nextstep.duckdb")
    second = offline()
    assert second.requests == 0
    assert second.outcomes == first.outcomes


def test_an_evaluation_goes_in_batches(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with LoopbackServer(batches=Batches(takes_s=0)) as server:
        monkeypatch.setenv("ANTHROPIC_BASE_URL", server.base_url)
        monkeypatch.setenv("ANTHROPIC_API_KEY", "test-key")
        done = nextstep.evaluate("claude-x", judges="claude-y", batch=True)
        assert (done.status, done.failed, done.requests) == ("done", 0, 24)
        assert nextstep.check("claude-x", against="claude-z", judges="claude-y", batch=True).verdict == "no verdict"
        assert {one.path for one in server.requests if one.body} == {"/v1/messages/batches"}


def test_an_evaluation_tells_of_its_own_candidates_alone(folder: Path) -> None:
    offline()
    other = nextstep.evaluate(["offline/question", "offline/stock"], judges=["offline/lexical"], set="detour")
    assert set(other.win_rates.column("candidate").to_pylist()) == {"offline/question", "offline/stock"}
    assert set(other.outcomes.column("candidate").to_pylist()) == {"offline/question", "offline/stock"}
    with nextstep.open_store() as store:
        assert store.win_rates().num_rows == 4


def test_models_are_compared_as_the_command_compares_them(folder: Path) -> None:
    nextstep.evaluate(["offline/continue", "offline/stock"], judges="offline/lexical")
    found = nextstep.compare("offline/continue", "offline/stock")
    with nextstep.open_store() as store:
        stored = store.sql("SELECT candidate, baseline, difference FROM comparisons ORDER BY ALL")
    names = ["candidate", "baseline", "difference"]
    assert found.differences.select(names).sort_by([("difference", "ascending")]).num_rows == stored.num_rows > 0
    assert set(found.differences.column("candidate").to_pylist()) == {"offline/continue"}
    assert found.not_comparable == ()
    swapped = nextstep.compare("offline/stock", "offline/continue", set="detour")
    (there,) = [row for row in found.differences.to_pylist() if row["set"] == "detour"]
    (back,) = swapped.differences.to_pylist()
    assert back["difference"] == -there["difference"]


def test_a_gate_on_few_moments_gives_no_verdict_and_says_why(folder: Path) -> None:
    done = nextstep.check("offline/continue", against="offline/stock", judges="offline/lexical")
    assert done.verdict == "no verdict"
    assert all(done.gates.column("reason").to_pylist())
    with nextstep.open_store() as store:
        assert store.sql("FROM gates").num_rows == done.gates.num_rows
    again = nextstep.check("offline/continue", against="offline/stock", judges="offline/lexical", run=False)
    assert again.verdict == done.verdict


def test_a_gate_that_may_not_run_needs_a_store(folder: Path) -> None:
    with pytest.raises(nextstep.NextstepError):
        nextstep.check("offline/continue", against="offline/stock", judges="offline/lexical", run=False)


def test_it_runs_where_a_loop_runs_already(folder: Path) -> None:
    async def cell() -> nextstep.Evaluation:
        return offline(limit=2, shard="1/1")

    assert asyncio.run(cell()).outcomes.num_rows == 2


def test_errors_come_through_a_running_loop_as_they_are(folder: Path) -> None:
    async def fails() -> None:
        raise UsageError("so it is")

    async def cell() -> None:
        wait_for(fails)

    with pytest.raises(UsageError, match="so it is"):
        asyncio.run(cell())


def test_ctrl_c_under_a_running_loop_ends_the_work_in_order() -> None:
    put_away: list[str] = []

    begun = threading.Event()

    async def work() -> None:
        begun.set()
        try:
            await asyncio.sleep(60)
        finally:
            put_away.append("done")

    async def cell() -> None:
        wait_for(work)

    def interrupt() -> None:
        begun.wait(30)
        os.kill(os.getpid(), signal.SIGINT)

    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    threading.Thread(target=interrupt).start()
    try:
        loop = asyncio.new_event_loop()
        with pytest.raises(KeyboardInterrupt):
            loop.run_until_complete(cell())
        loop.close()
    finally:
        signal.signal(signal.SIGINT, before)
    assert put_away == ["done"]


def test_what_cannot_work_is_an_error_of_ours(folder: Path) -> None:
    for arguments in (
        {"set": "both"},
        {"shard": "3/2"},
        {"suite": "nowhere"},
        {"samples": 1000},
        {"config": "no.yaml"},
    ):
        with pytest.raises(nextstep.NextstepError):
            offline(**arguments)
    with pytest.raises(nextstep.NextstepError, match="--model"):
        nextstep.evaluate(judges="offline/lexical")
    with pytest.raises(nextstep.NextstepError, match="there is no store yet"):
        nextstep.open_store("nowhere.duckdb")
    assert not Path("nextstep.duckdb").exists()


def test_a_model_that_cannot_answer_raises(folder: Path) -> None:
    with pytest.raises(FatalModelError):
        nextstep.evaluate("claude-opus-5-5", judges="offline/lexical")


def test_a_store_answers_in_arrow_and_pandas_and_is_sealed(folder: Path) -> None:
    offline()
    with nextstep.open_store("nextstep.duckdb") as store:
        table = store.sql("SELECT count(*) AS n, sum(sample) AS s FROM proposals")
        assert isinstance(table, pa.Table)
        assert table.to_pandas().iloc[0].to_dict() == {"n": 6, "s": 0}
        counts = {
            name: getattr(store, name)().num_rows
            for name in ("win_rates", "outcomes", "verdicts", "moments", "failures", "judge_health", "runs")
        }
        assert counts == {
            "win_rates": 2,
            "outcomes": 6,
            "verdicts": 12,
            "moments": 6,
            "failures": 0,
            "judge_health": 0,
            "runs": 1,
        }
        assert store.named("pairs").num_rows == 6
        assert store.queries["pairs"].endswith("?")
        for text in ("DELETE FROM runs", "FROM read_text('nextstep.duckdb')"):
            with pytest.raises(UsageError, match="read-only"):
                store.sql(text)
        with pytest.raises(UsageError, match="did you mean pairs"):
            store.named("pair")
        assert offline().requests == 0, "an open store is in nobody's way"
    for closed in (store.runs, store.verdicts):
        with pytest.raises(UsageError, match="is closed"):
            closed()


def test_every_public_name_is_there_typed_and_told() -> None:
    for name in nextstep.__all__:
        value = getattr(nextstep, name)
        if name != "__version__":
            assert inspect.getdoc(value)
    for name in ("evaluate", "open_store"):
        signature = inspect.signature(getattr(nextstep, name))
        assert signature.return_annotation is not inspect.Signature.empty
    assert set(nextstep.__all__) <= set(dir(nextstep))
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        nextstep.nothing  # noqa: B018


def test_the_example_runs_as_it_stands(tmp_path: Path) -> None:
    write_suite(tmp_path / "transcripts")
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("ANTHROPIC_", "NEXTSTEP_"))
    }
    program = [sys.executable, "-W", "error", str(ROOT / "examples" / "first_look.py")]
    environment["PYTHONPATH"] = os.pathsep.join(sys.path)
    first, again = (
        subprocess.run(program, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120, check=True)
        for _ in range(2)
    )
    assert "done: 42 requests now, 0 answers were there" in first.stdout
    assert "done: 0 requests now" in again.stdout
    assert "characters on" in again.stdout
    assert again.stderr == ""
