"""Results as text: for each judge its win rates, what may bias them, and how far it can be trusted."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from nextstep.report.text import by_judge, groups, judge_table, notes, percent, plain

Row = Mapping[str, Any]

BIAS_NOTE = (
    "first: how much the judge favours the step shown first, 50 % is not at all; flips: pairs whose two orders differ;"
    " words: the model's step minus the human's; equal: the win rate at equal length; cut: pairs with a shortened"
    " text; refused: refusals among the failures; own: judge and candidate of one family."
)
AGREEMENT_NOTE = (
    "same: pairs with the same outcome, and of those that both decided; kappa (with its 95 % interval) and alpha are 0"
    " by chance and 1 for judges that always agree."
)
NOT_CALIBRATED = "not calibrated: run `nextstep calibrate`"


def results_text(rows: Sequence[Row], *, health: Sequence[Row] = (), agreement: Sequence[Row] = ()) -> Group:
    """Win rates, judge after judge, with all that belongs to them; of groups, the win rates alone."""
    parts: list[RenderableType] = []
    grouped = "group" in rows[0]
    for judge, of_judge in by_judge(rows).items():
        parts.append(judge_table(judge, of_judge))
        if not grouped:
            parts += ["", _bias_table(of_judge), *_warnings(of_judge), *_standing(judge, of_judge, health), ""]
    if agreement and not grouped:
        parts += [_agreement_table(agreement), ""]
    said = [] if grouped else [Text(BIAS_NOTE), *([Text(AGREEMENT_NOTE)] if agreement else [])]
    return Group(*parts, *said, *notes(rows))


def _bias_table(rows: Sequence[Row]) -> Table:
    table = Table(title="What may bias them", title_justify="left", box=None, padding=(0, 1, 0, 0))
    named = groups(rows)
    for name in ("candidate", *named, "set"):
        table.add_column(name, overflow="fold")
    for name in ("first", "flips", "words", "equal", "cut", "refused", "own"):
        table.add_column(name, justify="right", no_wrap=True)
    for row in rows:
        names = (plain(str(row[name])) for name in ("candidate", *named, "set"))
        shares = {
            name: percent(row[name]) for name in ("first_position", "flip_rate", "lc_win_rate", "shortened_share")
        }
        words = "-" if row["length_difference"] is None else f"{row['length_difference']:+.1f}"
        own = {True: "yes", False: "no", None: "?"}[row["own_family"]]
        first, flips, equal, cut = shares.values()
        table.add_row(*names, first, flips, words, equal, cut, str(row["refusals"]), own)
    return table


def _warnings(rows: Sequence[Row]) -> list[Text]:
    """What a reader must know of single rows: training data that may hold the moments, a judge out of its band."""
    said = [plain(_contaminated(row)) for row in rows if row["n_before_cutoff"]]
    outside = dict.fromkeys(row["candidate"] for row in rows if row["control_ok"] is False)
    if outside:
        names = ", ".join(outside)
        said.append(plain(f"The win rate on controls is outside its band (control.band): {names}.", "bold red"))
    return said


def _contaminated(row: Row) -> str:
    rest = row["win_rate_after_cutoff"]
    without = f"without them its win rate is {percent(rest)}" if rest is not None else "no others are left"
    return (
        f"{row['n_before_cutoff']} of {row['n_moments']} {row['set']} moments are from before the training cutoff of"
        f" {row['candidate']} ({row['training_cutoff']}), which may know them; {without}."
    )


def _standing(judge: str, rows: Sequence[Row], health: Sequence[Row]) -> list[Text]:
    """One line on each judge that took part: how far its card says that it can be trusted."""
    if rows[0]["jury"]:
        return [plain(f"A jury of {', '.join(one['judge'] for one in rows[0]['jury'])}: as good as its judges are.")]
    lines = []
    for prompt_hash in dict.fromkeys(row["verdict_prompt_hash"] for row in rows):
        card = [one for one in health if (one["judge"], one["prompt_hash"]) == (judge, prompt_hash)]
        lines.append(_card_line(judge, card))
    return [plain(line, "bold") for line in dict.fromkeys(lines)]


def _card_line(judge: str, card: Sequence[Row]) -> str:
    if not card:
        return f"Judge {judge}: {NOT_CALIBRATED}"
    failed = [one["probe"] for one in card if one["ok"] is False]
    unmeasured = [one["probe"] for one in card if one["ok"] is None]
    said = [f"Judge {judge}: {card[0]['trust']}"]
    said += [f"alarms: {', '.join(failed)}"] * bool(failed) + [f"not measured: {', '.join(unmeasured)}"] * bool(
        unmeasured
    )
    return "; ".join(said)


def _agreement_table(rows: Sequence[Row]) -> Table:
    table = Table(title="How far judges agree", title_justify="left", box=None, padding=(0, 1, 0, 0))
    for name in ("judges", "set"):
        table.add_column(name, overflow="fold")
    for name in ("n", "same", "decided", "kappa", "95 % interval", "alpha"):
        table.add_column(name, justify="right", no_wrap=True)
    for row in rows:
        names = plain(f"{row['judge_a']}, {row['judge_b']}"), plain(row["set"])
        shares = str(row["n"]), percent(row["agreed"]), percent(row["agreed_decided"])
        interval = "-" if row["kappa_low"] is None else f"{row['kappa_low']:.2f} - {row['kappa_high']:.2f}"
        table.add_row(*names, *shares, _number(row["kappa"]), interval, _number(row["alpha"]))
    return table


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"
