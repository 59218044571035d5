"""Corpora of other layouts, formats and speakers become records all the same."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
import soundfile

from tests import corpus
from tfrecords_tools import build
from wg2.data.dataset import DatasetInfo
from wg2.presets import TINY
from wg2.train import build_parser
from wg2.training import commands

RATE_HZ = 8000


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    return corpus.make_corpus(tmp_path_factory.mktemp("source"), 8, RATE_HZ)


def run(directory, alignments, output, *options):
    given = ["--config", "tiny", "--input", directory, "--alignments", alignments]
    given += ["--output", output, "--workers", 1, *options]
    return build.main([str(value) for value in given])


def lines(source):
    rows = (source / "metadata.csv").read_text().splitlines()
    return [row.split("|") for row in rows]


@pytest.fixture(scope="module")
def vctk(source, tmp_path_factory):
    """Two speakers, 48 kHz FLAC, two microphones (the second one is quieter)."""
    folder = tmp_path_factory.mktemp("vctk")
    for i, (id, text, _) in enumerate(lines(source)):
        speaker = ("p225", "p300")[i % 2]
        audio, _ = soundfile.read(source / "wavs" / f"{id}.wav")
        audio = np.repeat(audio, 6)
        for kind, name, content in (
            ("wav48_silence_trimmed", f"{id}_mic1.flac", audio),
            ("wav48_silence_trimmed", f"{id}_mic2.flac", audio / 4),
            ("txt", f"{id}.txt", text + "\n"),
        ):
            path = folder / kind / speaker / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if kind == "txt":
                path.write_text(content)
            else:
                soundfile.write(path, content, 48000)
    return folder


def test_several_speakers_become_the_voice_without_change_to_training(
    vctk, source, tmp_path, capsys
):
    grids = source / "TextGrid"
    assert run(vctk, grids, tmp_path / "none") == 2
    message = capsys.readouterr().err
    assert "2 speakers (p225, p300), the config has none: add --speakers all" in message

    assert run(vctk, grids, tmp_path / "records", "--speakers", "all") == 0
    info = DatasetInfo.load(tmp_path / "records")
    assert info.speakers == ("p225", "p300")
    assert info.config["text"]["speakers"] == ["p225", "p300"]
    assert info.build_options["layout"] == "vctk"
    assert info.num_utterances == 8
    assert info.warnings == ("utterances resampled from 48000 Hz to 8000 Hz: 8",)
    # The same command trains on it as on a corpus of one speaker.
    given = ["--config", "tiny", "--data", str(tmp_path / "records")]
    args = build_parser().parse_args([*given, "--run-dir", "x", "--steps", "1"])
    config = commands._fitted_config(args, info)
    info.check_config(config)
    assert config.text.speakers == ("p225", "p300")


def test_one_speaker_of_several_and_the_other_microphone(
    vctk, source, tmp_path, capsys
):
    grids, rms = source / "TextGrid", {}
    for mic in (1, 2):
        options = ("--speakers", "p300", "--mic", mic)
        assert run(vctk, grids, tmp_path / str(mic), *options) == 0
        info = DatasetInfo.load(tmp_path / str(mic))
        assert (info.speakers, info.num_utterances) == (("p300",), 4)
        rms[mic] = info.audio_rms
    assert rms[1] == pytest.approx(4 * rms[2], rel=1e-2)
    assert "4 utterances are of other speakers" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--speakers", "p225,eve"), "no eve; the corpus has 2 speakers (p225, p300)"),
        (
            ("--speakers", "all", "--set", "text.speakers=[p225,p300]"),
            "both name some",
        ),
        (("--columns", "id,text"), "--columns is for --layout plain"),
        (("--layout", "libritts"), "the corpus is empty"),
        (("--loudness", "3"), "between -70 and 0 LUFS"),
        (("--trim-silence", "-40"), "--trim-silence must lie in (0, 120]"),
        (("--max-mismatch", "101"), "--max-mismatch must lie in [0, 100]"),
    ],
)
def test_options_that_do_not_fit_are_one_line(
    vctk, source, tmp_path, capsys, options, message
):
    assert run(vctk, source / "TextGrid", tmp_path / "records", *options) == 2
    captured = capsys.readouterr()
    assert message in captured.err
    assert len(captured.err.strip().splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


def test_every_format_and_the_speaker_column_in_one_corpus(source, tmp_path):
    folder = tmp_path / "mixed"
    folder.mkdir()
    kinds = [("flac", "FLAC"), ("mp3", "MP3"), ("ogg", "OGG"), ("wav", "WAV")] * 2
    rows = []
    for i, ((id, text, _), (ending, kind)) in enumerate(
        zip(lines(source), kinds, strict=True)
    ):
        audio, _ = soundfile.read(source / "wavs" / f"{id}.wav")
        soundfile.write(folder / f"{id}.{ending}", audio, RATE_HZ, format=kind)
        rows.append(f"{id}.{ending}|{('ann', 'bob')[i // 4]}|{text}\n")
    (folder / "metadata.csv").write_text("".join(rows))
    grids = source / "TextGrid"
    assert run(folder, grids, tmp_path / "records", "--speakers", "all") == 0
    info = DatasetInfo.load(tmp_path / "records")
    assert (info.speakers, info.num_utterances) == (("ann", "bob"), 8)
    whole = DatasetInfo.load(corpus.build_dataset(source, TINY, tmp_path / "whole"))
    assert info.audio_rms == pytest.approx(whole.audio_rms, rel=0.05)
    assert info.phoneme_counts != {}


def test_loudness_and_trimming_are_done_and_recorded(source, tmp_path):
    grids = source / "TextGrid"
    assert run(source, grids, tmp_path / "plain") == 0
    options = ("--loudness", -25, "--trim-silence", 30)
    assert run(source, grids, tmp_path / "even", *options) == 0
    plain = DatasetInfo.load(tmp_path / "plain")
    even = DatasetInfo.load(tmp_path / "even")
    assert plain.build_options["loudness_lufs"] is None
    assert even.build_options["loudness_lufs"] == -25
    assert even.build_options["trim_silence_db"] == 30
    assert any(line.startswith("silence cut off") for line in even.warnings)
    assert even.splits["train"].hours < plain.splits["train"].hours
    assert even.audio_rms < plain.audio_rms


def test_metadata_may_be_named_itself(source, tmp_path):
    folder = shutil.copytree(source, tmp_path / "copy")
    (folder / "metadata.csv").rename(folder / "train.txt")
    grids = source / "TextGrid"
    assert run(folder, grids, tmp_path / "a") == 2
    assert run(folder / "train.txt", grids, tmp_path / "a") == 0
    assert DatasetInfo.load(tmp_path / "a").corpus.name == "train"
