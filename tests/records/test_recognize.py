"""What the recogniser hears, and its command."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.evaluation.speech import white_noise
from tfrecords_tools import recognize
from tfrecords_tools.recognition import PHONES, UNITS, WORDS, Recognizer
from wg2 import subprocesses
from wg2.audio import stream, wav
from wg2.text import symbols

FOLDER = Path(__file__).parent / "ljspeech" / "wavs"
SAID = "has never been surpassed"


@pytest.fixture(scope="module")
def clips():
    """Two short recordings of 22.05 kHz."""
    (first, rate), (second, _) = map(wav.read, sorted(FOLDER.glob("*.flac")))
    return [(first, rate), (second[: 2 * rate], rate)]


@pytest.fixture(scope="module")
def files(clips, tmp_path_factory):
    """The same as files: WAV and FLAC."""
    folder = tmp_path_factory.mktemp("clips")
    paths = [folder / "a.wav", folder / "b.flac"]
    for path, (audio, rate) in zip(paths, clips, strict=True):
        soundfile.write(path, audio, rate, subtype="PCM_16")
    return paths


@pytest.fixture(scope="module")
def recognizers():
    return {units: Recognizer(units) for units in UNITS}


@pytest.fixture(scope="module")
def alone(clips):
    """What decoders hear in a clip that have heard nothing before, by units."""
    return {units: [Recognizer(units).hear(*clip) for clip in clips] for units in UNITS}


@pytest.mark.parametrize("units", UNITS)
def test_speech_is_understood_whatever_was_heard_before(
    recognizers, alone, clips, units
):
    assert all(alone[units])
    recognizer = recognizers[units]
    for audio in (white_noise(16000, -20, seed=0), np.zeros(16000), np.zeros(0)):
        recognizer.hear(audio.astype(np.float32), 16000)
    again = [recognizer.hear(*clip) for clip in clips[::-1]]
    assert again[::-1] == alone[units]


def test_a_clear_sentence_is_understood(alone):
    heard = alone[WORDS][0]
    assert sum(word in heard for word in SAID.split()) >= 3
    # Of HH AE Z N EH V ER B IH N S ER P AE S T it misses some.
    assert " ".join(alone[PHONES][0]).count("N EH V ER") == 1


def test_phones_have_no_stress_and_no_silences(recognizers, alone):
    noise = white_noise(16000, -40, seed=0).astype(np.float32)
    heard = [*alone[PHONES], recognizers[PHONES].hear(noise, 16000)]
    assert all(set(phones) <= symbols.UNSTRESSED for phones in heard)
    assert {"AH", "IY"} <= symbols.UNSTRESSED and "AH0" not in symbols.UNSTRESSED


def test_a_rate_below_the_models_is_heard_too(recognizers, alone, clips):
    audio, rate = clips[0]
    low = np.repeat(audio, 2), 2 * rate
    assert recognizers[WORDS].hear(*low) == alone[WORDS][0]
    assert recognizers[PHONES].hear(audio[::3], rate // 3)  # 7.35 kHz


def run(capsys, *arguments):
    status = recognize.main([str(argument) for argument in arguments])
    return status, *capsys.readouterr()


def test_every_file_has_a_line(capsys, files, alone):
    status, out, err = run(capsys, *files, "--units", "both")
    assert status == 0 and err == ""
    expected = [
        f"{path}\t{' '.join(words)}\t{' '.join(phones)}"
        for path, words, phones in zip(files, alone[WORDS], alone[PHONES], strict=True)
    ]
    assert out.splitlines() == expected
    status, out, _ = run(capsys, files[1])
    assert out == f"{files[1]}\t{' '.join(alone[WORDS][1])}\n"
    status, out, _ = run(capsys, files[1], "--units", "phones")
    assert out == f"{files[1]}\t{' '.join(alone[PHONES][1])}\n"


def test_channels_are_averaged(capsys, tmp_path, clips, alone):
    audio, rate = clips[0]
    path = tmp_path / "stereo.wav"
    stereo = np.stack([1.5 * audio, 0.5 * audio], axis=1)
    soundfile.write(path, stereo, rate, subtype="FLOAT")
    _, out, _ = run(capsys, path)
    assert out == f"{path}\t{' '.join(alone[WORDS][0])}\n"


def test_what_cannot_be_read_is_one_line_and_the_others_are_heard(
    capsys, tmp_path, files
):
    (tmp_path / "text.wav").write_text("no sound")
    wav.write(tmp_path / "silent.wav", np.zeros(8000, np.float32), 8000)
    (tmp_path / "cut.wav").write_bytes(wav.to_bytes(np.ones(99, "i2"), 8000)[:-50])
    bad = [tmp_path / name for name in ("text.wav", "no.wav", "silent.wav", "cut.wav")]
    status, out, err = run(capsys, *bad[:2], files[0], *bad[2:])
    assert status == 2
    assert len(out.splitlines()) == 1 and out.startswith(f"{files[0]}\t")
    reasons = ("unreadable", "no such file", "silent audio", "truncated")
    for line, path, reason in zip(err.splitlines(), bad, reasons, strict=True):
        assert line.startswith(f"recognize: {path}: {reason}")


@pytest.mark.parametrize("arguments", [[], ["--stream", "a.wav"]])
def test_files_or_a_stream_are_needed(capsys, arguments):
    status, _, err = run(capsys, *arguments)
    assert status == 2
    assert err == "recognize: expected sound files, or --stream without files\n"


@pytest.mark.parametrize("arguments", [["a.wav"], ["--stream"]])
def test_missing_pocketsphinx_is_one_line(capsys, monkeypatch, arguments):
    monkeypatch.setitem(sys.modules, "pocketsphinx", None)
    assert run(capsys, *arguments) == (
        2,
        "",
        "recognize: the recogniser needs the package pocketsphinx: pip install "
        "pocketsphinx\n",
    )


def stream_of(*arguments: str) -> subprocess.Popen:
    return subprocess.Popen(
        subprocesses.command("tfrecords_tools.recognize", "--stream", *arguments),
        env=subprocesses.environment(),
        cwd="/",
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def test_a_program_is_answered_recording_by_recording(clips, alone):
    with stream_of("--units", "both") as process:
        assert json.loads(process.stdout.readline()) == {"ready": True}
        for i in (1, 0):
            stream.write(process.stdin, *clips[i])
            answer = json.loads(process.stdout.readline())
            assert answer == {units: alone[units][i] for units in UNITS}
        process.stdin.close()
        assert process.wait() == 0
        assert process.stdout.read() == process.stderr.read() == b""


def test_a_program_that_sends_something_else_is_told():
    with stream_of() as process:
        _, err = process.communicate(b"hello\n")
    assert process.returncode == 2
    assert re.fullmatch(rb"recognize: expected a line such as .*hello.*\n", err)
