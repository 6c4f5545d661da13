"""The docs say what the program does: pages are fresh, examples run, links lead somewhere."""

import re
from pathlib import Path

import duckdb
import pytest

from nextstep.config import load_config, parse_config
from nextstep.store import Store
from nextstep.store.asking import ask, named_queries
from tests.docs.generate import DOCS, PAGES

ROOT = DOCS.parent
TEXTS = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md"), ROOT / "transcripts" / "README.md"])


def blocks(language: str) -> list[str]:
    """The fenced blocks of a language in the README."""
    return re.findall(rf"```{language}\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = Store(tmp_path / "s.duckdb")
    with store.write():
        pass
    return store


@pytest.mark.parametrize("name", PAGES)
def test_generated_pages_are_up_to_date(name: str) -> None:
    assert (DOCS / name).read_text(encoding="utf-8") == PAGES[name](), "run `make docs`"


def test_every_table_view_and_column_is_explained(store: Store) -> None:
    with store.read() as connection:
        silent = connection.execute(
            "SELECT table_name FROM duckdb_tables() WHERE comment IS NULL"
            " UNION SELECT view_name FROM duckdb_views() WHERE NOT internal AND comment IS NULL"
        ).fetchall()
    assert silent == []


def test_the_configs_of_the_readme_and_of_init_parse() -> None:
    (example,) = blocks("yaml")
    assert parse_config(example).candidates[1].samples == 4
    assert load_config(ROOT / "evals.yaml").judges


def test_the_sql_of_the_readme_runs_in_plain_duckdb(store: Store) -> None:
    (example,) = blocks("sql")
    with duckdb.connect(str(store.path), read_only=True) as connection:
        assert connection.execute(example).fetchall() == []


@pytest.mark.parametrize("name", named_queries())
def test_every_documented_query_runs_and_says_its_question(store: Store, name: str) -> None:
    question, text = named_queries()[name]
    assert question.endswith("?")
    with store.read(sealed=True) as connection:
        assert ask(connection, text) == []


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_links_lead_to_files_that_are_there(path: Path) -> None:
    text = re.sub(r"```.*?```|`[^`\n]*`", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", text):
        if "://" not in target:
            assert (path.parent / target).exists(), target


def test_every_command_of_the_readme_is_a_command() -> None:
    known = re.findall(r"^## nextstep (\w+)$", (DOCS / "commands.md").read_text(encoding="utf-8"), re.MULTILINE)
    used = re.findall(r"nextstep (\w+) ", (ROOT / "README.md").read_text(encoding="utf-8"))
    assert set(re.findall(r"^    nextstep (\w+)", (ROOT / "README.md").read_text(), re.MULTILINE)) <= set(known)
    assert used
