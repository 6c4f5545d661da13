"""Win rates on detours and controls -> what they say about the true win rate with few assumptions."""

from collections.abc import Hashable, Iterable, Sequence

from nextstep.core.stats.figures import Figure, jackknife_figure

Tagged = tuple[bool, float]


def abbott_bound(
    detour: Iterable[tuple[Hashable, float]], control: Iterable[tuple[Hashable, float]], *, confidence: float = 0.95
) -> Figure:
    """A lower bound on the share of detours where the model's step is truly better: (q_d - q_c) / (1 - q_c).

    Holds if the judge prefers the model wrongly no more often on detours than on controls (q_c is an upper bound of
    that rate). May be negative. Sessions are left out of both sets together, as one session may have moments of both.
    `n` counts the moments of both sets; without one of them the bound is `not_estimable`. Abbott 1925.
    """
    tagged: list[tuple[Hashable, Tagged]] = [(session, (True, score)) for session, score in detour]
    tagged += [(session, (False, score)) for session, score in control]
    return jackknife_figure(tagged, _abbott, high=1.0, confidence=confidence)


def _abbott(tagged: Sequence[Tagged]) -> float | None:
    detour = [score for is_detour, score in tagged if is_detour]
    control = [score for is_detour, score in tagged if not is_detour]
    if not detour or not control or sum(control) == len(control):
        return None
    right, wrong = sum(detour) / len(detour), sum(control) / len(control)
    return (right - wrong) / (1 - wrong)
