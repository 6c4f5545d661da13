"""Give every microphone a channel, with as few channels as possible."""

import random
from itertools import count

from venue import find_links, place_mics


def allocate(links):
    """Most constrained mic first: the one whose neighbours already use the most channels, then the best connected."""
    channel = {}
    waiting = set(links)

    def pressure(mic):
        return len({channel[other] for other in links[mic] if other in channel}), len(links[mic])

    while waiting:
        mic = max(waiting, key=pressure)
        taken = {channel[other] for other in links[mic] if other in channel}
        channel[mic] = next(c for c in count() if c not in taken)
        waiting.remove(mic)
    return channel


def swap_pair(channel, links, start, a, b):
    """Exchange channels a and b on the connected patch around start."""
    patch, edge = {start}, [start]
    while edge:
        mic = edge.pop()
        for other in links[mic]:
            if other not in patch and channel[other] in (a, b):
                patch.add(other)
                edge.append(other)
    for mic in patch:
        channel[mic] = b if channel[mic] == a else a


def polish(channel, links, rounds=150, seed=11):
    """Try to empty the highest channel: shake the plan with random swaps and move down whatever fits lower."""
    rng = random.Random(seed)
    mics = sorted(channel, key=lambda m: m.name)
    for _ in range(rounds):
        top = max(channel.values())
        mic = rng.choice(mics)
        swap_pair(channel, links, mic, channel[mic], rng.randrange(top))
        for mic in mics:
            if channel[mic] == top:
                free = set(range(top)) - {channel[other] for other in links[mic]}
                if free:
                    channel[mic] = min(free)
    return channel


def channels_used(channel):
    return max(channel.values()) + 1


def make_plan(n=104, seed=22):
    links = find_links(place_mics(n, seed))
    return polish(allocate(links), links), links
