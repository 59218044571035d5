"""How every command ends when nobody reads on, Ctrl-C comes, or its output is full."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

_INTERRUPTED = 130  # 128 + SIGINT, as shells have it
_NOT_READ = 141  # 128 + SIGPIPE


def run(name: str, main: Callable[[], int]) -> int:
    """Runs a command's `main` as this process; the exit code.

    `| head` ends a command without a word, as it does others. A `main` that prints
    where it catches OSError must let BrokenPipeError through.

    Args:
        name: What the command calls itself in its messages.
        main: Does the work and returns the exit code.
    """
    try:
        try:
            return main()
        finally:
            if sys.stdout is not None:
                sys.stdout.flush()
    except BrokenPipeError:
        _forget_output()
        return _NOT_READ
    except KeyboardInterrupt:
        print(f"{name}: interrupted", file=sys.stderr)
        return _INTERRUPTED
    except OSError as error:
        _forget_output()
        print(f"{name}: {error}", file=sys.stderr)
        return 2


def _forget_output() -> None:
    """Python writes what is left once more on its way out, and would fail again."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
