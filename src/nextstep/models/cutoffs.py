"""Until when a model's training data goes, so that a moment which it may have read in training can be told.

The table beside this file is dated and holds only what the makers' documentation says; a month counts to its last day.
A model that is not in it has an unknown cutoff, which is told as such and never taken for a safe one.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from importlib import resources
from types import MappingProxyType
from typing import Final

BEFORE, AFTER, UNKNOWN = "before cutoff", "after cutoff", "unknown"

NO_OVERRIDES: Final[Mapping[str, date]] = MappingProxyType({})

_WHERE = r"(?:.*[/.])?"
"""What providers put before a model's name: `bedrock/us.anthropic.`"""
_SNAPSHOT = r"(?:[-@](?:\d{8}|latest|default|0))?(?:-v\d+(?::\d+)?)?"
"""What stands after it: the date of a snapshot, an alias, a provider's version."""


@dataclass(frozen=True)
class Cutoff:
    """A model's training cutoff, when it was entered, and where it comes from."""

    model: str
    cutoff: date
    entered: date
    source: str


@lru_cache(maxsize=1)
def known_cutoffs() -> tuple[Cutoff, ...]:
    """Every cutoff of the table."""
    text = (resources.files(__package__) / "cutoffs.json").read_text(encoding="utf-8")
    return tuple(
        Cutoff(row["model"], date.fromisoformat(row["cutoff"]), date.fromisoformat(row["entered"]), row["source"])
        for row in json.loads(text)
    )


def cutoff(model: str, overrides: Mapping[str, date] = NO_OVERRIDES) -> date | None:
    """The last day that a model's training data may hold; None when it is not known.

    `overrides` has dates by the names that models have in evals.yaml, and goes before the table.
    """
    if model in overrides:
        return overrides[model]
    return next((known.cutoff for known in known_cutoffs() if _is(known.model, model)), None)


def _is(known: str, model: str) -> bool:
    return re.fullmatch(f"{_WHERE}{re.escape(known)}{_SNAPSHOT}", model.lower()) is not None


def contamination(started_at: datetime | None, training_cutoff: date | None) -> str:
    """`before cutoff` for a session that may be in the training data, `after cutoff`, or `unknown`.

    A session that began on the day of the cutoff counts as before it.
    """
    if started_at is None or training_cutoff is None:
        return UNKNOWN
    return BEFORE if started_at.date() <= training_cutoff else AFTER
