"""Records to padded batches, in an order that follows from (seed, step) alone.

Neither the number of workers nor of replicas nor an interruption changes which
utterances a step sees, or the random draws it makes for them:

- every epoch shuffles shards and records from (seed, epoch), and has the same number
  of batches, so that a step names its epoch and its place in it;
- batches are formed from serialized records, of which only the length is read, and
  only a worker's own rows are decoded;
- every row brings a seed derived from (seed, step, row).
"""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator
from dataclasses import dataclass

import tensorflow as tf

from wg2.config import Config
from wg2.data import schema
from wg2.data.dataset import DatasetInfo
from wg2.diffusion.noise import derive_seeds, standard_normal

logger = logging.getLogger(__name__)

_INTERLEAVED_SHARDS = 8

# Nothing here needs AutoGraph, which takes longer than everything else at the start.
_as_written = tf.autograph.experimental.do_not_convert


@dataclass(frozen=True)
class WorkerRows:
    """Which rows of every global batch a worker decodes.

    Args:
        num_replicas: int, over all workers.
        first_replica, num_local_replicas: int, those of this worker.
    """

    num_replicas: int = 1
    first_replica: int = 0
    num_local_replicas: int = 1

    def rows_per_replica(self, batch_size: int) -> int:
        """Raises ValueError if the global batch cannot be split evenly."""
        if batch_size % self.num_replicas:
            raise ValueError(
                "training.batch_size (over all replicas) must be a multiple of the "
                f"number of replicas. Received: batch_size={batch_size}, "
                f"{self.num_replicas} replicas"
            )
        return batch_size // self.num_replicas


