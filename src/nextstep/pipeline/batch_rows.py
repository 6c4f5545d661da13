"""What the store knows of batches: which there are, which calls are in them, and what came of those."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Self
from uuid import uuid4

from nextstep.pipeline.calls import Named
from nextstep.store import Connection
from nextstep.store.database import insert, query, utc_now

MAY_STILL_COME = ("submitting", "open")
FINAL = frozenset({"succeeded", "invalid_request_error", "request_too_large"})
"""Outcomes after which a call begins anew when it is sent once more."""


@dataclass(frozen=True)
class Batch:
    """A batch by our own name; the server's is not known at first."""

    batch_key: str
    batch_id: str | None
    model: str
    address: str
    n_requests: int
    estimate_usd: float
    status: str
    created_at: datetime


@dataclass(frozen=True)
class BatchCall:
    """A call in a batch, without its request; `attempt` counts the batches that it has been in."""

    reply_id: str
    purpose: str
    model: str
    sample: int
    request_sha256: str
    attempt: int

    @classmethod
    def of(cls, call: Named, attempt: int) -> Self:
        """What is kept of a call while it is in a batch."""
        return cls(call.reply_id, str(call.purpose), call.model, call.sample, call.request_sha256, attempt)

    def custom_id(self, batch: Batch) -> str:
        """Its name in a batch, which tells whose batch it is."""
        return f"{self.reply_id}_{batch.batch_key}"


def split(custom_id: str) -> tuple[str, str]:
    """The reply_id and the batch_key in an item's name."""
    reply_id, _, batch_key = custom_id.partition("_")
    return reply_id, batch_key


def new_batch(connection: Connection, run_id: str, calls: Sequence[BatchCall], address: str, estimate: float) -> Batch:
    """Note a batch that is about to be sent, so that it is never sent twice."""
    model = calls[0].model
    batch = Batch(uuid4().hex[:12], None, model, address, len(calls), estimate, "submitting", utc_now())
    insert(connection, "batches", [vars(batch) | {"run_id": run_id}])
    rows = [{name: value for name, value in vars(call).items() if name != "model"} for call in calls]
    insert(connection, "batch_items", [row | {"batch_key": batch.batch_key} for row in rows])
    return batch


def set_status(connection: Connection, batch: Batch, status: str, batch_id: str | None = None) -> Batch:
    """Note how a batch stands; `submitting` takes the server's name off it."""
    name = None if status == "submitting" else batch_id or batch.batch_id
    connection.execute(
        "UPDATE batches SET status = $status, batch_id = $name WHERE batch_key = $key",
        {"status": status, "name": name, "key": batch.batch_key},
    )
    return Batch(**vars(batch) | {"status": status, "batch_id": name})


def set_collected(connection: Connection, batch: Batch, ended_at: datetime | None) -> None:
    """Note that all of a batch's results are in the store."""
    set_status(connection, batch, "collected")
    connection.execute(
        "UPDATE batches SET ended_at = $at WHERE batch_key = $key", {"at": ended_at, "key": batch.batch_key}
    )


def set_outcomes(connection: Connection, batch: Batch, outcomes: Mapping[str, str]) -> None:
    """Note what came of calls of a batch, by reply_id."""
    connection.execute(
        "UPDATE batch_items SET outcome = o.outcome FROM (SELECT unnest($ids::VARCHAR[]) AS reply_id,"
        " unnest($outcomes::VARCHAR[]) AS outcome) o"
        " WHERE batch_items.batch_key = $key AND batch_items.reply_id = o.reply_id",
        {"ids": list(outcomes), "outcomes": list(outcomes.values()), "key": batch.batch_key},
    )


def open_batches(connection: Connection, models: Iterable[str]) -> list[Batch]:
    """The batches of these models that may still bring answers, the oldest first."""
    return [Batch(**row) for row in query(connection, "batches_open", models=list(models))]


def calls_of(connection: Connection, batches: Sequence[Batch]) -> dict[str, list[BatchCall]]:
    """The calls of batches, by batch_key."""
    models = {batch.batch_key: batch.model for batch in batches}
    calls: dict[str, list[BatchCall]] = {key: [] for key in models}
    for row in query(connection, "batch_items_of", batch_keys=list(models)) if models else ():
        key = row.pop("batch_key")
        calls[key].append(BatchCall(model=models[key], **row))
    return calls


def known_ids(connection: Connection) -> set[str]:
    """The servers' names of all batches in the store."""
    return {row["batch_id"] for row in query(connection, "batches_known")}


def next_attempts(connection: Connection, reply_ids: Sequence[str], most: int) -> dict[str, int]:
    """Which attempts the next ones of calls are; not in it, and after a last one, begins a new count."""
    rows = query(connection, "batch_attempts", reply_ids=list(reply_ids)) if reply_ids else []
    return {
        row["reply_id"]: row["attempt"] + 1 for row in rows if row["outcome"] not in FINAL and row["attempt"] < most
    }
