"""The recogniser of `tfrecords_tools`, which `wg2` runs but does not import.

Words and phones are heard by a process each, at the same time, while this one goes on.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import tempfile
from typing import Any, NamedTuple

import numpy as np

from wg2 import subprocesses
from wg2.audio import stream

_MODULE = "tfrecords_tools.recognize"
_UNITS = ("words", "phones")


class Heard(NamedTuple):
    """What was understood.

    Args:
        words: Lower case, as the recogniser's dictionary writes them.
        phones: ARPAbet without stress.
    """

    words: list[str]
    phones: list[str]


class Recognizer:
    """Free recognition of English words and phones; a context that ends its processes.

    Models are loaded once, before it is there. Every recording is heard as if it were
    the first.

    Raises:
        OSError: If a process cannot start, with what it said.
    """

    def __init__(self):
        with contextlib.ExitStack() as started:
            self._children: list[_Child] = []
            for units in _UNITS:
                self._children.append(_Child(units))
                started.callback(self._children[-1].end)
            for child in self._children:
                child.answer("ready")
            self._end = started.pop_all()

    def __enter__(self) -> Recognizer:
        return self

    def __exit__(self, *exception) -> None:
        self._end.close()

    def start(self, audio: np.ndarray, sample_rate_hz: int) -> None:
        """Begins to hear a recording. Its `result` must be fetched before the next.

        Args:
            audio: float `(samples,)`, full scale = 1, finite.
            sample_rate_hz: int > 0.

        Raises:
            OSError: If a process died.
        """
        for child in self._children:
            child.send(audio, sample_rate_hz)

    def result(self) -> Heard:
        """What is heard in the recording of `start`; waits for it.

        Raises:
            OSError: If a process died.
        """
        return Heard(*(child.answer(child.units) for child in self._children))


class _Child:
    """A process that hears words or phones."""

    def __init__(self, units: str):
        self.units = units
        # Not a pipe, which nobody reads while it works. Closed in `end`.
        self._messages = tempfile.TemporaryFile()  # noqa: SIM115
        self._process = subprocess.Popen(
            subprocesses.command(_MODULE, "--stream", "--units", units),
            env=subprocesses.environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._messages,
        )

    def send(self, audio: np.ndarray, sample_rate_hz: int) -> None:
        try:
            stream.write(self._process.stdin, audio, sample_rate_hz)
        except BrokenPipeError:
            raise self._death() from None

    def answer(self, name: str) -> Any:
        line = self._process.stdout.readline()
        if not line.endswith(b"\n"):
            raise self._death()
        return json.loads(line)[name]

    def end(self) -> None:
        """Ends it at once, whatever it is doing."""
        self._process.kill()
        self._process.wait()
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        self._process.stdout.close()
        self._messages.close()

    def _death(self) -> OSError:
        code = self._process.wait()
        self._messages.seek(0)
        said = self._messages.read().decode("utf-8", "replace").strip().splitlines()
        last = said[-1].removeprefix("recognize: ") if said else "without a message"
        return OSError(
            f"the recogniser of {self.units} ended with code {code}: {last}; the same "
            "command goes on from what is measured"
        )
