"""Several requests at a time, results in order."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from typing import TypeVar

Result = TypeVar("Result")
_END = object()


def ordered(jobs: Iterable[Callable[[], Result]], in_flight: int) -> Iterator[Result]:
    """Results of `jobs` in their order, while the next ones are being worked on.

    Args:
        jobs: Iterated in a thread of its own, so it may wait for something itself. An
            exception of it comes after the results of the jobs before.
        in_flight: int >= 1, jobs that run, or whose result waits, at most.
    Raises:
        Whatever a job raises; then, and when the iteration is given up, no further job
        is started.
    """
    futures: queue.SimpleQueue = queue.SimpleQueue()
    free = threading.Semaphore(in_flight)
    stopped = threading.Event()

    def start_all():
        try:
            for job in jobs:
                free.acquire()
                if stopped.is_set():
                    return
                future: Future = Future()
                futures.put(future)
                _start(_work, job, future)
        except BaseException as error:
            failed: Future = Future()
            failed.set_exception(error)
            futures.put(failed)
        futures.put(_END)

    try:
        _start(start_all)
        while (future := futures.get()) is not _END:
            result = future.result()
            free.release()  # before the caller takes its time with this result
            yield result
    finally:
        stopped.set()
        free.release()


def _start(target: Callable, *arguments) -> None:
    # Daemons: a program that ends does not wait for answers that nobody wants.
    threading.Thread(target=target, args=arguments, daemon=True).start()


def _work(job: Callable[[], Result], future: Future) -> None:
    try:
        future.set_result(job())
    except BaseException as error:
        future.set_exception(error)
