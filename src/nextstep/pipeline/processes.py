"""Transcripts prepared side by side by several processes."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import replace
from itertools import chain, islice
from multiprocessing import get_all_start_methods, get_context
from multiprocessing.context import BaseContext
from pathlib import Path

from nextstep.pipeline.preparing import Prepared, Task, discard, prepare

PER_PROCESS = 4
"""Transcripts that wait for each process: enough to keep it busy."""
ORPHANED_S = 1.0
"""Seconds after which a process ends whose parent is gone."""
DIED = "died"


def prepare_side_by_side(tasks: Iterator[Task], jobs: int) -> Iterator[Prepared]:
    """Transcripts as they are done, by so many processes. What a process that died was reading is refused."""
    running: dict[Future[Prepared], Task] = {}
    pool, is_broken = _pool(jobs), False
    try:
        while True:
            for task in islice(tasks, 0 if is_broken else jobs * PER_PROCESS - len(running)):
                try:
                    running[_submit(pool, task)] = task
                except BrokenProcessPool:
                    tasks, is_broken = chain([task], tasks), True
                    break
            for future in wait(running, return_when=FIRST_COMPLETED).done if running else ():
                prepared = _outcome(future, running.pop(future))
                is_broken = is_broken or prepared.status == DIED
                yield replace(prepared, status="refused") if prepared.status == DIED else prepared
            if not running and not is_broken:
                return
            if not running:
                pool.shutdown()
                pool, is_broken = _pool(jobs), False
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
        for future, task in running.items():
            if not future.cancelled():
                discard(_outcome(future, task).ready)


def _pool(jobs: int) -> ProcessPoolExecutor:
    return ProcessPoolExecutor(jobs, mp_context=_context(), initializer=_belong_to, initargs=(os.getpid(),))


def _context() -> BaseContext:
    """How processes begin: never as a copy of this one, whose database may be running threads."""
    if "forkserver" not in get_all_start_methods():
        return get_context("spawn")
    context = get_context("forkserver")
    context.set_forkserver_preload([prepare.__module__])
    return context


def _submit(pool: ProcessPoolExecutor, task: Task) -> "Future[Prepared]":
    with _interrupts_held():
        return pool.submit(prepare, task)


@contextmanager
def _interrupts_held() -> Iterator[None]:
    """Ctrl-C waits meanwhile; processes that begin here never hear it, not even before their first line."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _belong_to(parent: int) -> None:
    """Begin a process that ends when the one that the user sees tells it to, or is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


def _end_with(parent: int) -> None:
    while True:
        time.sleep(ORPHANED_S)
        try:
            os.kill(parent, 0)
        except ProcessLookupError:
            os._exit(1)


def _outcome(future: "Future[Prepared]", task: Task) -> Prepared:
    try:
        return future.result()
    except BrokenProcessPool:
        return _died(task.path)


def _died(path: Path) -> Prepared:
    reason = f"{path}: a process died while it was read; run again, or import it alone with --jobs 1 to see why"
    return Prepared(path, status=DIED, reason=reason)
