"""Guesses at which step is the model's -> how well the judge was blinded."""

from collections.abc import Hashable, Iterable

from nextstep.core.stats.figures import Figure, mean_figure


def bang_index(guesses: Iterable[tuple[Hashable, int]], *, confidence: float = 0.95) -> Figure:
    """Bang's blinding index: 1 if every guess is right, 0 if they are lots or undecided, -1 if every guess is wrong.

    Guesses are (session, +1 right, -1 wrong, 0 undecided). (2 right/decided - 1) * decided/all is their mean. Bang, Ni
    and Davis 2004.
    """
    return mean_figure(((session, float(guess)) for session, guess in guesses), low=-1, high=1, confidence=confidence)
