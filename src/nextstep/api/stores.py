"""A store to read from: questions in SQL and the tables that are asked for most, as Arrow."""

from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from nextstep.cli.settings import set_up
from nextstep.errors import UsageError
from nextstep.store import Store
from nextstep.store.arrow import query_arrow
from nextstep.store.asking import ask_arrow, named_queries, named_query

if TYPE_CHECKING:
    import pyarrow as pa


class OpenStore:
    """A store, read only. Every call opens the file, reads, and lets go of it, so that runs can go on beside.

    All tables are Arrow tables; `.to_pandas()` and `.to_pylist()` on them make data frames and lists.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._store = Store(path)
        self._closed = False
        self.sql("SELECT 1")  # what is no store is told now

    def sql(self, statement: str) -> "pa.Table":
        """The rows of one SELECT. Sealed: no files, no network, no settings; UsageError when it tries."""
        self._must_be_open()
        with self._store.read(sealed=True) as connection:
            return ask_arrow(connection, statement)

    def named(self, query: str) -> "pa.Table":
        """The rows of a documented query, such as "flips"; `queries` has their names."""
        return self.sql(named_query(query))

    @property
    def queries(self) -> dict[str, str]:
        """The documented queries: the question that each answers, by name."""
        return {name: question for name, (question, _) in named_queries().items()}

    def win_rates(self) -> "pa.Table":
        """An estimate a row: one candidate, one judge, one set of one suite."""
        return self.sql('FROM win_rates ORDER BY suite_hash, judge, candidate, "set" DESC, prompt_hash')

    def outcomes(self) -> "pa.Table":
        """A judged pair a row: both orders folded into win, loss, tie or flip."""
        return self.sql("FROM outcomes ORDER BY ALL")

    def verdicts(self) -> "pa.Table":
        """A judge's answer in one order a row, with both steps as it read them."""
        self._must_be_open()
        with self._store.read() as connection:
            return query_arrow(connection, "results/verdicts", suite_hash=None)

    def moments(self) -> "pa.Table":
        """A moment a row, with its labels."""
        return self.sql("FROM moments ORDER BY session_id, cut")

    def failures(self) -> "pa.Table":
        """Work that was tried and has given nothing to this day."""
        return self.sql("FROM open_failures ORDER BY created_at, failure_id")

    def judge_health(self) -> "pa.Table":
        """A figure of a judge's card a row."""
        return self.sql("FROM judge_health ORDER BY suite_hash, judge, prompt_hash, probe")

    def runs(self) -> "pa.Table":
        """A past run a row, the last first."""
        return self.sql("FROM runs ORDER BY started_at DESC, run_id")

    def _must_be_open(self) -> None:
        if self._closed:
            raise UsageError(f"{self.path}: this store is closed; open it again with nextstep.open_store")

    def close(self) -> None:
        """Take no further question; nothing is held open in between, so this is for tidiness alone."""
        self._closed = True

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"nextstep.open_store({str(self.path)!r})"


def open_store(path: str | Path | None = None, *, config: str | Path | None = None) -> OpenStore:
    """The store at a path, or the one that evals.yaml (in this folder, or `config`) names, to read from.

    Raises NextstepError where there is none, or something else.
    """
    place = Path(path) if path is not None else set_up(Path(config) if config is not None else None).store
    return OpenStore(place)
