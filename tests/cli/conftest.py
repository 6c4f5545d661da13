"""Run the program as a user would: in an empty folder, with no key and no settings in the environment."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from nextstep.cli.app import app
from tests.builders import PROMPTS, write_suite


class Cli:
    """`nextstep` in a folder of its own."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self.monkeypatch = monkeypatch

    def __call__(self, *words: str, code: int = 0, stdin: str | None = None) -> str:
        """Standard output of a command that ends with this exit code; `self.err` has its standard error."""
        result = CliRunner().invoke(app, [*words], input=stdin)
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        self.err = result.stderr
        assert result.exit_code == code, f"exit {result.exit_code}\n{result.stdout}\n{result.stderr}"
        return result.stdout

    def json(self, *words: str, code: int = 0) -> dict[str, Any]:
        """The one JSON document that a command prints with --json."""
        document: dict[str, Any] = json.loads(self(*words, "--json", code=code))
        assert document["schema_version"] == 1
        return document


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cli:
    for name in list(os.environ):
        if name.startswith(("ANTHROPIC_", "NEXTSTEP_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COLUMNS", "80")
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return Cli(folder, monkeypatch)


@pytest.fixture
def project(cli: Cli) -> Cli:
    """A folder with a small suite and the prompts."""
    write_suite(cli.folder / "transcripts")
    (cli.folder / "prompts").mkdir()
    for path in PROMPTS.glob("*.md"):
        (cli.folder / "prompts" / path.name).write_text(path.read_text())
    return cli


Run = Callable[..., str]
