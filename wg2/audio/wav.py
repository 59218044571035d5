"""WAV files <-> float32 samples in [-1, 1].

One scale both ways: a 16-bit sample `s` is `s / 32768`, so a 16-bit file that is
read and written again is the same file, bit for bit.
"""

from __future__ import annotations

import io
import logging
import struct
import wave
from pathlib import Path

import numpy as np

from wg2 import files

_INT16_SCALE = 32768.0
# Programs that write to a pipe cannot go back to fill in the size: ffmpeg leaves
# 0xFFFFFFFF, SoX a number just below 2 ** 31.
_UNKNOWN_SIZE = 0x7FFFF000

_log = logging.getLogger(__name__)


def to_int16(audio: np.ndarray) -> tuple[np.ndarray, int]:
    """16-bit samples `round(32768 * audio)`, and how many had to be clipped.

    Args:
        audio: `(samples,)`, float, full scale = 1.

    Returns:
        int16 `(samples,)`, and the number of samples outside [-1, 1].

    Raises:
        ValueError: If `audio` is not one-dimensional or has a NaN or infinity.
    """
    audio = np.asarray(audio)
    if audio.ndim != 1:
        raise ValueError(f"expected audio of shape (samples,). Received: {audio.shape}")
    if not np.all(np.isfinite(audio)):
        bad = int(np.flatnonzero(~np.isfinite(audio))[0])
        raise ValueError(f"audio is not finite at sample {bad}: {audio[bad]}")
    num_clipped = int(np.count_nonzero(np.abs(audio) > 1.0))
    scaled = np.rint(audio.astype(np.float64) * _INT16_SCALE)
    return np.clip(scaled, -32768, 32767).astype(np.int16), num_clipped


def from_int16(samples: np.ndarray) -> np.ndarray:
    """float32 samples in [-1, 1) of 16-bit ones; the inverse of `to_int16`."""
    return samples.astype(np.float32) / np.float32(_INT16_SCALE)


def read(path: str | Path) -> tuple[np.ndarray, int]:
    """Reads a mono sound file.

    Args:
        path: WAV, or another format that libsndfile knows.

    Returns:
        float32 `(samples,)`, full scale = 1, and the sample rate in Hz.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is unreadable, truncated, or not mono. Every message
            begins with the path.
    """
    import soundfile  # not needed for writing, and missing on serving clients

    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file")
    check_complete(path)
    try:
        audio, sample_rate_hz = soundfile.read(path, dtype="float32", always_2d=True)
    except (soundfile.SoundFileError, OSError) as error:
        reason = " ".join(str(error).split()).removeprefix(f"Error opening '{path}': ")
        raise ValueError(f"{path}: unreadable: {reason}") from None
    num_channels = audio.shape[1]
    if num_channels != 1:
        raise ValueError(f"{path}: expected mono, got {num_channels} channels")
    return audio[:, 0], int(sample_rate_hz)


def write(path: str | Path, audio: np.ndarray, sample_rate_hz: int) -> int:
    """Writes a 16-bit mono WAV atomically.

    Args:
        path: The file; an existing one is replaced.
        audio: `(samples,)`, float, full scale = 1. Samples beyond it are clipped,
            counted, and reported in the log.
        sample_rate_hz: int > 0.

    Returns:
        The number of samples that were clipped.

    Raises:
        ValueError: If `audio` is not one-dimensional or not finite.
    """
    try:
        samples, num_clipped = to_int16(audio)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None
    with files.atomic_write(path) as file:
        file.write(to_bytes(samples, sample_rate_hz))
    if num_clipped:
        _log.warning("%s: clipped %d of %d samples", path, num_clipped, len(samples))
    return num_clipped


def to_bytes(samples: np.ndarray, sample_rate_hz: int) -> bytes:
    """A 16-bit mono WAV file of int16 `(samples,)`."""
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(sample_rate_hz)
        out.writeframes(samples.astype("<i2").tobytes())
    return buffer.getvalue()


def check_complete(path: Path) -> None:
    """Finds a RIFF file that is shorter than its header says.

    libsndfile reads such a file without a word, up to where it ends.
    """
    size = path.stat().st_size
    if size == 0:
        raise ValueError(f"{path}: unreadable: the file is empty")
    with open(path, "rb") as file:
        header = file.read(12)
        if header[:4] != b"RIFF" or header[8:] != b"WAVE":
            return  # another format; libsndfile judges it
        while True:
            chunk = file.read(8)
            if len(chunk) < 8:
                raise ValueError(f"{path}: truncated: it ends before its sound data")
            name, length = struct.unpack("<4sI", chunk)
            if name == b"data":
                break
            file.seek(length + length % 2, 1)
        present = size - file.tell()
    if present < length < _UNKNOWN_SIZE:
        raise ValueError(
            f"{path}: truncated: its header promises {length} bytes of sound, "
            f"the file has {present}"
        )
