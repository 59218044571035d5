"""What is heard where nothing should be: the noise in pauses.

Levels are dB of the mean square, 0 dB for that of a full-scale square wave (a
full-scale sine has -3 dB), measured in windows of 20 ms, of which the median counts: a
click, or a breath at the edge of one pause, moves it little.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

FLOOR_DBFS = -100.0
"""Levels below count as this: 16-bit samples cannot tell them from silence."""
EDGE_SECONDS = 0.05
"""Of a pause that speech begins or ends: sounds ring on, and boundaries are inexact."""
IN_PAUSES, QUIETEST = "pauses", "quietest"

_WINDOW_SECONDS = 0.02
_FEWEST_WINDOWS = 5
_QUIETEST_SHARE = 0.05


class PauseNoise(NamedTuple):
    """The noise in the pauses of an utterance.

    Args:
        noise_floor_dbfs: Over all frequencies.
        pause_high_band_dbfs: Above a quarter of the sample rate; of white noise 3 dB
            below `noise_floor_dbfs`.
        pause_flatness_db: Geometric over arithmetic mean of the mean power spectrum:
            0 is white noise, hum and voices are far below; nan for silence.
        measured_in: "pauses", or "quietest" where there are less than 0.1 s of them
            away from their edges: then it is the quietest 5 % of the utterance.
    """

    noise_floor_dbfs: float
    pause_high_band_dbfs: float
    pause_flatness_db: float
    measured_in: str


def pause_noise(
    audio: np.ndarray, sample_rate_hz: int, pauses: Sequence[tuple[int, int]]
) -> PauseNoise:
    """Measures the noise in the pauses of an utterance.

    Args:
        audio: float `(samples,)`, full scale = 1; nothing is known of less than 20 ms.
        sample_rate_hz: int.
        pauses: First sample of each, and the one behind its last.
    """
    window = round(_WINDOW_SECONDS * sample_rate_hz)
    edge = round(EDGE_SECONDS * sample_rate_hz)
    inner = [
        audio[start + edge * (start > 0) : max(0, end - edge * (end < len(audio)))]
        for start, end in pauses
    ]
    windows = [_windows(part, window) for part in (audio[:0], *inner)]
    windows, measured_in = np.concatenate(windows), IN_PAUSES
    if len(windows) < _FEWEST_WINDOWS:
        windows, measured_in = _quietest(_windows(audio, window)), QUIETEST
    if not len(windows):
        return PauseNoise(*[float("nan")] * 3, measured_in)
    spectra = _power_spectra(windows)
    mean = spectra.mean(axis=0)[1:-1]  # neither offset nor the last bin
    level = _decibels(np.median(np.square(windows).mean(axis=1)))
    high = spectra[:, spectra.shape[1] // 2 :].sum(axis=1)
    flatness = float("nan")
    if level > FLOOR_DBFS and mean.min() > 0:
        flatness = float(10 * np.log10(np.exp(np.log(mean).mean()) / mean.mean()))
    return PauseNoise(level, _decibels(np.median(high)), flatness, measured_in)


def _windows(audio: np.ndarray, size: int) -> np.ndarray:
    count = len(audio) // size
    return audio[: count * size].astype(np.float64).reshape(count, size)


def _quietest(windows: np.ndarray) -> np.ndarray:
    count = max(_FEWEST_WINDOWS, round(_QUIETEST_SHARE * len(windows)))
    return windows[np.argsort(np.square(windows).mean(axis=1), kind="stable")[:count]]


def _power_spectra(windows: np.ndarray) -> np.ndarray:
    """One-sided; the expected sum over the bins is the mean square of a window."""
    size = windows.shape[1]
    hann = np.hanning(size + 1)[:-1]
    power = np.square(np.abs(np.fft.rfft(windows * hann)))
    power[:, 1 : (size + 1) // 2] *= 2
    return power / (size * np.square(hann).sum())


def _decibels(mean_square: float) -> float:
    return float(10.0 * np.log10(max(mean_square, 10 ** (FLOOR_DBFS / 10))))
