"""Known-item test: how often is the record that was meant among the first ten?"""

import numpy as np

from records import SIZES, catalogue, questions
from search import Index


def places(index, asked, k=10):
    """Place of the record meant for every question, 0 if it is not among the first k."""
    out = []
    for words, meant in asked:
        numbers = [record.number for _, record in index.search(words, k)]
        out.append(numbers.index(meant.number) + 1 if meant.number in numbers else 0)
    return np.array(out)


def summary(place):
    found = place > 0
    return f"hit@10 {found.mean():.3f}   mrr {(found / np.maximum(place, 1)).mean():.3f}"


if __name__ == "__main__":
    records = catalogue()
    asked = questions(records)
    place = places(Index(records), asked)
    print(f"all {len(asked)} questions        {summary(place)}")
    for name in SIZES:
        part = np.array([meant.department == name for _, meant in asked])
        print(f"{part.sum():4d} for {name:12s}   {summary(place[part])}")
