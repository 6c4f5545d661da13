"""Win rates on detours without the errors that a judge's card has measured: a second number, with its assumptions."""

from collections.abc import Mapping, Sequence
from typing import Any

from nextstep.core.probes import Probe
from nextstep.core.records import MomentSet
from nextstep.core.stats import Corrected, Measured, rogan_gladen

Row = Mapping[str, Any]

NAMES = ("corrected_win_rate", "corrected_low", "corrected_high", "corrected_status")
NOTHING = dict.fromkeys(NAMES)


def with_corrections(rows: Sequence[Row], health: Sequence[Row]) -> list[dict[str, Any]]:
    """The win rates, each with its corrected rate where it is of all detours and its judge has a card.

    Rogan and Gladen's: the judge's sensitivity is its win rate for `oracle` steps, its specificity what `worsened`
    steps do not win. Both kinds of steps are easier to tell than real proposals are: the first biases the figure down,
    the second up. One judge's errors are taken to be the same for all candidates.
    """
    cards = {(one["judge"], one["prompt_hash"], one["probe"]): one for one in health}
    return [dict(row) | _corrected(row, cards) for row in rows]


def _corrected(row: Row, cards: Mapping[tuple[str, str, str], Row]) -> dict[str, Any]:
    key = row["judge"], row["verdict_prompt_hash"]
    oracle, worsened = (cards.get((*key, str(probe))) for probe in (Probe.ORACLE, Probe.WORSENED))
    measured = oracle and worsened and None not in (oracle["value"], worsened["value"], row["win_rate"])
    if row["set"] != MomentSet.DETOUR or "group" in row or not (oracle and worsened and measured):
        return NOTHING
    judged = Measured(row["win_rate"], row["n_moments"] / (row["deff"] or 1.0))
    sensitivity = Measured(oracle["value"], oracle["n"])
    specificity = Measured(1 - worsened["value"], worsened["n"])
    return _columns(rogan_gladen(judged, sensitivity, specificity))


def _columns(found: Corrected) -> dict[str, Any]:
    return dict(zip(NAMES, (found.value, found.ci_low, found.ci_high, found.status), strict=True))
