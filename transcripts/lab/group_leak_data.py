"""Made the three CSV files of lab/group-leak: `python group_leak_data.py 42 1.6 .5`. Kept apart, since it shows the cause."""

import numpy as np, sys

rng = np.random.default_rng(int(sys.argv[1]))
S_J = float(sys.argv[2])
U = float(sys.argv[3])


def mats(names, rng):
    return {
        n: dict(
            se=rng.uniform(22, 62),
            rough=np.exp(rng.normal(0.6, 0.5)),
            mod=np.exp(rng.normal(1, 0.7)),
            thick=rng.choice([0.4, 0.8, 1.0, 1.5, 2.0]),
            polar=rng.uniform(0.02, 0.5),
            u=rng.normal(0, U),
        )
        for n in names
    }


def f(a, b, t, m):
    se = (a["se"] + b["se"]) / 2
    return (
        12
        + 0.08 * (se - 42)
        - 4.5 * abs(a["polar"] - b["polar"])
        + 0.9 * np.log(a["rough"] * b["rough"])
        - 0.5 * abs(np.log(a["mod"] / b["mod"]))
        + 0.05 * (t - 150)
        - 0.0025 * (t - 150) ** 2
        + 0.03 * (m - 40)
    )


def joints(M, pairs, rng, both, start, side, rh=46):
    rows = []
    for a, b in pairs:
        oven = int(rng.integers(1, 4))
        t = int(round(rng.normal(152, 9)))
        m = int(rng.integers(5, 14)) * 5
        base = f(M[a], M[b], t, m) + M[a]["u"] + M[b]["u"] + rng.normal(0, S_J)
        day0 = start + int(rng.integers(0, side))
        for i, (x, y) in enumerate(((a, b), (b, a)) if both else (((a, b),) if rng.random() < 0.5 else ((b, a),))):
            day = day0 + i * int(rng.integers(1, 9))
            rows.append([day, x, y, oven, t, m, int(round(rng.normal(rh, 5))), base + rng.normal(0, 0.35)])
    rows.sort(key=lambda r: (r[0], rng.random()))
    return rows


old = [f"M{i:02d}" for i in range(1, 49)]
new = [f"M{i:02d}" for i in range(49, 65)]
M = mats(old + new, rng)
allp = [(a, b) for i, a in enumerate(old) for b in old[i + 1 :]]
idx = rng.permutation(len(allp))[:420]
pairs = [allp[i] for i in idx]
tr = joints(M, pairs, rng, True, 20, 150)
np_ = [(a, b) for i, a in enumerate(new) for b in new[i + 1 :]]
k = rng.permutation(len(np_))[:110]
octo = joints(M, [np_[i] for i in k], rng, False, 280, 20, 51)


def dump(fn, rows, p):
    with open(fn, "w") as fh:
        fh.write("peel,day,left,right,oven,cure_c,cure_min,rh,strength\n")
        for i, r in enumerate(rows, 1):
            fh.write(f"{p}{i:04d},{r[0]},{r[1]},{r[2]},{r[3]},{r[4]},{r[5]},{r[6]},{r[7]:.2f}\n")


dump("peels.csv", tr, "P")
dump("october.csv", octo, "Q")
with open("materials.csv", "w") as fh:
    fh.write("material,surface_energy,roughness,modulus,thickness,polar\n")
    for n, d in M.items():
        fh.write(f"{n},{d['se']:.1f},{d['rough']:.2f},{d['mod']:.2f},{d['thick']:.1f},{d['polar']:.2f}\n")
