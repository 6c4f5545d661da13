"""Read the peel tests and turn them into features."""

import csv

import numpy as np

FEATURES = [
    "se_mean", "se_diff", "rough_mean", "rough_diff", "mod_mean", "mod_diff",
    "thick_mean", "thick_diff", "polar_mean", "polar_diff",
    "cure_c", "cure_min", "rh",
]


def read(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def load_materials(path="materials.csv"):
    table = {}
    for row in read(path):
        table[row["material"]] = np.array([
            float(row["surface_energy"]),
            np.log(float(row["roughness"])),
            np.log(float(row["modulus"])),
            float(row["thickness"]),
            float(row["polar"]),
        ])
    return table


def features(rows, materials):
    """A joint has no preferred side for us: mean and absolute difference of the two materials."""
    x = np.empty((len(rows), len(FEATURES)))
    for i, row in enumerate(rows):
        a, b = materials[row["left"]], materials[row["right"]]
        x[i, 0:10:2] = (a + b) / 2
        x[i, 1:10:2] = np.abs(a - b)
        x[i, 10:] = float(row["cure_c"]), float(row["cure_min"]), float(row["rh"])
    return x


def target(rows):
    return np.array([float(row["strength"]) for row in rows])


def split(rows, share=0.2, seed=7):
    """Hold out whole materials: every peel of a held-out material goes to validation."""
    names = sorted({row["left"] for row in rows})
    rng = np.random.default_rng(seed)
    held = set(rng.permutation(names)[: round(share * len(names))])
    train = [row for row in rows if row["left"] not in held]
    valid = [row for row in rows if row["left"] in held]
    return train, valid
