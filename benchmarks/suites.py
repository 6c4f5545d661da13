"""Suites of any size for benchmarks: sessions of a chosen length with moments at even distances."""

import json
import random
from pathlib import Path

WORDS = (
    "loss",
    "batch",
    "cache",
    "index",
    "range",
    "value",
    "test",
    "config",
    "module",
    "path",
    "error",
    "line",
    "retry",
)
EVENT = 900
"""Characters of a tool's result."""


def write_suite(folder: Path, sessions: int, moments: int, characters: int, *, seed: int = 0) -> Path:
    """A suite of so many sessions of so many moments each; a session's trajectory has about so many characters.

    The moments stand from two thirds of a session on (one moment) or at even distances over all of it (several).
    """
    draw = random.Random(seed)
    (folder / "sessions").mkdir(parents=True, exist_ok=True)
    lines = []
    for number in range(sessions):
        name = f"made-{number:05}"
        events = _events(draw, characters)
        cuts = _cuts(events, moments)
        header = {"type": "session", "format": 1, "source": "made"}
        texts = [json.dumps(header), *(json.dumps(event) for event in events)]
        (folder / "sessions" / f"{name}.jsonl").write_text("\n".join(texts) + "\n", encoding="utf-8")
        lines += [_moment(name, cut, len(events), draw) for cut in cuts]
    (folder / "moments.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return folder


def _text(draw: random.Random, characters: int) -> str:
    """Words, by the thousandth of a second."""
    piece = " ".join(draw.choices(WORDS, k=60))
    return f"{draw.random():.9f} {(piece + ' ') * (characters // len(piece) + 1)}"[:characters]


def _events(draw: random.Random, characters: int) -> list[dict[str, object]]:
    """A person's turn, what the assistant says, a tool's use and result, and again."""
    events: list[dict[str, object]] = []
    written = 0
    while written < characters or len(events) % 4:
        role, kind, size = (
            ("human", "text", 120),
            ("assistant", "text", 300),
            ("assistant", "tool_use", 150),
            ("tool", "tool_result", EVENT),
        )[len(events) % 4]
        tool = {"tool": "Bash"} if role == "tool" or kind == "tool_use" else {}
        events.append({"idx": len(events), "role": role, "kind": kind, "text": _text(draw, size), **tool})
        written += size + 70
    return events


def _cuts(events: list[dict[str, object]], moments: int) -> list[int]:
    turns = range(4, len(events) - 1, 4)
    if moments == 1:
        return [turns[2 * len(turns) // 3]]
    return [turns[(2 * k + 1) * len(turns) // (2 * moments)] for k in range(moments)]


def _moment(session: str, cut: int, events: int, draw: random.Random) -> dict[str, object]:
    return {
        "session": session,
        "cut": cut,
        "set": draw.choice(("detour", "control")),
        "why": "made",
        "recovered_at": min(cut + 4, events - 1),
        "resolution": "made",
    }
