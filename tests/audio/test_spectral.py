"""Log-mel spectrograms: levels, bands, and where a frame lies."""

import dataclasses

import numpy as np
import pytest

from tests.layers.weights import to_numpy
from tests.references import spectral as references
from wg2.audio.spectral import log_mel, mel_filters
from wg2.config import AudioConfig
from wg2.presets import BASE, SMALL, TINY

CONFIG = AudioConfig(
    sample_rate_hz=8000,
    num_mel_bands=9,
    mel_window_samples=64,
    mel_min_hz=100.0,
    mel_max_hz=3500.0,
    mel_floor=1e-3,
)
HOP = 20
AUDIO = (0.3 * np.random.default_rng(0).standard_normal((2, 10 * HOP))).astype("f4")


def expected(audio, config, hop, frame):
    weights = references.mel_weights(
        config.sample_rate_hz,
        config.mel_window_samples,
        config.num_mel_bands,
        config.mel_min_hz,
        config.mel_max_hz,
    )
    spectrum = references.magnitudes(audio, config.mel_window_samples, hop, frame)
    return np.log(np.maximum(spectrum @ weights, config.mel_floor))


@pytest.mark.parametrize(("window", "hop"), [(64, 20), (60, 25), (16, 20), (65, 20)])
def test_matches_float64_sums(window, hop):
    config = dataclasses.replace(CONFIG, mel_window_samples=window)
    actual = to_numpy(log_mel(AUDIO, config, hop))
    assert actual.shape == (2, AUDIO.shape[1] // hop, 9)
    for row in range(2):
        for frame in (0, 1, 4, actual.shape[1] - 1):
            np.testing.assert_allclose(
                actual[row, frame], expected(AUDIO[row], config, hop, frame), atol=1e-4
            )


@pytest.mark.parametrize("config", [BASE.audio, SMALL.audio, TINY.audio])
def test_filters_match_explicit_triangles(config):
    weights = references.mel_weights(
        config.sample_rate_hz,
        config.mel_window_samples,
        config.num_mel_bands,
        config.mel_min_hz,
        config.mel_max_hz,
    )
    np.testing.assert_allclose(mel_filters(config), weights, atol=1e-6)
    assert (mel_filters(config).max(axis=0) > 0).all()  # no band is empty


@pytest.mark.parametrize("hz", [440.0, 1700.0, 3100.0])
def test_sine_is_loudest_in_its_band(hz):
    audio = 0.8 * np.sin(2 * np.pi * hz * np.arange(2000) / 8000)
    mel = to_numpy(log_mel(audio[None].astype("f4"), CONFIG, HOP))[0, 50]
    edges = 2595 * np.log10(1 + np.array([100.0, 3500.0]) / 700)
    position = (2595 * np.log10(1 + hz / 700) - edges[0]) / (edges[1] - edges[0])
    band = position * 10 - 1  # the centre of band b is at (b + 1) / 10
    assert abs(np.argmax(mel) - band) < 0.6


def test_full_scale_sine_has_magnitude_one_at_its_bin():
    """One band as narrow as a bin: the mel value is the magnitude."""
    hz = 8 * 8000 / 64
    config = dataclasses.replace(
        CONFIG, num_mel_bands=1, mel_min_hz=hz - 60, mel_max_hz=hz + 60
    )
    audio = np.sin(2 * np.pi * hz * np.arange(1000) / 8000 + 0.4)
    mel = to_numpy(log_mel(audio[None].astype("f4"), config, HOP))
    np.testing.assert_allclose(np.exp(mel[0, 10:40, 0]), 1, rtol=2e-3)
    halved = to_numpy(log_mel(audio[None].astype("f4") / 2, config, HOP))
    np.testing.assert_allclose(np.exp(halved[0, 10:40, 0]), 0.5, rtol=2e-3)


def test_white_noise_is_level_over_the_bands():
    noise = 0.1 * np.random.default_rng(1).standard_normal((1, 60_000))
    mel = np.exp(to_numpy(log_mel(noise.astype("f4"), CONFIG, HOP)))[0].mean(axis=0)
    assert mel.std() / mel.mean() < 0.02


def test_frames_are_centred_on_their_cells():
    """A click in the middle of a cell is loudest there, and alike on both sides."""
    audio = np.zeros((1, 10 * HOP), "f4")
    audio[0, 4 * HOP + HOP // 2] = 1
    level = to_numpy(log_mel(audio, CONFIG, HOP))[0].sum(axis=-1)
    assert np.argmax(level) == 4
    np.testing.assert_allclose(level[3], level[5], atol=1e-4)
    np.testing.assert_allclose(level[2], level[6], atol=1e-4)


def test_windows_of_frames_equal_slices_of_the_whole():
    whole = to_numpy(log_mel(AUDIO, CONFIG, HOP))
    first = np.array([0, 6])
    window = to_numpy(log_mel(AUDIO, CONFIG, HOP, first, 4))
    for row, start in enumerate(first):
        np.testing.assert_allclose(
            window[row], whole[row, start : start + 4], atol=1e-5
        )


def test_zeros_behind_the_audio_change_nothing():
    padded = np.pad(AUDIO, ((0, 0), (0, 3 * HOP)))
    np.testing.assert_allclose(
        to_numpy(log_mel(padded, CONFIG, HOP))[:, :10],
        to_numpy(log_mel(AUDIO, CONFIG, HOP)),
        atol=1e-5,
    )


def test_silence_is_at_the_floor():
    silence = to_numpy(log_mel(np.zeros((1, 100), "f4"), CONFIG, HOP))
    np.testing.assert_allclose(silence, np.log(1e-3), rtol=1e-6)


def test_frames_past_the_end_are_silent():
    mel = to_numpy(log_mel(AUDIO, CONFIG, HOP, np.array([14, 14]), 3))
    np.testing.assert_allclose(mel, np.log(1e-3), rtol=1e-6)
