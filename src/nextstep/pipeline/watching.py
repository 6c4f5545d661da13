"""What a run tells while it goes on."""

from typing import TYPE_CHECKING

from nextstep.errors import ModelError

if TYPE_CHECKING:
    from nextstep.pipeline.engine import Engine


class Watcher:
    """Hears how a run goes; this one keeps it to itself."""

    def begin(self, engine: "Engine") -> None:
        """A run starts; what is under way, waiting and spent can be read off its engine at any time."""

    def due(self, stage: str, model: str, count: int) -> None:
        """So many more results of a stage are due from a model."""

    def done(self, stage: str, model: str, error: Exception | None) -> None:
        """One of them is over: its row is stored, or it gave nothing for the reason of `error`."""

    def dropped(self, stage: str, model: str, error: ModelError) -> None:
        """One of them is not asked for in this run, since its model cannot answer."""

    def interrupted(self, under_way: int) -> None:
        """Nothing more is sent; so many calls are waited for."""

    def waiting(self, batches: int, calls: int, seconds: float) -> None:
        """So many calls are in so many batches, and the next look at those comes in so many seconds."""

    def remark(self, text: str) -> None:
        """Something that whoever started the run should know."""
