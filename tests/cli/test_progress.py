"""What a run shows while it goes on: every result counted once, whatever its stage and model."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from nextstep.cli.progress import ProgressWatcher
from nextstep.errors import FatalModelError
from nextstep.models.pace import Slots
from nextstep.pipeline.engine import Engine
from nextstep.pipeline.spending import Spend
from nextstep.store import Store

STAGES = [("propose", "m"), ("judge", "m"), ("judge", "n" * 90)]

heard = st.lists(st.tuples(st.sampled_from(STAGES), st.sampled_from(["done", "failed", "dropped"])), max_size=30)


def watcher(limit_usd: float | None = None) -> ProgressWatcher:
    watching = ProgressWatcher(quiet=False)
    engine = Engine("run", Store(Path("none")), {}, Slots(4), Spend(limit_usd), watching, lambda *_: 0.0)
    watching.begin(engine)
    return watching


def shown(watching: ProgressWatcher) -> str:
    console = Console(width=80, no_color=True)
    with console.capture() as captured:
        console.print(watching.table())
    return captured.get()


@given(heard)
def test_each_row_says_how_many_are_over_of_those_that_are_due(told: list[tuple[tuple[str, str], str]]) -> None:
    watching = watcher()
    for stage, model in STAGES:
        watching.due(stage, model, len(told))
    for (stage, model), what in told:
        if what == "dropped":
            watching.dropped(stage, model, FatalModelError("authentication", "wrong key"))
        else:
            watching.done(stage, model, ValueError() if what == "failed" else None)
    lines = shown(watching).splitlines()
    assert max(map(len, lines)) <= 80
    for line, place in zip(lines[1:], STAGES, strict=False):
        over = sum(where == place and what != "dropped" for where, what in told)
        due = len(told) - sum(where == place and what == "dropped" for where, what in told)
        failed = sum(where == place and what == "failed" for where, what in told)
        assert f"{over}/{due}" in line
        assert line.split()[-1] == (str(failed) if failed else str(due - over))


def test_money_is_told_beside_its_limit_and_what_has_no_price_is_not_called_nothing() -> None:
    watching = watcher(limit_usd=5.0)
    assert watching.engine
    watching.engine.spend.add(1.25)
    watching.engine.spend.add(None)
    assert "2 answers, 0 tokens, $1.25 of $5.00, 1 without a known price" in shown(watching)


def test_off_a_terminal_it_is_plain_lines_and_none_when_quiet(capsys: pytest.CaptureFixture[str]) -> None:
    for quiet in (False, True):
        with ProgressWatcher(quiet=quiet) as watching:
            watching.due("propose", "m", 2)
            watching.done("propose", "m", None)
        said = capsys.readouterr()
        assert said.out == ""
        assert said.err == ("" if quiet else "propose begins: m\npropose: 1 of 2 done (m)\n")
