"""Whether two candidates' scores may be compared: the same moments, judge, and way of asking; else what differs."""

from collections.abc import Sequence
from dataclasses import dataclass

Named = tuple[str, str]
"""A judge's label and the hash of what it was asked with."""


@dataclass(frozen=True)
class Entry:
    """A candidate under a judge, or under several as a jury, on a suite: all that its scores depend on.

    `asked_hash` names how every candidate was asked, whoever it was; `way_hash` how every judge was. None where an
    earlier nextstep did not record it.
    """

    suite_hash: str
    candidate: str
    proposal_prompt_hash: str
    judge: str
    verdict_prompt_hash: str
    judges: tuple[Named, ...]
    asked_hash: str | None
    way_hash: str | None
    scribe_hash: str | None = None
    offline: bool = False

    @property
    def judged_by(self) -> Named:
        """The judge or jury, as it was asked."""
        return self.judge, self.verdict_prompt_hash


@dataclass(frozen=True)
class Difference:
    """Something that two entries do not share: what it is, and what would make them share it."""

    what: str
    remedy: str


def differences(ours: Entry, theirs: Entry, us: str | None = None, them: str | None = None) -> list[Difference]:
    """What keeps two entries from being compared; empty where nothing does. `us` and `them` are what to call them.

    Candidates' own parameters are no difference: a candidate is a model with them.
    """
    us, them = us or ours.candidate, them or theirs.candidate
    again = f"`nextstep eval --model {theirs.candidate}`"
    found = []
    if ours.suite_hash != theirs.suite_hash:
        found.append(
            Difference(
                f"the suites differ: {us} has {ours.suite_hash}, {them} has {theirs.suite_hash}",
                f"{again} on this suite, or go back to the transcripts/ that it was judged on",
            )
        )
    if _labels(ours) != _labels(theirs):
        found.append(
            Difference(
                f"the judges differ: {us} has {_told(ours)}, {them} has {_told(theirs)}",
                f"have both judged alike: {again[:-1]} --judge {' --judge '.join(_labels(ours))}`",
            )
        )
    elif ours.verdict_prompt_hash != theirs.verdict_prompt_hash:
        found.append(Difference(_judged_otherwise(ours, theirs, us, them), f"{again} with today's prompts and config"))
    if ours.asked_hash is None or theirs.asked_hash is None:
        unknown, name = (us, ours.candidate) if ours.asked_hash is None else (them, theirs.candidate)
        found.append(
            Difference(
                f"it is not known with which prompt {unknown} was asked: an earlier nextstep did not record it",
                f"`nextstep eval --model {name}` records it, and asks only for what is missing",
            )
        )
    elif ours.asked_hash != theirs.asked_hash:
        found.append(
            Difference(
                f"the candidates' prompts differ: {us} was not asked as {them} was (candidate.md or the form of steps)",
                f"{again} with today's prompts and config, or go back to those that it was asked with",
            )
        )
    return found


def _judged_otherwise(ours: Entry, theirs: Entry, us: str, them: str) -> str:
    """One judge, asked in two ways."""
    if ours.way_hash == theirs.way_hash and ours.way_hash is not None:
        return f"the parameters of judge {ours.judge} differ between {us} and {them} (its model, max_tokens or effort)"
    return f"judge {ours.judge} was asked otherwise for {us} than for {them} (judge.md, scribe.md or `judging:`)"


def _labels(entry: Entry) -> tuple[str, ...]:
    return tuple(sorted(label for label, _ in entry.judges))


def _told(entry: Entry) -> str:
    return " and ".join(_labels(entry))


def nearest(wanted: Entry, there: Sequence[Entry]) -> Entry | None:
    """The entry that differs from the wanted one in the fewest ways; the first of two; None where there is none."""
    return min(there, key=lambda entry: len(differences(wanted, entry)), default=None)
