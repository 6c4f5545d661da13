"""Train the wave height network; --stop writes a checkpoint and ends, --resume goes on from one."""

import argparse

import numpy as np

import checkpoint
import swell
from model import Net
from optim import AdamW

ROWS, BATCH, WIDTH = 6400, 64, 48
PER_EPOCH = ROWS // BATCH


def batch(seed, step):
    """Rows of a step, from the seed and the step alone."""
    order = np.random.default_rng([seed, step // PER_EPOCH]).permutation(ROWS)
    at = step % PER_EPOCH * BATCH
    return order[at : at + BATCH]


def setup(depth=12, seed=1):
    x, y = swell.make(ROWS, seed=10)
    net = Net(swell.CHANNELS, WIDTH, depth, seed)
    return x, y, net, AdamW(net.params)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--depth", type=int, default=12)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--stop", type=int, default=2000)
    parser.add_argument("--resume", action="store_true")
    parser.add_argument("--file", default="run.npz")
    parser.add_argument("--log-every", type=int, default=200)
    args = parser.parse_args()
    x, y, net, opt = setup(args.depth, args.seed)
    if args.resume:
        checkpoint.load(args.file, net, opt)
        print(f"resumed at step {opt.t}")
    recent = []
    while opt.t < args.stop:
        rows = batch(args.seed, opt.t)
        loss, grads = net.gradients(x[rows], y[rows])
        opt.step(grads)
        recent.append(loss)
        if opt.t % args.log_every == 0:
            print(f"{opt.t:5d}  lr {opt.rate():.5f}  loss {np.mean(recent):.4e}")
            recent = []
    if args.stop < opt.total:
        checkpoint.save(args.file, net, opt)
        print(f"stopped at step {opt.t}, wrote {args.file}")
    else:
        x, y = swell.make(2000, seed=11)
        print(f"validation mse {((net.forward(x) - y) ** 2).mean():.4e}")


if __name__ == "__main__":
    main()
