"""What became of two candidates' moments -> the moments that both were scored at, and why the others were not.

The difference of two models exists at a moment only: what they share there cancels.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from nextstep.core.records import MomentSet


@dataclass(frozen=True)
class Tried:
    """What became of one moment of a candidate: the scores of its judged samples, and the samples without one."""

    session_id: str
    set: MomentSet
    scores: tuple[float, ...]
    failed: int = 0
    pending: int = 0

    @property
    def score(self) -> float:
        """The mean over its samples, of which there must be one."""
        return sum(self.scores) / len(self.scores)

    @property
    def due(self) -> int:
        """Samples that were asked for."""
        return len(self.scores) + self.missing

    @property
    def missing(self) -> int:
        """Samples that gave no score."""
        return self.failed + self.pending


Scores = Mapping[str, Tried]
"""What became of each moment that a candidate was asked about, by moment_id."""


class Dropped(StrEnum):
    """Why a moment is in no difference."""

    NOT_ASKED = "not asked"
    FAILED = "failed"
    PENDING = "not judged yet"


@dataclass(frozen=True)
class Pair:
    """A moment that both candidates were scored at."""

    moment_id: str
    ours: Tried
    theirs: Tried

    @property
    def difference(self) -> float:
        """The first candidate's score minus the second's."""
        return self.ours.score - self.theirs.score


@dataclass(frozen=True)
class Pairing:
    """The moments of one set that both were scored at, and how many others there are, by side and reason."""

    pairs: tuple[Pair, ...]
    ours_dropped: Mapping[Dropped, int]
    theirs_dropped: Mapping[Dropped, int]
    dropped: int
    """Moments that one side lacks, or both."""

    @property
    def units(self) -> list[tuple[str, tuple[float, float]]]:
        """(session, both scores) for each moment, as estimators take them."""
        return [(pair.ours.session_id, (pair.ours.score, pair.theirs.score)) for pair in self.pairs]

    def changed(self, most: int) -> list[Pair]:
        """The moments whose scores differ most, the largest difference first; equal ones in the order of their ids."""
        moved = [pair for pair in self.pairs if abs(pair.difference) > 1e-9]
        return sorted(moved, key=lambda pair: (-abs(pair.difference), pair.moment_id))[:most]


def of_set(scores: Scores, moment_set: MomentSet) -> Scores:
    """The moments of one set."""
    return {moment_id: tried for moment_id, tried in scores.items() if tried.set == moment_set}


def pair_up(ours: Scores, theirs: Scores) -> Pairing:
    """Pair two candidates' moments; a moment that neither was asked about does not appear."""
    both = sorted(ours.keys() | theirs.keys())
    pairs, lost = [], (Counter[Dropped](), Counter[Dropped]())
    for moment_id in both:
        sides = ours.get(moment_id), theirs.get(moment_id)
        if sides[0] and sides[1] and sides[0].scores and sides[1].scores:
            pairs.append(Pair(moment_id, sides[0], sides[1]))
            continue
        for side, count in zip(sides, lost, strict=True):
            if reason := why_dropped(side):
                count[reason] += 1
    return Pairing(tuple(pairs), *lost, len(both) - len(pairs))


def why_dropped(tried: Tried | None) -> Dropped | None:
    """Why a moment has no score of a candidate; None where it has one."""
    if tried is None:
        return Dropped.NOT_ASKED
    if tried.scores:
        return None
    return Dropped.PENDING if tried.pending else Dropped.FAILED


def missing_share(scores: Iterable[Tried]) -> float:
    """The share of the samples that were asked for and gave no score; 0 where none was."""
    tried = list(scores)
    due = sum(one.due for one in tried)
    return sum(one.missing for one in tried) / due if due else 0.0
