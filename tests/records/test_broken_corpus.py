"""A corpus with every defect at once: each is listed, all the rest is built."""

from __future__ import annotations

import json
import os

import numpy as np
import pytest
import soundfile
import tensorflow as tf

from tests import corpus
from tfrecords_tools import build
from wg2.data import schema
from wg2.data.dataset import DatasetInfo

RATE_HZ = 8000
MAX_FRAMES = 1000  # 5 s
TEXTS = {i: corpus.SENTENCES[i % len(corpus.SENTENCES)] for i in range(20)}


def name(i):
    return f"utt-{i:04d}"


def wav(folder, i):
    return folder / "wavs" / f"{name(i)}.wav"


def rewrite(folder, i, subtype, change=lambda audio: audio):
    audio, _ = soundfile.read(wav(folder, i))
    soundfile.write(wav(folder, i), change(audio), RATE_HZ, subtype=subtype)


def lengthen(folder, i, seconds):
    """A minute of pause after the words, in the audio and in the TextGrid."""
    rewrite(folder, i, "PCM_16", lambda a: np.pad(a, (0, seconds * RATE_HZ - len(a))))
    grid = folder / "TextGrid" / f"{name(i)}.TextGrid"
    text = grid.read_text()
    end = next(line for line in text.splitlines() if line.startswith("xmax"))
    grid.write_text(text.replace(f"{end}\n", f"xmax = {seconds}\n"))


def damage(folder):
    """Makes every defect; what is sound but unusual is not one."""
    wav(folder, 0).unlink()
    os.truncate(wav(folder, 1), 2000)
    wav(folder, 2).write_bytes(b"")
    rewrite(folder, 3, "PCM_16", lambda audio: audio[:0])
    rewrite(folder, 4, "PCM_U8")
    rewrite(folder, 5, "PCM_24")
    rewrite(folder, 6, "FLOAT")
    rewrite(folder, 7, "PCM_16", lambda audio: np.stack([audio, 0.5 * audio], 1))
    texts = dict(TEXTS)
    texts[8] = "Four, five."  # the recording says "No, a red dog."
    lines = [f"{name(i)}|{text}|{text}" for i, text in texts.items()]
    lines.append(f"{name(9)}|Another text.|Another text.")
    lines[10] = f'{name(10)}|"Hello, world."|"Hello, world."'
    lines[11] = f"{name(11)}|One|two|three.|One two three."
    lines[12] = f"{name(12)}|“Four”, 'five'.|“Four”, 'five'."
    lengthen(folder, 13, 60)
    (folder / "TextGrid" / f"{name(14)}.TextGrid").unlink()
    rewrite(folder, 15, "PCM_16", lambda audio: 0 * audio)
    lines[16] = f"{name(16)}||"
    lines.insert(17, "no pipe at all")
    data = "\r\n".join([*lines, "", "  ", ""]).encode()
    (folder / "metadata.csv").write_bytes(b"\xef\xbb\xbf" + data)


REASONS = {
    name(0): "missing audio: ",
    name(1): "truncated: its header promises ",
    name(2): "unreadable: the file is empty",
    name(3): "empty audio",
    name(8): "wrong transcript: 4 of 4 words differ; the TextGrid has 'no a red ",
    name(9): "duplicate id: line 10 and line 22",
    name(11): "malformed line: metadata.csv line 12 is not ",
    name(13): f"too long: 12000 frames, training.max_frames is {MAX_FRAMES}",
    name(14): "missing TextGrid: ",
    name(15): "silent audio: ",
    name(16): "empty text",
    "no pipe at all": "malformed line: metadata.csv line 18 ",
}
BUILT = {name(i) for i in (4, 5, 6, 7, 9, 10, 12, 17, 18, 19)}


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The damaged corpus, its records and what was printed."""
    folder = corpus.make_corpus(tmp_path_factory.mktemp("broken"), 20, RATE_HZ)
    damage(folder)
    given = ["--config", "tiny", "--set", f"training.max_frames={MAX_FRAMES}"]
    given += ["--input", folder, "--alignments", folder / "TextGrid"]
    given += ["--output", folder / "records", "--workers", 1]
    assert build.main([str(value) for value in given]) == 0
    return folder


def records(folder):
    info = DatasetInfo.load(folder / "records")
    found = {}
    for split in info.splits:
        paths = [str(path) for path in info.shard_paths(split)]
        for record in map(schema.parse, tf.data.TFRecordDataset(paths)):
            found[record["id"].numpy().decode()] = record
    return found


def test_every_defect_is_listed_with_its_reason(built):
    info = json.loads((built / "records" / "dataset.json").read_text())
    reasons = {skip["id"]: skip["reason"] for skip in info["skipped"]}
    assert sorted(reasons) == sorted(REASONS)
    assert len(info["skipped"]) == len(reasons)
    for id, expected in REASONS.items():
        assert reasons[id].startswith(expected)
        assert "\n" not in reasons[id]


def test_everything_else_is_built_with_its_own_sound_and_text(built, tmp_path):
    found = records(built)
    assert set(found) == BUILT
    whole = corpus.make_corpus(tmp_path / "whole", 20, RATE_HZ)
    for id, record in found.items():
        expected, _ = soundfile.read(whole / "wavs" / f"{id}.wav")
        tolerance = {name(4): 2**-7, name(5): 2**-15, name(6): 2**-15}.get(id, 0)
        scale = 0.75 if id == name(7) else 1
        tolerance = 2**-15 if id == name(7) else tolerance
        actual = record["audio"].numpy()[: len(expected)]
        np.testing.assert_allclose(actual, scale * expected, atol=tolerance, rtol=0)
    assert found[name(10)]["text"].numpy().decode() == '"Hello, world."'
    assert found[name(9)]["text"].numpy().decode() == TEXTS[9]
    assert found[name(12)]["text"].numpy().decode() == "“Four”, 'five'."


def test_what_was_done_to_the_others_is_said(built):
    info = DatasetInfo.load(built / "records")
    assert info.warnings == ("utterances of 2 channels, averaged: 1",)
    assert (info.splits["train"].num_utterances, len(BUILT)) == (
        len(BUILT) - info.splits["validation"].num_utterances,
        10,
    )
