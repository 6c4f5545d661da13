"""`nextstep check`: each verdict with its exit code, each reason for none with its remedy, and what it writes."""

import json
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from nextstep.pipeline import gate as gating
from tests.cli.conftest import Cli
from tests.cli.gates import CHECK, GateProject, flat
from tests.operating.projects import JUDGE, NEW, OLD
from tests.operating.worlds import LOSS, TIE, WIN


@pytest.fixture
def gate(cli: Cli) -> GateProject:
    return GateProject(cli)


def wide(count: int = 40) -> tuple[list[int], list[int]]:
    """Outcomes that differ widely and level out: the new model wins where the old one loses, at half of the moments."""
    new = [WIN if i % 4 < 2 else LOSS for i in range(count)]
    return new, [WIN if i % 2 else LOSS for i in range(count)]


class TestVerdicts:
    def test_equal_models_pass(self, gate: GateProject) -> None:
        out = gate.check(code=0)
        assert out.startswith(f"PASS: {NEW} against {OLD}, judged by {JUDGE}")
        assert gate.rows("SELECT verdict, reason FROM gates") == [("pass", None)]

    def test_a_worse_model_is_a_regression(self, gate: GateProject) -> None:
        gate.give(new=[LOSS] * 40, old=[WIN] * 30 + [LOSS] * 10)
        assert gate.check(code=1).startswith("REGRESSION")

    def test_a_model_that_loses_everywhere_where_the_other_wins_is_a_regression_without_variance(
        self, gate: GateProject
    ) -> None:
        gate.give(new=[LOSS] * 40, old=[WIN] * 40)
        assert gate.check(code=1).startswith("REGRESSION")

    def test_a_pass_says_when_the_new_model_is_worse_within_the_margin_or_better(self, gate: GateProject) -> None:
        gate.configure(gate={"margin": 0.5})
        gate.give(new=[LOSS] * 20 + [TIE] * 20, old=[LOSS] * 20 + [WIN] * 12 + [TIE] * 8)
        assert "worse, but by less than the margin" in gate.check(code=0)
        gate.give(new=[WIN] * 40, old=[LOSS] * 12 + [WIN] * 28)
        assert "the new model is better" in gate.check(code=0)

    def test_every_set_of_the_config_must_pass(self, gate: GateProject) -> None:
        gate.configure(gate={"sets": ["detour", "control"]})
        out = gate.check(code=0)
        assert [line.split()[:2] for line in out.splitlines()[3:5]] == [["detour", "PASS"], ["control", "PASS"]]
        fifth = [WIN if i % 5 == 0 else LOSS for i in range(40)]
        third = [WIN if i % 3 == 0 else LOSS for i in range(40)]
        gate.give(controls=([LOSS] * 40, third))
        document = gate.cli.json(*CHECK, code=1)
        assert [row["verdict"] for row in document["gates"]] == ["pass", "regression"]
        gate.give(controls=([*fifth[1:], WIN], fifth))
        assert gate.cli.json(*CHECK, code=3)["verdict"] == "no verdict"


