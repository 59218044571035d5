"""Cepstra, pairs of frames, pauses and durations, each against a closed form."""

from __future__ import annotations

import librosa
import numpy as np
import pytest

from tests.evaluation.speech import white_noise
from wg2.evaluation import distances
from wg2.evaluation.analysis import NUM_COEFFICIENTS, mel_cepstrum
from wg2.evaluation.durations import duration_errors, pause_frames, speech_frames
from wg2.evaluation.pauses import pause_noise
from wg2.presets import SMALL

RATE = 16000


def mel_positions(bins: int, rate: int) -> np.ndarray:
    mel = 2595 * np.log10(1 + np.linspace(0, rate / 2, bins) / 700)
    return mel / mel[-1]


@pytest.mark.parametrize("rate", [8000, 16000, 22050])
def test_mel_cepstrum_finds_the_cosines_of_a_spectrum(rate):
    wanted = np.zeros((2, NUM_COEFFICIENTS))
    wanted[0, :6] = 0.5, -0.3, 0.0, 0.2, -0.1, 0.4
    wanted[1, 1:4] = -0.7, 0.6, 0.05
    position = mel_positions(2049, rate)
    order = np.arange(1, NUM_COEFFICIENTS + 1)
    log_amplitude = 1.7 + wanted @ np.cos(np.pi * order[:, None] * position)
    found = mel_cepstrum(np.exp(2 * log_amplitude), rate)
    np.testing.assert_allclose(found, wanted, atol=2e-3)


def test_distortion_is_the_root_mean_square_of_decibels():
    """Of two spectra whose difference has no more than the coefficients."""
    generator = np.random.default_rng(0)
    first, second = generator.normal(0, 0.2, (2, 1, NUM_COEFFICIENTS))
    position = (np.arange(1000) + 0.5) / 1000
    order = np.arange(1, NUM_COEFFICIENTS + 1)
    cosines = np.cos(np.pi * order[:, None] * position)
    decibels = 20 / np.log(10) * ((first - second) @ cosines)
    found = distances.mel_cepstral_distortion_db(first, second, distances.same_time(1))
    assert found == pytest.approx(np.sqrt(np.mean(decibels**2)), rel=1e-6)


def test_distortion_is_the_mean_of_pairs_not_of_their_squares():
    first = np.array([[1.0, 0.0], [5.0, 5.0], [0.0, 0.0]])
    second = np.array([[1.0, 3.0], [0.0, 1.0]])
    pairs = np.array([[0, 0], [2, 1]])  # 3 and 1 apart
    found = distances.mel_cepstral_distortion_db(first, second, pairs)
    assert found == pytest.approx(2 * 10 / np.log(10) * np.sqrt(2))
    none = distances.mel_cepstral_distortion_db(first, second, pairs[:0])
    assert np.isnan(none)


