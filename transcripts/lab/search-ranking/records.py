"""Catalogue of a small maritime museum, made up: four departments, a title and an entry for every object."""

import random
from collections import namedtuple

Record = namedtuple("Record", "number department title entry")

THINGS = {
    "gear": "anchor oar tiller rudder buoy block pulley capstan windlass sail lifebelt hammock harpoon net".split(),
    "instruments": "sextant compass telescope barometer quadrant octant chronometer astrolabe hourglass binnacle".split(),
    "belongings": "trunk uniform sabre medal snuffbox kettle ladle whistle logbook pennant".split(),
    "pictures": "portrait seascape engraving sketch photograph poster".split(),
}
SIZES = {"gear": 1900, "instruments": 1100, "belongings": 700, "pictures": 300}
MATERIALS = "brass oak ivory copper iron tin canvas linen walnut pine bronze silver bone leather glass steel".split()
TRAITS = "painted folding carved dented gilded varnished numbered patched enamelled miniature weathered oval".split()
PLACES = "arnvik selport duncarrow holmsund vesterby tolhaven ostmouth quillan brandsey pernoa stavering almery".split()
SHIPS = "petrel halcyon perseverance kittiwake aurora resolve gannet concord harrier osprey venture solace".split()
REST = """found given used carried bought lent shown restored kept aboard ashore captain widow mate steward pilot voyage
winter storm crew passage ferry whaler schooner brig auction attic cellar workshop maker signed dated case lid handle
hinge strap lens scale plate frame cord hook ring stand box label stamp crack stain""".split()


def catalogue(seed=8):
    rng = random.Random(seed)
    everything = [thing for things in THINGS.values() for thing in things]
    records = []
    for department, size in SIZES.items():
        for _ in range(size):
            trait, material, thing = rng.choice(TRAITS), rng.choice(MATERIALS), rng.choice(THINGS[department])
            title = [word for word, share in [(trait, 0.4), (material, 0.7), (thing, 1.0)] if rng.random() < share]
            length = rng.randint(8, 40)
            entry = rng.choices(REST, k=length) + [rng.choice(PLACES), rng.choice(SHIPS)]
            for word in [trait, material, thing]:
                if word not in title or rng.random() < length / 45:  # long entries say it again
                    entry += [word] * rng.choice([1, 1, 2])
            if rng.random() < (0.8 if department == "pictures" else 0.25):
                entry += rng.sample(everything, 2)
            rng.shuffle(entry)
            records.append(Record(len(records), department, " ".join(title), " ".join(entry)))
    return records


def questions(records, n=400, seed=3):
    """(words, the record meant): the end of its title and some words of its entry."""
    rng = random.Random(seed)
    asked = []
    for record in rng.sample(records, n):
        title, entry = record.title.split(), record.entry.split()
        others = sorted(set(entry) - set(title))
        asked.append((title[-2:] + rng.sample(others, rng.randint(1, 3)), record))
    return asked
