"""What the answers of a server would be billed for, and how they came over time."""

import time
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.loopback.caching import Reading
from tests.loopback.least import READ, WRITE, least


@dataclass
class Ledger:
    """The books of one server. All that was processed is billed, also when the client had gone or it was cut."""

    tokens: Counter[str] = field(default_factory=Counter)
    batch_tokens: Counter[str] = field(default_factory=Counter)
    """Those of `tokens` that came in batches."""
    times_answered: Counter[bytes] = field(default_factory=Counter)
    """How often each distinct request got the whole of a message, by its fingerprint, on its own or in a batch."""
    prompts: dict[bytes, list[Sequence[str]]] = field(default_factory=lambda: defaultdict(list))
    per_second: dict[str, Counter[int]] = field(default_factory=lambda: defaultdict(Counter))
    first_at: float | None = None
    last_at: float = 0
    cpu_at_start: float = field(default_factory=time.process_time)
    _same: dict[str, str] = field(default_factory=dict)

    def arrive(self, now: float) -> None:
        """A message request came."""
        self.first_at = now if self.first_at is None else self.first_at

    def bill(self, usage: Mapping[str, Any], reading: Reading | None, *, batch: bool = False) -> None:
        """An answer was made."""
        counts = counted(usage)
        self.tokens.update(counts)
        if batch:
            self.batch_tokens.update(counts)
        if reading:
            self.prompts[reading.root].append([self._same.setdefault(text, text) for text in reading.texts])

    def answer(self, model: str, fingerprint: bytes, now: float) -> None:
        """A client got the whole of a message."""
        self.times_answered[fingerprint] += 1
        self.per_second[model][int(now - (self.first_at or now))] += 1
        self.last_at = now

    @property
    def uncached(self) -> int:
        """What the input would be billed for without any caching."""
        return sum(count for kind, count in self.tokens.items() if kind != "output")

    @property
    def least(self) -> float | None:
        """The least that the prompts can be billed for (`least.least`); None when the server has no cache.

        Prompts share nothing across models, output configurations or thinking configurations.
        """
        return sum(least(["".join(texts) for texts in group]) for group in self.prompts.values()) or None

    def summary(self) -> dict[str, Any]:
        """The books as JSON."""
        cpu_s, fewest = time.process_time() - self.cpu_at_start, self.least
        again = [count for count in self.times_answered.values() if count > 1]
        return {
            "answered": self.times_answered.total(),
            "distinct_answered": len(self.times_answered),
            "answered_again": sum(again) - len(again),
            "tokens": {kind: self.tokens[kind] for kind in ("plain", "read", "written_5m", "written_1h", "output")},
            "billed": round(billed(self.tokens), 2),
            "billed_in_batches": round(billed(self.batch_tokens), 2),
            "uncached": self.uncached,
            "least": None if fewest is None else round(fewest, 2),
            "answered_per_second": {model: _filled(counts) for model, counts in self.per_second.items()},
            "span_s": round(max(0.0, self.last_at - (self.first_at or self.last_at)), 3),
            "cpu_s": round(cpu_s, 4),
        }


def counted(usage: Mapping[str, Any]) -> dict[str, int]:
    """The tokens of an answer by what they cost."""
    written = usage.get("cache_creation") or {}
    return {
        "plain": usage.get("input_tokens") or 0,
        "read": usage.get("cache_read_input_tokens") or 0,
        "output": usage.get("output_tokens") or 0,
        **{f"written_{ttl}": written.get(f"ephemeral_{ttl}_input_tokens") or 0 for ttl in WRITE},
    }


def billed(tokens: Counter[str]) -> float:
    """Input tokens at their weights: 1, 1.25 and 2 written for 5 minutes and an hour, 0.1 read.

    That a batch costs half is left out.
    """
    written = sum(weight * tokens[f"written_{ttl}"] for ttl, weight in WRITE.items())
    return tokens["plain"] + written + READ * tokens["read"]


def _filled(counts: Mapping[int, int]) -> list[int]:
    return [counts.get(second, 0) for second in range(max(counts, default=-1) + 1)]
