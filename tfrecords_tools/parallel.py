"""A function over many tasks, in processes, in order, with bounded memory."""

from __future__ import annotations

import collections
import concurrent.futures
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

Result = TypeVar("Result")

_WAITING_PER_WORKER = 4
_SECONDS_BETWEEN_LOOKS = 0.5


def num_cores() -> int:
    """Cores that this process may use, where the system tells."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def map_in_order(
    function: Callable[..., Result],
    tasks: Iterable[tuple[Any, ...]],
    num_workers: int,
) -> Iterator[Result]:
    """Yields `function(*task)` in the order of the tasks.

    Args:
        function: Picklable if there are several workers.
        tasks: Its arguments.
        num_workers: Processes; 1 is this one. At most 4 tasks for each of them are
            under way or waiting to be fetched.

    Raises:
        OSError: If a process died.
    """
    if num_workers == 1:
        for task in tasks:
            yield function(*task)
        return
    # Not fork: it would copy TensorFlow's threads in an unknown state.
    context = multiprocessing.get_context("spawn")
    pool = concurrent.futures.ProcessPoolExecutor(
        num_workers, context, initializer=start_worker, initargs=(os.getpid(),)
    )
    waiting: collections.deque[concurrent.futures.Future] = collections.deque()
    with pool:
        try:
            for task in tasks:
                waiting.append(pool.submit(function, *task))
                if len(waiting) >= _WAITING_PER_WORKER * num_workers:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        except concurrent.futures.BrokenExecutor:
            raise OSError(
                "a worker process died, perhaps for want of memory; "
                "try again with fewer --workers"
            ) from None
        finally:
            for future in waiting:
                future.cancel()


def start_worker(parent_id: int) -> None:
    """Has this process leave Ctrl-C to its parent, and end when that is gone."""
    # Ctrl-C reaches every process of a terminal; the parent alone handles it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with, args=(parent_id,), daemon=True).start()


def _end_with(parent_id: int) -> None:
    """Ends this process when its parent is gone, which a `kill -9` does not tell it."""
    while os.getppid() == parent_id:
        time.sleep(_SECONDS_BETWEEN_LOOKS)
    os._exit(1)
