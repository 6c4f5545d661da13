"""Can the label of a moment be told from the form of the human's turn? Standard library only.

For each feature of form: the chance that a detour ranks above a control (0.5 is none), with a permutation p-value. For
wording: a naive Bayes classifier over words, trained on all sessions but one and tried on that one; its accuracy beside
that on permuted labels. Nothing here reads anything but the turns and their places.
"""

import json
import math
import random
import re
from collections import Counter
from pathlib import Path

SUITE = Path(__file__).resolve().parents[1]
PERMUTATIONS = 2_000
HEDGES = {"maybe", "probably", "could", "might", "think", "guess", "bet", "i'd", "looks", "looked", "seems", "perhaps"}
REASONS = {"so", "because", "since", "if", "then", "that's", "thats", "isnt"}
LOOKING = {"print", "count", "list", "time", "plot", "compare", "profile", "log", "show", "measure", "look", "run", "rerun"}


def load() -> list[dict[str, object]]:
    moments = []
    for line in (SUITE / "moments.jsonl").read_text(encoding="utf-8").splitlines():
        moment = json.loads(line)
        path = SUITE / "sessions" / f"{moment['session']}.jsonl"
        events = [json.loads(event) for event in path.read_text(encoding="utf-8").splitlines()[1:]]
        turns = [event["idx"] for event in events if event["role"] == "human"]
        moment |= {"text": events[moment["cut"]]["text"], "turn": turns.index(moment["cut"]), "of": len(events)}
        moments.append(moment)
    return moments


def words(text: str) -> list[str]:
    return re.findall(r"[a-z']+", text.lower())


FEATURES = {
    "words": lambda m: len(m["text"].split()),
    "characters": lambda m: len(m["text"]),
    "event number": lambda m: m["cut"],
    "share of the session before it": lambda m: m["cut"] / m["of"],
    "number of the human turn": lambda m: m["turn"],
    "question marks": lambda m: m["text"].count("?"),
    "commas": lambda m: m["text"].count(","),
    "digits": lambda m: sum(c.isdigit() for c in m["text"]),
    "hedging words": lambda m: sum(word in HEDGES for word in words(m["text"])),
    "reasoning words": lambda m: sum(word in REASONS for word in words(m["text"])),
    "looking words": lambda m: sum(word in LOOKING for word in words(m["text"])),
}


def ranking(values: list[float], labels: list[bool]) -> float:
    """The chance that a detour has the larger value than a control, ties half."""
    detours = [value for value, label in zip(values, labels) if label]
    controls = [value for value, label in zip(values, labels) if not label]
    return sum((d > c) + (d == c) / 2 for d in detours for c in controls) / (len(detours) * len(controls))


def accuracy(bags: list[Counter], labels: list[bool], sessions: list[str]) -> float:
    """Of naive Bayes with one session left out at a time."""
    right = 0
    for held in dict.fromkeys(sessions):
        counts = {label: Counter() for label in (True, False)}
        for bag, label, session in zip(bags, labels, sessions):
            if session != held:
                counts[label].update(bag.keys())
        totals = {label: sum(count.values()) + 500 for label, count in counts.items()}
        for bag, label, session in zip(bags, labels, sessions):
            if session == held:
                score = sum(
                    math.log((counts[True][w] + 1) / totals[True]) - math.log((counts[False][w] + 1) / totals[False])
                    for w in bag
                )
                right += (score > 0) == label
    return right / len(bags)


def main() -> None:
    moments = load()
    labels = [moment["set"] == "detour" for moment in moments]
    rng = random.Random(0)
    shuffles = [rng.sample(labels, len(labels)) for _ in range(PERMUTATIONS)]
    print(f"{sum(labels)} detours, {len(labels) - sum(labels)} controls, {len({m['session'] for m in moments})} sessions\n")
    print("| feature | detours, mean | controls, mean | detour above control | p |\n| --- | --- | --- | --- | --- |")
    for name, feature in FEATURES.items():
        values = [float(feature(moment)) for moment in moments]
        found = ranking(values, labels)
        as_far = sum(abs(ranking(values, shuffle) - 0.5) >= abs(found - 0.5) - 1e-9 for shuffle in shuffles)
        means = [sum(v for v, l in zip(values, labels) if l == side) / labels.count(side) for side in (True, False)]
        print(f"| {name} | {means[0]:.2f} | {means[1]:.2f} | {found:.2f} | {(as_far + 1) / (PERMUTATIONS + 1):.2f} |")
    bags = [Counter(words(moment["text"])) for moment in moments]
    sessions = [moment["session"] for moment in moments]
    found = accuracy(bags, labels, sessions)
    as_good = sum(accuracy(bags, shuffle, sessions) >= found for shuffle in shuffles[:500])
    print(f"\nwords, naive Bayes, a session left out: accuracy {found:.2f}, p {(as_good + 1) / 501:.2f}")


if __name__ == "__main__":
    main()