class TestNoVerdict:
    """Each reason, its remedy in words, exit code 3."""

    def test_too_few_moments(self, cli: Cli) -> None:
        small = GateProject(cli, sessions=10)
        out = flat(small.check(code=3))
        assert "10 moments in 10 sessions" in out
        assert "a gate needs 30 moments and 10 such sessions" in out
        assert "add sessions with moments to the suite" in out

    def test_an_interval_that_leaves_both_open_tells_n_the_mde_and_what_would_decide(self, gate: GateProject) -> None:
        gate.give(*wide())
        out = flat(gate.check(code=3))
        document = gate.cli.json(*CHECK, code=3)
        (row,) = document["gates"]
        assert row["reason"] == "inconclusive"
        assert row["n_moments"] == 40
        assert f"{100 * row['mde']:.1f}" in out
        assert row["moments_if_equal"] > 0
        assert f"{row['moments_if_equal']} more moments like these 40 would decide with 80 % probability" in out
        assert "--samples 4" in out

    def test_with_several_samples_it_says_how_many_would_decide(self, cli: Cli) -> None:
        gate = GateProject(cli, samples=2)
        new = [LOSS if i % 4 < 2 and i % 2 else WIN for i in range(80)]
        gate.give(new=new, old=[WIN if i % 4 < 2 and i % 2 else LOSS if i % 7 == 0 else WIN for i in range(80)])
        (row,) = gate.cli.json(*CHECK, code=3)["gates"]
        assert row["samples"] == 2
        assert row["samples_if_equal"] is None or row["samples_if_equal"] > 2

    def test_a_judge_that_was_never_calibrated(self, gate: GateProject) -> None:
        gate.card(None)
        out = flat(gate.check(code=3))
        assert f"judge {JUDGE} is not calibrated" in out
        assert f"`nextstep calibrate --judge {JUDGE}`" in out

    def test_a_judge_that_is_not_trusted_also_where_the_figures_show_a_regression(self, gate: GateProject) -> None:
        gate.give(new=[LOSS] * 40, old=[WIN] * 40)
        gate.card("not trusted", ok=False)
        out = flat(gate.check(code=3))
        assert f"judge {JUDGE} is not trusted; alarms: padded" in out
        assert "take another --judge, for both models" in out

    def test_a_judge_to_be_used_with_care_may_decide_and_the_report_says_so(self, gate: GateProject) -> None:
        gate.card("use with care")
        assert "Use with care" in gate.check(code=0)

    def test_controls_out_of_their_band(self, gate: GateProject) -> None:
        gate.give(controls=([WIN] * 40, [LOSS] * 40))
        out = flat(gate.check(code=3))
        assert "the win rate on controls is 100.0 %" in out
        assert "outside of the band from 5 % to 35 %" in out
        assert "nextstep show" in out

    def test_the_weaker_model_on_controls_says_nothing_of_the_judge(self, gate: GateProject) -> None:
        gate.give(controls=([LOSS] * 40, [WIN if i % 5 == 0 else LOSS for i in range(40)]))
        gate.check(code=0)

    def test_controls_that_nobody_judged(self, gate: GateProject) -> None:
        gate.give(controls=([None] * 40, [None] * 40))
        out = flat(gate.check(code=3))
        assert "controls were not judged" in out
        assert "add control moments" in out

    @pytest.mark.parametrize("candidate", [NEW, OLD])
    def test_more_than_two_percent_missing(self, gate: GateProject, candidate: str) -> None:
        gate.fail(1, candidate)
        out = flat(gate.check(code=3))
        assert f"1 of 40 samples of {candidate} have no score (1 failed, 0 not judged yet)" in out
        assert "at most 2 % may be missing" in out
        assert "`nextstep sql --named failures`" in out

    def test_what_is_not_judged_yet_is_missing_too(self, gate: GateProject) -> None:
        gate.give(new=[*[WIN if i % 2 else LOSS for i in range(38)], None, None])
        assert "(0 failed, 2 not judged yet)" in flat(gate.check(code=3))

    def test_missing_that_differs_by_model(self, cli: Cli) -> None:
        gate = GateProject(cli, sessions=120, samples=4)
        gate.fail(6)
        out = flat(gate.check(code=3))
        assert f"samples of {NEW} alone at" in out
        assert "what is missing differs by model" in out
        assert "at most 2 %" not in out


class TestNotComparable:
    def test_another_suite(self, gate: GateProject) -> None:
        gate.score()
        moments = Path("transcripts/moments.jsonl")
        moments.write_text("".join(moments.read_text().splitlines(keepends=True)[:-1]))
        out = flat(gate.check(code=3))
        assert "the suites differ: this check has" in out
        assert "nextstep eval --model" in out

    def test_another_judge(self, gate: GateProject) -> None:
        gate.score()
        out = flat(gate.check("--judge", "other-judge", code=3))
        assert f"the judges differ: this check has other-judge, {NEW} in the store has {JUDGE}" in out

    @pytest.mark.parametrize(
        ("prompt", "told"),
        [("judge", "was asked otherwise"), ("candidate", "the candidates' prompts differ"), ("form", "differ")],
    )
    def test_other_prompts(self, gate: GateProject, prompt: str, told: str) -> None:
        gate.score()
        path = Path("prompts") / f"{prompt}.md"
        path.write_text(
            path.read_text() + "\nBe brief.\n" if prompt != "form" else path.read_text().replace(".", ";", 1)
        )
        assert told in flat(gate.check(code=3))

    def test_another_config(self, gate: GateProject) -> None:
        gate.score()
        models = [{"model": NEW, "max_tokens": 4000}, {"model": OLD}]
        gate.configure(candidates=models)
        assert f"{NEW} has other parameters in the store than in this config" in flat(gate.check(code=3))
        gate.configure(judges=[{"model": JUDGE, "max_tokens": 4000}])
        assert f"the parameters of judge {JUDGE} differ" in flat(gate.check(code=3))
        gate.configure(judging={"hide_decision": False})
        assert "was asked otherwise" in flat(gate.check(code=3))

    def test_a_model_that_nobody_evaluated(self, gate: GateProject) -> None:
        out = flat(gate.cli("check", "--model", "newest", "--against", OLD, "--no-run", code=3))
        assert "the store has no verdict on newest" in out
        assert "run without --no-run" in out

    def test_no_figure_is_shown_and_no_look_is_counted(self, gate: GateProject) -> None:
        gate.score()
        gate.check("--judge", "other-judge", code=3)
        assert gate.rows("SELECT reason, difference, look FROM gates") == [("not comparable", None, 1)]


