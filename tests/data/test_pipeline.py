"""Batches: which utterances a step sees, in which order, and how they are padded."""

from __future__ import annotations

import dataclasses
import hashlib
import itertools
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from wg2.data import pipeline, schema
from wg2.data.dataset import Corpus, DatasetInfo, Shard, Split
from wg2.data.pipeline import WorkerRows, training_batches, validation_batches

SPF = 40
# Two well separated lengths, mixed in the shards; 22 utterances in batches of 4.
TRAIN_FRAMES = [(20 + i % 7) if i % 3 else (90 + i) for i in range(22)]
VALIDATION_FRAMES = [30, 95, 41, 28, 60, 33]
BATCH_SIZE = 4


def make_record(name: str, frames: int) -> schema.Record:
    generator = np.random.default_rng(frames)
    phonemes = 3 + frames % 5
    durations = np.full(phonemes, frames // phonemes)
    durations[-1] += frames - durations.sum()
    return schema.Record(
        id=name,
        text=f"text of {name}",
        speaker_id=0,
        phoneme_ids=generator.integers(3, 20, phonemes),
        durations=durations,
        num_frames=frames,
        audio=generator.integers(-9000, 9000, frames * SPF).astype(np.int16),
    )


def make_dataset(
    folder: Path, config, frames=TRAIN_FRAMES, num_shards=3, validation=()
) -> DatasetInfo:
    """A dataset of utterances `train-000` .. in shards of unequal size."""
    splits = {}
    for split, lengths in (("train", frames), ("validation", validation)):
        records = [
            make_record(f"{split}-{i:03d}", length) for i, length in enumerate(lengths)
        ]
        bounds = np.linspace(0, 1, num_shards + 1) ** 1.5 * len(records)
        shards = []
        for i, (first, last) in enumerate(itertools.pairwise(bounds.astype(int))):
            path = folder / f"{split}-{i}.tfrecord"
            with tf.io.TFRecordWriter(str(path)) as writer:
                for record in records[first:last]:
                    writer.write(schema.encode(record))
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
            shards.append(Shard(path.name, int(last - first), digest))
        splits[split] = Split(len(records), 0.1, tuple(shards if lengths else ()))
    return DatasetInfo(
        schema_version=schema.SCHEMA_VERSION,
        corpus=Corpus("made up", "en-US", "none", "this test"),
        sample_rate_hz=8000,
        samples_per_frame=SPF,
        phonemes=config.text.phonemes,
        speakers=(),
        audio_rms=0.1,
        min_frames=min((*frames, *validation)),
        max_frames=max((*frames, *validation)),
        phoneme_counts={},
        splits=splits,
        skipped=(),
        warnings=(),
        config=config.to_dict(),
        corpus_hash="0",
        directory=folder,
    )


@pytest.fixture(scope="module")
def config(tiny_config):
    """Small shuffle chunks, so that an epoch has several."""
    return tiny_config.override(
        f"training.batch_size={BATCH_SIZE}",
        "training.shuffle_buffer=8",
        "training.length_bucket_frames=[50,100]",
    )


@pytest.fixture(scope="module")
def info(config, tmp_path_factory):
    folder = tmp_path_factory.mktemp("records")
    return make_dataset(folder, config, validation=VALIDATION_FRAMES)


def take(dataset, count: int) -> list[dict[str, np.ndarray]]:
    return list(dataset.take(count).as_numpy_iterator())


def ids(batch) -> list[str]:
    return [name.decode() for name in batch["id"]]


@pytest.fixture(scope="module")
def batches(info, config):
    """Three epochs of five batches, and one batch more."""
    return take(training_batches(info, config, seed=3), 16)


def assert_same(batch, other):
    assert batch.keys() == other.keys()
    for name, value in batch.items():
        np.testing.assert_array_equal(value, other[name], err_msg=name)


@pytest.mark.parametrize("start", [4, 13])
def test_a_step_sees_the_same_batch_wherever_training_starts(
    info, config, batches, start
):
    later = take(training_batches(info, config, seed=3, start_step=start), 3)
    for batch, other in zip(batches[start : start + 3], later, strict=True):
        assert_same(batch, other)


def test_an_epoch_has_every_utterance_at_most_once_and_other_orders_follow(batches):
    epochs = [
        [name for batch in batches[first : first + 5] for name in ids(batch)]
        for first in (0, 5, 10)
    ]
    for names in epochs:
        assert len(names) == len(set(names)) == 20
    assert epochs[0] != epochs[1] != epochs[2] != epochs[0]
    # Not the same two utterances are left out for ever.
    assert len({frozenset(names) for names in epochs}) > 1


def test_every_epoch_has_as_many_batches_as_announced(info, config, batches):
    assert pipeline.batches_per_epoch(info, config) == 5
    # The sixth batch has utterances of the first five: the next epoch has begun.
    first_epoch = {name for batch in batches[:5] for name in ids(batch)}
    assert any(name in first_epoch for name in ids(batches[5]))


def test_runs_of_another_seed_have_another_order(info, config, batches):
    other = take(training_batches(info, config, seed=4), 5)
    assert [ids(batch) for batch in other] != [ids(batch) for batch in batches[:5]]
    seeds = np.concatenate([b["seed"] for b in other + batches[:5]])
    assert len(set(seeds)) == len(seeds)


def test_every_row_of_every_step_has_its_own_seed_and_stratum(batches):
    seeds = np.concatenate([batch["seed"] for batch in batches])
    assert len(set(seeds)) == len(seeds) == 16 * BATCH_SIZE
    for batch in batches:
        np.testing.assert_array_equal(batch["stratum"], [0.0, 0.25, 0.5, 0.75])
        np.testing.assert_array_equal(batch["weight"], 1.0)


def test_rows_are_the_records_padded_with_zeros(info, config, batches):
    for batch in batches[:5]:
        for row, name in enumerate(ids(batch)):
            record = make_record(name, TRAIN_FRAMES[int(name[-3:])])
            assert batch["num_frames"][row] == record.num_frames
            assert batch["phoneme_lengths"][row] == len(record.phoneme_ids)
            for key, values in (
                ("audio", record.audio / 32768.0),
                ("phoneme_ids", record.phoneme_ids),
                ("durations", record.durations),
            ):
                padded = batch[key][row]
                np.testing.assert_array_equal(padded[: len(values)], values)
                assert not padded[len(values) :].any()
        assert batch["audio"].shape[1] == batch["num_frames"].max() * SPF
        assert batch["phoneme_ids"].shape[1] == batch["phoneme_lengths"].max()


def test_buckets_bring_similar_lengths_together(batches):
    """Of five batches only the last one, of leftovers, may mix the two kinds."""
    for epoch in (batches[:5], batches[5:10], batches[10:15]):
        mixed = [len(set(b["num_frames"] > 50)) > 1 for b in epoch]
        assert sum(mixed) <= 1 and not any(mixed[:-1])


def test_replicas_of_one_worker_take_the_rows_in_turn(info, config, batches):
    rows = WorkerRows(num_replicas=2, first_replica=0, num_local_replicas=2)
    halves = take(training_batches(info, config, 3, rows=rows), 12)
    assert_rows_partition(batches[:6], [halves[0::2], halves[1::2]])


def test_workers_partition_the_global_batch(info, config, batches):
    """Four replicas on two workers of unequal size."""
    first = WorkerRows(num_replicas=4, first_replica=0, num_local_replicas=1)
    second = WorkerRows(num_replicas=4, first_replica=1, num_local_replicas=3)
    shares = take(training_batches(info, config, 3, 2, first), 5)
    rest = take(training_batches(info, config, 3, 2, second), 15)
    assert_rows_partition(batches[2:7], [shares, rest[0::3], rest[1::3], rest[2::3]])


def assert_rows_partition(whole, shares):
    for step, batch in enumerate(whole):
        for name in ("id", "seed", "stratum", "num_frames", "phoneme_lengths"):
            joined = np.concatenate([share[step][name] for share in shares])
            np.testing.assert_array_equal(joined, batch[name], err_msg=name)
        row = 0
        for share in shares:
            for audio in share[step]["audio"]:
                width = min(len(audio), batch["audio"].shape[1])
                np.testing.assert_array_equal(
                    audio[:width], batch["audio"][row, :width]
                )
                assert not batch["audio"][row, width:].any()
                row += 1


def test_batch_that_cannot_be_split_evenly_is_refused(info, config):
    rows = WorkerRows(num_replicas=3, first_replica=0, num_local_replicas=3)
    for make in (training_batches, validation_batches):
        with pytest.raises(ValueError, match=r"multiple.*batch_size=4, 3 replicas"):
            make(info, config, 0, rows=rows)


def test_static_shapes_pad_to_the_bucket_with_zeros(info, config, batches):
    static = take(training_batches(info, config, 3, static_shapes=True), 5)
    for batch, other in zip(batches, static, strict=False):
        frames = batch["num_frames"].max()
        bucket = min(b for b in (50, 100, config.training.max_frames) if b >= frames)
        assert other["audio"].shape == (BATCH_SIZE, bucket * SPF)
        assert (
            other["phoneme_ids"].shape == other["durations"].shape == (BATCH_SIZE, 64)
        )
        assert ids(batch) == ids(other)
        for name in ("audio", "phoneme_ids", "durations"):
            width = batch[name].shape[1]
            np.testing.assert_array_equal(other[name][:, :width], batch[name])
            assert not other[name][:, width:].any()


def test_corpus_smaller_than_a_batch_is_repeated(config, tmp_path):
    info = make_dataset(tmp_path, config, frames=[20, 30, 25], num_shards=2)
    assert pipeline.batches_per_epoch(info, config) == 1
    batches = take(training_batches(info, config, seed=0), 4)
    for batch in batches:
        assert len(ids(batch)) == 4 and len(set(ids(batch))) == 3
        assert len(set(batch["seed"])) == 4  # repeated, but with draws of its own
    assert len({tuple(ids(batch)) for batch in batches}) > 1


def test_validation_is_the_same_every_time(info, config):
    config = config.override("training.validation_batches=2")
    first, second = (take(validation_batches(info, config, 9), 9) for _ in range(2))
    assert len(first) == len(second) == 2
    for batch, other in zip(first, second, strict=True):
        assert_same(batch, other)
    names = ids(first[0]) + ids(first[1])
    assert names == [f"validation-{i:03d}" for i in (0, 1, 2, 3, 4, 5, 0, 1)]
    weights = np.concatenate([batch["weight"] for batch in first])
    np.testing.assert_array_equal(weights, [1, 1, 1, 1, 1, 1, 0, 0])


def test_validation_draws_do_not_depend_on_the_batch_size(info, config):
    def draws(batch_size):
        one = config.override(
            f"training.batch_size={batch_size}", "training.validation_batches=99"
        )
        batches = take(validation_batches(info, one, 9), 9)
        return {
            name: np.concatenate([batch[name] for batch in batches])[:6]
            for name in ("id", "seed", "stratum")
        }

    assert_same(draws(4), draws(2))


def test_validation_rows_of_workers_partition_the_batch(info, config):
    config = config.override("training.validation_batches=2")
    whole = take(validation_batches(info, config, 9), 2)
    shares = [
        take(validation_batches(info, config, 9, WorkerRows(2, first, 1)), 2)
        for first in (0, 1)
    ]
    assert_rows_partition(whole, shares)
    weights = [np.concatenate([s[i]["weight"] for s in shares]) for i in (0, 1)]
    np.testing.assert_array_equal(weights, [b["weight"] for b in whole])


def test_utterance_longer_than_the_config_allows_is_refused(info, config):
    config = config.override("training.max_frames=100")
    with pytest.raises(ValueError, match=r"111 frames, training\.max_frames is 100"):
        training_batches(info, config, 0)


# -- damage -----------------------------------------------------------------


def flip_a_byte(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0x40
    path.write_bytes(data)


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


def drop_the_last_record(path: Path) -> None:
    """What is left is a valid file: only the count tells."""
    records = [r.numpy() for r in tf.data.TFRecordDataset(str(path))]
    with tf.io.TFRecordWriter(str(path)) as writer:
        for record in records[:-1]:
            writer.write(record)


@pytest.fixture
def fresh(config, tmp_path):
    return make_dataset(tmp_path, config, validation=VALIDATION_FRAMES)


@pytest.mark.parametrize("damage", [flip_a_byte, truncate, drop_the_last_record])
@pytest.mark.parametrize("split", ["train", "validation"])
def test_damaged_shard_is_named_in_one_line(fresh, config, split, damage):
    damage(fresh.directory / f"{split}-1.tfrecord")
    if split == "train":
        dataset = training_batches(fresh, config, 0)
    else:
        config = config.override("training.validation_batches=9")
        dataset = validation_batches(fresh, config, 0)
    with pytest.raises(ValueError, match=rf"{split}-1\.tfrecord is damaged") as caught:
        list(pipeline.clear_errors(iter(dataset.take(20)), fresh))
    assert "\n" not in str(caught.value)


def test_record_that_contradicts_itself_is_told_in_one_line(fresh, config):
    """Checksums are right, so it was written wrong."""
    path = fresh.directory / "train-0.tfrecord"
    record = tf.train.Example.FromString(schema.encode(make_record("odd", 30)))
    record.features.feature["durations"].int64_list.value[0] += 1
    with tf.io.TFRecordWriter(str(path)) as writer:
        for _ in range(fresh.splits["train"].shards[0].num_utterances):
            writer.write(record.SerializeToString())
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    train = fresh.splits["train"]
    shards = (dataclasses.replace(train.shards[0], sha256=digest), *train.shards[1:])
    splits = {**fresh.splits, "train": dataclasses.replace(train, shards=shards)}
    fresh = dataclasses.replace(fresh, splits=splits)
    dataset = training_batches(fresh, config, 0)
    with pytest.raises(
        ValueError, match="durations do not sum to num_frames"
    ) as caught:
        list(pipeline.clear_errors(iter(dataset.take(20)), fresh))
    assert "\n" not in str(caught.value)


def test_missing_shard_is_named(fresh, config):
    (fresh.directory / "train-2.tfrecord").unlink()
    with pytest.raises(FileNotFoundError, match=r"train-2\.tfrecord is missing"):
        training_batches(fresh, config, 0)
