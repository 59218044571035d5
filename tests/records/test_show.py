"""The command line that shows one record."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
import soundfile

from tests import corpus
from tfrecords_tools import show
from wg2.data.dataset import DatasetInfo


def run(directory, *options):
    return show.main(["--data", str(directory), *map(str, options)])


def test_table_has_every_phoneme_with_its_start_and_length(tiny_dataset, capsys):
    info = DatasetInfo.load(tiny_dataset)
    record = show.find_record(info, "train", index=1)
    assert run(tiny_dataset, "--index", 1) == 0
    lines = capsys.readouterr().out.splitlines()
    head = lines.index("phoneme  start s  frames")
    assert f"id       {record['id']}" in lines[:head]
    assert f"text     {record['text']}" in lines[:head]
    start = 0
    rows = [line.split() for line in lines[head + 1 :]]
    assert len(rows) == len(record["durations"])
    for row, i, duration in zip(
        rows, record["phoneme_ids"], record["durations"], strict=True
    ):
        assert row == [info.phonemes[i], f"{start / 200:.3f}", str(duration)]
        start += duration
    assert start == record["num_frames"]


def test_record_is_found_by_id_and_by_index(tiny_dataset):
    info = DatasetInfo.load(tiny_dataset)
    num_utterances = info.splits["train"].num_utterances
    found = [show.find_record(info, "train", index=i) for i in range(num_utterances)]
    assert len({record["id"] for record in found}) == num_utterances
    for record in found:
        same = show.find_record(info, "train", id=record["id"])
        np.testing.assert_array_equal(same["audio"], record["audio"])


def test_wav_is_the_recording(tiny_dataset, tiny_corpus, tmp_path, capsys):
    record = show.find_record(DatasetInfo.load(tiny_dataset), "validation")
    assert run(tiny_dataset, "--split", "validation", "--wav", tmp_path / "a.wav") == 0
    written, rate_hz = soundfile.read(tmp_path / "a.wav", dtype="int16")
    source, _ = soundfile.read(
        tiny_corpus / "wavs" / f"{record['id']}.wav", dtype="int16"
    )
    assert rate_hz == 8000
    np.testing.assert_array_equal(written[: len(source)], source)


def test_plot_is_a_picture_with_sound_in_it(tiny_dataset, tmp_path, capsys):
    import matplotlib.image

    assert run(tiny_dataset, "--plot", tmp_path / "a.png") == 0
    picture = matplotlib.image.imread(tmp_path / "a.png")
    assert min(picture.shape[:2]) > 400
    assert len(np.unique(picture.reshape(-1, picture.shape[-1]), axis=0)) > 50
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]


@pytest.mark.parametrize(
    ("options", "parts"),
    [
        (["--id", "nobody"], ("'nobody'", "--split validation")),
        (["--index", 7], ("[0, 6]", "7")),
        (["--index", -1], ("[0, 6]", "-1")),
        (["--split", "test"], ("no split 'test'",)),
        (["--data", "/nowhere/at/all"], ("/nowhere/at/all",)),
    ],
)
def test_bad_options_are_one_line(tiny_dataset, capsys, options, parts):
    assert run(tiny_dataset, *options) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("show: ")
    for part in parts:
        assert part in line


@pytest.mark.parametrize("cut", [True, False])
def test_damaged_shard_is_named_in_one_line(tiny_dataset, tmp_path, capsys, cut):
    directory = shutil.copytree(tiny_dataset, tmp_path / "records")
    path = directory / "train-00000.tfrecord"
    data = bytearray(path.read_bytes())
    data[100] ^= 255
    path.write_bytes(data[:-50] if cut else data)
    assert run(directory, "--index", 6) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "train-00000.tfrecord is damaged" in line


def test_every_phoneme_of_the_synthetic_corpus_sounds_its_own():
    from wg2.text import symbols

    pairs = {corpus.phoneme_frequencies_hz(p) for p in symbols.PHONEMES}
    assert len(pairs) == len(symbols.PHONEMES)
    assert max(high for _, high in pairs) < 4000
