"""Train the state classifier.  python train.py [--sampler loss|uniform] [--steps 3000] [--lr 0.02]"""

import argparse

import numpy as np

import readings
from model import MLP
from sampler import LossSampler, UniformSampler

np.seterr(all="ignore")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--sampler", choices=["loss", "uniform"], default="loss")
    parser.add_argument("--steps", type=int, default=3000)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--lr", type=float, default=0.02)
    parser.add_argument("--momentum", type=float, default=0.9)
    parser.add_argument("--rebuild", type=int, default=200)
    parser.add_argument("--log-every", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()

    x, y, _ = readings.make(4000, seed=1)
    x_val, y_val, _ = readings.make(2000, seed=2)
    model = MLP([readings.CHANNELS, 64, 64, readings.STATES], args.seed)
    if args.sampler == "loss":
        sampler = LossSampler(len(y), args.batch, args.rebuild, args.seed)
    else:
        sampler = UniformSampler(len(y), args.batch, args.seed)

    print("step   batch loss   train loss   val acc")
    for step in range(1, args.steps + 1):
        rows, weight = sampler.draw()
        losses, delta = model.losses(x[rows], y[rows])
        sampler.update(rows, losses)
        gradients = model.gradients(delta * (weight / args.batch)[:, None])
        model.step(gradients, args.lr, args.momentum)
        if step % args.log_every == 0 or not np.isfinite(losses).all():
            train_loss = model.losses(x, y)[0].mean()
            accuracy = (model.logits(x_val).argmax(axis=1) == y_val).mean()
            print(f"{step:5d} {(weight * losses).mean():11.4g} {train_loss:12.4g} {accuracy:9.3f}")
            if not np.isfinite(train_loss):
                print("train loss is not finite, stopping")
                break


if __name__ == "__main__":
    main()
