"""BM25 over title and entry of each record. A word in the title counts for more than one in the entry."""

from collections import Counter, defaultdict

import numpy as np

FIELDS = {"title": 2.5, "entry": 1.0}


class Department:
    """The postings of one department: word -> (positions, weights)."""

    def __init__(self, records, k1, b):
        self.records = records
        self.idf = self.weigh(records)
        postings = defaultdict(list)
        for field, boost in FIELDS.items():
            bags = [Counter(getattr(record, field).split()) for record in records]
            lengths = np.array([bag.total() for bag in bags])
            norm = k1 * (1 - b + b * lengths / lengths.mean())
            for i, bag in enumerate(bags):
                for word, count in bag.items():
                    weight = boost * self.idf[word] * count * (k1 + 1) / (count + norm[i])
                    postings[word].append((i, weight))
        self.postings = {word: tuple(map(np.array, zip(*rows))) for word, rows in postings.items()}

    @staticmethod
    def weigh(records):
        seen = Counter(word for record in records for word in {*record.title.split(), *record.entry.split()})
        return {word: np.log(1 + (len(records) - df + 0.5) / (df + 0.5)) for word, df in seen.items()}

    def scores(self, words):
        scores = np.zeros(len(self.records))
        for word in words:
            if word in self.postings:
                where, weights = self.postings[word]
                scores[where] += weights
        return scores


class Index:
    def __init__(self, records, k1=1.2, b=0.75):
        self.departments = []
        for name in sorted({record.department for record in records}):
            self.departments.append(Department([r for r in records if r.department == name], k1, b))

    def search(self, words, k=10):
        """The k best records of all departments with their scores, best first."""
        found = []
        for department in self.departments:
            scores = department.scores(words)
            scores /= scores.max() or 1.0
            for i in np.argsort(-scores, kind="stable")[:k]:
                found.append((scores[i], department.records[i]))
        return sorted(found, key=lambda pair: -pair[0])[:k]
