"""Progress of a run on standard error: bars on a terminal, a line a stage elsewhere."""

import sys
from collections.abc import Iterable
from types import TracebackType
from typing import Self, TypeVar

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn, track

from nextstep.errors import ModelError
from nextstep.pipeline.calls import Call
from nextstep.pipeline.watching import Watcher

Item = TypeVar("Item")


def counted(items: Iterable[Item], total: int, *, quiet: bool, doing: str) -> Iterable[Item]:
    """The items, with a bar on a terminal."""
    return track(items, doing, total=total, console=Console(stderr=True), disable=quiet or not sys.stderr.isatty())


class ProgressWatcher(Watcher):
    """Draws how a run goes; silent when asked to be."""

    def __init__(self, *, quiet: bool) -> None:
        self.quiet = quiet
        columns = (
            TextColumn("{task.description:<8}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[failed]}"),
            TimeRemainingColumn(),
        )
        drawn = sys.stderr.isatty() and not quiet
        self.progress = Progress(*columns, console=Console(stderr=True), disable=not drawn)
        self.drawn = drawn
        self.task: TaskID | None = None
        self.failed = 0

    def __enter__(self) -> Self:
        self.progress.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.progress.stop()

    def begin(self, stage: str, due: int) -> None:
        """A new bar, or a line."""
        self.failed = 0
        if self.drawn:
            self.task = self.progress.add_task(stage, total=due, failed="")
        elif not self.quiet:
            typer.echo(f"{stage}: {due} due", err=True)

    def done(self, _call: Call, error: ModelError | None) -> None:
        """One step on."""
        self.failed += error is not None
        if self.task is not None:
            failed = f"{self.failed} failed" if self.failed else ""
            self.progress.update(self.task, advance=1, failed=failed)
