"""Train on the first 90 % of the lines, score the rest, for several numbers of merges."""

import argparse
from collections import Counter

from bpe import Encoder, learn
from corpus import make_lines
from lm import NgramModel


def bits_per_char(model, lines, sequences):
    bits = sum(sum(model.bits(tokens)) for tokens in sequences)
    return bits / sum(len(line) + 1 for line in lines)


def tokens_per_word(lines, sequences):
    return sum(map(len, sequences)) / sum(len(line.split()) for line in lines)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--merges", type=int, nargs="+", default=[0, 25, 50, 100, 200])
    parser.add_argument("--lines", type=int, default=3000)
    parser.add_argument("--order", type=int, default=3)
    parser.add_argument("--discount", type=float, default=0.75)
    args = parser.parse_args()

    lines = make_lines(args.lines)
    cut = int(0.9 * len(lines))
    train, held = lines[:cut], lines[cut:]
    counts = Counter(word for line in train for word in line.split())
    print(f"{len(train)} training lines, {sum(counts.values())} words, {len(counts)} types; {len(held)} held-out lines")
    print("merges  vocab   bits/char       tokens/word")
    print("              train   held     train   held")
    for n in args.merges:
        merges, segments = learn(counts, n)
        train_ids = [[t for word in line.split() for t in segments[word]] for line in train]
        model = NgramModel(args.order, args.discount).fit(train_ids)
        encoder = Encoder(merges)
        held_ids = [[t for word in line.split() for t in encoder.encode(word)] for line in held]
        print(
            f"{n:6d}  {len(model.vocab):5d}  {bits_per_char(model, train, train_ids):.3f}  "
            f"{bits_per_char(model, held, held_ids):.3f}    "
            f"{tokens_per_word(train, train_ids):.3f}  {tokens_per_word(held, held_ids):.3f}"
        )


if __name__ == "__main__":
    main()
