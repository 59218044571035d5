"""Splits, shards and figures of a dataset."""

from __future__ import annotations

import collections
import hashlib
import math

import numpy as np
import pytest
import tensorflow as tf

from tfrecords_tools.prepare import Prepared
from tfrecords_tools.utterance import Skipped
from tfrecords_tools.writer import DatasetWriter, split_position
from wg2.data import schema
from wg2.data.dataset import Corpus, DatasetInfo
from wg2.presets import TINY

CORPUS = Corpus("test", "en-US", "CC0", "nowhere")


def utterance(id, num_frames=4, **changes):
    generator = np.random.default_rng(len(id) + num_frames)
    num_samples = num_frames * TINY.samples_per_frame
    values = {
        "id": id,
        "text": f"text of {id}",
        "speaker_id": 0,
        "phoneme_ids": np.array([2, 9, 33, 1]),
        "durations": np.array([0, 1, num_frames - 1, 0]),
        "num_frames": num_frames,
        "audio": generator.integers(-9999, 9999, num_samples).astype(np.int16),
        "source_rate_hz": 8000,
        "num_clipped": 0,
    }
    return Prepared(**{**values, **changes})


def write(directory, utterances, **options):
    directory.mkdir(exist_ok=True)
    writer = DatasetWriter(directory, TINY, CORPUS, **options)
    for item in utterances:
        writer.add(item)
    return writer.finish()


def read(info, split):
    if not info.splits[split].shards:
        return []
    paths = [str(path) for path in info.shard_paths(split)]
    return [schema.parse(record) for record in tf.data.TFRecordDataset(paths)]


def ids(info, split):
    return sorted(record["id"].numpy().decode() for record in read(info, split))


def test_split_position_is_the_sha256_of_the_id():
    # Not Python's own hash of a string, which changes with every process.
    digest = hashlib.sha256("naïve".encode()).hexdigest()
    assert split_position("naïve") == int(digest[:14], 16) / 16**14


def test_split_positions_are_uniform():
    positions = np.array([split_position(f"LJ001-{i:04d}") for i in range(4000)])
    counts, _ = np.histogram(positions, bins=10, range=(0, 1))
    # Ten cells of 400 expected, standard deviation 19; five of them.
    assert np.all(np.abs(counts - 400) < 95)


def test_split_follows_the_id_whatever_else_is_in_the_corpus(tmp_path):
    names = [f"u{i}" for i in range(60)]
    expected = sorted(name for name in names if split_position(name) < 0.25)
    info = write(tmp_path / "a", [utterance(n) for n in names], validation_percent=25)
    assert ids(info, "validation") == expected
    assert ids(info, "train") == sorted(set(names) - set(expected))
    half = write(
        tmp_path / "b", [utterance(n) for n in names[::-2]], validation_percent=25
    )
    assert set(ids(half, "validation")) == set(expected) & set(names[::-2])


@pytest.mark.parametrize("percent", [0, 2, 99.9])
@pytest.mark.parametrize("count", [2, 3, 8])
def test_neither_split_is_ever_empty(tmp_path, percent, count):
    names = [f"u{i}" for i in range(count)]
    info = write(tmp_path, [utterance(n) for n in names], validation_percent=percent)
    train, validation = ids(info, "train"), ids(info, "validation")
    assert train
    assert validation
    assert sorted(train + validation) == sorted(names)


def test_utterance_nearest_to_the_limit_fills_an_empty_split(tmp_path):
    names = [f"u{i}" for i in range(9)]
    made = [utterance(n) for n in names]
    lowest = min(names, key=split_position)
    highest = max(names, key=split_position)
    assert names.index(lowest) not in (0, 8)
    none = write(tmp_path / "a", made, validation_percent=0)
    assert ids(none, "validation") == [lowest]
    every = write(tmp_path / "b", made, validation_percent=99.9)
    assert ids(every, "train") == [highest]


@pytest.mark.parametrize("percent", [0, 99.9])
def test_single_utterance_is_training(tmp_path, percent):
    info = write(tmp_path, [utterance("only")], validation_percent=percent)
    assert ids(info, "train") == ["only"]
    assert info.splits["validation"].num_utterances == 0


def test_shards_are_of_even_size_and_listed_with_their_checksums(tmp_path):
    names = [f"u{i}" for i in range(20)]
    made = [utterance(n) for n in names]
    info = write(tmp_path, made, shard_size=8, validation_percent=20)
    num_train = info.splits["train"].num_utterances
    assert num_train % 8 in (1, 2, 3)  # else filling them up would be as even
    for split in info.splits.values():
        sizes = [shard.num_utterances for shard in split.shards]
        assert sum(sizes) == split.num_utterances
        assert max(sizes) <= 8
        assert max(sizes) - min(sizes) <= 1
        assert len(sizes) == math.ceil(split.num_utterances / 8)
    order = [record["id"].numpy().decode() for record in read(info, "train")]
    assert order == [name for name in names if name in order]
    listed = {s.file: s for split in info.splits.values() for s in split.shards}
    assert sorted([*listed, "dataset.json"]) == sorted(
        p.name for p in tmp_path.iterdir()
    )
    for name, shard in listed.items():
        path = tmp_path / name
        assert hashlib.sha256(path.read_bytes()).hexdigest() == shard.sha256
        records = tf.data.TFRecordDataset(str(path))
        assert sum(1 for _ in records) == shard.num_utterances


