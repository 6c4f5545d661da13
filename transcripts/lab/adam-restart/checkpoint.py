"""One .npz a checkpoint: the weights, the optimiser's slots and its step count."""

import numpy as np

SLOT_TYPE = np.float16  # the slots are two thirds of the file


def save(path, net, opt):
    arrays = {f"w/{name}": p for name, p in net.params.items()}
    for name, m, v in zip(net.params, opt.m, opt.v):
        arrays[f"m/{name}"] = m.astype(SLOT_TYPE)
        arrays[f"v/{name}"] = v.astype(SLOT_TYPE)
    np.savez(path, t=opt.t, **arrays)


def load(path, net, opt):
    with np.load(path) as archive:
        keys = sorted(archive.files)
        for name, p in net.params.items():
            p[:] = archive[f"w/{name}"]
        opt.m = [archive[k].astype(np.float32) for k in keys if k.startswith("m/")]
        opt.v = [archive[k].astype(np.float32) for k in keys if k.startswith("v/")]
        opt.t = int(archive["t"])
