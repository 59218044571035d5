"""The command line that shows one record."""

from __future__ import annotations

import shutil
import urllib.parse

import matplotlib.image
import numpy as np
import pytest
import soundfile
from matplotlib.figure import Figure

from tests import corpus, handmade
from tfrecords_tools import show
from tfrecords_tools.inspection import record_plot
from wg2.data.dataset import DatasetInfo


def run(directory, *options):
    return show.main(["--data", str(directory), *map(str, options)])


def test_table_has_every_phoneme_with_its_start_and_length(tiny_dataset, capsys):
    info = DatasetInfo.load(tiny_dataset)
    record = show.find_record(info, "train", index=1)
    assert run(tiny_dataset, "--index", 1) == 0
    lines = capsys.readouterr().out.splitlines()
    head = lines.index("phoneme  start s  frames")
    assert f"id       {record.id}" in lines[:head]
    assert f"text     {record.text}" in lines[:head]
    start = 0
    rows = [line.split() for line in lines[head + 1 :]]
    assert len(rows) == len(record.durations)
    for row, i, duration in zip(
        rows, record.phoneme_ids, record.durations, strict=True
    ):
        assert row == [info.phonemes[i], f"{start / 200:.3f}", str(duration)]
        start += duration
    assert start == record.num_frames


def test_record_is_found_by_id_and_by_index(tiny_dataset):
    info = DatasetInfo.load(tiny_dataset)
    num_utterances = info.splits["train"].num_utterances
    found = [show.find_record(info, "train", index=i) for i in range(num_utterances)]
    assert len({record.id for record in found}) == num_utterances
    for record in found:
        same = show.find_record(info, "train", id=record.id)
        np.testing.assert_array_equal(same.audio, record.audio)


def test_wav_is_the_recording(tiny_dataset, tiny_corpus, tmp_path, capsys):
    record = show.find_record(DatasetInfo.load(tiny_dataset), "validation")
    assert run(tiny_dataset, "--split", "validation", "--wav", tmp_path / "a.wav") == 0
    written, rate_hz = soundfile.read(tmp_path / "a.wav", dtype="int16")
    source, _ = soundfile.read(tiny_corpus / "wavs" / f"{record.id}.wav", dtype="int16")
    assert rate_hz == 8000
    np.testing.assert_array_equal(written[: len(source)], source)


@pytest.fixture(scope="module")
def handmade_records(tmp_path_factory):
    """Records with names and texts that are hard on files and pictures."""
    records = [
        handmade.record("long", text="$x^2$ <b>bold</b> " * 40),
        handmade.record("book/../1", text="An id with slashes."),
        handmade.record("all zero", audio=np.zeros(312 * 40, np.int16)),
    ]
    directory = tmp_path_factory.mktemp("show") / "records"
    handmade.write(directory, records, [handmade.record("val")], shard_size=2)
    return directory


def test_plot_is_a_picture_with_sound_in_it(tiny_dataset, tmp_path, capsys):
    assert run(tiny_dataset, "--plot", tmp_path / "a.png") == 0
    picture = matplotlib.image.imread(tmp_path / "a.png")
    assert min(picture.shape[:2]) > 400
    assert len(np.unique(picture.reshape(-1, picture.shape[-1]), axis=0)) > 50
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]


def test_plot_says_every_phoneme_at_its_time_and_the_text(tiny_dataset, monkeypatch):
    info = DatasetInfo.load(tiny_dataset)
    record = show.find_record(info, "train", index=2)
    drawn = []
    monkeypatch.setattr(
        Figure, "savefig", lambda figure, *_, **__: drawn.append(figure)
    )
    record_plot.plot(record, info, tiny_dataset.parent / "unused.png")
    (figure,) = drawn
    wave, mel, labels, *_ = figure.axes
    assert record.text in figure._suptitle.get_text().replace("\n", " ")
    seconds = np.cumsum(record.durations) / 200
    shown = [i for i, d in enumerate(record.durations) if d]
    assert [t.get_text() for t in labels.texts] == [
        info.phonemes[record.phoneme_ids[i]] for i in shown
    ]
    middles = seconds - record.durations / 400
    np.testing.assert_allclose(
        [t.get_position()[0] for t in labels.texts], middles[shown]
    )
    for axes in (wave, mel):
        lines = [line for line in axes.lines if len(line.get_xdata()) == 2]
        np.testing.assert_allclose([x.get_xdata()[0] for x in lines], seconds[shown])
    np.testing.assert_allclose(wave.lines[0].get_ydata() * 32768, record.audio)
    # The strongest mel band of a steady vowel is that of one of its two sines.
    image = mel.images[0]
    vowel = max(shown, key=lambda i: record.durations[i])
    low_hz, high_hz = corpus.phoneme_frequencies_hz(
        info.phonemes[record.phoneme_ids[vowel]]
    )
    band = int(np.argmax(image.get_array()[:, int(middles[vowel] * 200)]))
    labelled = [float(t.get_text()) * 1000 for t in mel.get_yticklabels()]
    hz = np.interp(band, mel.get_yticks(), labelled)
    assert min(abs(hz - low_hz) / low_hz, abs(hz - high_hz) / high_hz) < 0.15


