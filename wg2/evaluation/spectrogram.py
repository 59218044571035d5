"""Spectrograms as small pictures for a page."""

from __future__ import annotations

import base64
import io

import numpy as np
from matplotlib import image

LOWEST_DB, HIGHEST_DB = -100.0, -20.0
"""Darkest and brightest; a sine of full scale has 0 dB. All pictures have the same, so
that hiss can be compared by eye."""

_WINDOW_SECONDS, _COLUMN_SECONDS = 0.016, 0.0125
_WINDOWS_PER_COLUMN = 5
_LEVELS = 16
"""Steps of color. Fewer make smaller files, as does the mean of several windows."""


def data_uri(audio: np.ndarray, sample_rate_hz: int) -> str:
    """A PNG of the spectrogram as a `data:` URI, from 0 Hz below to half the sample
    rate above, 80 columns a second.

    Args:
        audio: int16 `(samples,)`.
        sample_rate_hz: int.
    """
    window = 2 * round(_WINDOW_SECONDS * sample_rate_hz / 2)
    hop = round(_COLUMN_SECONDS * sample_rate_hz / _WINDOWS_PER_COLUMN)
    columns = max(1, len(audio) // (hop * _WINDOWS_PER_COLUMN))
    padded = np.pad(audio / 32768.0, (window // 2, window))
    starts = np.arange(columns * _WINDOWS_PER_COLUMN) * hop
    padded = np.pad(padded, (0, max(0, starts[-1] + window - len(padded))))
    hann = np.hanning(window + 1)[:-1]
    frames = padded[starts[:, None] + np.arange(window)] * hann
    power = np.square(np.abs(np.fft.rfft(frames)) * (2.0 / hann.sum()))
    power = power.reshape(columns, _WINDOWS_PER_COLUMN, -1).mean(axis=1)
    decibels = 10.0 * np.log10(np.maximum(power, 1e-14))
    share = np.clip((decibels - LOWEST_DB) / (HIGHEST_DB - LOWEST_DB), 0, 1)
    picture = np.rint(share * (_LEVELS - 1)) / (_LEVELS - 1)
    buffer = io.BytesIO()
    image.imsave(
        buffer,
        picture.T,
        vmin=0,
        vmax=1,
        cmap="magma",
        origin="lower",
        format="png",
        pil_kwargs={"optimize": True},
    )
    encoded = base64.b64encode(buffer.getvalue()).decode("ascii")
    return f"data:image/png;base64,{encoded}"
