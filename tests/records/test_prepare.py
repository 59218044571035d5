"""One utterance: its frames are right, and every defect is a skip with its reason."""

from __future__ import annotations

import dataclasses
import pickle

import numpy as np
import pytest
import soundfile

from tests import corpus
from tfrecords_tools.prepare import Options, Prepared, prepare
from tfrecords_tools.utterance import Skipped, Utterance
from wg2.presets import TINY
from wg2.text import symbols

RATE_HZ = TINY.audio.sample_rate_hz
WORDS = ((0.0, 0.1, ""), (0.1, 0.3, "no"), (0.3, 0.4, ""))
PHONES = ((0.0, 0.1, "sil"), (0.1, 0.18, "N"), (0.18, 0.3, "OW1"), (0.3, 0.4, "sp"))
NUM_SAMPLES = 3200


def noise(num_samples=NUM_SAMPLES):
    return np.random.default_rng(0).uniform(-0.5, 0.5, num_samples)


@pytest.fixture
def make(tmp_path):
    """Prepares an utterance, sound unless something is said otherwise."""

    def make(
        *,
        audio=None,
        rate_hz=RATE_HZ,
        subtype="PCM_16",
        words=WORDS,
        phones=PHONES,
        text="No.",
        config=TINY,
        edit_grid=lambda grid: grid,
        edit_wav=lambda data: data,
        recording=None,
        **options,
    ):
        wav_path, grid_path = tmp_path / "u.wav", tmp_path / "u.TextGrid"
        audio = noise() if audio is None else audio
        soundfile.write(wav_path, audio, rate_hz, subtype=subtype)
        wav_path.write_bytes(edit_wav(wav_path.read_bytes()))
        grid = corpus.textgrid({"words": words, "phones": phones})
        grid_path.write_text(edit_grid(grid), encoding="utf-8")
        utterance = Utterance("u", wav_path, text)
        return prepare(utterance, grid_path, config, Options(**options), recording)

    return make


def symbols_of(prepared):
    return symbols.decode(prepared.phoneme_ids, TINY.text.phonemes)


def test_sequence_and_frames_follow_alignment_and_text(make):
    prepared = make()
    assert symbols_of(prepared) == ["sil", "N", "OW1", ".", "<eos>"]
    assert prepared.durations.tolist() == [20, 16, 24, 0, 20]  # of 5 ms
    assert prepared.num_frames == 80
    assert prepared.num_mismatches == 0


def test_audio_of_the_right_rate_is_kept_bit_by_bit(make):
    samples = np.round(noise() * 32768).astype(np.int16)
    np.testing.assert_array_equal(make(audio=samples).audio, samples)


def test_last_frame_is_completed_with_zeros(make):
    prepared = make(audio=noise(NUM_SAMPLES + 1))
    assert prepared.num_frames == 81
    assert len(prepared.audio) == 81 * TINY.samples_per_frame
    assert prepared.audio[NUM_SAMPLES] != 0
    assert not prepared.audio[NUM_SAMPLES + 1 :].any()
    assert prepared.durations.sum() == 81


def test_higher_rates_are_resampled_keeping_time_pitch_and_level(make):
    times = np.arange(int(0.4 * 22050)) / 22050
    # 440 Hz stays, 6 kHz is above half the new rate and must vanish, not fold.
    tone = 0.4 * np.sin(2 * np.pi * 440 * times)
    prepared = make(audio=tone + 0.4 * np.sin(2 * np.pi * 6000 * times), rate_hz=22050)
    assert prepared.source_rate_hz == 22050
    assert prepared.num_frames == 80
    new_times = np.arange(len(prepared.audio)) / RATE_HZ
    expected = 0.4 * np.sin(2 * np.pi * 440 * new_times)
    inner = slice(200, -200)
    np.testing.assert_allclose(
        prepared.audio[inner] / 32768, expected[inner], atol=2e-3
    )


def test_clipped_samples_are_counted(make):
    audio = noise()
    audio[[5, 70, 900]] = [1.25, -1.5, 2.0]
    assert make(audio=audio, subtype="FLOAT").num_clipped == 3


def test_lower_case_phones_are_the_same_phonemes(make):
    lower = tuple((a, b, label.lower()) for a, b, label in PHONES)
    assert symbols_of(make(phones=lower)) == symbols_of(make())


def test_words_that_were_not_aligned_are_counted_and_the_others_keep_their_marks(make):
    prepared = make(text="Oh, no!")
    assert symbols_of(prepared) == ["sil", "N", "OW1", "!", "<eos>"]
    assert prepared.num_mismatches == 1


