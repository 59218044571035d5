"""Repeats requests that a server could not take just then."""

from __future__ import annotations

import itertools
import logging
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from export.client.errors import ServerError

Result = TypeVar("Result")
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Retries:
    """Exponential back-off with jitter, after UNAVAILABLE alone.

    A synthesis changes nothing on the server, so it may be asked for again even where a
    connection broke and nobody knows whether it was heard.

    Args:
        limit: int >= 0, attempts after the first.
        first_seconds: float, the longest wait before the second attempt; it doubles.
        longest_seconds: float, where it stops doubling.
    """

    limit: int = 4
    first_seconds: float = 0.5
    longest_seconds: float = 10.0

    def __post_init__(self):
        if self.limit < 0:
            raise ValueError(f"retries must be at least 0. Received: {self.limit}")

    def run(self, attempt: Callable[[], Result]) -> Result:
        """`attempt`'s result.

        Raises:
            ServerError: Of the last attempt.
        """
        for number in itertools.count(1):
            try:
                return attempt()
            except ServerError as error:
                if error.code != "UNAVAILABLE":
                    raise
                if number > self.limit:
                    tried = f"{error.message} (tried {number} times)"
                    raise ServerError(error.code, tried) from None
                # No shift beyond what a float holds, however many attempts there are.
                wait = self.first_seconds * 2.0 ** min(number - 1, 32)
                # At least half, so that waits grow; the rest by chance, so that many
                # clients do not come back at the same time.
                wait = min(wait, self.longest_seconds) * random.uniform(0.5, 1.0)
                _log.info("%s; again in %.1f s", error, wait)
                time.sleep(wait)
        raise AssertionError("unreachable")
