"""Mel-cepstra and pitch of a waveform on the voice's own grid of frames.

WORLD (Morise et al., 2016; package pyworld) finds the pitch (DIO, StoneMask) and the
spectral envelope without the harmonics of that pitch (CheapTrick), so that a distance
between envelopes does not measure the pitch once more.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

NUM_COEFFICIENTS = 24
"""Of a mel-cepstrum, from the first on: the zeroth is the loudness."""
LOWEST_HZ, HIGHEST_HZ = 60.0, 600.0
"""Pitch that is looked for."""

_MEL_POINTS = 256


@dataclass(frozen=True, eq=False)
class Analysis:
    """Frame `t` is about the middle of the voice's frame `t`, as in `log_mel`.

    Args:
        mel_cepstrum: float64 `(frames, 24)`, see `mel_cepstrum`.
        f0_hz: float64 `(frames,)`, 0 where there is no voice.
    """

    mel_cepstrum: np.ndarray
    f0_hz: np.ndarray


def analyze(audio: np.ndarray, sample_rate_hz: int, samples_per_frame: int) -> Analysis:
    """Analyzes all whole frames of a waveform.

    Args:
        audio: float `(samples,)`, full scale = 1; at least one frame.
        sample_rate_hz, samples_per_frame: int > 0.
    """
    import pyworld

    samples = np.ascontiguousarray(audio, np.float64)
    num_frames = len(samples) // samples_per_frame
    frame_milliseconds = 1000.0 * samples_per_frame / sample_rate_hz
    # WORLD begins at sample 0: of half frames every second one is a frame's middle.
    f0_hz, seconds = pyworld.dio(
        samples,
        sample_rate_hz,
        f0_floor=LOWEST_HZ,
        f0_ceil=HIGHEST_HZ,
        frame_period=frame_milliseconds / 2,
    )
    f0_hz = np.ascontiguousarray(f0_hz[1::2][:num_frames])
    seconds = np.ascontiguousarray(seconds[1::2][:num_frames])
    f0_hz = pyworld.stonemask(samples, f0_hz, seconds, sample_rate_hz)
    power = pyworld.cheaptrick(
        samples, f0_hz, seconds, sample_rate_hz, f0_floor=LOWEST_HZ
    )
    return Analysis(mel_cepstrum(power, sample_rate_hz), f0_hz)


def mel_cepstrum(power: np.ndarray, sample_rate_hz: int) -> np.ndarray:
    """`c_1 .. c_24` of `ln |H(m)| = c_0 / 2 + sum_k c_k cos(pi k m)`, where `m` in
    [0, 1] goes from 0 Hz to half the sample rate on the mel scale.

    SPTK's mel-cepstrum is the same with an all-pass warping in place of the mel scale
    that it approximates; figures of the two are close, but not equal.

    Args:
        power: float `(frames, bins)`, spectral envelopes, > 0.
        sample_rate_hz: int.
    """
    highest_mel = _to_mel(sample_rate_hz / 2)
    middles = (np.arange(_MEL_POINTS) + 0.5) / _MEL_POINTS
    hz = 700.0 * (10.0 ** (middles * highest_mel / 2595.0) - 1.0)
    position = hz / (sample_rate_hz / 2) * (power.shape[1] - 1)
    low = position.astype(int)
    share = position - low
    log_amplitude = 0.5 * np.log(power)
    warped = log_amplitude[:, low] * (1 - share) + log_amplitude[:, low + 1] * share
    order = np.arange(1, NUM_COEFFICIENTS + 1)
    cosines = np.cos(np.pi * middles[:, None] * order)
    return warped @ cosines * (2.0 / _MEL_POINTS)


def _to_mel(hz: float) -> float:
    return 2595.0 * np.log10(1.0 + hz / 700.0)
