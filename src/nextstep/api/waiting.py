"""Wait for asynchronous work in ordinary code, also where a loop runs already, as in a notebook."""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future, wait
from contextlib import suppress
from typing import Any, Generic, TypeVar

Result = TypeVar("Result")


def wait_for(work: Callable[[], Coroutine[Any, Any, Result]]) -> Result:
    """The result of the work, which is done in a loop of its own.

    Where this thread runs a loop already, that loop waits in another thread. Ctrl-C ends the work in either case, after
    it has put away what it has.
    """
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(work())
    return _Beside(work).result()


class _Beside(Generic[Result]):
    """Work in a thread and a loop of its own."""

    def __init__(self, work: Callable[[], Coroutine[Any, Any, Result]]) -> None:
        self.work = work
        self.loop = asyncio.new_event_loop()
        self.task: asyncio.Task[Any] | None = None
        self.unwanted = False
        self.done: Future[Result] = Future()
        self.thread = threading.Thread(target=self._run, name="nextstep")

    def result(self) -> Result:
        try:
            self.thread.start()
            wait([self.done])  # not join: a thread whose join was interrupted counts as ended
        except KeyboardInterrupt:
            with suppress(RuntimeError):  # the loop is closed: the work has just ended
                self.loop.call_soon_threadsafe(self._cancel)
            if self.thread.ident is not None:
                wait([self.done])
            raise
        self.thread.join()
        return self.done.result()

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self.loop) as runner:
            try:
                self.done.set_result(runner.run(self._begin()))
            except BaseException as error:  # raised where the work was asked for
                self.done.set_exception(error)

    async def _begin(self) -> Result:
        self.task = asyncio.current_task()
        if self.unwanted:
            raise asyncio.CancelledError
        return await self.work()

    def _cancel(self) -> None:
        self.unwanted = True
        if self.task is not None:
            self.task.cancel()
