"""Known distortions move the measure that should move, by the right amount."""

from __future__ import annotations

import numpy as np
import pytest

from tests.evaluation.speech import SAMPLES_PER_FRAME, Utterance, white_noise
from wg2.evaluation.durations import is_speech
from wg2.evaluation.measures import recording_values, synthesis_values
from wg2.presets import SMALL

DISTANCES = (
    "mcd_db", "mcd_dtw_db", "log_mel_l1", "f0_rmse_cents", "voicing_error_percent",
)  # fmt: skip
NOISE = ("noise_floor_dbfs", "pause_high_band_dbfs", "pause_flatness_db")


@pytest.fixture(scope="module")
def recording():
    return Utterance()


def values(recording, audio, durations=None):
    same_time = durations is None
    durations = recording.durations if same_time else durations
    return synthesis_values(
        recording.audio,
        audio.astype(np.float32),
        Utterance.PHONEMES,
        recording.durations,
        durations,
        SMALL,
        same_time,
    )


def own_values(utterance):
    return recording_values(
        utterance.audio, Utterance.PHONEMES, utterance.durations, SMALL
    )


@pytest.mark.parametrize("predicted", [False, True])
def test_a_recording_against_itself_has_no_error(recording, predicted):
    durations = recording.durations if predicted else None
    found = values(recording, recording.audio, durations)
    errors = set(DISTANCES) - ({"mcd_db"} if predicted else set())
    if predicted:
        errors |= {"duration_mae_ms", "pause_mae_ms", "length_error_percent"}
    assert {name: found[name] for name in errors} == dict.fromkeys(errors, 0.0)
    own = own_values(recording)
    assert {name: found[name] for name in own} == own


def test_a_gain_changes_levels_alone(recording):
    gain_db = -6.0
    found = values(recording, recording.audio * 10 ** (gain_db / 20))
    assert found["mcd_db"] < 1e-3 and found["mcd_dtw_db"] < 1e-3
    assert found["f0_rmse_cents"] < 0.1 and found["voicing_error_percent"] == 0
    # In natural log, less where the mel floor cuts.
    expected = -gain_db / 20 * np.log(10)
    assert 0.3 * expected < found["log_mel_l1"] <= expected + 1e-5
    own = own_values(recording)
    for name in NOISE[:2]:
        assert found[name] - own[name] == pytest.approx(gain_db, abs=0.01)
    assert found[NOISE[2]] == pytest.approx(own[NOISE[2]], abs=0.01)


@pytest.mark.parametrize("level_dbfs", [-70.0, -55.0, -40.0])
def test_white_noise_in_pauses_raises_the_floor_to_its_level(recording, level_dbfs):
    noise = white_noise(len(recording.audio), level_dbfs, seed=1)
    speech = np.repeat(
        is_speech(Utterance.PHONEMES), recording.durations * SAMPLES_PER_FRAME
    )
    found = values(recording, recording.audio + np.where(speech, 0, noise))
    total = 10 * np.log10(10 ** (level_dbfs / 10) + 10**-8.5)
    assert found["noise_floor_dbfs"] == pytest.approx(total, abs=0.3)
    assert found["pause_high_band_dbfs"] == pytest.approx(total - 3.01, abs=0.5)
    assert found["pause_flatness_db"] > -1.0  # white
    assert found["measured_in"] == "pauses"
    # Speech is as it was, but for windows that reach into pauses.
    assert found["mcd_db"] < 0.5 and found["f0_rmse_cents"] < 6
    assert found["voicing_error_percent"] < 1


