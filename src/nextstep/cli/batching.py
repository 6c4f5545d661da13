"""What `--batch` and `--no-wait` ask for, and what a run in batches leaves to tell."""

from typing import TYPE_CHECKING

from nextstep.errors import UsageError

if TYPE_CHECKING:
    from nextstep.pipeline.parcels import Batching
    from nextstep.pipeline.running import RunResult


def batching(*, batch: bool, no_wait: bool, dry_run: bool) -> "Batching | None":
    """How calls go in batches; None for calls of their own. Raises UsageError for flags that do not fit."""
    if no_wait and not batch:
        raise UsageError("--no-wait leaves batches to a later run, so it needs --batch")
    if no_wait and dry_run:
        raise UsageError("--dry-run sends nothing, so there is nothing that --no-wait could leave")
    if not batch:
        return None
    from nextstep.pipeline.parcels import Batching

    return Batching(wait=not no_wait)


def open_facts(result: "RunResult") -> list[dict[str, object]]:
    """The batches that are still processed, for a JSON document."""
    return [{"batch_id": name, "calls": calls} for name, calls in result.in_batches]


def nothing_came(result: "RunResult") -> str:
    """Why a run has no new answers."""
    if result.in_batches:
        return "No answer has come yet."
    return "No request was sent: the store had every answer."
