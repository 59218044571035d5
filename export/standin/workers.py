"""Running requests: so many at a time, so many waiting, each within its time."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from export.standin.errors import Code, ServingError
from export.standin.runtime import Cancellation

_T = TypeVar("_T")


async def in_background(function: Callable[..., _T], *arguments) -> _T:
    """What `function` returns or raises, from a thread the process never waits for.

    `asyncio.to_thread` would hold up the end of the event loop: loads take minutes.
    """
    loop = asyncio.get_running_loop()
    result: asyncio.Future = loop.create_future()

    def finish(setter: Callable, value: object) -> None:
        def set_if_wanted():
            if not result.done():
                setter(value)

        with contextlib.suppress(RuntimeError):  # the event loop has ended
            loop.call_soon_threadsafe(set_if_wanted)

    def work() -> None:
        try:
            value = function(*arguments)
        except BaseException as error:
            finish(result.set_exception, error)
        else:
            finish(result.set_result, value)

    threading.Thread(target=work, name=function.__name__, daemon=True).start()
    return await result


class Workers:
    """Threads that do the requests. Its methods belong to one event loop.

    Args:
        max_running: Requests that run at a time.
        max_waiting: Requests that wait for their turn; any more is UNAVAILABLE.
    """

    def __init__(self, max_running: int, max_waiting: int) -> None:
        self._max_running = max_running
        self._max_waiting = max_waiting
        self._free = asyncio.Semaphore(max_running)
        self._threads = ThreadPoolExecutor(max_running, thread_name_prefix="request")
        self._stops: set[Cancellation] = set()
        self.waiting = 0

    @property
    def running(self) -> int:
        return len(self._stops)

    async def run(
        self, job: Callable[[Cancellation], _T], timeout_seconds: float | None
    ) -> _T:
        """What `job` returns or raises.

        Cancelling this call, or the end of its time, stops the job; its slot is free
        when it has stopped.

        Args:
            job: Runs in a thread. Ends soon after its argument is cancelled.
            timeout_seconds: From now, waiting included; None for no limit.

        Raises:
            ServingError: UNAVAILABLE, DEADLINE_EXCEEDED, or the job's own.
        """
        if self._free.locked() and self.waiting >= self._max_waiting:
            raise ServingError(
                Code.UNAVAILABLE,
                f"{self._max_running} requests run and {self.waiting} wait, which is "
                "the limit. Try again later.",
            )
        try:
            return await asyncio.wait_for(self._run(job), timeout_seconds)
        except asyncio.TimeoutError:
            raise ServingError(
                Code.DEADLINE_EXCEEDED, "Timed out waiting for notification"
            ) from None

    async def _run(self, job: Callable[[Cancellation], _T]) -> _T:
        self.waiting += 1
        try:
            await self._free.acquire()
        finally:
            self.waiting -= 1
        stop = Cancellation()
        self._stops.add(stop)
        loop = asyncio.get_running_loop()
        future = loop.run_in_executor(self._threads, job, stop)
        future.add_done_callback(functools.partial(self._done, stop))
        try:
            # Shielded: the thread goes on for a moment, and its slot with it.
            return await asyncio.shield(future)
        except asyncio.CancelledError:
            stop.cancel()
            raise

    def _done(self, stop: Cancellation, future: asyncio.Future) -> None:
        self._stops.discard(stop)
        self._free.release()
        if not future.cancelled():
            future.exception()  # nobody may be left to ask for it

    async def close(self, wait_seconds: float) -> bool:
        """Stops what still runs; False if some of it does not stop in time."""
        for stop in list(self._stops):
            stop.cancel()
        deadline = asyncio.get_running_loop().time() + wait_seconds
        while self._stops and asyncio.get_running_loop().time() < deadline:
            await asyncio.sleep(0.02)
        self._threads.shutdown(wait=False, cancel_futures=True)
        return not self._stops