def batches_per_epoch(info: DatasetInfo, config: Config) -> int:
    """Whole global batches in an epoch of training, at least 1."""
    utterances = info.split("train").num_utterances
    return max(1, utterances // config.training.batch_size)


@_as_written
def training_batches(
    info: DatasetInfo,
    config: Config,
    seed: int,
    start_step: int = 0,
    rows: WorkerRows | None = None,
    static_shapes: bool = False,
) -> tf.data.Dataset:
    """Endless batches from step `start_step` on, one element per replica.

    Every epoch leaves out fewer utterances than one batch holds, other ones each time;
    a corpus smaller than a batch is repeated until it fills one.

    Args:
        info: The dataset.
        config: `Config`; it must fit (`info.check_config`).
        seed: int, of the run.
        start_step: int, of the first batch.
        rows: The rows to decode; None: all, as one replica.
        static_shapes: bool; pads to the length bucket instead of the longest row, so
            that compiled steps (XLA, TPU) meet few shapes.

    Returns:
        Elements of `schema.parse`'s features, padded with zeros to `(rows, ...)`, with
        `phoneme_lengths` int32 `(rows,)`, `seed` int64 `(rows,)`, `stratum` float32
        `(rows,)` = row / batch size, and `weight` float32 `(rows,)` of ones.
    Raises:
        ValueError: If the batch cannot be split, or an utterance is too long.
        FileNotFoundError: If a shard is missing.
    """
    rows = rows or WorkerRows()
    if info.max_frames > config.training.max_frames:
        raise ValueError(
            f"{info.directory} holds an utterance of {info.max_frames} frames, "
            f"training.max_frames is {config.training.max_frames}; raise it or build "
            "the records again"
        )
    paths = [str(path) for path in info.shard_paths("train")]
    epoch_length = batches_per_epoch(info, config)
    first_epoch, first_batch = divmod(start_step, epoch_length)
    utterances = info.split("train").num_utterances
    repeats = math.ceil(config.training.batch_size / utterances)
    if repeats > 1:
        logger.warning(
            "%d utterances are fewer than a batch of %d: they are repeated",
            utterances,
            config.training.batch_size,
        )

    def epoch_batches(epoch: tf.Tensor) -> tf.data.Dataset:
        shard_seed, record_seed = tf.unstack(derive_seeds(seed, epoch, 2))
        shards = tf.data.Dataset.from_tensor_slices(
            tf.gather(paths, _permutation(shard_seed, 0, len(paths)))
        )
        records = shards.interleave(
            tf.data.TFRecordDataset,
            cycle_length=min(_INTERLEAVED_SHARDS, len(paths)),
            num_parallel_calls=tf.data.AUTOTUNE,
            deterministic=True,
        )
        # A shard cut between two records reads well, but has too few of them.
        records = records.apply(tf.data.experimental.assert_cardinality(utterances))
        # `Dataset.shuffle` takes no seed that depends on the epoch: permute chunks.
        chunks = records.batch(config.training.shuffle_buffer).enumerate()
        records = chunks.map(
            lambda i, chunk: tf.gather(
                chunk, _permutation(record_seed, i, tf.shape(chunk)[0])
            )
        )
        records = records.prefetch(1).unbatch()
        if repeats > 1:
            records = records.repeat(repeats).take(config.training.batch_size)
        bucketed = records.bucket_by_sequence_length(
            schema.parse_num_frames,
            bucket_boundaries=list(config.training.length_bucket_frames),
            bucket_batch_sizes=[config.training.batch_size]
            * (len(config.training.length_bucket_frames) + 1),
        )
        # Only the last batch of a bucket can be short, and those come last: batching
        # anew keeps the full ones and joins the leftovers of all buckets.
        whole = bucketed.unbatch().batch(
            config.training.batch_size, drop_remainder=True
        )
        whole = whole.take(epoch_length)
        numbered = whole.enumerate(epoch * epoch_length)
        skipped = tf.where(epoch == first_epoch, tf.constant(first_batch, tf.int64), 0)
        return numbered.skip(skipped)

    def own_rows(step: tf.Tensor, serialized: tf.Tensor) -> tf.data.Dataset:
        batch_size = config.training.batch_size
        per_replica = rows.rows_per_replica(batch_size)
        first = rows.first_replica * per_replica
        last = first + rows.num_local_replicas * per_replica
        strata = tf.range(batch_size, dtype=tf.float32) / batch_size
        elements = {
            "serialized": serialized,
            "seed": derive_seeds(seed, step + _STEP_STREAMS, batch_size),
            "stratum": strata,
            "weight": tf.ones((batch_size,)),
        }
        return tf.data.Dataset.from_tensor_slices(
            {name: value[first:last] for name, value in elements.items()}
        )

    rows.rows_per_replica(config.training.batch_size)  # fail early
    epochs = tf.data.Dataset.range(first_epoch, 1 << 40)
    dataset = epochs.flat_map(epoch_batches).flat_map(own_rows)
    return _decode(dataset, config, rows, static_shapes).prefetch(4)


def _permutation(seed: tf.Tensor, draw: tf.Tensor | int, count) -> tf.Tensor:
    keys = standard_normal(tf.reshape(seed, (1,)), draw, count)
    return tf.argsort(keys[0], stable=True)


# Streams 0 .. 2^20 of the run's seed order epochs; steps follow.
_STEP_STREAMS = 1 << 20


@_as_written
def validation_batches(
    info: DatasetInfo,
    config: Config,
    seed: int,
    rows: WorkerRows | None = None,
    static_shapes: bool = False,
) -> tf.data.Dataset:
    """The validation utterances, the same ones with the same seeds every time.

    Like `training_batches`, in the order of the shards; at most
    `training.validation_batches` batches. The last one is filled up with repetitions
    whose `weight` is 0.
    """
    rows = rows or WorkerRows()
    batch_size = config.training.batch_size
    per_replica = rows.rows_per_replica(batch_size)
    available = info.split("validation").num_utterances
    used = min(available, config.training.validation_batches * batch_size)
    total = math.ceil(used / batch_size) * batch_size
    seeds = derive_seeds(seed, tf.constant(0), total)
    first = rows.first_replica * per_replica
    last = first + rows.num_local_replicas * per_replica

    records = tf.data.TFRecordDataset(
        [str(path) for path in info.shard_paths("validation")]
    ).apply(tf.data.experimental.assert_cardinality(available))
    index = tf.data.Dataset.range(total)
    dataset = tf.data.Dataset.zip((index, records.take(used).repeat()))

    def element(i, serialized):
        return {
            "serialized": serialized,
            "seed": seeds[i],
            # Spread over the batch and over the batches: every level band is met.
            "stratum": (tf.cast(i, tf.float32) * 0.618034) % 1.0,
            "weight": tf.cast(i < used, tf.float32),
        }

    def own(i, _):
        return tf.logical_and(i % batch_size >= first, i % batch_size < last)

    dataset = dataset.filter(own).map(element)
    return _decode(dataset, config, rows, static_shapes).prefetch(2)


def _decode(
    dataset: tf.data.Dataset, config: Config, rows: WorkerRows, static_shapes: bool
) -> tf.data.Dataset:
    """Parses single rows and pads them to the batches of one replica each."""

    def parse(element: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        parsed = schema.parse(element.pop("serialized"))
        parsed["phoneme_lengths"] = tf.size(parsed["phoneme_ids"])
        return {**parsed, **element}

    dataset = dataset.map(parse, num_parallel_calls=tf.data.AUTOTUNE)
    per_replica = rows.rows_per_replica(config.training.batch_size)
    dataset = dataset.padded_batch(per_replica, drop_remainder=True)
    if not static_shapes:
        return dataset
    return dataset.map(lambda batch: _pad_to_bucket(batch, config))


def _pad_to_bucket(batch: dict[str, tf.Tensor], config: Config):
    """Pads to the next length bucket and to a multiple of 64 phonemes."""
    spf = config.samples_per_frame
    bounds = (*config.training.length_bucket_frames, config.training.max_frames)
    frames = tf.shape(batch["audio"])[1] // spf
    bounds = tf.constant(sorted(bounds))
    fitting = tf.boolean_mask(bounds, bounds >= frames)
    target = tf.reduce_min(tf.concat([fitting, [tf.maximum(frames, bounds[-1])]], 0))

    def widen(values, size):
        return tf.pad(values, ((0, 0), (0, size - tf.shape(values)[1])))

    phonemes = -(-tf.shape(batch["phoneme_ids"])[1] // 64) * 64
    return {
        **batch,
        "audio": widen(batch["audio"], target * spf),
        "phoneme_ids": widen(batch["phoneme_ids"], phonemes),
        "durations": widen(batch["durations"], phonemes),
    }


def clear_errors(iterator: Iterator, info: DatasetInfo) -> Iterator:
    """Passes elements on; a damaged shard or record becomes a one-line ValueError that
    names the shard, if its checksum tells which one."""
    while True:
        try:
            yield next(iterator)
        except StopIteration:
            return
        except (
            tf.errors.DataLossError,
            tf.errors.FailedPreconditionError,
            tf.errors.InvalidArgumentError,
            tf.errors.NotFoundError,
        ) as error:
            for name, split in info.splits.items():
                if split.num_utterances:
                    info.check_shards(name)
            reason = " ".join(error.message.split("\n")[0].split())[:300]
            raise ValueError(
                f"{info.directory} holds a damaged shard or record: {reason}. Build "
                "the records again (`python -m tfrecords_tools.build`)"
            ) from None
