"""What a server refuses, as exceptions with one line to read."""

from __future__ import annotations

import re

_ASSERTION = re.compile(r"assertion failed: (\[.*?\])\s*(?:\[\[\{\{|$)", re.DOTALL)
_LONGEST = 500  # characters of a server's message


class ServerError(RuntimeError):
    """A request that was not answered with a result.

    Args:
        code: gRPC's name of the status, such as "INVALID_ARGUMENT".
        message: What the server, or the library that failed to reach it, said.
    """

    def __init__(self, code: str, message: str):
        self.code = code
        self.message = readable(message)
        super().__init__(f"{code}: {self.message}")


class SentenceError(RuntimeError):
    """A sentence that could not be spoken.

    Args:
        number: int, of the sentence, from 1.
        text: What was to be spoken.
        error: `ServerError`.
    """

    def __init__(self, number: int, text: str, error: ServerError):
        self.number = number
        self.text = text
        self.code = error.code
        shown = " ".join(text.split())
        shown = shown if len(shown) <= 60 else f"{shown[:57]}..."
        super().__init__(f"sentence {number} ({shown!r}) failed: {error}")


def readable(message: str) -> str:
    """One line; of an assertion that failed in the graph, what its author says."""
    if match := _ASSERTION.search(message):
        message = match.group(1)[1:-1].replace("] [", " ")
    message = " ".join(message.split())
    # Of a port that speaks something else anything may come, and go to a terminal.
    message = "".join(c if c.isprintable() else "?" for c in message)
    return message if len(message) <= _LONGEST else f"{message[:_LONGEST]}..."
