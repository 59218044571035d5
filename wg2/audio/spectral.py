"""Log-mel spectrograms: the auxiliary target, pictures, and distances."""

from __future__ import annotations

import functools

import numpy as np
from keras import ops

from wg2.config import AudioConfig
from wg2.layers.masking import gather_rows


@functools.lru_cache(maxsize=8)
def mel_filters(config: AudioConfig) -> np.ndarray:
    """Triangular filters on the HTK mel scale, `(fft bins, mel bands)`, float32.

    Each triangle sums to 1 over its bins: white noise gives every band the same level.
    """

    def to_mel(hz):
        return 2595.0 * np.log10(1.0 + np.asarray(hz) / 700.0)

    edges_mel = np.linspace(
        to_mel(config.mel_min_hz), to_mel(config.mel_max_hz), config.num_mel_bands + 2
    )
    edges = 700.0 * (10.0 ** (edges_mel / 2595.0) - 1.0)
    low, center, high = edges[:-2], edges[1:-1], edges[2:]
    bins = np.fft.rfftfreq(config.mel_window_samples, 1 / config.sample_rate_hz)
    rising = (bins[:, None] - low) / (center - low)
    falling = (high - bins[:, None]) / (high - center)
    filters = np.maximum(0.0, np.minimum(rising, falling))
    sums = filters.sum(axis=0)
    # A band narrower than a bin would be empty: it takes its nearest bin.
    for band in np.flatnonzero(sums < 1e-3):
        filters[np.argmin(np.abs(bins - center[band])), band] = 1.0
    return (filters / filters.sum(axis=0)).astype(np.float32)


def log_mel(audio, config: AudioConfig, hop: int, first_frame=None, num_frames=None):
    """Natural log of mel magnitudes; frame `t` is centred on the middle of its cell.

    The window of frame `t` is centred on sample `(t + 0.5) * hop`, with zeros outside
    the audio, so that a window of frames equals the same frames of the whole.

    Args:
        audio: `(batch, samples)`, full scale = 1.
        config: `AudioConfig`.
        hop: int, samples per frame.
        first_frame: int `(batch,)` or None (0), first frame to compute.
        num_frames: int or None (all whole frames of `audio`).

    Returns:
        float32 `(batch, num_frames, mel bands)`, at least `log(config.mel_floor)`.
    """
    audio = ops.cast(audio, "float32")
    batch, samples = ops.shape(audio)[0], ops.shape(audio)[1]
    window = config.mel_window_samples
    if num_frames is None:
        num_frames = samples // hop
    if first_frame is None:
        first_frame = ops.zeros((batch,), dtype="int32")
    frames = ops.cast(first_frame, "int32")[:, None] + ops.arange(num_frames)[None, :]
    start = frames * hop + (hop - window) // 2
    index = start[:, :, None] + ops.arange(window)[None, None, :]
    flat = ops.reshape(index, (batch, -1))
    values = gather_rows(audio, ops.clip(flat, 0, samples - 1))
    inside = ops.logical_and(flat >= 0, flat < samples)
    values = ops.reshape(ops.where(inside, values, 0.0), (batch, num_frames, window))
    hann = np.hanning(window + 1)[:-1].astype(np.float32)
    # Scaled so that a full-scale sine has magnitude 1 at its bin.
    real, imaginary = ops.rfft(values * (hann * (2.0 / hann.sum())))
    magnitude = ops.sqrt(ops.square(real) + ops.square(imaginary) + 1e-12)
    mel = ops.matmul(magnitude, mel_filters(config))
    return ops.log(ops.maximum(mel, config.mel_floor))
