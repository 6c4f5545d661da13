"""What the judges' cards say of win rates: how far each can be trusted, and what it is without the measured errors.

The second number stands beside the first, with its assumptions, and never in its place.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from nextstep.core.probes import Probe, Trust
from nextstep.core.records import MomentSet
from nextstep.core.stats import Corrected, Measured, normal_quantile, rogan_gladen, t_quantile
from nextstep.core.stats.correction import LEAST_CALIBRATION

Row = Mapping[str, Any]
Cards = Mapping[tuple[str, str], Mapping[str, Row]]
"""By a judge's label and prompt hash: its card's rows, by probe."""

NAMES = ("corrected_win_rate", "corrected_low", "corrected_high", "corrected_status")
NOTHING = dict.fromkeys(NAMES)
NOT_CALIBRATED = "not calibrated"
TRUSTS = (Trust.NOT_TRUSTED, NOT_CALIBRATED, Trust.CARE, Trust.TRUSTED)
"""The values of a win rate's `trust`, the worst first."""


def with_cards(rows: Sequence[Row], health: Sequence[Row]) -> list[dict[str, Any]]:
    """The win rates, each with the `trust` of its judge's card and, where it is of all detours, its corrected rate.

    A jury is trusted as far as the least of its judges. The correction is Rogan and Gladen's: the judge's sensitivity
    is its win rate for `oracle` steps, its specificity what `worsened` steps do not win. Both kinds of steps are easier
    to tell than real proposals are: the first biases the figure down, the second up. One judge's errors are taken to be
    the same for all candidates; those of a judge that is not trusted are not corrected.
    """
    cards = cards_of(health)
    return [dict(row) | {"trust": trust_in(_judges(row), cards)} | _corrected(row, cards) for row in rows]


def cards_of(health: Iterable[Row]) -> Cards:
    """The cards that rows of `judge_health` make up."""
    cards: dict[tuple[str, str], dict[str, Row]] = {}
    for one in health:
        cards.setdefault((one["judge"], one["prompt_hash"]), {})[one["probe"]] = one
    return cards


def trust_in(judges: Iterable[tuple[str, str]], cards: Cards) -> str:
    """What the cards of these judges, each with the hash of its prompt, say: the worst of it."""
    return min((_said(cards.get(judge, {}).values()) for judge in judges), key=TRUSTS.index)


def _judges(row: Row) -> list[tuple[str, str]]:
    if row["jury"]:
        return [(one["judge"], one["prompt_hash"]) for one in row["jury"]]
    return [(row["judge"], row["verdict_prompt_hash"])]


def _said(card: Iterable[Row]) -> str:
    return next((str(one["trust"]) for one in card), NOT_CALIBRATED)


def _corrected(row: Row, cards: Cards) -> dict[str, Any]:
    card = cards.get((row["judge"], row["verdict_prompt_hash"]), {})
    oracle, worsened = card.get(Probe.ORACLE), card.get(Probe.WORSENED)
    measured = oracle and worsened and None not in (oracle["ci_low"], worsened["ci_low"], row["ci_low"])
    if row["set"] != MomentSet.DETOUR or "group" in row or not (oracle and worsened and measured):
        return NOTHING
    if _said(card.values()) == Trust.NOT_TRUSTED:
        return _columns(Corrected(None, None, None, "judge_not_trusted"))
    if min(oracle["n"], worsened["n"]) < LEAST_CALIBRATION:
        return _columns(Corrected(None, None, None, "few_calibrated"))
    false_alarms = _measured(worsened)
    specificity = Measured(1 - false_alarms.rate, false_alarms.n)
    return _columns(rogan_gladen(_judged(row), _measured(oracle), specificity))


def _judged(row: Row) -> Measured:
    """The win rate with n_eff = p(1-p)/v; without variance between sessions they alone are counted, as its interval."""
    p, variance = row["win_rate"], row["variance"]
    n = p * (1 - p) / variance if variance else 0.0
    return Measured(p, n or row["n_sessions"])


def _measured(figure: Row) -> Measured:
    """A card's rate with the n_eff that its interval was made with; with its moments where sessions do not vary.

    The interval is Wilson's, so that an end e of it tells n_eff = t^2 e(1-e)/(p-e)^2. Student's t is that of as many
    sessions of one size: uneven ones have a larger t, so that n_eff is never above what it was. Nor is it where the
    interval is longer than Wilson's, near 0 and 1.
    """
    p, n, sessions = figure["value"], figure["n"], figure["n_sessions"]
    if figure["status"] == "degenerate":
        return Measured(p, n)
    end = max(figure["ci_low"], figure["ci_high"], key=lambda one: abs(p - one))
    critical = normal_quantile(0.975) if n == sessions else t_quantile(0.975, sessions - 1)
    return Measured(p, round(critical**2 * end * (1 - end) / (p - end) ** 2, 6))


def _columns(found: Corrected) -> dict[str, Any]:
    return dict(zip(NAMES, (found.value, found.ci_low, found.ci_high, found.status), strict=True))
