"""Recordings at one loudness (ITU-R BS.1770, by pyloudnorm)."""

from __future__ import annotations

import numpy as np

from tfrecords_tools.utterance import SkipUtterance

LOWEST_LUFS, HIGHEST_LUFS = -70.0, 0.0
_BLOCK_SECONDS = 0.4  # BS.1770's; a shorter recording is one block
_SHORTEST_SECONDS = 0.1


def check(target_lufs: float | None) -> None:
    """Raises ValueError unless the target is sensible and pyloudnorm is there."""
    if target_lufs is None:
        return
    if not LOWEST_LUFS < target_lufs < HIGHEST_LUFS:
        raise ValueError(
            f"--loudness must lie between {LOWEST_LUFS:g} and {HIGHEST_LUFS:g} LUFS, "
            f"e.g. -23. Received: {target_lufs:g}"
        )
    try:
        import pyloudnorm  # noqa: F401
    except ImportError:
        raise ValueError(
            "--loudness needs the package pyloudnorm: pip install pyloudnorm"
        ) from None


def measure(audio: np.ndarray, sample_rate_hz: int) -> float:
    """Integrated loudness in LUFS of `(samples,)`; -inf below the gate of -70.

    Raises:
        SkipUtterance: If the recording is shorter than 0.1 s.
    """
    import pyloudnorm

    seconds = len(audio) / sample_rate_hz
    if seconds < _SHORTEST_SECONDS:
        raise SkipUtterance(
            "too short for --loudness", f"{seconds:.3f} s of {_SHORTEST_SECONDS} s"
        )
    meter = pyloudnorm.Meter(sample_rate_hz, block_size=min(_BLOCK_SECONDS, seconds))
    with np.errstate(divide="ignore"):  # log of nothing, below the gate
        return float(meter.integrated_loudness(audio.astype(np.float64)))


def normalise(
    audio: np.ndarray, sample_rate_hz: int, target_lufs: float
) -> tuple[np.ndarray, bool]:
    """Amplifies to `target_lufs`, but never so that a sample is clipped.

    Args:
        audio: float32 `(samples,)`.
        sample_rate_hz: int > 0.
        target_lufs: float.

    Returns:
        float32 `(samples,)`, and whether it had to stay quieter than the target.

    Raises:
        SkipUtterance: If it is too short or too quiet to have a loudness.
    """
    lufs = measure(audio, sample_rate_hz)
    if not np.isfinite(lufs):
        raise SkipUtterance("too quiet for --loudness", "below -70 LUFS throughout")
    gain = 10 ** ((target_lufs - lufs) / 20)
    peak = float(np.max(np.abs(audio)))
    # The largest 16-bit sample is one step below full scale.
    limit = (1 - 2**-15) / peak
    return audio * np.float32(min(gain, limit)), gain > limit
