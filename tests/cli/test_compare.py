"""`nextstep compare`: paired, per set and judge, with what was dropped, what cannot be compared and what changed."""

import csv
import json
from pathlib import Path

import pytest

from nextstep.store import Store
from tests.cli.conftest import Cli
from tests.cli.gates import GateProject, flat
from tests.operating.projects import JUDGE, NEW, OLD
from tests.operating.worlds import LOSS, WIN

NOTE = "say nothing about any model"


@pytest.fixture
def two(cli: Cli) -> GateProject:
    """The new model wins 30 of 40 detours, the old one 20 of them."""
    found = GateProject(cli)
    found.give(new=[WIN] * 30 + [LOSS] * 10, old=[WIN] * 20 + [LOSS] * 20)
    found.score()
    return found


class TestFigures:
    def test_a_difference_has_all_that_is_needed_to_read_it(self, two: GateProject) -> None:
        document = two.cli.json("compare", NEW, OLD)
        row = next(row for row in document["comparisons"] if row["set"] == "detour")
        assert (row["candidate"], row["baseline"], row["judge"]) == (NEW, OLD, JUDGE)
        assert (row["n_moments"], row["n_sessions"], row["n_dropped"]) == (40, 40, 0)
        assert row["difference"] == pytest.approx(0.25)
        assert row["ci_low"] < 0.25 < row["ci_high"]
        # Ten sessions differ, all in one direction: 2 / 2^10.
        assert row["p_value"] == pytest.approx(2 / 2**10)
        assert (row["better"], row["same"], row["worse"]) == (0.25, 0.75, 0)
        assert 0 < row["mde"] < 1
        assert 0 < row["correlation"] < 1
        out = two.cli("compare", NEW, OLD)
        assert f"A = {NEW}" in out
        assert "25/75/0" in out

    def test_swapping_the_models_turns_the_difference_round(self, two: GateProject) -> None:
        one, other = (two.cli.json("compare", *names)["comparisons"][0] for names in ((NEW, OLD), (OLD, NEW)))
        assert one["difference"] == -other["difference"]
        assert (one["ci_low"], one["ci_high"]) == pytest.approx((-other["ci_high"], -other["ci_low"]))
        assert (one["p_value"], one["better"]) == (other["p_value"], other["worse"])

    def test_one_set_may_be_asked_for(self, two: GateProject) -> None:
        rows = two.cli.json("compare", NEW, OLD, "--set", "control")["comparisons"]
        assert [row["set"] for row in rows] == ["control"]

    def test_moments_that_changed_most_can_be_shown(self, two: GateProject) -> None:
        document = two.cli.json("compare", NEW, OLD, "-n", "3")
        assert [row["difference"] for row in document["changed"]] == [1, 1, 1]
        for row in document["changed"]:
            assert two.cli.json("show", row["moment_id"][:8])["moment"]["moment_id"] == row["moment_id"]
        assert "Moments that changed most" not in two.cli("compare", NEW, OLD, "-n", "0")

    def test_what_was_dropped_is_counted_with_its_reason(self, two: GateProject) -> None:
        two.fail(3)
        two.fail(1, OLD, "control")
        out = flat(two.cli("compare", NEW, OLD))
        assert f"detour: 3 moments dropped: 3 failed of {NEW}" in out
        assert f"control: 1 moments dropped: 1 failed of {OLD}" in out
        (row,) = two.cli.json("compare", NEW, OLD, "--set", "detour")["comparisons"]
        assert (row["n_moments"], row["n_dropped"]) == (37, 3)
        assert json.loads(row["dropped"])["candidate"] == {"failed": 3}

    def test_differences_are_stored_and_a_rerun_replaces_them(self, two: GateProject) -> None:
        two.cli("compare", NEW, OLD)
        two.cli("compare", NEW, OLD)
        found = two.cli.json("sql", "--named", "comparisons")["rows"]
        assert [(row["set"], row["difference_pp"]) for row in found] == [("detour", 25.0), ("control", 0.0)]

    def test_they_go_to_files(self, two: GateProject) -> None:
        two.cli("compare", NEW, OLD, "-o", "c.csv")
        with Path("c.csv").open(newline="") as file:
            assert {row["set"] for row in csv.DictReader(file)} == {"detour", "control"}