class TestLooks:
    def test_a_rerun_on_the_same_data_is_logged_and_shown(self, gate: GateProject) -> None:
        assert "look" not in gate.check(code=0)
        assert "2nd look at these two candidates, 1 earlier at the very same scores" in flat(gate.check(code=0))
        assert "3rd look" in gate.check(code=0)
        assert gate.rows("SELECT look, same_data FROM gates ORDER BY look") == [(1, 0), (2, 1), (3, 2)]

    def test_another_margin_after_a_look_is_told(self, gate: GateProject) -> None:
        gate.give(*wide())
        gate.check(code=3)
        gate.configure(gate={"margin": 0.6})
        out = flat(gate.check(code=0))
        assert "CAUTION: an earlier look had another rule: margin 10 points with alpha 0.05" in out

    def test_the_rule_is_written_down_before_a_score_is_read(
        self, gate: GateProject, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def stop(*_: object) -> None:
            raise RuntimeError

        monkeypatch.setattr(gating, "scores_of", stop)
        with pytest.raises(RuntimeError):
            gate.check(code=0)
        found = gate.rows('SELECT margin, alpha, "set", look, verdict, difference FROM gates')
        assert found == [(0.1, 0.05, "detour", 1, None, None)]

    def test_further_samples_pool_and_the_look_counts_as_another(self, cli: Cli) -> None:
        gate = GateProject(cli, samples=2)
        gate.give(new=[WIN, LOSS] * 40, old=[WIN, LOSS] * 40)
        later = gate.take_out(f"{NEW}:%:1")
        (row,) = gate.cli.json(*CHECK)["gates"]
        assert (row["candidate_rate"], row["samples"]) == (1.0, 1)
        gate.put_back(later)
        (row,) = gate.cli.json(*CHECK)["gates"]
        assert (row["candidate_rate"], row["samples"]) == (0.5, 2)
        assert (row["look"], row["same_data"]) == (2, 0)
        assert "each look at further samples adds to the chance of a wrong PASS" in flat(gate.check(code=0))


class TestOutputs:
    def test_it_writes_every_form_at_once(self, gate: GateProject) -> None:
        gate.give(new=[LOSS] * 40, old=[WIN] * 40)
        gate.check("-o", "g.md", "-o", "g.xml", "-o", "g.json", "-o", "g.txt", code=1)
        assert Path("g.md").read_text().startswith("### ❌ REGRESSION")
        root = ET.parse("g.xml").getroot()
        assert (root.get("tests"), root.get("failures"), root.get("errors")) == ("1", "1", "0")
        document = json.loads(Path("g.json").read_text())
        assert (document["schema_version"], document["verdict"], document["exit_code"]) == (1, "regression", 1)
        assert Path("g.txt").read_text().startswith("REGRESSION")

    def test_no_verdict_is_an_error_in_junit_since_skipped_is_green(self, gate: GateProject) -> None:
        gate.card(None)
        gate.check("-o", "g.xml", code=3)
        root = ET.parse("g.xml").getroot()
        assert (root.get("failures"), root.get("errors")) == ("0", "1")
        (error,) = root.iter("error")
        assert error.get("type") == "judge not trusted"

    def test_the_github_summary_is_added_to(self, gate: GateProject) -> None:
        Path("summary").write_text("before\n")
        gate.cli.monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(Path("summary").absolute()))
        gate.check("--github-summary", code=0)
        assert Path("summary").read_text().startswith("before\n### ✅ PASS")

    @pytest.mark.parametrize(
        ("words", "told"),
        [
            (("--github-summary",), "GITHUB_STEP_SUMMARY is not set"),
            (("-o", "g.docx"), ".json, .md, .xml, .txt"),
            (("-o", "nowhere/g.md"), "there is no folder nowhere"),
        ],
    )
    def test_a_place_that_cannot_be_written_is_told_before_anything_is_done(
        self, gate: GateProject, words: tuple[str, ...], told: str
    ) -> None:
        gate.check(*words, code=2)
        assert told in gate.cli.err
        assert gate.rows("SELECT count(*) FROM gates") == [(0,)]

    def test_the_moments_that_changed_can_be_shown(self, gate: GateProject) -> None:
        gate.give(new=[LOSS] * 40, old=[WIN] * 40)
        document = gate.cli.json(*CHECK, code=1)
        first = document["changed"][0]
        assert first["difference"] == -1
        shown = gate.cli.json("show", first["moment_id"][:8])["moment"]
        assert f"{shown['session_name']}:{shown['cut']}" == first["moment"]


class TestUsage:
    def test_a_model_is_not_held_against_itself(self, gate: GateProject) -> None:
        gate.cli("check", "--model", NEW, "--against", NEW, "--no-run", code=2)
        assert "is the new model itself" in gate.cli.err

    def test_without_a_store_there_is_nothing_to_read(self, gate: GateProject) -> None:
        gate.check("--store", "none.duckdb", code=2)
        assert "there is no store yet" in gate.cli.err
        assert not Path("none.duckdb").exists()

    def test_a_dry_run_tells_the_calls_and_decides_nothing(self, gate: GateProject) -> None:
        plan = gate.cli.json("check", "--model", NEW, "--against", "older", "--dry-run")["plan"]
        assert sum(row["calls"] for row in plan) > 0
        assert gate.rows("SELECT count(*) FROM gates") == [(0,)]
