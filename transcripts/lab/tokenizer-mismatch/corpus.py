"""Makes the text: a small invented language with stems, endings and topics, one utterance a line."""

import random

ONSETS = ["b", "d", "g", "k", "l", "m", "n", "p", "r", "s", "sh", "t", "th", "v", "z", "br", "tr", "kl"]
VOWELS = ["a", "e", "i", "o", "u", "ai"]
CODAS = ["", "", "", "n", "r", "l", "s", "m"]
CASES = ["", "", "", "an", "ek", "omi", "ura"]
TENSES = ["ta", "ren", "ish", "alo"]
PERSONS = ["", "m", "ni", "sa"]
PARTICLES = ["na", "to", "ve", "shi", "an", "lu"]


def make_stem(rng):
    return "".join(
        rng.choice(ONSETS) + rng.choice(VOWELS) + rng.choice(CODAS)
        for _ in range(rng.choices([1, 2, 3], [3, 6, 2])[0])
    )


def zipf_weights(n, s=1.05):
    return [1 / (rank + 3) ** s for rank in range(n)]


def make_lines(n_lines, seed=11):
    rng = random.Random(seed)
    nouns = [make_stem(rng) for _ in range(700)]
    verbs = [make_stem(rng) for _ in range(220)]
    noun_weights, verb_weights = zipf_weights(len(nouns)), zipf_weights(len(verbs))
    partners = {verb: rng.choices(nouns, noun_weights, k=6) for verb in verbs}

    def noun(verb):
        stem = rng.choice(partners[verb]) if rng.random() < 0.5 else rng.choices(nouns, noun_weights)[0]
        return stem + rng.choice(CASES)

    lines = []
    for _ in range(n_lines):
        words = []
        for _ in range(rng.choice([1, 1, 2, 3])):
            verb = rng.choices(verbs, verb_weights)[0]
            words += [noun(verb), rng.choice(PARTICLES), noun(verb), verb + rng.choice(TENSES) + rng.choice(PERSONS)]
            if rng.random() < 0.3:
                words.append(rng.choice(PARTICLES))
        lines.append(" ".join(words))
    return lines