def test_text_of_another_recording_is_a_skip(make):
    skipped = make(text="Yes, a red dog.")
    assert skipped.reason == (
        "wrong transcript: 4 of 4 words differ; the TextGrid has 'no', the text "
        "'yes a red dog'"
    )
    assert make(text="Oh, no.", max_mismatch_percent=49).kind == "wrong transcript"
    assert make(text="Oh, no.", max_mismatch_percent=50).num_mismatches == 1
    assert make(text="Yes", max_mismatch_percent=100).num_mismatches == 1


def test_channels_are_averaged_and_counted(make):
    left, right = np.round(noise() * 16384) * 2, np.round(noise()[::-1] * 16384) * 2
    audio = np.stack([left, right], axis=1).astype(np.int16)
    prepared = make(audio=audio)
    assert prepared.num_channels == 2
    np.testing.assert_array_equal(prepared.audio, (left + right) / 2)


SPEECH = 0.4 * np.sin(2 * np.pi * 440 * np.arange(NUM_SAMPLES) / RATE_HZ)


def test_trimming_shifts_the_words_with_the_audio(make):
    audio = SPEECH.copy()
    audio[:720] *= 1e-3  # 0.1 s of silence, of which 0.01 s are speech by its level
    audio[-800:] *= 1e-3
    whole, trimmed = make(audio=audio), make(audio=audio, trim_silence_db=40)
    assert whole.durations.tolist() == [20, 16, 24, 0, 20]
    # 40 ms of the first 90 ms go, 50 ms of the last 100 ms; frames are of 5 ms.
    assert trimmed.durations.tolist() == [12, 16, 24, 0, 10]
    assert trimmed.trimmed_seconds == pytest.approx(0.09)
    np.testing.assert_array_equal(trimmed.audio, whole.audio[320:-400])


def test_trimming_keeps_quiet_words(make):
    audio = SPEECH.copy()
    audio[:1600] *= 1e-3  # the word "no" is at 0.1 to 0.3 s
    audio[2000:] *= 1e-3
    trimmed = make(audio=audio, trim_silence_db=40)
    assert trimmed.durations.tolist() == [10, 16, 24, 0, 10]
    assert make(audio=SPEECH, trim_silence_db=40).trimmed_seconds == 0


def lufs(samples):
    """Of a stationary tone: K-weighted power, as BS.1770 says for one channel."""
    import pyloudnorm

    weighted = samples / 32768
    for stage in pyloudnorm.Meter(RATE_HZ)._filters.values():
        weighted = stage.apply_filter(weighted)
    return -0.691 + 10 * np.log10(np.mean(weighted**2))


@pytest.mark.parametrize("target", [-30.0, -16.0])
def test_loudness_is_as_told(make, target):
    prepared = make(audio=0.1 * SPEECH, loudness_lufs=target)
    assert lufs(prepared.audio) == pytest.approx(target, abs=0.1)
    assert not prepared.kept_quieter
    assert prepared.num_clipped == 0


def test_nothing_is_clipped_for_the_sake_of_loudness(make):
    audio = 0.01 * SPEECH
    audio[900] = 0.5
    prepared = make(audio=audio, loudness_lufs=-10)
    assert prepared.kept_quieter
    assert prepared.num_clipped == 0
    assert np.abs(prepared.audio.astype(int)).max() == 32767
    assert lufs(prepared.audio) < -11


def test_unknown_word_is_pronounced_or_skipped_as_told(make):
    phones = (PHONES[0], (0.1, 0.3, "spn"), PHONES[-1])
    prepared = make(phones=phones)
    assert symbols_of(prepared) == ["sil", "N", "OW1", ".", "<eos>"]
    assert prepared.durations.tolist() == [20, 20, 20, 0, 20]
    assert prepared.num_unknown_words == 1
    skipped = make(phones=phones, skip_unknown_words=True)
    assert skipped.kind == "unknown word"


def test_speakers_are_numbered_by_the_config(tmp_path, make):
    config = TINY.override("text.speakers=[ann,bob]")
    assert make().speaker_id == 0
    assert make(config=config).reason.startswith("unknown speaker: None; ")
    utterance = Utterance("u", tmp_path / "u.wav", "No.", speaker="bob")
    assert prepare(utterance, tmp_path / "u.TextGrid", config).speaker_id == 1
    unknown = dataclasses.replace(utterance, speaker="eve")
    skipped = prepare(unknown, tmp_path / "u.TextGrid", config)
    assert skipped.reason == "unknown speaker: 'eve'; the config has ann, bob"


def replaced(sample, value):
    audio = noise()
    audio[sample] = value
    return audio


