"""Which frames are speech, and how far predicted durations are off."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from wg2.text import symbols


def is_speech(phonemes: Sequence[str]) -> np.ndarray:
    """bool `(phonemes,)`: which are speech sounds, not pauses or boundaries."""
    return np.array([symbol not in symbols.BOUNDARIES for symbol in phonemes], bool)


def speech_frames(phonemes: Sequence[str], durations: np.ndarray) -> np.ndarray:
    """bool `(frames,)`: which frames lie in speech sounds."""
    return np.repeat(is_speech(phonemes), durations)


def pause_frames(
    phonemes: Sequence[str], durations: np.ndarray
) -> list[tuple[int, int]]:
    """First frame of each pause, and the one behind its last; neighbours are joined."""
    speech = speech_frames(phonemes, durations)
    edges = np.flatnonzero(np.diff(np.concatenate([[True], speech, [True]])))
    return [(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True)]


def duration_errors(
    phonemes: Sequence[str],
    true: np.ndarray,
    predicted: np.ndarray,
    frames_per_second: float,
) -> dict[str, float]:
    """How far predicted durations are off.

    Args:
        phonemes: Symbols.
        true, predicted: int `(phonemes,)`, frames.
        frames_per_second: float.

    Returns:
        `duration_mae_ms`, mean absolute error of a speech sound; `pause_mae_ms`, of a
        pause or boundary (most have no length, and are to have none); and
        `length_error_percent` of the utterance, above 0 where it is too long.
    """
    speech = is_speech(phonemes)
    error_ms = np.abs(true - predicted) * (1000.0 / frames_per_second)
    return {
        "duration_mae_ms": _mean(error_ms[speech]),
        "pause_mae_ms": _mean(error_ms[~speech]),
        "length_error_percent": float(100.0 * (predicted.sum() / true.sum() - 1.0)),
    }


def _mean(values: np.ndarray) -> float:
    return float(values.mean()) if len(values) else float("nan")
