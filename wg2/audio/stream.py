"""Recordings through a pipe, one after the other.

Each is a line of JSON, such as `{"sample_rate_hz": 16000, "num_samples": 48000}`, and
behind it so many 32-bit floats, little-endian, full scale = 1.
"""

from __future__ import annotations

import json
from typing import BinaryIO

import numpy as np

_SAMPLE = np.dtype("<f4")


def write(file: BinaryIO, audio: np.ndarray, sample_rate_hz: int) -> None:
    """Sends a recording at once.

    Args:
        file: What to write to.
        audio: float `(samples,)`; sent as float32.
        sample_rate_hz: int > 0.
    """
    header = {"sample_rate_hz": sample_rate_hz, "num_samples": len(audio)}
    file.write(json.dumps(header).encode("ascii") + b"\n")
    file.write(np.asarray(audio, _SAMPLE).tobytes())
    file.flush()


def read(file: BinaryIO) -> tuple[np.ndarray, int] | None:
    """The next recording: float32 `(samples,)` and its rate in Hz; None at the end.

    Raises:
        ValueError: If the header is none, or the samples end too early.
    """
    line = file.readline()
    if not line:
        return None
    try:
        header = json.loads(line)
        rate, count = int(header["sample_rate_hz"]), int(header["num_samples"])
        if rate < 1 or count < 0:
            raise ValueError
    except (ValueError, KeyError, TypeError):
        raise ValueError(
            'expected a line such as {"sample_rate_hz": 16000, "num_samples": 48000} '
            f"before a recording. Received: {line[:80]!r}"
        ) from None
    data = file.read(count * _SAMPLE.itemsize)
    if len(data) < count * _SAMPLE.itemsize:
        received = len(data) // _SAMPLE.itemsize
        raise ValueError(f"expected {count} samples. Received: {received}")
    return np.frombuffer(data, _SAMPLE).astype(np.float32), rate
