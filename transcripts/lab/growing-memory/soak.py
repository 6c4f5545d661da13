"""Feed the relay a made-up season of hive reports and watch time and memory."""

import argparse
import random
import sys
import time

from relay import Relay


def messages(rng, hives=40):
    """Parts of reports, hives mixed; some lost, some twice, some broken."""
    latest = [0] * hives
    while True:
        hive = rng.randrange(hives)
        latest[hive] += 1
        for number in range(3):
            luck = rng.random()
            if luck < 0.01:
                continue
            text = f"h{hive:03d}|{latest[hive]}|{number}|3|" + f"{rng.getrandbits(64):x}" * rng.randrange(3, 9)
            if luck > 0.97:
                text = text.replace("|", " ", 1)
            yield text
            if luck > 0.95:
                yield text


def blocks(rng, size=1024):
    """The stream as the modem hands it over."""
    stream = bytearray()
    for text in messages(rng):
        stream += f"{len(text)}:{text}\n".encode()
        while len(stream) >= size:
            yield bytes(stream[:size])
            del stream[:size]


def rss():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096 / 1e6


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--messages", type=int, default=120_000)
    parser.add_argument("--marks", type=int, default=8)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    relay = Relay(sink=lambda hive, report, text: None)
    every = mark = options.messages // options.marks
    spent, before = 0.0, 0
    print("messages  us/message    rss MB  py blocks  waiting  faults    bad")
    for i, block in enumerate(blocks(random.Random(options.seed))):
        began = time.process_time()
        relay.receive(block)
        if i % 1000 == 999:
            relay.framer.quiet()
        spent += time.process_time() - began
        if relay.clock >= mark:
            waiting = sum(len(parts) for parts in relay.parts.values())
            print(
                f"{relay.clock:8d}  {1e6 * spent / (relay.clock - before):10.1f}  {rss():8.1f}"
                f"  {sys.getallocatedblocks():9d}  {waiting:7d}  {len(relay.faults):6d}  {relay.counts['bad']:5d}"
            )
            spent, before, mark = 0.0, relay.clock, mark + every
            if mark > options.messages:
                break


if __name__ == "__main__":
    main()
