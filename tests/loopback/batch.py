"""One batch: from its creation over its end to the day when its results are gone."""

import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.loopback.wire import rfc3339

DAY = 24 * 3600.0
KEPT = 29 * DAY
CANCEL_SHARE = 0.1
"""The share of a batch's time that it takes to cancel it."""

FATES = ("succeeded", "errored", "canceled", "expired")


@dataclass
class Batch:
    """A batch's items and times. Nothing of its results is known before `ends_at`."""

    id: str
    items: Sequence[Mapping[str, Any]]
    created: float
    takes_s: float
    canceled: float | None = None
    results: bytes | None = None
    counts: Counter[str] = field(default_factory=Counter)

    @property
    def ends_at(self) -> float:
        """When it ends: after its time, a day, or a little after it was canceled."""
        last = self.created + min(self.takes_s, DAY)
        return last if self.canceled is None else min(last, self.canceled + CANCEL_SHARE * self.takes_s)

    def status(self, now: float) -> str:
        """Its `processing_status`."""
        if now >= self.ends_at:
            return "ended"
        return "in_progress" if self.canceled is None else "canceling"

    def unfinished(self) -> tuple[int, str]:
        """How many items it does not come to, and what becomes of them."""
        worked, fate = min(self.takes_s, DAY), "expired"
        if self.canceled is not None and self.ends_at < self.created + worked:
            worked, fate = self.canceled - self.created, "canceled"
        share = worked / self.takes_s if self.takes_s else 1.0
        return len(self.items) - int(share * len(self.items) + 1e-6), fate

    def in_order(self, seed: str) -> Iterator[tuple[Mapping[str, Any], str | None]]:
        """Its items in the order in which they are come to, each with its fate if it is not come to."""
        shuffled = list(self.items)
        random.Random(f"{seed}:{self.id}").shuffle(shuffled)
        left, fate = self.unfinished()
        for place, item in enumerate(shuffled):
            yield item, fate if place >= len(shuffled) - left else None

    def is_archived(self, now: float) -> bool:
        """Whether its results can no longer be had."""
        return now >= self.created + KEPT

    def to_json(self, now: float, base_url: str) -> dict[str, Any]:
        """The batch as the API shows it: all of it is `processing` until the end."""
        status, archived = self.status(now), self.is_archived(now)
        ended = status == "ended"
        has_results = ended and not archived
        return {
            "id": self.id,
            "type": "message_batch",
            "processing_status": status,
            "request_counts": {
                "processing": 0 if ended else len(self.items),
                **{fate: self.counts[fate] if ended else 0 for fate in FATES},
            },
            "created_at": rfc3339(int(self.created)),
            "expires_at": rfc3339(int(self.created + DAY)),
            "ended_at": rfc3339(int(self.ends_at)) if ended else None,
            "archived_at": rfc3339(int(self.created + KEPT)) if archived else None,
            "cancel_initiated_at": None if self.canceled is None else rfc3339(int(self.canceled)),
            "results_url": f"{base_url}/v1/messages/batches/{self.id}/results" if has_results else None,
        }
