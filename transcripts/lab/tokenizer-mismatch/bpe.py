"""Byte-pair encoding: learn merges from word counts, segment words with them."""

import re
from collections import Counter

END = "_"


def count_pairs(segmented):
    pairs = Counter()
    for text, count in segmented.items():
        symbols = text.split(" ")
        for pair in zip(symbols, symbols[1:]):
            pairs[pair] += count
    return pairs


def learn(word_counts, n_merges):
    """Returns the merges in order, and how each word of the training text ends up segmented."""
    words = {word: " ".join(word + END) for word in word_counts}
    merges = []
    for _ in range(n_merges):
        segmented = Counter()
        for word, text in words.items():
            segmented[text] += word_counts[word]
        pairs = count_pairs(segmented)
        if not pairs:
            break
        best = max(pairs, key=lambda pair: (pairs[pair], pair))
        merges.append(best)
        found = re.compile(r"(?<!\S)" + re.escape(" ".join(best)))
        joined = "".join(best)
        words = {word: found.sub(joined, text) for word, text in words.items()}
    return merges, {word: text.split(" ") for word, text in words.items()}


class Encoder:
    def __init__(self, merges):
        self.rank = {pair: i for i, pair in enumerate(merges)}
        self.cache = {}

    def encode(self, word):
        if word not in self.cache:
            self.cache[word] = self._encode(word)
        return self.cache[word]

    def _encode(self, word):
        symbols = list(word + END)
        while len(symbols) > 1:
            pairs = list(zip(symbols, symbols[1:]))
            best = min(pairs, key=lambda pair: self.rank.get(pair, len(self.rank)))
            if best not in self.rank:
                break
            merged, i = [], 0
            while i < len(symbols):
                if tuple(symbols[i : i + 2]) == best:
                    merged.append(symbols[i] + symbols[i + 1])
                    i += 2
                else:
                    merged.append(symbols[i])
                    i += 1
            symbols = merged
        return symbols
