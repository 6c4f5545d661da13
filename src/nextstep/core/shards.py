"""A suite dealt to several machines: the sessions of one shard, the same whatever else the suite holds."""

import re
from dataclasses import dataclass
from typing import Self

from nextstep.core.ids import make_id

MOST = 10_000


@dataclass(frozen=True)
class Shard:
    """Shard `number` (from 1) of `total`."""

    number: int
    total: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """From I/N. Raises ValueError that says what is wrong."""
        found = re.fullmatch(r"\s*([0-9]{1,6})\s*/\s*([0-9]{1,6})\s*", text)
        if found is None:
            raise ValueError(f"a shard is I/N, such as 1/3 for the first of three, not {text!r:.40}")
        number, total = int(found[1]), int(found[2])
        if not 1 <= total <= MOST:
            raise ValueError(f"a suite is dealt to 1 to {MOST} shards, not to {total}")
        if not 1 <= number <= total:
            raise ValueError(f"there is no shard {number} of {total}; they count from 1 to {total}")
        return cls(number, total)

    def holds(self, session_id: str) -> bool:
        """Whether a session is in this shard: by its id alone."""
        return int(make_id("shard", session_id), 16) % self.total == self.number - 1

    def __str__(self) -> str:
        return f"{self.number}/{self.total}"