BAD = {
    "empty text": ({"text": ""}, "empty text"),
    "unreadable text": ({"text": "no { no"}, "unreadable text: "),
    "empty audio": ({"audio": noise(0)}, "empty audio"),
    "silent": ({"audio": np.zeros(NUM_SAMPLES)}, "silent audio: every sample is zero"),
    "nan": (
        {"audio": replaced(7, np.nan), "subtype": "FLOAT"},
        "not finite: sample 7 is nan",
    ),
    "infinite": (
        {"audio": replaced(9, -np.inf), "subtype": "DOUBLE"},
        "not finite: sample 9 is -inf",
    ),
    "truncated": (
        {"edit_wav": lambda data: data[:4000]},
        "truncated: its header promises 6400 bytes of sound, the file has 3956",
    ),
    "no sound file": ({"edit_wav": lambda data: b"nonsense" * 9}, "unreadable: "),
    "low rate": (
        {"rate_hz": 6000, "audio": noise(2400)},
        "sample rate too low: 6000 Hz, the config wants 8000 Hz",
    ),
    "grid ends late": (
        {"audio": noise(NUM_SAMPLES - 408)},
        "TextGrid does not fit its audio: it ends at 0.400 s, the audio at 0.349 s",
    ),
    "grid ends early": (
        {"audio": noise(NUM_SAMPLES + 408)},
        "TextGrid does not fit its audio: it ends at 0.400 s, the audio at 0.451 s",
    ),
    "grid cut": (
        {"edit_grid": lambda grid: grid[:300]},
        "broken TextGrid: the file ends where",
    ),
    "no phones tier": (
        {"edit_grid": lambda grid: grid.replace('"phones"', '"sounds"')},
        "broken TextGrid: expected one tier 'phones'",
    ),
    "unknown phoneme": (
        {"phones": (*PHONES[:2], (0.18, 0.3, "OW9"), PHONES[3])},
        "unknown phoneme: 'OW9' in the word 'no' at 0.18 s",
    ),
    "vowel without stress": (
        {"phones": (*PHONES[:2], (0.18, 0.3, "OW"), PHONES[3])},
        "unknown phoneme: 'OW' in the word 'no' at 0.18 s",
    ),
    "boundary as phone": (
        {"phones": (*PHONES[:2], (0.18, 0.3, "<eos>"), PHONES[3])},
        "unknown phoneme: '<eos>'",
    ),
    "unknown word": (
        {"phones": (PHONES[0], (0.1, 0.3, "spn"), PHONES[3]), "skip_unknown_words": 1},
        "unknown word: 1 in the TextGrid",
    ),
    "wrong transcript": ({"text": "Yes!"}, "wrong transcript: 1 of 1 words differ"),
    "too quiet": (
        {"audio": noise() * 1e-4, "loudness_lufs": -23},
        "too quiet for --loudness: below -70 LUFS",
    ),
    "too short": (
        {
            "audio": noise(30),
            "words": ((0, 0.004, "no"),),
            "phones": ((0, 0.002, "N"), (0.002, 0.004, "OW1")),
        },
        "too short: 1 frames for 2 phonemes",
    ),
    "too long": (
        {"config": TINY.override("training.max_frames=79")},
        "too long: 80 frames, training.max_frames is 79",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_defect_is_a_skip_with_its_reason(make, name):
    changes, reason = BAD[name]
    skipped = make(**changes)
    assert isinstance(skipped, Skipped)
    assert skipped.reason.startswith(reason)
    assert "\n" not in skipped.reason
    assert len(skipped.reason) < 150
    assert isinstance(make(), Prepared)  # the same utterance without the defect


def test_end_within_the_tolerance_is_no_defect(make):
    for num_samples in (NUM_SAMPLES - 392, NUM_SAMPLES + 392):  # 49 ms
        prepared = make(audio=noise(num_samples))
        assert prepared.durations.sum() == prepared.num_frames
        assert prepared.durations[:3].tolist() == [20, 16, 24]


def test_missing_files_are_skips(tmp_path, make):
    make()
    utterance = Utterance("u", tmp_path / "none.wav", "No.")
    skipped = prepare(utterance, tmp_path / "u.TextGrid", TINY)
    assert skipped.reason == f"missing audio: {tmp_path / 'none.wav'}"
    utterance = Utterance("u", tmp_path / "u.wav", "No.")
    assert prepare(utterance, None, TINY).reason == "missing TextGrid: u.TextGrid"


def test_results_travel_between_processes(make):
    prepared = pickle.loads(pickle.dumps(make()))
    np.testing.assert_array_equal(prepared.durations, [20, 16, 24, 0, 20])
    skipped = make(text="")
    assert pickle.loads(pickle.dumps(skipped)) == skipped
