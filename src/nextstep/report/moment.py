"""One moment as text: what had happened, both steps, the verdicts with their reasons, what really happened."""

from collections.abc import Sequence
from typing import Any

from rich.text import Text

from nextstep.report.text import OFFLINE_NOTE, Row, event_text, plain, shortened


def moment_text(moment: Row) -> Text:
    """The whole account of a moment, as `show` prints it."""
    steps = moment["judged_steps"]
    parts = [
        _heading(f"{moment['session_name']} event {moment['cut']} ({moment['set']}), moment {moment['moment_id']}"),
        *_section("Before (what the candidate saw ends here)", [event_text(event) for event in moment["before"]]),
        *_section("The human's step", [_lines(moment["human_step"])]),
        *(part for at, one in enumerate(steps, 1) for part in _judged_step(one, _numbered(at, steps))),
        *(part for proposal in moment["proposals"] for part in _proposal(proposal, _readings(steps))),
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


def _judged_step(step: Row, number: str) -> list[Text]:
    """The human's step as judges have read it."""
    return _section(f"The human's step as judged{number}, in the words of {step['scribe']}", [_lines(step["text"])])


def _numbered(at: int, steps: Sequence[Row]) -> str:
    return f" ({at})" if len(steps) > 1 else ""


def _readings(steps: Sequence[Row]) -> dict[str | None, str]:
    """How a judgement says which words of the human it is about: where all have read the same, not at all."""
    return {step["rewrite_id"]: _numbered(at, steps) for at, step in enumerate(steps, 1)} | {
        None: " (the human's own words)" if steps else ""
    }


def _proposal(proposal: Row, readings: dict[str | None, str]) -> list[Text]:
    sample = f", sample {proposal['sample']}" if proposal["sample"] else ""
    note = " (saw a shortened prefix)" if proposal["shortened"] else ""
    title = f"{proposal['candidate']}{sample} would have said{note}"
    judgements = [_judgement(one, readings) for one in proposal["judgements"]]
    return _section(title, [_lines(proposal["text"]), *judgements])


def _lines(text: str) -> Text:
    return plain(shortened(text) + "\n")


def _judgement(judgement: Row, readings: dict[str | None, str]) -> Text:
    read = readings.get(judgement["verdicts"][0]["rewrite_id"], "")
    said = judgement["outcome"] or "judged in one order only"
    text = plain(f"{judgement['judge']}{read}: {said}\n", "bold")
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
