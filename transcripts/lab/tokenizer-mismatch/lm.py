"""Interpolated n-gram model with absolute discounting over subword tokens."""

import math
from collections import Counter, defaultdict

START, STOP = "<s>", "</s>"


class NgramModel:
    def __init__(self, order=3, discount=0.75):
        self.order, self.discount = order, discount
        self.counts = [defaultdict(Counter) for _ in range(order)]
        self.vocab = set()

    def fit(self, sequences):
        for tokens in sequences:
            padded = [START] * (self.order - 1) + tokens + [STOP]
            self.vocab.update(tokens)
            for i in range(self.order - 1, len(padded)):
                for n in range(self.order):
                    self.counts[n][tuple(padded[i - n : i])][padded[i]] += 1
        self.totals = [{c: sum(f.values()) for c, f in level.items()} for level in self.counts]
        return self

    def prob(self, context, token):
        p = 1 / (len(self.vocab) + 2)
        for n in range(self.order):
            key = tuple(context[len(context) - n :])
            total = self.totals[n].get(key)
            if not total:
                break
            followers = self.counts[n][key]
            kept = max(followers.get(token, 0) - self.discount, 0) / total
            p = kept + self.discount * len(followers) / total * p
        return p

    def bits(self, tokens):
        """Bits for each token of one line, the stop token included."""
        padded = [START] * (self.order - 1) + tokens + [STOP]
        return [
            -math.log2(self.prob(padded[i - self.order + 1 : i], padded[i]))
            for i in range(self.order - 1, len(padded))
        ]
