"""An event loop whose time passes at once: when nothing can be done before the next timer, it is that time already."""

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

Result = TypeVar("Result")

START_S = 1_000.0


class _Skipping(selectors.SelectSelector):
    """Waits for nothing: moves the clock on instead."""

    def __init__(self) -> None:
        super().__init__()
        self.now = START_S

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise AssertionError("everything waits for something that will never come")
        self.now += timeout
        return []


class VirtualLoop(asyncio.SelectorEventLoop):
    """What is meant for a thread is done at once and takes no time."""

    def __init__(self) -> None:
        self._skipping = _Skipping()
        super().__init__(self._skipping)

    def time(self) -> float:
        return self._skipping.now

    def run_in_executor(  # type: ignore[override]
        self, executor: object, func: Callable[..., Any], *args: Any
    ) -> "asyncio.Future[Any]":
        future = self.create_future()
        try:
            future.set_result(func(*args))
        except Exception as error:
            future.set_exception(error)
        return future


def run(work: Coroutine[Any, Any, Result]) -> Result:
    """What the work gives, in no time. An AssertionError when it can never end."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(work)


def now() -> float:
    """The time in the loop that runs."""
    return asyncio.get_running_loop().time()
