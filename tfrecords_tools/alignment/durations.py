"""Seconds of an aligner -> whole frames that sum to the frame count."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def frame_durations(
    boundaries_seconds: Sequence[float] | np.ndarray,
    num_frames: int,
    frames_per_second: float,
) -> np.ndarray:
    """Durations `r_(i+1) - r_i`, where `r_i` is boundary i rounded to a frame.

    The boundaries are rounded, never the durations, so no error adds up: every
    boundary stays within half a frame of the aligner's, and the sum is exact. Only
    the last boundary is moved, to `num_frames`, since the last frame is filled up.

    Args:
        boundaries_seconds: `(phonemes + 1,)`, from 0 to the end of the audio, in
            order. Equal neighbours make a phoneme of no frames.
        num_frames: int > 0, less than one frame from the last boundary.
        frames_per_second: float > 0.

    Returns:
        int64 `(phonemes,)`, frames, none negative, with the sum `num_frames`.

    Raises:
        ValueError: If the boundaries do not run from 0 to the end in order.
    """
    boundaries = np.asarray(boundaries_seconds, np.float64)
    if boundaries.ndim != 1 or len(boundaries) < 2:
        raise ValueError(f"expected at least two boundaries. Received: {boundaries}")
    if not np.all(np.isfinite(boundaries)) or np.any(np.diff(boundaries) < 0):
        raise ValueError(f"boundaries must not decrease. Received: {boundaries}")
    if boundaries[0] != 0:
        raise ValueError(f"the first boundary must be 0 s. Received: {boundaries[0]}")
    if num_frames <= 0 or frames_per_second <= 0:
        raise ValueError(
            "num_frames and frames_per_second must be positive. Received: "
            f"{num_frames=}, {frames_per_second=}"
        )
    # The small slack is for the rounding of the division and product alone.
    if abs(boundaries[-1] * frames_per_second - num_frames) > 1 + 1e-6:
        raise ValueError(
            f"the last boundary must be the end of the audio: {boundaries[-1]} s at "
            f"{frames_per_second:g} frames per second is not {num_frames} frames"
        )
    # Not np.rint, which takes halves down and up in turn.
    frames = np.floor(boundaries * frames_per_second + 0.5).astype(np.int64)
    frames = np.minimum(frames, num_frames)
    frames[-1] = num_frames
    durations = np.diff(frames)
    if durations.min() < 0 or durations.sum() != num_frames:
        raise AssertionError(f"durations {durations} do not sum to {num_frames}")
    return durations
