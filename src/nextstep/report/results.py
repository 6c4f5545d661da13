"""Results as text: for each judge its win rates, what may bias them, and how far it can be trusted."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from nextstep.core.stats.length import LEAST_SHARE
from nextstep.report.text import by_judge, groups, judge_names, judge_table, notes, percent, plain

Row = Mapping[str, Any]

BIAS_NOTE = (
    "first: how much the judge favours the step shown first, 50 % is not at all; flips: pairs whose two orders differ;"
    " words: the model's step minus the human's; equal: the win rate at equal length; cut: pairs with a shortened"
    " text; refused: refusals among the failures; own: judge and candidate of one family."
)
NOT_EQUAL_NOTE = (
    f"equal is - where fewer than {LEAST_SHARE:.0%} of the moments have a longer step of the model's, or a shorter one,"
    " or where their outcomes fix no curve."
)
AGREEMENT_NOTE = (
    "same: pairs with the same outcome, and of those that both decided; kappa (with its 95 % interval) and alpha are 0"
    " by chance and 1 for judges that always agree. Over all candidates that both judged."
)
NOT_CALIBRATED = "not calibrated: run `nextstep calibrate`"


def results_text(rows: Sequence[Row], *, health: Sequence[Row], agreement: Sequence[Row] = ()) -> Group:
    """Win rates with their `trust`, judge after judge, with all that belongs to them; of groups, the tables alone."""
    if "group" in rows[0]:
        return win_rate_tables(rows, health)
    parts: list[RenderableType] = []
    for judge, of_judge in by_judge(rows):
        parts += [judge_table(judge, of_judge), "", _bias_table(of_judge), *_warnings(of_judge)]
        parts += [_standing(judge, of_judge, health), ""]
    if agreement:
        parts += [_agreement_table(agreement), ""]
    said = [Text(BIAS_NOTE)]
    if any(row["n_moments"] and row["lc_win_rate"] is None for row in rows):
        said.append(Text(NOT_EQUAL_NOTE))
    if agreement:
        said.append(Text(AGREEMENT_NOTE))
    return Group(*parts, *said, *notes(rows))


def win_rate_tables(rows: Sequence[Row], health: Sequence[Row]) -> Group:
    """Win rates with their `trust`, one table a judge, below each how far the judge can be trusted."""
    parts: list[RenderableType] = []
    for judge, of_judge in by_judge(rows):
        parts += [judge_table(judge, of_judge), _standing(judge, of_judge, health), ""]
    return Group(*parts, *notes(rows))


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
    unknown = dict.fromkeys(row["candidate"] for row in rows if row["training_cutoff"] is None and not row["offline"])
    if unknown:
        said.append(plain(f"Training cutoff of {', '.join(unknown)} not known: set cutoffs in evals.yaml."))
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


def _standing(judge: str, rows: Sequence[Row], health: Sequence[Row]) -> Text:
    """One line below a judge's table: how far its card says that it can be trusted, and of a jury the least of them."""
    first = rows[0]
    if first["jury"]:
        names = ", ".join(one["judge"] for one in first["jury"])
        return plain(
            f"A jury of {names}: as good as its judges are, and the least of them is {first['trust']}.", "bold"
        )
    key = first["judge"], first["verdict_prompt_hash"]
    return plain(_card_line(judge, [one for one in health if (one["judge"], one["prompt_hash"]) == key]), "bold")


def _card_line(judge: str, card: Sequence[Row]) -> str:
    if not card:
        return f"Judge {judge}: {NOT_CALIBRATED}"
    said = [f"Judge {judge}: {card[0]['trust']}"]
    for what, ok in (("alarms", False), ("not measured", None)):
        if named := [one["probe"] for one in card if one["ok"] is ok]:
            said.append(f"{what}: {', '.join(named)}")
    return "; ".join(said)


def _agreement_table(rows: Sequence[Row]) -> Table:
    table = Table(title="How far judges agree", title_justify="left", box=None, padding=(0, 1, 0, 0))
    for name in ("judges", "set"):
        table.add_column(name, overflow="fold")
    for name in ("n", "same", "decided", "kappa", "95 % interval", "alpha"):
        table.add_column(name, justify="right", no_wrap=True)
    pairs = [((row["judge_a"], row["prompt_hash_a"]), (row["judge_b"], row["prompt_hash_b"])) for row in rows]
    named = judge_names(judge for pair in pairs for judge in pair)
    for row, pair in zip(rows, pairs, strict=True):
        names = plain(", ".join(named[judge] for judge in pair)), plain(row["set"])
        shares = str(row["n"]), percent(row["agreed"]), percent(row["agreed_decided"])
        interval = "-" if row["kappa_low"] is None else f"{row['kappa_low']:.2f} - {row['kappa_high']:.2f}"
        table.add_row(*names, *shares, _number(row["kappa"]), interval, _number(row["alpha"]))
    return table


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"
