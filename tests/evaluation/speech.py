"""Speech-like sound whose pitch, timbre, timing and noise are known exactly."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

SAMPLE_RATE_HZ = 16000
SAMPLES_PER_FRAME = 200
FRAMES_PER_SECOND = SAMPLE_RATE_HZ / SAMPLES_PER_FRAME

FORMANTS_HZ = {
    "AA1": (730, 1090, 2440, 3400),
    "IY1": (270, 2290, 3010, 3600),
    "UW1": (300, 870, 2240, 3300),
    "EH1": (530, 1840, 2480, 3500),
}
GLIDES_HZ = {"AA1": (140, 120), "IY1": (120, 110), "UW1": (150, 130), "EH1": (130, 100)}
_BANDWIDTHS_HZ = (70, 90, 130, 200)


def vowel(
    name: str, seconds: float, start_hz: float = 120.0, end_hz: float | None = None
) -> np.ndarray:
    """A pulse train through four formant resonators, float64 `(samples,)`.

    The pitch glides evenly in log frequency. Made of harmonics with the resonators'
    complex gain, so that nothing depends on where samples lie within a period.

    Args:
        name: Of `FORMANTS_HZ`.
        seconds: Its length.
        start_hz, end_hz: Pitch; `end_hz` None: constant.
    """
    end_hz = start_hz if end_hz is None else end_hz
    times = np.arange(round(seconds * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
    f0 = start_hz * (end_hz / start_hz) ** (times / seconds)
    phase = 2 * np.pi * np.cumsum(f0) / SAMPLE_RATE_HZ
    audio = np.zeros(len(times))
    for k in range(1, int(0.97 * SAMPLE_RATE_HZ / 2 / max(start_hz, end_hz)) + 1):
        gain = _gain(FORMANTS_HZ[name], k * f0)
        audio += np.abs(gain) * np.cos(k * phase + np.angle(gain))
    fade = np.clip(np.minimum(times, times[::-1]) / 0.01, 0, 1)
    return 0.1 * fade * audio / np.sqrt(np.mean(audio**2))


def _gain(formants_hz, hz: np.ndarray) -> np.ndarray:
    """Of two-pole resonators in series, 1 at 0 Hz, and a slope of -6 dB per octave."""
    z = np.exp(-2j * np.pi * hz / SAMPLE_RATE_HZ)
    gain = 1 / (1 + 1j * hz / 300)
    for formant, bandwidth in zip(formants_hz, _BANDWIDTHS_HZ, strict=True):
        radius = np.exp(-np.pi * bandwidth / SAMPLE_RATE_HZ)
        cosine = np.cos(2 * np.pi * formant / SAMPLE_RATE_HZ)
        poles = 1 - 2 * radius * cosine * z + (radius * z) ** 2
        gain = gain * (1 - 2 * radius * cosine + radius**2) / poles
    return gain


def white_noise(num_samples: int, level_dbfs: float, seed: int) -> np.ndarray:
    """Normal noise of exactly this mean square (0 dB: that of a full-scale square)."""
    noise = np.random.default_rng(seed).normal(size=num_samples)
    return noise * 10 ** (level_dbfs / 20) / np.sqrt(np.mean(noise**2))


class Utterance:
    """Vowels and pauses: `sil AA1 IY1 , UW1 EH1 . <eos>`.

    Args:
        stretch: float, of every sound and pause.
        semitones: float, by which the pitch is higher.
        noise_dbfs: float or None, level of white noise over everything.
        seed: Of that noise.
        vowels: For each vowel, the one that sounds in its place.
        flat: bool; every sound keeps the pitch that it begins with.
    """

    PHONEMES = ("sil", "AA1", "IY1", ",", "UW1", "EH1", ".", "<eos>")
    SECONDS = (0.3, 0.5, 0.6, 0.4, 0.55, 0.45, 0.35, 0.0)

    def __init__(
        self,
        stretch: float = 1.0,
        semitones: float = 0.0,
        noise_dbfs: float | None = -85.0,
        seed: int = 0,
        vowels: Mapping[str, str] | None = None,
        flat: bool = False,
    ):
        seconds = np.array(self.SECONDS) * stretch
        ends = np.rint(np.cumsum(seconds) * FRAMES_PER_SECOND).astype(int)
        self.durations = np.diff(ends, prepend=0)
        parts = []
        for phoneme, frames in zip(self.PHONEMES, self.durations, strict=True):
            if phoneme in FORMANTS_HZ:
                start, end = GLIDES_HZ[phoneme]
                shift = 2 ** (semitones / 12)
                duration = frames / FRAMES_PER_SECOND
                end = start if flat else end
                name = (vowels or {}).get(phoneme, phoneme)
                parts.append(vowel(name, duration, start * shift, end * shift))
            else:
                parts.append(np.zeros(frames * SAMPLES_PER_FRAME))
        audio = np.concatenate(parts)
        if noise_dbfs is not None:
            audio = audio + white_noise(len(audio), noise_dbfs, seed)
        self.audio = audio.astype(np.float32)
