"""Where the silence at both ends of a recording may be cut off."""

from __future__ import annotations

import numpy as np

MARGIN_SECONDS = 0.05
"""What is kept of it."""
_STEP_SECONDS = 0.01


def check(trim_db: float | None) -> None:
    """Raises ValueError unless it is a positive number of decibels, or None."""
    if trim_db is not None and not 0 < trim_db <= 120:
        raise ValueError(
            "--trim-silence must lie in (0, 120] dB below the loudest part, e.g. 40. "
            f"Received: {trim_db:g}"
        )


def speech_samples(
    audio: np.ndarray,
    sample_rate_hz: int,
    trim_db: float,
    first_seconds: float,
    last_seconds: float,
) -> tuple[int, int]:
    """The part of a recording that stays: start and end, in samples.

    Level is the RMS of 10 ms. What is no more than `trim_db` below the loudest 10 ms
    stays, so does everything between the first and the last word, and 50 ms around.

    Args:
        audio: `(samples,)`, not all zero.
        sample_rate_hz: int > 0.
        trim_db: float > 0.
        first_seconds, last_seconds: Start of the first and end of the last word.
    """
    step = max(1, round(_STEP_SECONDS * sample_rate_hz))
    num_steps = -(-len(audio) // step)
    padded = np.pad(audio.astype(np.float64), (0, num_steps * step - len(audio)))
    power = np.mean(padded.reshape(num_steps, step) ** 2, axis=1)
    loud = np.flatnonzero(power >= power.max() * 10 ** (-trim_db / 10))
    margin = round(MARGIN_SECONDS * sample_rate_hz)
    start = min(loud[0] * step, int(first_seconds * sample_rate_hz)) - margin
    last = int(np.ceil(last_seconds * sample_rate_hz))
    end = max((loud[-1] + 1) * step, last) + margin
    return max(0, int(start)), min(len(audio), int(end))
