"""One moment as text: what had happened, both steps, the verdicts with their reasons, what really happened."""

from typing import Any

from rich.text import Text

from nextstep.report.text import OFFLINE_NOTE, Row, event_text, plain, shortened

SHOWN_HASH = 12


def moment_text(moment: Row) -> Text:
    """The whole account of a moment, as `show` prints it."""
    parts = [
        _heading(f"{moment['session_name']} event {moment['cut']} ({moment['set']}), moment {moment['moment_id']}"),
        *_section("Before (what the candidate saw ends here)", [event_text(event) for event in moment["before"]]),
        *_section("The human's step", [plain(shortened(moment["human_step"]) + "\n")]),
        *(part for proposal in moment["proposals"] for part in _proposal(proposal)),
        *_section("Failures", [_failure(row) for row in moment["failures"]]),
        *_section("What really happened", [event_text(event) for event in moment["after"]]),
        *_section(f"In hindsight (a {moment['set']})", [_hindsight(moment)]),
    ]
    if moment["offline"]:
        parts.append(Text(OFFLINE_NOTE, style="bold"))
    return Text("\n").join(parts)


def _heading(text: str) -> Text:
    return plain(text, "bold reverse")


def _section(title: str, parts: list[Text]) -> list[Text]:
    return [_heading(title), *parts] if parts else []


def _proposal(proposal: Row) -> list[Text]:
    sample = f", sample {proposal['sample']}" if proposal["sample"] else ""
    note = " (saw a shortened prefix)" if proposal["shortened"] else ""
    title = f"{proposal['candidate']}{sample} would have said{note}"
    return _section(title, [plain(shortened(proposal["text"]) + "\n"), *map(_judgement, proposal["judgements"])])


def _judgement(judgement: Row) -> Text:
    text = plain(f"{judgement['judge']}: {judgement['outcome'] or 'judged in one order only'}\n", "bold")
    for verdict in judgement["verdicts"]:
        text.append_text(plain(_verdict(verdict)))
    return text


def _verdict(verdict: Row) -> str:
    strength = {0: "", 1: ", slightly", 2: ", clearly"}[verdict["strength"]]
    order = verdict["order"].replace("_", " ")
    return f"  {order}: {verdict['choice']}{strength}\n    {shortened(verdict['reason'])}\n"


def _failure(row: Row) -> Text:
    who = row["judge"] or row["candidate"]
    return plain(f"{row['stage']} {who}: {row['kind']}: {shortened(row['message'])}\n")


def _hindsight(moment: Row) -> Text:
    word = "Back on course" if moment["set"] == "detour" else "Shown right"
    said: list[Any] = [moment["why"], f"{word} at event {moment['recovered_at']}. {moment['resolution']}", ""]
    return plain("\n".join(map(shortened, said)))