def test_several_utterances_get_a_folder_of_files_named_after_them(
    handmade_records, tmp_path, capsys
):
    ids = ["val", "book/../1", "all zero", "long"]
    options = ["--output", tmp_path / "plots", "--wav", tmp_path / "wavs"]
    assert run(handmade_records, "--id", *ids, *options) == 0
    names = ["all zero", "book%2F..%2F1", "long", "val"]
    plots = sorted(path.name for path in (tmp_path / "plots").iterdir())
    assert plots == [f"{name}.png" for name in names]
    for name in names:
        samples, rate_hz = soundfile.read(
            tmp_path / "wavs" / f"{name}.wav", dtype="int16"
        )
        assert rate_hz == 8000
        found = show.find_record(
            DatasetInfo.load(handmade_records),
            "validation" if name == "val" else "train",
            id=urllib.parse.unquote(name),
        )
        np.testing.assert_array_equal(samples, found.audio)
    out = capsys.readouterr().out
    assert [out.count(f"id       {id}\n") for id in ids] == [1] * 4


def test_random_draws_without_repetition_and_by_the_seed(tiny_dataset, capsys):
    def drawn(*options):
        assert run(tiny_dataset, *options) == 0
        lines = capsys.readouterr().out.splitlines()
        return [line.split()[1] for line in lines if line.startswith("id ")]

    assert len(set(drawn("--random", 7))) == 7
    three = drawn("--random", 3, "--seed", 5)
    assert len(set(three)) == 3
    assert drawn("--random", 3, "--seed", 5) == three
    assert any(drawn("--random", 3, "--seed", seed) != three for seed in range(4))


def test_list_has_a_line_for_every_record_of_every_split(tiny_dataset, capsys):
    assert run(tiny_dataset, "--list") == 0
    rows = [line.split("\t") for line in capsys.readouterr().out.splitlines()]
    assert sorted(row[0] for row in rows) == [f"utt-{i:04d}" for i in range(8)]
    info = DatasetInfo.load(tiny_dataset)
    assert [row[1] for row in rows] == ["train"] * 7 + ["validation"]
    for i, row in enumerate(rows[:7]):
        record = show.find_record(info, "train", index=i)
        assert row[0] == record.id
        assert row[2] == f"{record.num_frames / 200:.2f}"
        assert row[3] == str(len(record.phoneme_ids))
        assert row[5] == record.text
    assert run(tiny_dataset, "--list", "--split", "validation") == 0
    assert len(capsys.readouterr().out.splitlines()) == 1


def test_text_cannot_steer_the_terminal(tmp_path, capsys):
    handmade.write(tmp_path / "r", [handmade.record("a\tb", text="x\x1b[2J\ny")])
    assert run(tmp_path / "r", "--list") == run(tmp_path / "r") == 0
    out = capsys.readouterr().out
    assert "\x1b" not in out
    listed, id, text, *_ = out.splitlines()
    assert listed == "a b\ttrain\t1.56\t16\t-\tx [2J y"
    assert (id, text) == ("id       a b", "text     x [2J y")


def test_records_lie_in_their_shards(handmade_records):
    info = DatasetInfo.load(handmade_records)
    found = [show.find_record(info, "train", index=i).id for i in range(3)]
    assert found == ["long", "book/../1", "all zero"]


def test_folder_can_be_named_without_an_option(tiny_dataset, capsys):
    assert show.main([str(tiny_dataset), "--index", "1"]) == 0
    first = capsys.readouterr().out
    assert run(tiny_dataset, "--index", 1) == 0
    assert capsys.readouterr().out == first


@pytest.mark.parametrize(
    ("options", "parts"),
    [
        (["--id", "nobody"], ("'nobody'", "any split", "--list")),
        (["--id", "utt-0001", "nobody", "--split", "train"], ("nobody", "without")),
        (["--index", 7], ("[0, 6]", "7")),
        (["--index", -1], ("[0, 6]", "-1")),
        (["--random", 8], ("[1, 7]", "8")),
        (["--random", 0], ("[1, 7]", "0")),
        (["--random", 1, "--seed", -1], ("--seed", "-1")),
        (["--split", "test"], ("no split 'test'",)),
        (["--list", "--split", "test"], ("no split 'test'",)),
        (["--list", "--wav", "a.wav"], ("--list", "--id")),
        (["--data", "/nowhere/at/all"], ("/nowhere/at/all",)),
    ],
)
def test_bad_options_are_one_line(tiny_dataset, capsys, options, parts):
    assert run(tiny_dataset, *options) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("show: ")
    for part in parts:
        assert part in line


def test_missing_matplotlib_is_said_before_any_work(tiny_dataset, capsys, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert run(tiny_dataset, "--output", "a.png") == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "pip install matplotlib" in line


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