def test_warping_undoes_a_stretch_and_finds_the_cheapest_path():
    frames = np.random.default_rng(1).normal(size=(20, 3))
    pairs = distances.time_warping(frames, np.repeat(frames, 2, axis=0))
    np.testing.assert_array_equal(pairs[:, 0], pairs[:, 1] // 2)
    same = distances.time_warping(frames, frames)
    np.testing.assert_array_equal(same, distances.same_time(20))
    other = np.random.default_rng(2).normal(size=(13, 3))
    path = distances.time_warping(frames, other)
    assert path[0].tolist() == [0, 0] and path[-1].tolist() == [19, 12]
    assert {tuple(step) for step in np.diff(path, axis=0)} <= {(0, 1), (1, 0), (1, 1)}
    cost = np.linalg.norm(frames[path[:, 0]] - other[path[:, 1]], axis=1).sum()
    assert cost == pytest.approx(cheapest(frames, other))


def cheapest(first, second) -> float:
    cost = np.linalg.norm(first[:, None] - second[None], axis=2)
    total = np.full((len(first) + 1, len(second) + 1), np.inf)
    total[0, 0] = 0
    for i in range(len(first)):
        for j in range(len(second)):
            before = min(total[i, j], total[i, j + 1], total[i + 1, j])
            total[i + 1, j + 1] = cost[i, j] + before
    return total[-1, -1]


def test_pitch_is_compared_where_both_have_voice():
    first = np.array([100.0, 0, 200, 0, 100, 400])
    second = np.array([200.0, 0, 0, 300, 100, 200])
    pairs = distances.same_time(6)
    # One octave up, equal, one octave down.
    assert distances.pitch_rmse_cents(first, second, pairs) == pytest.approx(
        1200 * np.sqrt(2 / 3)
    )
    assert distances.voicing_error_percent(first, second, pairs) == pytest.approx(
        100 * 2 / 6
    )
    none = pairs[1:4]
    assert np.isnan(distances.pitch_rmse_cents(first, second, none))
    assert np.isnan(distances.voicing_error_percent(first, second, pairs[:0]))


def test_mel_distance_of_a_gain_is_its_logarithm_and_wants_equal_lengths():
    audio = white_noise(8000, -20, seed=0).astype(np.float32)
    audio_config = SMALL.audio
    found = distances.log_mel_l1(audio, 2 * audio, audio_config, 200)
    assert found == pytest.approx(np.log(2), rel=1e-4)
    shifted = np.stack([np.arange(1, 40), np.arange(39)], axis=1)
    moved = np.concatenate([audio[200:], audio[:200]])
    assert distances.log_mel_l1(audio, moved, audio_config, 200) > 0.1
    # Frames at the two ends see other neighbours.
    inner = shifted[3:-3]
    close = distances.log_mel_l1(audio, moved, audio_config, 200, inner)
    assert close < 1e-4
    with pytest.raises(ValueError, match="8000 and 7800 samples"):
        distances.log_mel_l1(audio, audio[:7800], audio_config, 200)


# -- Pauses ----------------------------------------------------------------------------


@pytest.mark.parametrize("rate", [8000, 16000, 22050])
def test_floor_is_the_level_of_the_noise_in_the_pause_alone(rate):
    pause = (rate, 2 * rate)
    audio = white_noise(3 * rate, -15, seed=0)
    audio[slice(*pause)] = white_noise(rate, -60, seed=1)
    found = pause_noise(audio, rate, [pause])
    assert found.noise_floor_dbfs == pytest.approx(-60, abs=0.3)
    assert found.pause_high_band_dbfs == pytest.approx(-63, abs=0.5)
    assert -1 < found.pause_flatness_db <= 0
    assert found.measured_in == "pauses"


def test_edges_of_pauses_do_not_count_but_those_of_the_utterance_do():
    audio = white_noise(RATE, -60, seed=0)
    audio[6000:6700] *= 1000  # speech that rings on for 44 ms
    audio[9300:10000] *= 1000  # and begins too early
    found = pause_noise(audio, RATE, [(6000, 10000)])
    inner = audio[6000 + 800 : 10000 - 800]
    assert found == pause_noise(inner, RATE, [(0, len(inner))])
    assert found.noise_floor_dbfs == pytest.approx(-60, abs=0.4)
    short = pause_noise(inner[:1600], RATE, [(0, 1600)])
    assert short.measured_in == "pauses"


def test_without_pauses_the_quietest_part_is_taken():
    audio = white_noise(RATE, -10, seed=0)
    audio[5000:8200] = white_noise(3200, -60, seed=1)
    for pauses in ([], [(0, 2000)]):  # 75 ms away from the edge is too little
        found = pause_noise(audio, RATE, pauses)
        assert found.measured_in == "quietest"
        assert found.noise_floor_dbfs == pytest.approx(-60, abs=0.6)


def test_silence_has_the_lowest_level_and_no_flatness():
    found = pause_noise(np.zeros(RATE), RATE, [(0, RATE)])
    assert found.noise_floor_dbfs == found.pause_high_band_dbfs == -100
    assert np.isnan(found.pause_flatness_db)


def test_of_less_than_a_window_nothing_is_known():
    found = pause_noise(np.ones(100), RATE, [(0, 100)])
    assert np.isnan(found[:3]).all()


def test_flatness_agrees_with_librosa():
    audio = np.cumsum(white_noise(RATE, -60, seed=0))  # brown
    audio -= audio.mean()
    found = pause_noise(audio, RATE, [(0, RATE)])
    windows = audio.reshape(-1, 320) * np.hanning(321)[:-1]
    power = np.square(np.abs(np.fft.rfft(windows))).mean(axis=0)[1:-1, None]
    flatness = librosa.feature.spectral_flatness(S=power, power=1.0, amin=1e-30)
    assert found.pause_flatness_db == pytest.approx(10 * np.log10(flatness.item()))


def test_a_click_in_a_pause_is_no_hiss():
    audio = white_noise(RATE, -60, seed=0)
    audio[8000:8010] = 1.0
    assert pause_noise(audio, RATE, [(0, RATE)]).noise_floor_dbfs == pytest.approx(
        -60, abs=0.3
    )


# -- Durations -------------------------------------------------------------------------

PHONEMES = ("sil", "HH", "AH0", ",", "<eos>", "sil", "W", ".", "<eos>")


def test_neighbouring_pauses_are_one():
    durations = np.array([2, 1, 1, 3, 0, 4, 5, 0, 0])
    assert pause_frames(PHONEMES, durations) == [(0, 2), (4, 11)]
    expected = [False] * 2 + [True] * 2 + [False] * 7 + [True] * 5
    assert speech_frames(PHONEMES, durations).tolist() == expected
    assert pause_frames(("W",), np.array([3])) == []


def test_duration_errors_tell_sounds_from_pauses():
    true = np.array([10, 4, 6, 8, 0, 0, 5, 10, 0])
    predicted = np.array([12, 5, 6, 4, 0, 0, 9, 10, 0])
    found = duration_errors(PHONEMES, true, predicted, frames_per_second=80)
    assert found["duration_mae_ms"] == pytest.approx(12.5 * (1 + 0 + 4) / 3)
    assert found["pause_mae_ms"] == pytest.approx(12.5 * (2 + 4) / 6)
    assert found["length_error_percent"] == pytest.approx(100 * 3 / 43)
