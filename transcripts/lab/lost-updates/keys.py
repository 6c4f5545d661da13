"""Row keys as in our other services: a clock in front, so that new rows go to the end of the index, then 20 random bits."""

import random
import time

rng = random.Random()


def new_key():
    return f"{int(time.time() * 1000):011x}{rng.getrandbits(20):05x}"