def test_records_are_the_utterances(tmp_path):
    made = {name: utterance(name, num_frames=5 + i) for i, name in enumerate("abcdef")}
    info = write(tmp_path, made.values())
    records = read(info, "train") + read(info, "validation")
    assert len(records) == len(made)
    for record in records:
        expected = made[record["id"].numpy().decode()]
        assert record["text"].numpy().decode() == expected.text
        assert record["num_frames"].numpy() == expected.num_frames
        np.testing.assert_array_equal(record["phoneme_ids"], expected.phoneme_ids)
        np.testing.assert_array_equal(record["durations"], expected.durations)
        np.testing.assert_array_equal(record["audio"] * 32768, expected.audio)


def test_figures_agree_with_the_records(tmp_path):
    made = [utterance(f"u{i}", num_frames=5 + 3 * i) for i in range(9)]
    info = write(tmp_path, made, validation_percent=30)
    train, validation = read(info, "train"), read(info, "validation")
    samples = np.concatenate([np.asarray(r["audio"], np.float64) for r in train])
    assert info.audio_rms == pytest.approx(math.sqrt(np.mean(samples**2)))
    assert info.max_frames == 5 + 3 * 8
    counts = collections.Counter(
        TINY.text.phonemes[i] for r in train for i in r["phoneme_ids"].numpy()
    )
    assert {k: v for k, v in info.phoneme_counts.items() if v} == counts
    assert list(info.phoneme_counts) == list(TINY.text.phonemes)
    for split, records in (("train", train), ("validation", validation)):
        frames = sum(int(r["num_frames"]) for r in records)
        assert info.splits[split].hours == pytest.approx(frames / 200 / 3600, abs=1e-6)
        assert info.splits[split].num_utterances == len(records)
    assert DatasetInfo.load(tmp_path) == info


def test_corpus_hash_depends_on_the_records_alone(tmp_path):
    made = [utterance(f"u{i}") for i in range(7)]
    first = write(tmp_path / "a", made).corpus_hash
    other_shards = write(
        tmp_path / "b", made[::-1], shard_size=2, validation_percent=50
    )
    assert other_shards.corpus_hash == first
    audio = made[3].audio.copy()
    audio[11] += 1
    made[3] = utterance("u3", audio=audio)
    assert write(tmp_path / "c", made).corpus_hash != first


def test_what_was_done_to_utterances_is_in_the_warnings(tmp_path):
    made = [
        utterance("a", source_rate_hz=22050),
        utterance("b", source_rate_hz=44100, num_clipped=3),
        utterance("c", source_rate_hz=22050, num_clipped=4),
        utterance("d", num_mismatches=2, num_channels=2, trimmed_seconds=0.26),
        utterance("e", num_unknown_words=1, trimmed_seconds=1.0),
        utterance("f", kept_quieter=True),
        utterance("g"),
    ]
    assert write(tmp_path, made).warnings == (
        "utterances resampled from 22050 Hz to 8000 Hz: 2",
        "utterances resampled from 44100 Hz to 8000 Hz: 1",
        "utterances of 2 channels, averaged: 1",
        "silence cut off at the ends: 1.3 s in all",
        "utterances with clipped samples (7 in all): 2 (b, c)",
        "utterances kept quieter than --loudness, so as not to clip: 1 (f)",
        "utterances with words that differ between text and TextGrid (punctuation is "
        "kept where they agree): 1 (d)",
        "utterances with words unknown to the aligner, pronounced by the front end "
        "with even durations: 1 (e)",
    )


def test_skipped_utterances_are_listed(tmp_path):
    writer = DatasetWriter(tmp_path, TINY, CORPUS)
    writer.add(utterance("a"))
    writer.skip(Skipped("b", "too short: 1 frames"))
    assert writer.finish().skipped == ({"id": "b", "reason": "too short: 1 frames"},)


def test_record_that_breaks_its_promises_is_not_written(tmp_path):
    writer = DatasetWriter(tmp_path, TINY, CORPUS)
    with pytest.raises(ValueError, match=r"'bad'.*\[1, 999\]"):
        writer.add(utterance("bad", phoneme_ids=np.array([2, 9, 999, 1])))
    assert list(tmp_path.iterdir()) == []


def test_nothing_to_write_and_bad_sizes_are_refused(tmp_path):
    with pytest.raises(ValueError, match="no utterance"):
        DatasetWriter(tmp_path, TINY, CORPUS).finish()
    with pytest.raises(ValueError, match=r"\[0, 100\).*100"):
        DatasetWriter(tmp_path, TINY, CORPUS, validation_percent=100)
    with pytest.raises(ValueError, match=r"shard size must be >= 1.*0"):
        DatasetWriter(tmp_path, TINY, CORPUS, shard_size=0)