class TestSeveral:
    def test_more_than_two_are_adjusted_for_one_another(self, project: Cli) -> None:
        models = ("offline/continue", "offline/question", "offline/stock")
        for model in models:
            project("eval", "--model", model, "--judge", "offline/lexical", "-q")
        document = project.json("compare", *models)
        rows = [row for row in document["comparisons"] if row["set"] == "detour"]
        assert len(rows) == 3
        assert {row["n_tests"] for row in rows} == {3}
        assert all(row["p_holm"] >= row["p_value"] for row in rows)
        out = project("compare", *models)
        assert "holm" in out
        assert NOTE in flat(out)

    def test_the_bundled_demo_fits_eighty_columns_and_says_that_it_tests_the_pipeline(self, cli: Cli) -> None:
        cli("demo", "-q")
        out = cli("compare", "offline/continue", "offline/stock", "--store", "nextstep-demo.duckdb")
        table = [line for line in out.splitlines() if line.startswith(("A - B", "pair"))]
        assert all(len(line) <= 80 for line in table)
        assert NOTE in out


class TestApart:
    def test_models_under_different_judges_are_not_compared(self, project: Cli) -> None:
        project("eval", "--model", "offline/continue", "--judge", "offline/lexical", "-q")
        Path("evals.yaml").write_text(
            "judges: [{model: offline/lexical, name: second}]\njudging: {hide_decision: false}\n"
        )
        project("eval", "--model", "offline/stock", "-q")
        out = flat(project("compare", "offline/continue", "offline/stock", code=3))
        assert "Not comparable: offline/continue and offline/stock" in out
        assert "the judges differ: offline/continue has offline/lexical, offline/stock has second" in out
        document = project.json("compare", "offline/continue", "offline/stock", code=3)
        assert document["comparisons"] == []
        assert document["not_comparable"][0]["reasons"][0]["remedy"]

    def test_a_model_of_another_suite_is_told_apart(self, project: Cli) -> None:
        project("eval", "--model", "offline/stock", "--judge", "offline/lexical", "-q")
        moments = Path("transcripts/moments.jsonl")
        moments.write_text("".join(moments.read_text().splitlines(keepends=True)[:-1]))
        project("eval", "--model", "offline/continue", "--judge", "offline/lexical", "-q")
        assert "the suites differ" in flat(project("compare", "offline/continue", "offline/stock", code=3))

    def test_win_rates_of_an_earlier_nextstep_are_not_taken_for_alike(self, two: GateProject) -> None:
        with two.store.write() as connection:
            connection.execute(f"UPDATE win_rates SET asked_hash = NULL WHERE candidate = '{OLD}'")
        out = flat(two.cli("compare", NEW, OLD, code=3))
        assert f"it is not known with which prompt {OLD} was asked" in out

    def test_two_of_three_that_fit_are_compared_and_the_third_is_told(self, two: GateProject) -> None:
        with two.store.write() as connection:
            connection.execute(
                "INSERT INTO win_rates BY NAME SELECT * REPLACE ('third' AS candidate, 'x' AS asked_hash)"
                f" FROM win_rates WHERE candidate = '{OLD}'"
            )
        document = two.cli.json("compare", NEW, OLD, "third")
        assert {row["baseline"] for row in document["comparisons"]} == {OLD}
        assert [(one["candidate"], one["baseline"]) for one in document["not_comparable"]] == [
            (NEW, "third"),
            (OLD, "third"),
        ]


class TestUsage:
    @pytest.mark.parametrize(
        ("words", "told"),
        [
            ((NEW,), "two different candidates"),
            ((NEW, NEW), "two different candidates"),
            ((NEW, "old-mode"), "did you mean old-model?"),
            ((NEW, "zzz"), "there are: new-model, old-model"),
            ((NEW, OLD, "--judge", "nobody"), "no judge of these candidates is named nobody"),
            ((NEW, OLD, "--set", "both"), "--set is detour or control"),
        ],
    )
    def test_a_name_that_does_not_fit_is_told(self, two: GateProject, words: tuple[str, ...], told: str) -> None:
        two.cli("compare", *words, code=2)
        assert told in two.cli.err

    def test_nothing_scored_is_told(self, cli: Cli) -> None:
        with Store(Path("nextstep.duckdb")).write():
            pass
        cli("compare", NEW, OLD, code=2)
        assert "nothing was scored yet" in cli.err
