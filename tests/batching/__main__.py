"""A client that evaluates in batches and kills itself at a step: python -m tests.batching STEP TIMES FLAGS"""

import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

from nextstep.models.batches import Batches
from nextstep.pipeline import batch_rows, clerk, desk
from nextstep.pipeline.clerk import Clerk
from tests.batching.world import QUICK, Place

STEPS = ("before_create", "after_create", "looking", "in_results", "before_rows", "after_rows", "before_collected")


def die() -> None:
    """As by `kill -9`: nothing is cleaned up."""
    os.kill(os.getpid(), signal.SIGKILL)


class Countdown:
    """Dies when it was called so many times."""

    def __init__(self, times: int) -> None:
        self.left = times

    def __call__(self) -> None:
        self.left -= 1
        if not self.left:
            die()


def rig(step: str, times: int) -> None:
    """Make the step deadly."""
    count = Countdown(times)
    create, look, results = Batches.create, Batches.look, Batches.results
    note, collected, read = Clerk._note, batch_rows.set_collected, desk._read

    async def created(self: Any, items: Any) -> Any:
        if step == "before_create":
            count()
        made = await create(self, items)
        count()
        return made

    async def looked(self: Any, batch_id: str) -> Any:
        seen = await look(self, batch_id)
        count()
        return seen

    async def came(self: Any, batch: Any) -> Any:
        async for result in results(self, batch):
            yield result
            count()

    def before(function: Any) -> Any:
        def deadly(*given: Any) -> Any:
            count()
            return function(*given)

        return deadly

    patches: dict[str, tuple[Any, str, Any]] = {
        "before_create": (Batches, "create", created),
        "after_create": (Batches, "create", created),
        "looking": (Batches, "look", looked),
        "in_results": (Batches, "results", came),
        "before_rows": (desk, "_read", before(read)),
        "after_rows": (Clerk, "_note", before(note)),
        "before_collected": (clerk, "set_collected", before(collected)),
    }
    setattr(*patches[step])


def main() -> None:
    """Evaluate, and die on the way."""
    step, times, flags = sys.argv[1:]
    settings = json.loads(flags)
    clerk.PORTION = 3
    rig(step, int(times))
    Place(**settings | {"folder": Path(settings["folder"])}).run(QUICK)


if __name__ == "__main__":
    main()
