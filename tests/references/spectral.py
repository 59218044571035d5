"""Log-mel spectrogram by explicit sums, float64."""

from __future__ import annotations

import math

import numpy as np


def mel_weights(rate: float, window: int, bands: int, low_hz: float, high_hz: float):
    """Triangles between neighbouring band edges, each summing to 1: `(bins, bands)`.

    The edges are even on the HTK scale, `2595 log10(1 + f / 700)`.
    """
    low, high = (2595 * math.log10(1 + hz / 700) for hz in (low_hz, high_hz))
    edges = [
        700 * (10 ** ((low + (high - low) * i / (bands + 1)) / 2595) - 1)
        for i in range(bands + 2)
    ]
    weights = np.zeros((window // 2 + 1, bands))
    for band in range(bands):
        left, center, right = edges[band : band + 3]
        for k in range(len(weights)):
            hz = k * rate / window
            if left < hz <= center:
                weights[k, band] = (hz - left) / (center - left)
            elif center < hz < right:
                weights[k, band] = (right - hz) / (right - center)
        total = weights[:, band].sum()
        if total < 1e-3:
            nearest = round(center * window / rate)
            weights[nearest, band] = total = 1.0
        weights[:, band] /= total
    return weights


def magnitudes(audio, window: int, hop: int, frame: int) -> np.ndarray:
    """DFT magnitudes of a Hann window around the middle of a frame's cell.

    A full-scale sine at a bin has magnitude 1 there. Zeros outside the audio.
    """
    start = frame * hop + (hop - window) // 2
    hann = [0.5 - 0.5 * math.cos(2 * math.pi * n / window) for n in range(window)]
    values = np.array(
        [
            hann[n] * (audio[start + n] if 0 <= start + n < len(audio) else 0.0)
            for n in range(window)
        ]
    )
    n = np.arange(window)
    bins = np.arange(window // 2 + 1)
    transform = np.exp(-2j * np.pi * np.outer(bins, n) / window) @ values
    return np.abs(transform) * 2 / sum(hann)
