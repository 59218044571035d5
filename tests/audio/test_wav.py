"""WAV files: exact round trip, and every kind of broken file is told."""

from __future__ import annotations

import logging
import struct
import wave

import numpy as np
import pytest
import soundfile

from wg2 import files
from wg2.audio import wav


def write_pcm16(path, samples, num_channels=1, rate_hz=8000):
    """A WAV by the standard library, not by the code under test."""
    with wave.open(str(path), "wb") as out:
        out.setnchannels(num_channels)
        out.setsampwidth(2)
        out.setframerate(rate_hz)
        out.writeframes(np.asarray(samples, "<i2").tobytes())
    return path


def test_sixteen_bit_file_survives_reading_and_writing_bit_by_bit(tmp_path):
    samples = np.arange(-32768, 32768).astype(np.int16)
    original = write_pcm16(tmp_path / "a.wav", samples, rate_hz=11025)
    audio, rate_hz = wav.read(original)
    assert audio.dtype == np.float32
    assert rate_hz == 11025
    assert (audio[0], audio[-1]) == (-1.0, 32767 / 32768)
    assert wav.write(tmp_path / "b.wav", audio, rate_hz) == 0
    assert (tmp_path / "b.wav").read_bytes() == original.read_bytes()


def test_samples_are_rounded_to_the_nearest_step():
    steps = np.array([0.49, 0.51, -0.49, -0.51, 100.4, -100.6])
    samples, num_clipped = wav.to_int16(steps / 32768)
    assert samples.tolist() == [0, 1, 0, -1, 100, -101]
    assert num_clipped == 0


def test_samples_beyond_full_scale_are_clipped_and_counted(tmp_path, caplog):
    audio = np.array([1.0, -1.0, 1.5, -3.0, 0.5], np.float32)
    with caplog.at_level(logging.WARNING):
        assert wav.write(tmp_path / "a.wav", audio, 8000) == 2
    assert "clipped 2 of 5" in caplog.text
    written, _ = soundfile.read(tmp_path / "a.wav", dtype="int16")
    assert written.tolist() == [32767, -32768, 32767, -32768, 16384]


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_audio_that_is_not_finite_is_not_written(tmp_path, bad):
    with pytest.raises(ValueError, match="not finite at sample 2"):
        wav.write(tmp_path / "a.wav", np.array([0.0, 0.1, bad]), 8000)
    assert list(tmp_path.iterdir()) == []


def test_two_dimensional_audio_is_not_written(tmp_path):
    with pytest.raises(ValueError, match=r"\(2, 3\)"):
        wav.write(tmp_path / "a.wav", np.zeros((2, 3)), 8000)


def test_full_disk_leaves_the_old_file(tmp_path, monkeypatch):
    path = write_pcm16(tmp_path / "a.wav", [1, 2, 3])
    before = path.read_bytes()

    def full(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        wav.write(path, np.zeros(100), 8000)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("kept", [50, 145, 243])
def test_file_shorter_than_its_header_says_is_truncated(tmp_path, kept):
    path = write_pcm16(tmp_path / "a.wav", range(100))  # 44 + 200 bytes
    path.write_bytes(path.read_bytes()[:kept])
    message = f"truncated: its header promises 200 bytes of sound.*has {kept - 44}"
    with pytest.raises(ValueError, match=message):
        wav.read(path)


def test_file_cut_inside_its_header_is_truncated(tmp_path):
    path = write_pcm16(tmp_path / "a.wav", range(100))
    path.write_bytes(path.read_bytes()[:30])
    with pytest.raises(ValueError, match="truncated"):
        wav.read(path)


def test_chunks_around_the_sound_are_no_truncation(tmp_path):
    path = write_pcm16(tmp_path / "a.wav", range(100))
    data = path.read_bytes()
    odd_chunk = b"LIST" + struct.pack("<I", 5) + b"INFOx\0"  # padded to even length
    data = data[:36] + odd_chunk + data[36:] + odd_chunk
    path.write_bytes(data[:4] + struct.pack("<I", len(data) - 8) + data[8:])
    audio, _ = wav.read(path)
    np.testing.assert_array_equal(audio * 32768, np.arange(100))


def test_length_that_a_pipe_left_open_is_no_truncation(tmp_path):
    path = write_pcm16(tmp_path / "a.wav", range(100))
    data = path.read_bytes()
    path.write_bytes(data[:40] + b"\xff\xff\xff\xff" + data[44:])
    audio, _ = wav.read(path)
    assert len(audio) == 100


@pytest.mark.parametrize("content", [b"", b"not a sound file at all" * 10])
def test_unreadable_file_is_refused_in_one_line(tmp_path, content):
    path = tmp_path / "a.wav"
    path.write_bytes(content)
    with pytest.raises(ValueError, match="unreadable") as caught:
        wav.read(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert str(caught.value).count(str(path)) == 1
    assert "\n" not in str(caught.value)


def test_stereo_is_refused(tmp_path):
    path = write_pcm16(tmp_path / "a.wav", range(100), num_channels=2)
    with pytest.raises(ValueError, match="expected mono, got 2 channels"):
        wav.read(path)


def test_missing_file_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"a\.wav: no such file"):
        wav.read(tmp_path / "a.wav")


def test_other_formats_are_read(tmp_path):
    soundfile.write(tmp_path / "a.flac", np.array([0.5, -0.25]), 8000)
    soundfile.write(tmp_path / "b.wav", np.array([0.5, -0.25]), 8000, subtype="PCM_24")
    for name in ("a.flac", "b.wav"):
        audio, _ = wav.read(tmp_path / name)
        assert audio.tolist() == [0.5, -0.25]
