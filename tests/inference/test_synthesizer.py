"""Synthesizer and its command line, with a voice of random weights."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import soundfile

from tests.random_voice import random_voice
from wg2 import synthesize
from wg2.inference import Synthesizer
from wg2.presets import TINY
from wg2.windows import FIRST_SECONDS

TEXTS = [
    "Hello world.",
    "one two three, four five six seven eight nine ten.",
    "yes",
    "A man and a woman were here, and now they are not.",
    "no, no, no!",
]


@pytest.fixture(scope="module")
def voice_dir(tmp_path_factory):
    config = TINY.override("diffusion.synthesis_steps=5")
    directory = tmp_path_factory.mktemp("voice") / "random"
    random_voice(config).save(directory)
    return directory


@pytest.fixture(scope="module")
def voice(voice_dir):
    return Synthesizer.load(voice_dir, batch_size=5)


@pytest.fixture(scope="module")
def alone(voice):
    return [voice(text, seed=7) for text in TEXTS]


def assert_same(actual, expected):
    assert [a.shape for a in actual] == [e.shape for e in expected]
    for one, other in zip(actual, expected, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-4)


@pytest.mark.parametrize("batch_size", [2, 5])
@pytest.mark.parametrize("sampler", ["ddpm", "dpmpp"])
def test_neither_batch_nor_padding_nor_order_changes_an_utterance(
    voice, sampler, batch_size
):
    voice.batch_size = batch_size
    expected = [voice(text, seed=7, sampler=sampler) for text in TEXTS]
    assert len({len(audio) for audio in expected}) > 3  # lengths do differ
    assert_same(voice(TEXTS, seed=7, sampler=sampler), expected)
    turned = voice(TEXTS[::-1], seed=7, sampler=sampler)
    assert_same(turned[::-1], expected)


def test_seeds_decide_the_sound(voice, alone):
    np.testing.assert_array_equal(voice(TEXTS[0], seed=7), alone[0])
    other = voice(TEXTS[0], seed=8)
    assert other.shape == alone[0].shape
    assert np.abs(other - alone[0]).max() > 1e-2
    own = voice(TEXTS[:2], seed=[7, 8])
    assert_same(own, [alone[0], voice(TEXTS[1], seed=8)])


def test_audio_lasts_as_long_as_its_phonemes(voice):
    for utterance in voice.speak(TEXTS):
        samples = utterance.end_seconds[-1] * utterance.sample_rate_hz
        assert len(utterance.audio) == round(samples)
        assert len(utterance.phonemes) == len(utterance.end_seconds)
        assert utterance.phonemes[-1] == "<eos>"
        assert np.isfinite(utterance.audio).all()


def test_a_larger_length_scale_is_slower_in_proportion(voice):
    lengths = [len(voice(TEXTS[1], length_scale=s)) for s in (0.5, 1.0, 2.0)]
    frame = voice.config.samples_per_frame
    assert abs(lengths[0] * 2 - lengths[1]) <= 2 * frame
    assert abs(lengths[2] - 2 * lengths[1]) <= 2 * frame


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"steps": 0}, "steps must be at least 1"),
        ({"sampler": "euler"}, "Unknown sampler 'euler'"),
        ({"schedule": "nonsense"}, "no noise schedule"),
        ({"schedule": [1e-4, 0.5], "steps": 3}, "contradicts"),
        ({"length_scale": 0.0}, "length_scale"),
        ({"speaker": "nobody"}, "Unknown speaker"),
        ({"seed": [1, 2]}, "as many seeds"),
        ({"seed": 2**63}, "a seed has 64 bits at most"),
    ],
)
def test_bad_settings_are_refused(voice, settings, message):
    with pytest.raises(ValueError, match=message):
        voice(TEXTS[0], **settings)


@pytest.mark.parametrize("text", ["", "?!", "日本", "a {HH", "a [99s] b"])
def test_texts_that_cannot_be_spoken_are_refused(voice, text):
    with pytest.raises(ValueError, match=r"\w+"):
        voice(text)


def test_unknown_phonemes_are_named(voice):
    with pytest.raises(ValueError, match="QQ1"):
        voice("HH QQ1", phonemes=True)


@pytest.mark.parametrize("seconds", [0.02, 0.13, 0.5])
def test_windows_change_nothing(voice, seconds):
    texts = ["Yes, a somewhat longer text of several words [700ms] here.", "No."]
    settings = {"steps": 3, "sampler": "ddpm", "seed": 3}
    whole = voice(texts, **settings)
    assert len(whole[0]) / voice.sample_rate_hz > 2 * seconds
    windowed = Synthesizer(voice.voice, window_seconds=seconds)
    for one, other in zip(
        whole, windowed(texts, steps=3, sampler="ddpm", seed=3), strict=True
    ):
        np.testing.assert_allclose(one, other, atol=1e-5)


@pytest.mark.parametrize(("sampler", "steps"), [("ddpm", 2), ("dpmpp", 4)])
def test_a_stream_is_the_whole_in_pieces(voice, sampler, steps):
    text = "Yes, a somewhat longer text of several words [1.5s] here and there."
    settings = {"steps": steps, "sampler": sampler, "seed": 3, "length_scale": 1.5}
    (whole,) = voice.speak([text], **settings)
    pieces = list(voice.stream(text, **settings))
    assert len(pieces[0]) == FIRST_SECONDS * voice.sample_rate_hz
    assert len(pieces) > 2
    np.testing.assert_allclose(np.concatenate(pieces), whole.audio, atol=1e-4)


def test_a_stream_refuses_before_its_first_piece(voice):
    for text, settings in (("", {}), ("yes", {"steps": 0}), ("yes", {"seed": 2**63})):
        with pytest.raises(ValueError, match=r"\w+"):
            voice.stream(text, **settings)


def test_symbols_that_are_passed_over_are_named(voice, caplog):
    voice.speak(["Yes 😀 no ★!"], steps=1)
    assert "Not spoken: 😀 ★" in caplog.text
    caplog.clear()
    voice.speak(["Yes, no - 5 % & $3."], steps=1)
    assert not caplog.text


def test_a_pause_lasts_as_long_as_the_text_says_at_any_rate(voice):
    (utterance,) = voice.speak(["Yes [750ms] no."], length_scale=2.0)
    ends = dict(enumerate(utterance.end_seconds))
    at = len(voice.frontend.phonemes("yes")) - 2  # the boundary behind the word
    frame = voice.config.samples_per_frame / voice.sample_rate_hz
    assert abs(ends[at] - ends[at - 1] - 0.75) <= frame
    assert utterance.phonemes == tuple(voice.frontend.phonemes("yes no."))


def test_phonemes_say_what_their_text_says(voice, alone):
    phonemes = " ".join(voice.frontend.phonemes(TEXTS[0]))
    np.testing.assert_array_equal(voice(phonemes, phonemes=True, seed=7), alone[0])


def test_command_line_writes_what_the_interface_speaks(voice_dir, alone, tmp_path):
    path = tmp_path / "out.wav"
    arguments = ["--voice", voice_dir, "--text", TEXTS[0], "--output", path]
    arguments += ["--seed", "7"]
    assert synthesize.main([str(a) for a in arguments]) == 0
    audio, rate = soundfile.read(path, dtype="float32")
    assert rate == TINY.audio.sample_rate_hz
    np.testing.assert_allclose(audio, np.clip(alone[0], -1, 1), atol=1e-4)


def test_command_line_streams_what_it_writes_to_files(voice_dir, tmp_path):
    lines = tmp_path / "lines.txt"
    lines.write_text("yes\nAnd one more line.\n", encoding="utf-8")
    options = [sys.executable, "-m", "wg2.synthesize", "--voice", voice_dir]
    options += ["--steps", "2"]
    streamed = subprocess.run(
        [*options, "--stream"],
        input=lines.read_bytes(),
        capture_output=True,
        check=True,
    )
    assert b"first sound after" in streamed.stderr
    files = ["--input-file", str(lines), "--output-dir", str(tmp_path / "out")]
    arguments = [str(a) for a in options[3:]] + files
    assert synthesize.main(arguments) == 0
    expected = [
        soundfile.read(path, dtype="int16")[0]
        for path in sorted((tmp_path / "out").iterdir())
    ]
    actual = np.frombuffer(streamed.stdout, "<i2").astype(int)
    assert np.abs(actual - np.concatenate(expected)).max() <= 3


def test_command_line_writes_a_file_for_every_line(voice_dir, tmp_path, capsys):
    lines = tmp_path / "lines.txt"
    lines.write_text("\ufeffyes\r\n\r\nno\r\n", encoding="utf-8")
    arguments = ["--voice", voice_dir, "--input-file", lines, "--steps", "2"]
    out = tmp_path / "spoken"
    assert synthesize.main([str(a) for a in [*arguments, "--output-dir", out]]) == 0
    assert sorted(p.name for p in out.iterdir()) == ["0001.wav", "0002.wav"]
    assert str(out / "0002.wav") in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments",
    [
        ["--text", "日本"],
        ["--text", ""],
        ["--text", "yes", "--steps", "0"],
        ["--text", "yes", "--sampler", "euler"],
        ["--text", "yes", "--schedule", "missing.json"],
        ["--input-file", "missing.txt"],
    ],
)
def test_bad_input_is_one_line_and_no_file(voice_dir, tmp_path, capsys, arguments):
    path = tmp_path / "out.wav"
    options = ["--voice", str(voice_dir), "--output", str(path)]
    assert synthesize.main([*options, *arguments]) == 2
    error = capsys.readouterr().err.strip()
    assert error.startswith("synthesize: ")
    assert "\n" not in error
    assert list(tmp_path.iterdir()) == []


def test_missing_and_damaged_voices_are_one_line(voice_dir, tmp_path, capsys):
    options = ["--text", "yes", "--output", str(tmp_path / "out.wav"), "--voice"]
    assert synthesize.main([*options, str(tmp_path)]) == 2
    damaged = tmp_path / "damaged"
    damaged.mkdir()
    for file in voice_dir.iterdir():
        content = file.read_bytes()
        whole = file.suffix == ".json"
        (damaged / file.name).write_bytes(content if whole else content[:1000])
    assert synthesize.main([*options, str(damaged)]) == 2
    errors = capsys.readouterr().err.strip().split("\n")
    assert len(errors) == 2
    assert "not a voice" in errors[0]
    assert "damaged" in errors[1]


@pytest.mark.parametrize(
    "module", ["train", "synthesize", "evaluate", "schedule", "voice"]
)
def test_help_does_not_load_tensorflow(module):
    code = (
        f"import sys\nfrom wg2 import {module}\n"
        f"text = {module}.build_parser().format_help()\n"
        "assert 'usage' in text\nassert 'tensorflow' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


# -- phonemes and durations as records have them --------------------------------------


def test_phoneme_ids_are_spoken_like_their_text(voice):
    ids = [voice.frontend.ids(text) for text in TEXTS]
    spoken = voice.speak_phonemes(ids, seed=7)
    assert_same([u.audio for u in spoken], voice(TEXTS, seed=7))
    expected = [u.phonemes for u in voice.speak(TEXTS, seed=7)]
    assert [u.phonemes for u in spoken] == expected


def test_given_durations_that_are_the_predicted_ones_change_nothing(voice):
    ids = [voice.frontend.ids(text) for text in TEXTS]
    predicted = voice.speak_phonemes(ids, seed=3)
    given = [u.durations for u in predicted]
    # They are not scaled, and every utterance keeps its own in any batch.
    again = voice.speak_phonemes(ids, given, seed=3, length_scale=2.0)
    assert_same([u.audio for u in again], [u.audio for u in predicted])


def test_given_durations_are_the_utterances(voice):
    ids = [voice.frontend.ids(text) for text in TEXTS[:3]]
    durations = [[(i + j) % 4 for j in range(len(ids[i]))] for i in range(3)]
    frame = voice.config.samples_per_frame
    spoken = voice.speak_phonemes(ids, durations)
    for utterance, wanted in zip(spoken, durations, strict=True):
        assert list(utterance.durations) == wanted
        assert len(utterance.audio) == sum(wanted) * frame
        ends = np.cumsum(wanted) / voice.config.frames_per_second
        np.testing.assert_allclose(utterance.end_seconds, ends)


@pytest.mark.parametrize(
    ("ids", "durations", "message"),
    [
        ([[]], None, "at least one phoneme"),
        ([[3, 10_000]], None, r"\[3, 10000\], the voice has"),
        ([[3, 4]], [[1]], "expected 2 whole durations"),
        ([[3, 4]], [[1.5, 2.0]], "expected 2 whole durations"),
        ([[3, 4]], [[-1, 2]], "must not be negative"),
        ([[3, 4]], [[0, 0]], "nor all zero"),
        ([[3, 4]], [[1, 2], [1, 2]], "as many durations"),
        ([[3, 4]], [[1, 1 << 40]], "would last"),
    ],
)
def test_bad_phonemes_and_durations_are_refused(voice, ids, durations, message):
    with pytest.raises(ValueError, match=message):
        voice.speak_phonemes(ids, durations)


def test_every_text_can_have_a_speaker_of_its_own():
    config = TINY.override('text.speakers=["ann", "bob"]')
    voice = Synthesizer(random_voice(config), batch_size=2)
    texts, speakers = TEXTS[:3], ["bob", "ann", "bob"]
    together = voice(texts, steps=2, speaker=speakers)
    alone = [
        voice(text, steps=2, speaker=speaker)
        for text, speaker in zip(texts, speakers, strict=True)
    ]
    assert_same(together, alone)
    other = voice(texts[0], steps=2, speaker="ann")
    assert other.shape != alone[0].shape or np.abs(other - alone[0]).max() > 1e-3
    with pytest.raises(ValueError, match="3 texts need as many speakers, not 2"):
        voice(texts, speaker=["bob", "ann"])
