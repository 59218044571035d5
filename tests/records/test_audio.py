"""Every format gives the samples that were written; what is cut short is refused."""

from __future__ import annotations

import numpy as np
import pytest
import soundfile

from tfrecords_tools.audio import graph, probe, reading
from tfrecords_tools.utterance import SkipUtterance

RATE_HZ = 16000
FORMATS = {
    "u8": ("wav", "PCM_U8", 2**-7),
    "16": ("wav", "PCM_16", 2**-15),
    "24": ("wav", "PCM_24", 2**-23),
    "32": ("wav", "PCM_32", 2**-23),
    "float": ("wav", "FLOAT", 2**-23),
    "double": ("wav", "DOUBLE", 2**-23),
    "flac8": ("flac", "PCM_S8", 2**-7),
    "flac16": ("flac", "PCM_16", 2**-15),
    "flac24": ("flac", "PCM_24", 2**-23),
    "mp3": ("mp3", "MPEG_LAYER_III", 0.1),
    "vorbis": ("ogg", "VORBIS", 0.1),
    "opus": ("ogg", "OPUS", 0.1),
}
LEFT_TO_LIBSNDFILE = {"32", "double", "flac8", "opus"}


def chirp(num_samples=24001, rate_hz=RATE_HZ):
    """Not the same backwards, so that a delay shows."""
    times = np.arange(num_samples) / rate_hz
    fade = np.minimum(1, np.minimum(times, times[::-1]) / 0.05)
    return 0.5 * fade * np.sin(2 * np.pi * (300 + 400 * times) * times)


def write(path, audio, subtype="PCM_16", rate_hz=RATE_HZ):
    container = {".ogg": "OGG", ".mp3": "MP3", ".flac": "FLAC", ".wav": "WAV"}
    soundfile.write(
        path, audio, rate_hz, subtype=subtype, format=container[path.suffix]
    )
    return path


def read(paths, decoder="tensorflow-io", rate_hz=RATE_HZ, resampler="soxr"):
    return list(reading.read_all(paths, rate_hz, decoder, resampler))


@pytest.mark.parametrize("decoder", reading.DECODERS)
@pytest.mark.parametrize("channels", [1, 2])
def test_every_format_is_read_at_its_level_and_time(tmp_path, decoder, channels):
    left, right = chirp(), 0.5 * chirp()[::-1]
    audio = np.stack([left, right], axis=1)[:, :channels]
    paths = [
        write(tmp_path / f"{name}.{ending}", audio, subtype)
        for name, (ending, subtype, _) in FORMATS.items()
    ]
    results = read(paths, decoder)
    for (name, (_, _, tolerance)), result in zip(FORMATS.items(), results, strict=True):
        assert result.audio.dtype == np.float32
        error = np.abs(result.audio - audio.mean(axis=1))
        assert error.max() < 1.01 * tolerance + 1e-7, name
        # Of lossy formats; a delay of one sample would make it 0.1.
        assert np.sqrt(np.mean(error**2)) < 0.02, name
        assert result.num_channels == channels
        assert result.end_seconds == len(left) / RATE_HZ


def test_both_decoders_agree(tmp_path):
    paths = [
        write(tmp_path / f"{name}.{ending}", chirp(), subtype)
        for name, (ending, subtype, _) in FORMATS.items()
    ]
    for name, one, other in zip(
        FORMATS, read(paths), read(paths, "libsndfile"), strict=True
    ):
        tolerance = 2e-6 if name in ("mp3", "vorbis") else 0
        np.testing.assert_allclose(one.audio, other.audio, atol=tolerance, rtol=0)


def test_tensorflow_io_is_asked_for_all_that_it_reads_right(tmp_path):
    for name, (ending, subtype, _) in FORMATS.items():
        path = write(tmp_path / f"{name}.{ending}", chirp(), subtype)
        own = graph.kind_of(probe.probe(path)) is not None
        assert own == (name not in LEFT_TO_LIBSNDFILE), name


def test_long_headers_and_odd_chunks_are_read_in_whole(tmp_path):
    plain = write(tmp_path / "a.wav", chirp())
    data = plain.read_bytes()
    at = data.index(b"data")
    odd = tmp_path / "odd.wav"
    odd.write_bytes(data[:at] + b"LIST\x05\0\0\0title\0" + data[at:])
    extensible = tmp_path / "x.wav"
    soundfile.write(extensible, chirp(), RATE_HZ, format="WAVEX", subtype="PCM_16")
    expected, *others = read([plain, odd, extensible])
    for result in others:
        np.testing.assert_array_equal(result.audio, expected.audio)


