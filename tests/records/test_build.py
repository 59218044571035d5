"""The command line that builds records, from a synthetic corpus."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
import time

import numpy as np
import pytest
import soundfile
import tensorflow as tf

from tests import corpus
from tests.processes import alive, all_end, needs_proc
from tfrecords_tools import build, parallel, parts
from tfrecords_tools.alignment import outcomes
from wg2.data import schema
from wg2.data.dataset import FILE_NAME, DatasetInfo
from wg2.presets import TINY
from wg2.text.frontend import Frontend


@pytest.fixture
def copy(tiny_corpus, tmp_path):
    """A corpus that the test may damage."""
    return shutil.copytree(tiny_corpus, tmp_path / "corpus")


def run(directory, output, *options):
    arguments = ["--config", "tiny", "--input", directory, "--output", output]
    arguments += ["--alignments", directory / "TextGrid", "--workers", 1, *options]
    return build.main([str(argument) for argument in arguments])


def records(directory):
    """All records by id, as `schema.parse` gives them."""
    info = DatasetInfo.load(directory)
    found = {}
    for split in info.splits:
        paths = [str(path) for path in info.shard_paths(split)]
        for record in map(schema.parse, tf.data.TFRecordDataset(paths)):
            found[record["id"].numpy().decode()] = record
    return found


def contents(directory):
    return {path.name: path.read_bytes() for path in directory.iterdir()}


def assert_one_line(capsys, *parts):
    captured = capsys.readouterr()
    assert captured.out == ""
    lines = captured.err.strip().splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("build: ")
    for part in parts:
        assert part in lines[0]


def test_every_clip_becomes_a_record_of_its_samples_and_text(tiny_corpus, tiny_dataset):
    found = records(tiny_dataset)
    lines = (tiny_corpus / "metadata.csv").read_text().splitlines()
    assert sorted(found) == [line.split("|")[0] for line in lines]
    frontend = Frontend()
    for line in lines:
        id, _, text = line.split("|")
        samples, _ = soundfile.read(tiny_corpus / "wavs" / f"{id}.wav", dtype="int16")
        audio = (found[id]["audio"].numpy() * 32768).astype(np.int16)
        np.testing.assert_array_equal(audio[: len(samples)], samples)
        assert not audio[len(samples) :].any()
        assert len(audio) - len(samples) < 40
        assert found[id]["durations"].numpy().sum() * 40 == len(audio)
        # Records and synthesis must agree on what a text is.
        assert found[id]["phoneme_ids"].numpy().tolist() == frontend.ids(text)


def test_durations_say_where_each_phoneme_sounds(tiny_dataset):
    info = DatasetInfo.load(tiny_dataset)
    num_checked = 0
    for record in records(tiny_dataset).values():
        ends = np.cumsum(record["durations"].numpy()) * 40
        for i, end, duration in zip(
            record["phoneme_ids"].numpy(),
            ends,
            record["durations"].numpy(),
            strict=True,
        ):
            if info.phonemes[i] in (*corpus._PAUSES, "sil", "<eos>"):
                continue
            piece = record["audio"].numpy()[end - duration * 40 : end]
            spectrum = np.abs(np.fft.rfft(piece * np.hanning(len(piece)), 8000))
            low_hz, _ = corpus.phoneme_frequencies_hz(info.phonemes[i])
            assert abs(np.argmax(spectrum) - low_hz) < 20
            num_checked += 1
    assert num_checked > 40


BROKEN = {
    "utt-0000": ("missing audio", lambda c: (c / "wavs/utt-0000.wav").unlink()),
    "utt-0001": ("truncated", lambda c: os.truncate(c / "wavs/utt-0001.wav", 2000)),
    "utt-0002": ("missing TextGrid", lambda c: grid(c, 2).unlink()),
    "utt-0003": ("broken TextGrid", lambda c: os.truncate(grid(c, 3), 400)),
    "utt-0004": ("unknown phoneme", lambda c: edit(grid(c, 4), '"OW1"', '"QQ1"')),
    "utt-0005": (
        "empty text",
        lambda c: edit(c / "metadata.csv", "Good dog?|Good dog?", "|"),
    ),
}


def grid(directory, index):
    return directory / "TextGrid" / f"utt-{index:04d}.TextGrid"


def edit(path, old, new):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_broken_utterances_are_listed_and_the_rest_is_built(copy, tmp_path, capsys):
    before = records(corpus.build_dataset(copy, TINY, tmp_path / "before"))
    for _, damage in BROKEN.values():
        damage(copy)
    with open(copy / "metadata.csv", "a") as file:
        file.write("utt-0006|again\n")
    capsys.readouterr()

    assert run(copy, tmp_path / "records") == 0

    info = DatasetInfo.load(tmp_path / "records")
    kinds = {skip["id"]: skip["reason"].split(":")[0] for skip in info.skipped}
    expected = {id: kind for id, (kind, _) in BROKEN.items()}
    assert kinds == {**expected, "utt-0006": "duplicate id"}
    after = records(tmp_path / "records")
    assert sorted(after) == ["utt-0006", "utt-0007"]
    for id, record in after.items():
        np.testing.assert_array_equal(record["audio"], before[id]["audio"])
    captured = capsys.readouterr()
    assert [line.split() for line in captured.out.splitlines()][3] == ["skipped", "7"]
    for kind in kinds.values():
        assert kind in captured.out
        assert kind in captured.err


def test_nothing_left_is_an_error_with_the_first_reason(copy, tmp_path, capsys):
    for path in (copy / "wavs").iterdir():
        path.unlink()
    assert run(copy, tmp_path / "records") == 2
    assert_one_line(capsys, "all 8 were skipped", "utt-0000: missing audio")
    assert not (tmp_path / "records").exists()


def test_other_rate_is_resampled_and_reported(tmp_path, capsys):
    directory = corpus.make_corpus(tmp_path / "c", 3, sample_rate_hz=11025)
    assert run(directory, tmp_path / "records") == 0
    warning = "utterances resampled from 11025 Hz to 8000 Hz: 3"
    assert DatasetInfo.load(tmp_path / "records").warnings == (warning,)
    assert f"build: {warning}" in capsys.readouterr().err


def test_alignments_may_lie_in_folders_of_speakers(copy, tmp_path, capsys):
    (copy / "TextGrid" / "ann").mkdir()
    for path in (copy / "TextGrid").glob("*.TextGrid"):
        path.rename(copy / "TextGrid" / "ann" / path.name)
    assert run(copy, tmp_path / "records") == 0
    assert DatasetInfo.load(tmp_path / "records").num_utterances == 8
    capsys.readouterr()
    shutil.copy(copy / "TextGrid" / "ann" / "utt-0003.TextGrid", copy / "TextGrid")
    assert run(copy, tmp_path / "more") == 2
    assert_one_line(capsys, "two TextGrids of utt-0003")


def test_options_reach_the_dataset(copy, tmp_path):
    options = ["--corpus-name", "Tones", "--language", "en-GB", "--licence", "CC0"]
    options += ["--shard-size", 2, "--validation-percent", 40]
    options += ["--set", "training.max_frames=150"]
    assert run(copy, tmp_path / "records", *options) == 0
    info = DatasetInfo.load(tmp_path / "records")
    assert (info.corpus.name, info.corpus.language) == ("Tones", "en-GB")
    assert (info.corpus.licence, info.corpus.source) == ("CC0", str(copy))
    assert info.config["training"]["max_frames"] == 150
    assert info.max_frames <= 150
    assert {skip["reason"].split(":")[0] for skip in info.skipped} == {"too long"}
    assert len(info.splits["train"].shards) > 1


def test_workers_change_nothing(tiny_corpus, tiny_dataset, tmp_path):
    assert run(tiny_corpus, tmp_path / "records", "--workers", 2) == 0
    for path in tiny_dataset.glob("*.tfrecord"):
        assert (tmp_path / "records" / path.name).read_bytes() == path.read_bytes()


def test_dead_worker_is_an_error_not_a_hang():
    with pytest.raises(OSError, match="a worker process died"):
        list(parallel.map_in_order(os._exit, [(3,)], num_workers=2))


ORPHANS = """
import multiprocessing, sys, threading, time
from tfrecords_tools import parallel

