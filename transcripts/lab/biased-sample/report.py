"""The weekly latency figure from the agent's windows, next to the load balancer's counters."""

import argparse

import numpy as np

from agent import Agent
from balancer import Balancer
from tiles import day


def weighted_mean(windows):
    """Mean of all requests seen: every kept request stands for seen / kept of its window."""
    ms = np.array([r.ms for w in windows for r in w.kept])
    weights = np.array([w.weight for w in windows for _ in w.kept])
    mean = np.average(ms, weights=weights)
    variance = (weights**2 * (ms - mean) ** 2).sum() / weights.sum() ** 2
    return mean, 1.96 * variance**0.5


def collect(limit=15, seed=5):
    agent, balancer = Agent(limit), Balancer()
    for request in day(seed):
        agent.offer(request)
        balancer.count(request)
    return agent.windows, balancer


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--limit", type=int, default=15)
    parser.add_argument("--seed", type=int, default=5)
    args = parser.parse_args()
    windows, balancer = collect(args.limit, args.seed)
    mean, half = weighted_mean(windows)
    kept, seen = sum(len(w.kept) for w in windows), sum(w.seen for w in windows)
    print(f"agent     {mean:6.1f} ms  +- {half:.1f}   ({kept} kept of {seen} seen)")
    print(f"balancer  {balancer.mean():6.1f} ms          ({sum(balancer.requests)} requests)")


if __name__ == "__main__":
    main()
