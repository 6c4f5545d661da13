"""Brings batches to their servers and fetches what came of them; every step stands in the store before the next.

submitting   noted with all its calls before it is sent: whoever finds it so looks whether the server has it
open         the server's name for it is known
collected    every one of its calls has an outcome
lost         the server does not have it, or has it no more
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import timedelta

from nextstep.errors import ModelError
from nextstep.models.batches import Batches, Item, NoBatches, Result, Seen, Unsure
from nextstep.pipeline.batch_rows import (
    Batch,
    BatchCall,
    calls_of,
    known_ids,
    new_batch,
    open_batches,
    set_collected,
    set_outcomes,
    set_status,
    split,
)
from nextstep.store import Store
from nextstep.store.database import utc_now

CLOCKS = timedelta(minutes=10)
"""By which the server's clock may differ from ours."""
OLD = timedelta(minutes=2)
"""After which a server surely lists a batch that it has."""
PORTION = 500
"""Results that are stored together."""


class StillUnsure(Exception):
    """Whether the server has the `batch` could not be found out now."""

    def __init__(self, batch: Batch, error: Exception) -> None:
        self.batch = batch
        super().__init__(str(error))


class _Foreign(Exception):
    """The batch that was taken for ours has the calls of another."""


@dataclass(frozen=True)
class Arrived:
    """What came of one call of a batch."""

    call: BatchCall
    result: Result


@dataclass(eq=False)
class Clerk:
    """The batches of one run's models."""

    run_id: str
    store: Store
    servers: Mapping[str, Batches]
    """By model."""
    settle_s: Sequence[float] = (1.0, 5.0, 15.0)
    """How long to wait before each look for a batch that was sent just now and not confirmed."""
    foreign: set[tuple[str, str]] = field(default_factory=set)
    """(batch_key, batch_id) that look alike and are not the same."""

    async def known(self) -> list[Batch]:
        """The store's batches that may still bring answers, each looked for where it is not known to be there."""
        with self.store.read_or_empty() as connection:
            batches = [one for one in open_batches(connection, self.servers) if self._is_there(one)]
        return [await self._settled_if_possible(one) for one in batches]

    async def _settled_if_possible(self, batch: Batch) -> Batch:
        try:
            return await self.settled(batch)
        except ModelError:
            return batch

    def _is_there(self, batch: Batch) -> bool:
        """Whether a batch is at the server that its model has now."""
        return self.servers[batch.model].address == batch.address

    async def settled(self, batch: Batch) -> Batch:
        """The batch, open if the server has it, else lost. Raises ModelError when that cannot be told now."""
        if batch.status != "submitting":
            return batch
        try:
            found = await self._find(batch)
        except NoBatches:
            found = None
        return self._set(batch, "open", found) if found else self._set(batch, "lost")

    async def _find(self, batch: Batch) -> str | None:
        """The server's name of a batch that may have been made: of those of its size that nobody knows, the nearest.

        Whether it is the right one shows in the names of its results.
        """
        is_old = utc_now() - batch.created_at > OLD
        for pause in (0.0,) if is_old else self.settle_s:
            await asyncio.sleep(pause)
            made = await self.servers[batch.model].made_since(batch.created_at - CLOCKS)
            with self.store.read() as connection:
                known = known_ids(connection)
            alike = [one for one in made if one.n_requests == batch.n_requests and one.batch_id not in known]
            ours = [one for one in alike if (batch.batch_key, one.batch_id) not in self.foreign]
            if ours:
                return min(ours, key=lambda one: abs(one.created_at - batch.created_at)).batch_id
        return None

    async def submit(self, calls: Sequence[BatchCall], items: Sequence[Item], estimate_usd: float) -> Batch:
        """Send calls as one batch, which is made once whatever happens. `items` lack their names.

        Raises ModelError and NoBatches when there is none, and StillUnsure when nobody knows: it is looked for later.
        """
        server = self.servers[calls[0].model]
        with self.store.write() as connection:
            batch = new_batch(connection, self.run_id, calls, server.address, estimate_usd)
        named = [{"custom_id": call.custom_id(batch), **item} for call, item in zip(calls, items, strict=True)]
        for left in reversed(range(server.model.limits.attempts)):
            try:
                return self._set(batch, "open", (await server.create(named)).batch_id)
            except Unsure as unsure:
                found = await self._found_out(batch)
                if found:
                    return self._set(batch, "open", found)
                if not left:
                    self._set(batch, "lost")
                    raise unsure.error from unsure
            except (ModelError, NoBatches):
                self._set(batch, "lost")
                raise
        raise AssertionError

    async def _found_out(self, batch: Batch) -> str | None:
        try:
            return await self._find(batch)
        except NoBatches:
            return None
        except ModelError as error:
            raise StillUnsure(batch, error) from error

    async def look(self, batch: Batch) -> Seen | None:
        """The batch as the server shows it; None, and lost, when it is not there (any more). Raises ModelError."""
        if batch.batch_id is None:
            return None
        seen = await self.servers[batch.model].look(batch.batch_id)
        if seen is None:
            self._set(batch, "lost")
        return seen

    async def collected(self, batch: Batch, seen: Seen) -> AsyncGenerator[list[Arrived]]:
        """What came of the calls of a batch that has ended, in portions, each call once.

        The batch counts as collected when the last portion has been dealt with. Raises ModelError when the results
        cannot be had now. Of a batch that is not ours, or whose results are gone, nothing comes; it is not open then.
        """
        with self.store.read() as connection:
            left = {call.reply_id: call for call in calls_of(connection, [batch])[batch.batch_key]}
        try:
            async for results in self._portions(batch, seen, left):
                yield results
                self._note(batch, results)
        except _Foreign:
            self.foreign.add((batch.batch_key, seen.batch_id))
            await self.settled(self._set(batch, "submitting"))
            return
        except NoBatches:
            self._set(batch, "lost")
            return
        with self.store.write() as connection:
            set_collected(connection, batch, seen.ended_at)

    async def _portions(self, batch: Batch, seen: Seen, left: dict[str, BatchCall]) -> AsyncIterator[list[Arrived]]:
        """Portions of results, fetched again until every call has its own, or the server has none for it."""
        server = self.servers[batch.model]
        problem: ModelError | None = None
        for _ in range(server.model.limits.attempts):
            problem = None
            portion: list[Arrived] = []
            try:
                async with aclosing(server.results(seen)) as came:
                    async for result in came:
                        arrived = _arrived(batch, result, left)
                        portion += [arrived] if arrived else []
                        if len(portion) == PORTION:
                            yield portion
                            portion = []
            except ModelError as error:
                problem = error
            if portion:
                yield portion
            if not left:
                return
        if problem:
            raise problem
        missing = ModelError("missing", f"{batch.model}: the batch {batch.batch_id} has no result for the call")
        yield [Arrived(call, Result("", "missing", error=missing, may_pass=True)) for call in left.values()]

    def _note(self, batch: Batch, results: Sequence[Arrived]) -> None:
        with self.store.write() as connection:
            set_outcomes(connection, batch, {one.call.reply_id: one.result.outcome for one in results})

    def _set(self, batch: Batch, status: str, batch_id: str | None = None) -> Batch:
        with self.store.write() as connection:
            return set_status(connection, batch, status, batch_id)


def _arrived(batch: Batch, result: Result, left: dict[str, BatchCall]) -> Arrived | None:
    """The result with its call; None for one that came already. Raises _Foreign for another batch's."""
    reply_id, batch_key = split(result.custom_id)
    if batch_key != batch.batch_key:
        raise _Foreign
    call = left.pop(reply_id, None)
    return Arrived(call, result) if call else None
