"""Whether the judge of a gate can be believed: its card, and what its verdicts on controls say."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from nextstep.core.comparable import Entry
from nextstep.core.gating import Objection, Reason, strongest
from nextstep.core.pairing import Scores, of_set
from nextstep.core.probes import Trust, is_within
from nextstep.core.records import MomentSet
from nextstep.core.stats import Figure, rate_figure
from nextstep.pipeline.correcting import NOT_CALIBRATED, Cards, cards_of, trust_in

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Standing:
    """How far a judge can be trusted, the stronger candidate's win rate on controls, and what speaks against both."""

    trust: str
    control: float | None
    objections: tuple[Objection, ...]


def standing(entry: Entry, sides: Sequence[Scores], health: Iterable[Row], band: tuple[float, float]) -> Standing:
    """How the judges of an entry stand, by rows of `judge_health` and what both candidates scored on controls.

    Of two cards of one judge the later row counts. A judge to be used with care may decide; the report says so.
    """
    cards = cards_of(health)
    trust = trust_in(entry.judges, cards)
    figure = strongest(rate_figure(_controls(scores)) for scores in sides)
    value, within = (figure.value, is_within(figure.ci_low, figure.ci_high, band)) if figure else (None, None)
    if within is None:
        value, within = _by_card(entry, cards)
    found = (*_distrust(entry, trust, cards), *_off_band(value, within, figure, band))
    return Standing(trust, value, found)


def _controls(scores: Scores) -> list[tuple[str, float]]:
    return [(one.session_id, one.score) for one in of_set(scores, MomentSet.CONTROL).values() if one.scores]


def _by_card(entry: Entry, cards: Cards) -> tuple[float | None, bool | None]:
    """What the judges' cards say of controls: outside of the band if one of them is."""
    rows = [cards.get(judge, {}).get("control") for judge in entry.judges]
    known = [row for row in rows if row and row["ok"] is not None]
    worst = min(known, key=lambda row: bool(row["ok"]), default=None)
    return (worst["value"], worst["ok"]) if worst else (None, None)


def _distrust(entry: Entry, trust: str, cards: Cards) -> list[Objection]:
    names = " --judge ".join(label for label, _ in entry.judges)
    calibrate = f"`nextstep calibrate --judge {names}`"
    if trust == NOT_CALIBRATED:
        what = f"judge {entry.judge} is not calibrated as it was asked here: nobody knows whether it can be trusted"
        return [Objection(Reason.JUDGE_NOT_TRUSTED, what, f"{calibrate}, then check again with --no-run")]
    if trust != Trust.NOT_TRUSTED:
        return []
    alarms = [probe for judge in entry.judges for probe, row in cards.get(judge, {}).items() if row["ok"] is False]
    what = f"judge {entry.judge} is not trusted; alarms: {', '.join(dict.fromkeys(alarms)) or 'none told'}"
    remedy = f"{calibrate} says what is wrong; mend its prompt or take another --judge, for both models"
    return [Objection(Reason.JUDGE_NOT_TRUSTED, what, remedy)]


def _off_band(
    value: float | None, within: bool | None, figure: Figure | None, band: tuple[float, float]
) -> list[Objection]:
    if within:
        return []
    low, high = (f"{100 * end:.0f} %" for end in band)
    if within is None:
        what = (
            "controls were not judged in two sessions or more, so it is not known how readily the judge favours models"
        )
        remedy = "add control moments to the suite and evaluate both sets, or `nextstep calibrate` after such a run"
        return [Objection(Reason.CONTROL_OUT_OF_BAND, what, remedy)]
    told = "-" if value is None else f"{100 * value:.1f} %"
    interval = (
        f" ({100 * figure.ci_low:.1f} to {100 * (figure.ci_high or 0):.1f} %)" if figure and figure.ci_low else ""
    )
    what = f"the win rate on controls is {told}{interval}, outside of the band from {low} to {high}"
    remedy = (
        "look at controls that the model wins (`nextstep show`): mend the judge's prompt, or the moments that are no"
        " controls; control.band in evals.yaml is the band"
    )
    return [Objection(Reason.CONTROL_OUT_OF_BAND, what, remedy)]
