"""Sound to a file or pipe while it is being made."""

from __future__ import annotations

import contextlib
import struct
import sys
from pathlib import Path
from typing import BinaryIO

import numpy as np

from wg2.audio import wav

_UNKNOWN_BYTES = 0xFFFFFFFF  # as ffmpeg writes it to a pipe: up to the end of the file
_HEADER_BYTES = 44


class PcmWriter:
    """16-bit mono samples, written as they come.

    Args:
        output: A file, which becomes a WAV; or "-": samples alone, little-endian, to
            standard output.
        sample_rate_hz: int > 0.
    Attributes:
        num_samples: int, written so far.
        num_clipped: int, of them, those beyond full scale.
    """

    def __init__(self, output: str, sample_rate_hz: int):
        self.num_samples = 0
        self.num_clipped = 0
        self._rate_hz = sample_rate_hz
        self._raw = output == "-"
        self._file: BinaryIO
        if self._raw:
            self._file = sys.stdout.buffer
        else:
            Path(output).parent.mkdir(parents=True, exist_ok=True)
            self._file = open(output, "wb")  # noqa: SIM115  closed by `close`
            self._file.write(self._header(_UNKNOWN_BYTES))

    def __enter__(self) -> PcmWriter:
        return self

    def __exit__(self, *_) -> None:
        self.close()

    def write(self, audio: np.ndarray) -> None:
        """Writes float samples `(samples,)`, full scale = 1, and passes them on."""
        samples, num_clipped = wav.to_int16(audio)
        self._file.write(samples.astype("<i2").tobytes())
        self._file.flush()
        self.num_samples += len(samples)
        self.num_clipped += num_clipped

    def close(self) -> None:
        """Also puts the length into a WAV's header, unless it went to a pipe."""
        if self._raw:
            return
        with contextlib.closing(self._file):
            if self._file.seekable():
                self._file.seek(0)
                self._file.write(self._header(2 * self.num_samples))

    def _header(self, num_bytes: int) -> bytes:
        # A length that its field cannot hold stays unknown.
        num_bytes = min(num_bytes, _UNKNOWN_BYTES)
        riff_bytes = min(_UNKNOWN_BYTES, num_bytes + _HEADER_BYTES - 8)
        rate = self._rate_hz
        return struct.pack(
            "<4sI4s4sIHHIIHH4sI",
            *(b"RIFF", riff_bytes, b"WAVE"),
            *(b"fmt ", 16, 1, 1, rate, 2 * rate, 2, 16),
            *(b"data", num_bytes),
        )