def tell():
    while len(multiprocessing.active_children()) < 2:
        time.sleep(0.01)
    print(*(child.pid for child in multiprocessing.active_children()), flush=True)

if __name__ == "__main__":
    threading.Thread(target=tell).start()
    list(parallel.map_in_order(time.sleep, [(60,)] * 4, num_workers=2))
"""


@needs_proc
def test_workers_end_with_their_parent_even_if_it_is_killed(tmp_path):
    program = tmp_path / "program.py"
    program.write_text(ORPHANS)
    parent = subprocess.Popen(
        [sys.executable, str(program)],
        env={**os.environ, "PYTHONPATH": os.getcwd()},
        stdout=subprocess.PIPE,
        text=True,
    )
    workers = [int(number) for number in parent.stdout.readline().split()]
    assert len(workers) == 2
    time.sleep(1)  # they have started, and sleep
    assert all(map(alive, workers))
    parent.kill()
    parent.wait()
    assert all_end(workers)


def test_results_keep_the_order_and_do_not_pile_up():
    taken = []

    def tasks():
        for i in range(40):
            taken.append(i)
            yield (0.02 if i % 3 == 0 else 0.0,)

    results = parallel.map_in_order(time.sleep, tasks(), num_workers=2)
    next(results)
    assert len(taken) <= 8  # 4 for each worker
    assert len(list(results)) == 39
    assert list(parallel.map_in_order(divmod, [(i, 4) for i in range(20)], 2)) == [
        divmod(i, 4) for i in range(20)
    ]


@pytest.mark.parametrize(
    ("options", "parts"),
    [
        (["--config", "smal"], ("--config", "smal")),
        (["--set", "audio.sample_rate=1"], ("audio.sample_rate_hz",)),
        (["--validation-percent", "100"], ("validation percentage", "100")),
        (["--shard-size", "0"], ("shard size", "0")),
        (["--workers", "0"], ("--workers", "0")),
        (["--input", "/nowhere/at/all"], ("/nowhere/at/all",)),
        (["--alignments", "/nowhere/at/all"], ("/nowhere/at/all",)),
    ],
)
def test_bad_options_are_one_line(tiny_corpus, tmp_path, capsys, options, parts):
    assert run(tiny_corpus, tmp_path / "records", *options) == 2
    assert_one_line(capsys, *parts)
    assert list(tmp_path.iterdir()) == []


def test_output_that_is_not_empty_needs_overwrite(tiny_corpus, tmp_path, capsys):
    output = tmp_path / "records"
    output.mkdir()
    assert run(tiny_corpus, output) == 0
    first = (output / FILE_NAME).stat().st_ino
    capsys.readouterr()
    assert run(tiny_corpus, output) == 2
    assert_one_line(capsys, "is not empty", "--overwrite")
    assert (output / FILE_NAME).stat().st_ino == first
    assert run(tiny_corpus, output, "--overwrite") == 0
    assert (output / FILE_NAME).stat().st_ino != first
    assert [path.name for path in tmp_path.iterdir()] == ["records"]


def test_overwrite_spares_what_is_no_dataset(copy, tmp_path, capsys):
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter1.txt").write_text("years of work")
    assert run(copy, tmp_path / "thesis", "--overwrite") == 2
    assert_one_line(capsys, "holds no dataset")
    assert run(copy, copy, "--overwrite") == 2
    assert_one_line(capsys, "would replace the input")
    assert run(copy, tmp_path, "--overwrite") == 2
    assert_one_line(capsys, "would replace the input")
    assert (tmp_path / "thesis" / "chapter1.txt").exists()
    assert (copy / "metadata.csv").exists()


NO_SPACE = "No space left on device"


def full_shard(monkeypatch):
    """The disk is full at the fourth record."""
    written = []

    class FullWriter:
        def __init__(self, path):
            open(path, "wb").close()

        def write(self, serialized):
            written.append(serialized)
            if len(written) >= 4:
                raise tf.errors.ResourceExhaustedError(None, None, NO_SPACE)

        def close(self):
            pass

    monkeypatch.setattr(parts.tf.io, "TFRecordWriter", FullWriter)


def full_description(monkeypatch):
    """The disk is full when `dataset.json` is written."""

    def fail(*args, **kwargs):
        raise OSError(errno.ENOSPC, NO_SPACE)

    monkeypatch.setattr(DatasetInfo, "save", fail)


@pytest.mark.parametrize("fill_disk", [full_shard, full_description])
def test_full_disk_leaves_everything_old_and_what_is_done_for_the_same_command(
    tiny_corpus, tiny_dataset, tmp_path, capsys, monkeypatch, fill_disk
):
    old = tmp_path / "old"
    assert run(tiny_corpus, old, "--licence", "CC0") == 0
    before = contents(old)
    capsys.readouterr()
    with monkeypatch.context() as patch:
        fill_disk(patch)
        assert run(tiny_corpus, tmp_path / "new") == 2
        assert_one_line(capsys, NO_SPACE, "new.partial, and the same command goes on")
        assert run(tiny_corpus, old, "--overwrite") == 2
        assert_one_line(capsys, NO_SPACE)
    assert contents(old) == before
    assert not (tmp_path / "new").exists()
    assert run(tiny_corpus, tmp_path / "new") == 0
    assert run(tiny_corpus, old, "--overwrite") == 0
    for folder in ("new", "old"):
        assert contents(tmp_path / folder) == contents(tiny_dataset)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["new", "old"]


def test_what_the_aligner_rejected_is_skipped_with_its_reason(tiny_corpus, tmp_path):
    grids = shutil.copytree(tiny_corpus / "TextGrid", tmp_path / "grids")
    rejected, missing = sorted(grids.iterdir())[1:3]
    rejected.unlink()
    missing.unlink()
    outcomes.save(
        grids, [outcomes.Outcome(rejected.stem, "x", reason="poor fit: 0.01")]
    )
    output = tmp_path / "records"
    arguments = ["--config", "tiny", "--input", tiny_corpus, "--alignments", grids]
    assert build.main([str(a) for a in [*arguments, "--output", output]]) == 0
    reasons = {s["id"]: s["reason"] for s in DatasetInfo.load(output).skipped}
    assert reasons[rejected.stem] == "rejected by the aligner: poor fit: 0.01"
    assert reasons[missing.stem].startswith("missing TextGrid")
