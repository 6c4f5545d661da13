"""The suite and prompts that ship with nextstep, and what a wheel carries of them."""

import subprocess
import sys
import zipfile
from collections import Counter
from pathlib import Path

import pytest

from nextstep.bundled import bundled
from nextstep.config import CandidateSettings
from nextstep.core.records import Moment, Role
from nextstep.core.stats import estimate
from nextstep.pipeline.prompting import CandidatePrompt
from nextstep.sources.suite import Suite, load_suite

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def suite() -> Suite:
    return load_suite(bundled("transcripts"))


def test_the_suite_has_as_many_detours_as_controls_from_many_sessions(suite: Suite) -> None:
    sets = Counter(str(moment.set) for moment in suite.moments)
    assert sets["detour"] == sets["control"] >= 9
    assert len(suite.sessions) >= 6
    assert max(Counter(moment.session for moment in suite.moments).values()) <= 4


def test_moments_are_neither_the_first_nor_the_last_turn_nor_the_only_ones(suite: Suite) -> None:
    for name, session in suite.sessions.items():
        turns = [event.idx for event in session.events if event.is_choice]
        cuts = {moment.cut for moment in suite.moments if moment.session == name}
        assert not {turns[0], turns[-1]} & cuts
        assert len(turns) >= len(cuts) + 2


def test_every_moment_says_why_and_what_resolved_it(suite: Suite) -> None:
    for moment in suite.moments:
        assert min(len(moment.why.split()), len(moment.resolution.split())) >= 8
        assert moment.tags


def test_tool_calls_and_results_alternate(suite: Suite) -> None:
    for session in suite.sessions.values():
        kinds = [event.kind for event in session.events]
        for i, kind in enumerate(kinds):
            assert (kind == "tool_use") == (i + 1 < len(kinds) and kinds[i + 1] == "tool_result")


def words(moment: Moment) -> float:
    return len(moment.human_step.split())


def place(moment: Moment) -> float:
    return moment.cut


def turn_number(moment: Moment) -> float:
    events = load_suite(bundled("transcripts")).events_of(moment)
    return sum(event.role is Role.HUMAN for event in events[: moment.cut])


def questions(moment: Moment) -> float:
    return moment.human_step.count("?")


@pytest.mark.parametrize("feature", [words, place, turn_number, questions])
def test_form_does_not_tell_the_label(suite: Suite, feature: object) -> None:
    """The chance that a detour ranks above a control by a feature of form is near one half."""
    assert callable(feature)
    sides: dict[str, list[float]] = {"detour": [], "control": []}
    for moment in suite.moments:
        sides[str(moment.set)].append(feature(moment))
    wins = [(d > c) + (d == c) / 2 for d in sides["detour"] for c in sides["control"]]
    assert 0.3 <= sum(wins) / len(wins) <= 0.7


def test_no_candidate_request_holds_the_step_or_what_came_after(suite: Suite) -> None:
    prompt, candidate = CandidatePrompt(bundled("prompts")), CandidateSettings(model="any")
    for moment in suite.moments:
        events = suite.events_of(moment)
        request, shortened = prompt.request(events, moment.cut, candidate)
        assert not shortened
        text = "".join(request.content)
        assert moment.human_step not in text
        assert f'n="{moment.cut}"' not in text
        assert moment.why not in text


def test_the_session_sizes_give_an_interval(suite: Suite) -> None:
    made = estimate((moment.session_id, float(i % 2)) for i, moment in enumerate(suite.moments))
    assert made.status in {"ok", "few_sessions"}


def test_a_wheel_carries_prompts_suite_and_sql_and_the_demo_runs_from_it(tmp_path: Path) -> None:
    built = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stderr
    (wheel,) = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    for source in ("prompts/judge.md", "transcripts/moments.jsonl", "transcripts/README.md"):
        assert f"nextstep/_data/{source}" in names
    assert not [name for name in names if "/lab/" in name]
    zipfile.ZipFile(wheel).extractall(tmp_path / "installed")
    done = subprocess.run(
        [sys.executable, "-c", "from nextstep.cli import main; main()", "demo", "--json"],
        cwd=tmp_path,
        env={"PYTHONPATH": str(tmp_path / "installed"), "PATH": "", "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "nextstep-demo.duckdb").exists()
    loaded = load_suite(tmp_path / "installed" / "nextstep" / "_data" / "transcripts")
    assert loaded.suite_hash == load_suite(ROOT / "transcripts").suite_hash