def test_noise_at_a_known_ratio_raises_floor_and_spectral_distances_alone(recording):
    speech = np.repeat(
        is_speech(Utterance.PHONEMES), recording.durations * SAMPLES_PER_FRAME
    )
    speech_dbfs = 10 * np.log10(np.mean(np.square(recording.audio[speech], dtype="f8")))
    at = {}
    for ratio_db in (40.0, 30.0, 20.0):
        level_dbfs = speech_dbfs - ratio_db
        noise = white_noise(len(speech), level_dbfs, seed=3)
        at[ratio_db] = found = values(recording, recording.audio + noise)
        floor = 10 * np.log10(10 ** (level_dbfs / 10) + 10**-8.5)
        assert found["noise_floor_dbfs"] == pytest.approx(floor, abs=0.3)
        assert found["pause_high_band_dbfs"] == pytest.approx(floor - 3.01, abs=0.5)
        assert found["f0_rmse_cents"] < 6
        assert found["voicing_error_percent"] < 3  # a frame where a vowel fades
    for name in ("mcd_db", "mcd_dtw_db", "log_mel_l1"):
        assert 0 < at[40.0][name] < at[30.0][name] < at[20.0][name]
    # White noise fills the valleys of a spectrum: ten times the noise, 10 dB in pauses.
    pauses = np.log(10 ** (10 / 20))
    assert at[20.0]["log_mel_l1"] - at[30.0]["log_mel_l1"] < pauses


def test_hum_in_pauses_is_not_flat_and_not_high(recording):
    times = np.arange(len(recording.audio)) / 16000
    hum = 0.01 * np.sin(2 * np.pi * 100 * times)
    found = values(recording, recording.audio + hum)
    assert found["noise_floor_dbfs"] == pytest.approx(-43.0, abs=0.2)
    assert found["pause_high_band_dbfs"] < -80
    assert found["pause_flatness_db"] < -20


@pytest.mark.parametrize("semitones", [-2.0, 1.0, 3.0])
def test_a_pitch_shift_is_the_pitch_error_and_little_else(recording, semitones):
    found = values(recording, Utterance(semitones=semitones).audio)
    assert found["f0_rmse_cents"] == pytest.approx(100 * abs(semitones), rel=0.02)
    assert found["voicing_error_percent"] < 3
    # Far from what another vowel makes, see below.
    assert found["mcd_db"] < 1.5
    own = own_values(recording)
    for name in NOISE:
        assert found[name] == pytest.approx(own[name], abs=0.2)


def test_another_timbre_is_distortion_without_pitch_error(recording):
    swapped = {"AA1": "IY1", "IY1": "AA1", "UW1": "EH1", "EH1": "UW1"}
    found = values(recording, Utterance(vowels=swapped).audio)
    assert found["mcd_db"] > 10 and found["mcd_dtw_db"] > 10
    assert found["f0_rmse_cents"] < 15
    assert found["noise_floor_dbfs"] == pytest.approx(-85, abs=0.3)


@pytest.mark.parametrize("stretch", [0.8, 1.25])
def test_a_time_stretch_is_the_length_error_alone(stretch):
    recording, stretched = Utterance(flat=True), Utterance(stretch=stretch, flat=True)
    found = values(recording, stretched.audio, stretched.durations)
    percent = 100 * (stretched.durations.sum() / recording.durations.sum() - 1)
    assert found["length_error_percent"] == pytest.approx(percent)
    assert percent == pytest.approx(100 * (stretch - 1), abs=1)
    assert found["length_error_abs_percent"] == abs(found["length_error_percent"])
    speech = [1, 2, 4, 5]
    milliseconds = 12.5 * np.abs(stretched.durations - recording.durations)
    assert found["duration_mae_ms"] == pytest.approx(milliseconds[speech].mean())
    assert found["pause_mae_ms"] == pytest.approx(milliseconds[[0, 3, 6, 7]].mean())
    assert found["mcd_dtw_db"] < 1.1
    assert found["f0_rmse_cents"] < 6
    assert found["noise_floor_dbfs"] == pytest.approx(-85, abs=0.3)
    assert "mcd_db" not in found  # frames of two lengths have no common time


def test_lost_voice_is_voicing_error(recording):
    starts = np.cumsum(recording.durations) - recording.durations
    first, end = (SAMPLES_PER_FRAME * f for f in (starts[4], starts[5]))
    whispered = recording.audio.copy()
    whispered[first:end] = white_noise(end - first, -25, seed=2)
    found = values(recording, whispered)
    speech_frames = recording.durations[[1, 2, 4, 5]].sum()
    share = 100 * recording.durations[4] / speech_frames
    assert found["voicing_error_percent"] == pytest.approx(share, abs=2.5)
