"""Distances between frames that belong together.

`pairs`, int `(pairs, 2)`, say which: a frame of the recording and one of the synthesis.
Where both last equally long, frame `t` belongs to frame `t`; else dynamic time warping
decides.
"""

from __future__ import annotations

import numpy as np

from wg2.audio.spectral import log_mel
from wg2.config import AudioConfig

_DECIBELS = 10.0 / np.log(10.0) * np.sqrt(2.0)


def same_time(num_frames: int) -> np.ndarray:
    """Every frame with that of the same time."""
    return np.repeat(np.arange(num_frames)[:, None], 2, axis=1)


def time_warping(recording: np.ndarray, synthesis: np.ndarray) -> np.ndarray:
    """Pairs along the cheapest path from both beginnings to both ends.

    Steps of one frame in either or in both; Euclidean distance, no limit of slope.

    Args:
        recording, synthesis: float `(frames, channels)`, e.g. mel-cepstra.
    """
    import librosa

    _, path = librosa.sequence.dtw(X=recording.T, Y=synthesis.T, metric="euclidean")
    return path[::-1]


def mel_cepstral_distortion_db(
    recording: np.ndarray, synthesis: np.ndarray, pairs: np.ndarray
) -> float:
    """Mean of `10 / ln 10 * sqrt(2 * sum_k (c_k - c'_k) ** 2)`, dB (Kubichek, 1993):
    the root mean square difference of two smooth spectra over the mel scale.

    Args:
        recording, synthesis: float `(frames, coefficients)`, without the zeroth, so
            that loudness does not count.
        pairs: int `(pairs, 2)`; nan if there are none.
    """
    if not len(pairs):
        return float("nan")
    difference = recording[pairs[:, 0]] - synthesis[pairs[:, 1]]
    return float(_DECIBELS * np.sqrt(np.square(difference).sum(axis=1)).mean())


def log_mel_l1(
    recording: np.ndarray,
    synthesis: np.ndarray,
    config: AudioConfig,
    samples_per_frame: int,
    pairs: np.ndarray | None = None,
) -> float:
    """Mean absolute difference of two log-mel spectrograms, natural log of magnitudes
    (1 is 8.7 dB), over all bands and pairs of frames, pauses included.

    Args:
        recording, synthesis: float `(samples,)`, full scale = 1.
        config: `AudioConfig`, of the mel bands.
        samples_per_frame: int.
        pairs: int `(pairs, 2)` or None: frames of the same time.

    Raises:
        ValueError: If `pairs` is None and the lengths differ.
    """
    if pairs is None and len(recording) != len(synthesis):
        raise ValueError(
            f"{len(recording)} and {len(synthesis)} samples have no frames of the "
            "same time: give pairs of frames"
        )
    first, second = (
        np.asarray(log_mel(audio[None], config, samples_per_frame))[0]
        for audio in (recording, synthesis)
    )
    if pairs is not None:
        first, second = first[pairs[:, 0]], second[pairs[:, 1]]
    return float(np.abs(first - second).mean(dtype=np.float64))


def pitch_rmse_cents(
    recording_hz: np.ndarray, synthesis_hz: np.ndarray, pairs: np.ndarray
) -> float:
    """Root mean square difference of pitch, cents (a semitone is 100; divided by
    1200 / ln 2 = 1731 it is the RMSE of ln F0), where both have voice.

    Args:
        recording_hz, synthesis_hz: float `(frames,)`, 0 where there is no voice.
        pairs: int `(pairs, 2)`; nan if nowhere both have voice.
    """
    first, second = recording_hz[pairs[:, 0]], synthesis_hz[pairs[:, 1]]
    both = (first > 0) & (second > 0)
    if not both.any():
        return float("nan")
    cents = 1200.0 * np.log2(second[both] / first[both])
    return float(np.sqrt(np.square(cents).mean()))


def voicing_error_percent(
    recording_hz: np.ndarray, synthesis_hz: np.ndarray, pairs: np.ndarray
) -> float:
    """Share of pairs of frames of which one has voice and the other has none, %.

    Args:
        recording_hz, synthesis_hz: float `(frames,)`, 0 where there is no voice.
        pairs: int `(pairs, 2)`; nan if there are none.
    """
    if not len(pairs):
        return float("nan")
    first, second = recording_hz[pairs[:, 0]] > 0, synthesis_hz[pairs[:, 1]] > 0
    return float(100.0 * np.mean(first != second))
