"""Choose length scale and ridge on the validation peels, then score the October panel."""

from data import features, load_materials, read, split, target
from model import KernelRidge, r2, rmse

LENGTHS = [1.5, 2.5, 4.0, 6.0, 10.0]
RIDGES = [0.03, 0.1, 0.3, 1.0, 3.0]


def main():
    materials = load_materials()
    train, valid = split(read("peels.csv"))
    october = read("october.csv")
    x, y = features(train, materials), target(train)
    xv, yv = features(valid, materials), target(valid)
    xo, yo = features(october, materials), target(october)

    print(f"{len(train)} training, {len(valid)} validation, {len(october)} october peels")
    print("validation R2 by length (rows) and ridge (columns)")
    print("      " + "".join(f"{ridge:8.2f}" for ridge in RIDGES))
    best = None
    for length in LENGTHS:
        scores = []
        for ridge in RIDGES:
            score = r2(yv, KernelRidge(length, ridge).fit(x, y).predict(xv))
            scores.append(score)
            if best is None or score > best[0]:
                best = (score, length, ridge)
        print(f"{length:6.1f}" + "".join(f"{score:8.3f}" for score in scores))

    _, length, ridge = best
    model = KernelRidge(length, ridge).fit(x, y)
    print(f"\nchosen: length {length}, ridge {ridge}")
    for name, a, b in [("train", x, y), ("valid", xv, yv), ("october", xo, yo)]:
        p = model.predict(a)
        print(f"{name:8s} R2 {r2(b, p):6.3f}  rmse {rmse(b, p):5.2f} N/mm  (spread of strength {b.std():.2f})")


if __name__ == "__main__":
    main()