@pytest.mark.parametrize("decoder", reading.DECODERS)
@pytest.mark.parametrize("kept", [0.02, 0.5, 0.99])
def test_truncated_files_are_refused_and_the_others_are_read(tmp_path, kept, decoder):
    paths = []
    for name, (ending, subtype, _) in FORMATS.items():
        path = write(tmp_path / f"{name}.{ending}", chirp(), subtype)
        data = path.read_bytes()
        path.write_bytes(data[: int(kept * len(data))])
        paths += [path, write(tmp_path / f"{name}-whole.wav", chirp())]
    results = read(paths, decoder)
    for name, cut, whole in zip(FORMATS, results[::2], results[1::2], strict=True):
        assert isinstance(cut, SkipUtterance), name
        assert str(cut).split(":")[0] in ("truncated", "unreadable")
        assert str(tmp_path) not in str(cut)
        np.testing.assert_array_equal(whole.audio, results[1].audio)


def test_files_without_sound_are_refused(tmp_path):
    write(tmp_path / "empty.wav", np.zeros(0))
    write(tmp_path / "silent.flac", np.zeros(100))
    (tmp_path / "nothing.wav").touch()
    (tmp_path / "text.wav").write_text("no sound at all, but a text")
    bad = chirp()
    bad[7] = np.nan
    write(tmp_path / "nan.wav", bad, "FLOAT")
    names = ("empty.wav", "silent.flac", "nothing.wav", "text.wav", "nan.wav", "no.wav")
    reasons = [str(skip) for skip in read([tmp_path / name for name in names])]
    assert reasons[:3] == [
        "empty audio",
        "silent audio: every sample is zero",
        "unreadable: the file is empty",
    ]
    assert reasons[3].startswith("unreadable: ")
    assert reasons[4:] == [
        "not finite: sample 7 is nan",
        f"missing audio: {tmp_path / 'no.wav'}",
    ]


@pytest.mark.parametrize("resampler", reading.RESAMPLERS)
@pytest.mark.parametrize("rates", [(22050, 16000), (44100, 16000), (48000, 22050)])
def test_resampling_keeps_time_pitch_level_and_removes_what_cannot_stay(
    tmp_path, resampler, rates
):
    source_hz, rate_hz = rates
    times = np.arange(source_hz // 2) / source_hz
    high_hz = 0.55 * rate_hz
    tones = {440.0: 0.3, 0.4 * rate_hz: 0.2, high_hz: 0.3}
    audio = sum(a * np.sin(2 * np.pi * f * times) for f, a in tones.items())
    path = write(tmp_path / "a.wav", audio, "FLOAT", source_hz)
    (result,) = read([path], "tensorflow-io", rate_hz, resampler)
    assert len(result.audio) == pytest.approx(rate_hz / 2, abs=1)
    assert (result.source_rate_hz, result.sample_rate_hz) == rates
    new_times = np.arange(len(result.audio)) / rate_hz
    expected = sum(
        a * np.sin(2 * np.pi * f * new_times) for f, a in tones.items() if f != high_hz
    )
    inner = slice(400, -400)
    np.testing.assert_allclose(result.audio[inner], expected[inner], atol=1e-4)


def test_resamplers_agree_up_to_the_last_sample(tmp_path):
    """That of tensorflow-io is late and loses the end, if nothing is done about it."""
    audio = 0.4 * np.sin(2 * np.pi * 700 * np.arange(22001) / 22050)
    audio *= np.linspace(0.1, 1, len(audio))  # loudest at the end
    path = write(tmp_path / "a.wav", audio, "FLOAT", 22050)
    results = [
        read([path], rate_hz=16000, resampler=resampler)[0].audio
        for resampler in reading.RESAMPLERS
    ]
    size = min(map(len, results))
    assert max(map(len, results)) - size <= 1
    # At the cut-off end the two filters ring differently.
    np.testing.assert_allclose(
        results[0][: size - 20], results[1][: size - 20], atol=0.01
    )


def test_lower_rates_are_refused(tmp_path):
    path = write(tmp_path / "a.wav", chirp(rate_hz=8000), rate_hz=8000)
    (skip,) = read([path])
    assert str(skip) == "sample rate too low: 8000 Hz, the config wants 16000 Hz"


def test_without_tensorflow_io_libsndfile_takes_over_and_says_so(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "tensorflow_io", None)
    decoder, note = reading.usable_decoder(None)
    assert decoder == "libsndfile"
    assert "tensorflow-io cannot be imported here" in note
    assert reading.usable_decoder("libsndfile") == ("libsndfile", "")
    with pytest.raises(ValueError, match="use --decoder libsndfile"):
        reading.usable_decoder("tensorflow-io")
