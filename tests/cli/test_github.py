"""A GitHub job as it would run: a fresh clone, a committed baseline, the action's own script, a server on loopback."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
import yaml

from tests.builders import PROMPTS
from tests.cli.answers import GOOD, POOR, answering, write_suite
from tests.cli.conftest import Cli
from tests.loopback import LoopbackServer

ROOT = Path(__file__).parents[2]
OLD, EQUAL, WORSE, JUDGE = "claude-opus-5", "claude-opus-5-5", "claude-haiku-5-5", "claude-sonnet-5-5"
SESSIONS = 40


def script() -> str:
    """What the last step of the action runs."""
    action = yaml.safe_load((ROOT / "action.yml").read_text())
    told: str = action["runs"]["steps"][-1]["run"]
    return told


@pytest.fixture
def server() -> Iterator[LoopbackServer]:
    with LoopbackServer(answer=answering(lambda model: POOR if model == WORSE else GOOD)) as server:
        yield server


@pytest.fixture
def repository(cli: Cli, server: LoopbackServer) -> Path:
    """The folder that a team has committed: suite, prompts, config and a baseline of the old model."""
    cli.monkeypatch.setenv("ANTHROPIC_BASE_URL", server.base_url)
    cli.monkeypatch.setenv("ANTHROPIC_API_KEY", "test-key")
    write_suite(cli.folder / "transcripts", SESSIONS)
    shutil.copytree(PROMPTS, cli.folder / "prompts")
    Path("evals.yaml").write_text(f"candidates: [{OLD}]\njudges: [{JUDGE}]\ngate: {{margin: 0.10, alpha: 0.05}}\n")
    cli("eval", "-q")
    cli("calibrate", "-q", "-n", "50")
    cli("export", "--run", "last", "-o", "baseline.json")
    Path("nextstep.duckdb").unlink()
    return cli.folder


def job(repository: Path, folder: Path, **inputs: str) -> tuple[int, Path]:
    """Run the action's script in a fresh copy; its exit code, and the copy."""
    clone = folder / f"clone-{len(list(folder.iterdir()))}"
    shutil.copytree(repository, clone)
    program = folder / "bin" / "nextstep"
    program.parent.mkdir(exist_ok=True)
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m nextstep "$@"\n')
    program.chmod(0o755)
    given = {"AGAINST": "baseline.json", "FOLDER": ".", "SAMPLES": "", "LIMIT": "", "MAX_COST": ""} | inputs
    env = os.environ | given | {"PATH": f"{program.parent}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT / "src")}
    env |= {"GITHUB_STEP_SUMMARY": str(clone / "summary.md"), "GITHUB_OUTPUT": str(clone / "output")}
    done = subprocess.run(
        ["bash", "-e", "-c", script()], cwd=clone, env=env, capture_output=True, text=True, check=False
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, clone


def written(clone: Path) -> tuple[dict[str, Any], str, ET.Element]:
    document = json.loads((clone / "nextstep-gate.json").read_text())
    return document, (clone / "summary.md").read_text(), ET.parse(clone / "nextstep-gate.xml").getroot()


def test_a_worse_model_fails_the_job_an_equal_one_passes_and_too_little_or_other_moments_decide_nothing(
    repository: Path, tmp_path: Path, server: LoopbackServer
) -> None:
    folder = tmp_path / "runner"
    folder.mkdir()

    code, clone = job(repository, folder, MODEL=WORSE)
    document, summary, junit = written(clone)
    assert (code, document["verdict"]) == (1, "regression")
    assert summary.startswith("### ❌ REGRESSION")
    assert (junit.get("failures"), junit.get("errors")) == ("1", "0")
    assert (clone / "output").read_text() == "verdict=regression\n"

    asked = {request.body["model"] for request in server.requests if request.body}
    code, clone = job(repository, folder, MODEL=EQUAL)
    document, summary, junit = written(clone)
    assert (code, document["verdict"]) == (0, "pass"), document["gates"]
    assert summary.startswith("### ✅ PASS")
    assert (junit.get("failures"), junit.get("errors")) == ("0", "0")
    assert document["gates"][0]["n_moments"] == SESSIONS
    assert document["gates"][0]["baseline_file"] == "baseline.json"
    assert OLD in asked

    sent = len(server.requests)
    code, clone = job(repository, folder, MODEL=EQUAL, LIMIT="10")
    document, summary, junit = written(clone)
    assert (code, document["verdict"]) == (3, "no verdict")
    assert summary.startswith("### ⚠️ NO VERDICT")
    assert (junit.get("failures"), junit.get("errors")) == ("0", "1")
    assert not any(request.body.get("model") == OLD for request in server.requests[sent:])

    moments = repository / "transcripts" / "moments.jsonl"
    moments.write_text("".join(moments.read_text().splitlines(keepends=True)[:-1]))
    sent = len(server.requests)
    code, clone = job(repository, folder, MODEL=EQUAL)
    document, summary, _ = written(clone)
    assert (code, document["gates"][0]["reason"]) == (3, "not comparable")
    assert "the suites differ" in summary
    assert len(server.requests) == sent


def test_the_workflow_in_the_docs_names_inputs_that_the_action_has() -> None:
    action = yaml.safe_load((ROOT / "action.yml").read_text())
    workflow = yaml.safe_load((ROOT / "docs" / "examples" / "check-model.yml").read_text())
    (step,) = (one for one in workflow["jobs"]["check"]["steps"] if one.get("uses") == "./.nextstep")
    assert set(step["with"]) <= set(action["inputs"])
    used = {name.replace("-", "_").upper() for name in action["inputs"]}
    assert used == set(action["runs"]["steps"][-1]["env"])
