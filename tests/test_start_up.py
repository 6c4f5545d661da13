"""Importing does no work, and the program starts without what only some commands need."""

import json
import subprocess
import sys

import pytest

HEAVY = {"anthropic", "bm25s", "datasets", "duckdb", "numpy", "pyarrow", "scipy", "tenacity", "yaml"}
HELP = "from typer.testing import CliRunner\nfrom nextstep.cli.app import app\nCliRunner().invoke(app, [{words}])"


def loaded(code: str) -> set[str]:
    """The top-level modules that a fresh interpreter has loaded after some code."""
    script = f"import sys, json\n{code}\nprint(json.dumps(sorted(name.split('.')[0] for name in sys.modules)))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.parametrize(
    "code",
    ["import nextstep", "import nextstep.cli.app", HELP.format(words="'--help'")],
    ids=["package", "app", "help"],
)
def test_the_program_starts_with_nothing_heavy(code: str) -> None:
    assert loaded(code) & {*HEAVY, "pydantic"} == set()


def test_the_help_of_a_command_loads_nothing_that_the_command_needs() -> None:
    assert loaded(HELP.format(words="'eval', '--help'")) & HEAVY == set()


def test_reading_results_loads_no_sdk() -> None:
    assert "anthropic" not in loaded("import nextstep.pipeline.results, nextstep.report.text")
