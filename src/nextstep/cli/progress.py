"""Progress of a run on standard error: a table on a terminal, plain lines elsewhere."""

import sys
import time
from collections import Counter
from collections.abc import Iterable
from types import TracebackType
from typing import TYPE_CHECKING, Self, TypeVar

import typer
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress import track
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from nextstep.cli.output import remark
from nextstep.errors import ModelError
from nextstep.pipeline.watching import Watcher

if TYPE_CHECKING:
    from nextstep.pipeline.engine import Engine

Item = TypeVar("Item")

BETWEEN_LINES_S = 30.0
"""Seconds between two plain lines of progress, at least."""
BETWEEN_WAITS_S = 600.0
"""Seconds between two lines that say the same of batches."""
PER_SECOND = 4
"""How often a terminal's table is drawn."""
BEFORE_LEFT_S = 5.0
"""Seconds of a run before which nothing is said of how long it may still take."""


def counted(items: Iterable[Item], total: int, *, quiet: bool, doing: str) -> Iterable[Item]:
    """The items, with a bar on a terminal."""
    return track(items, doing, total=total, console=Console(stderr=True), disable=quiet or not sys.stderr.isatty())


class ProgressWatcher(Watcher):
    """Shows how a run goes; silent when asked to be."""

    def __init__(self, *, quiet: bool) -> None:
        self.quiet = quiet
        self.drawn = sys.stderr.isatty() and not quiet
        self.engine: Engine | None = None
        self.totals: Counter[tuple[str, str]] = Counter()
        """By stage and model: results that are due, those that are over included."""
        self.over: Counter[tuple[str, str]] = Counter()
        self.failed: Counter[tuple[str, str]] = Counter()
        self.started = time.monotonic()
        self.said_at = self.started
        self.waits = (0, 0)
        """Batches and calls in them, as they were told last."""
        self.live = Live(
            get_renderable=self.table, console=Console(stderr=True), refresh_per_second=PER_SECOND, transient=True
        )

    def __enter__(self) -> Self:
        if self.drawn:
            self.live.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self.drawn:
            self.live.stop()
        elif not self.quiet and self.totals:
            self._say()

    def begin(self, engine: "Engine") -> None:
        """A run starts."""
        self.engine = engine

    def due(self, stage: str, model: str, count: int) -> None:
        """More to do."""
        is_new = (stage, model) not in self.totals
        self.totals[stage, model] += count
        if is_new and not self.drawn and not self.quiet:
            typer.echo(f"{stage} begins: {model}", err=True)

    def done(self, stage: str, model: str, error: Exception | None) -> None:
        """One step on."""
        self.over[stage, model] += 1
        self.failed[stage, model] += error is not None
        if not self.drawn and not self.quiet and time.monotonic() - self.said_at > BETWEEN_LINES_S:
            self._say()

    def dropped(self, stage: str, model: str, _error: ModelError) -> None:
        """One step that is not taken."""
        self.totals[stage, model] -= 1

    def interrupted(self, under_way: int) -> None:
        """Say what the first Ctrl-C does."""
        typer.echo(f"nextstep: finishing what is under way ({under_way}); Ctrl-C again to stop at once", err=True)

    def waiting(self, batches: int, calls: int, seconds: float) -> None:
        """Say what is waited for; a terminal shows it in its table."""
        now, told = time.monotonic(), (batches, calls)
        if not self.drawn and not self.quiet and (told != self.waits or now - self.said_at > BETWEEN_WAITS_S):
            self.waits, self.said_at = told, now
            many = "batch" if batches == 1 else "batches"
            typer.echo(f"{calls} calls in {batches} {many}; next look in {seconds:.0f} s", err=True)

    def remark(self, text: str) -> None:
        """Say it."""
        remark(text, quiet=self.quiet)

    def _say(self) -> None:
        """A plain line for each stage and model, and one for all."""
        self.said_at = time.monotonic()
        for (stage, model), total in self.totals.items():
            failed = self.failed[stage, model]
            more = f", {failed} failed" if failed else ""
            typer.echo(f"{stage}: {self.over[stage, model]} of {total} done{more} ({model})", err=True)
        if self.engine and self.engine.spend.calls:
            typer.echo(self._figures(), err=True)

    def table(self) -> RenderableType:
        """What a terminal shows."""
        table = Table(box=None, padding=(0, 1), header_style="dim")
        for heading in ("", "model", "", "done", "running", "waiting", "failed"):
            table.add_column(heading, justify="left" if heading in ("", "model") else "right", overflow="ellipsis")
        out = Counter(self.engine.under_way if self.engine else {})
        for (stage, model), total in self.totals.items():
            over, failed = self.over[stage, model], self.failed[stage, model]
            running = min(out[model], total - over)
            out[model] -= running
            table.add_row(
                stage,
                Text(model, overflow="ellipsis", no_wrap=True),
                ProgressBar(total=max(total, 1), completed=over, width=12),
                f"{over}/{total}",
                str(running),
                str(total - over - running),
                str(failed or ""),
            )
        return Group(table, Text(self._figures(), style="dim", no_wrap=True, overflow="ellipsis"))

    def _figures(self) -> str:
        """Tokens, money, rate and time left, as far as they are known."""
        if self.engine is None:
            return ""
        spend = self.engine.spend
        parts = [f"{spend.calls} answers", f"{spend.tokens:,} tokens", f"${spend.usd:.2f}"]
        if spend.limit_usd is not None:
            parts[-1] += f" of ${spend.limit_usd:.2f}"
        if spend.unpriced:
            parts.append(f"{spend.unpriced} without a known price")
        if self.engine.missed:
            parts.append(f"cache missed {self.engine.missed} of {self.engine.to_read}")
        parts += [told for told in (self._rate(), self._left()) if told]
        return ", ".join(parts)

    def _rate(self) -> str:
        """Answers a minute, and the server's limit where it tells one."""
        elapsed = time.monotonic() - self.started
        if self.engine is None or elapsed < BEFORE_LEFT_S:
            return ""
        limits = [line.buckets["requests"].rate * 60 for line in self.engine.slots.lines.values()]
        known = f" of {sum(limits):.0f}" if limits and all(limits) else ""
        return f"{self.engine.spend.calls / elapsed * 60:.0f}{known} a minute"

    def _left(self) -> str:
        """About how long it may still take, by the pace so far."""
        elapsed, over = time.monotonic() - self.started, sum(self.over.values())
        left = sum(self.totals.values()) - over
        if elapsed < BEFORE_LEFT_S or not over or not left:
            return ""
        seconds = round(elapsed / over * left)
        return f"about {seconds // 60}:{seconds % 60:02} left"
