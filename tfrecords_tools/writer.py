"""Prepared utterances -> sharded TFRecords and `dataset.json`.

Utterances come as a stream and go straight to disk; memory holds one or two of them.
"""

from __future__ import annotations

import collections
import contextlib
import dataclasses
import hashlib
import json
import math
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import tensorflow as tf

from tfrecords_tools.prepare import Prepared
from tfrecords_tools.utterance import Skipped
from wg2.config import Config
from wg2.data import dataset, schema

SHARD_NAME = "{split}-{index:05d}.tfrecord"


def split_position(id: str) -> float:
    """Where a stable hash of the id falls in [0, 1).

    SHA-256, as Python's own `hash` of a string changes with every process.
    """
    digest = hashlib.sha256(id.encode("utf-8")).digest()
    return int.from_bytes(digest[:7], "big") / 2**56


class ShardWriter:
    """Writes serialized records to files of at most `shard_size` records.

    A file takes its final name when it is complete.
    """

    def __init__(self, directory: Path, split: str, shard_size: int):
        self._directory = directory
        self._split = split
        self._shard_size = shard_size
        self._writer: tf.io.TFRecordWriter | None = None
        self._num_open = 0
        self.shards: list[dataset.Shard] = []

    def add(self, serialized: bytes) -> None:
        """Appends one record.

        Raises:
            OSError: If it cannot be written.
        """
        with _os_errors():
            if self._writer is None:
                self._writer = tf.io.TFRecordWriter(str(self._temporary))
            self._writer.write(serialized)
        self._num_open += 1
        if self._num_open == self._shard_size:
            self.finish()

    def finish(self) -> None:
        """Completes the file that is being written, if there is one.

        Raises:
            OSError: If it cannot be written.
        """
        if self._writer is None:
            return
        with _os_errors():
            self._writer.close()
        with open(self._temporary, "rb") as file:
            os.fsync(file.fileno())
        digest = dataset.file_sha256(self._temporary)
        os.replace(self._temporary, self._directory / self._name)
        self.shards.append(dataset.Shard(self._name, self._num_open, digest))
        self._writer, self._num_open = None, 0

    @property
    def _name(self) -> str:
        return SHARD_NAME.format(split=self._split, index=len(self.shards))

    @property
    def _temporary(self) -> Path:
        return self._directory / f".{self._name}.partial"


@contextlib.contextmanager
def _os_errors() -> Iterator[None]:
    """TensorFlow's file errors (a full disk, say) as Python's."""
    try:
        yield
    except tf.errors.OpError as error:
        raise OSError(f"cannot write records: {error.message}") from None


class DatasetWriter:
    """Writes a whole dataset into an empty folder.

    The split follows from the id alone: an utterance whose `split_position` is below
    `validation_percent` is validation. Where that would leave one of the two splits
    empty, the utterance nearest to the limit changes sides (but a single utterance is
    always training).

    Args:
        directory: Existing folder.
        config: The config that the utterances were prepared with.
        corpus: Goes into `dataset.json`.
        validation_percent: float in [0, 100).
        shard_size: int > 0, utterances of a shard.

    Raises:
        ValueError: If an argument is out of its range.
    """

    def __init__(
        self,
        directory: str | Path,
        config: Config,
        corpus: dataset.Corpus,
        validation_percent: float = 2.0,
        shard_size: int = 256,
    ):
        if not 0 <= validation_percent < 100:
            raise ValueError(
                "the validation percentage must lie in [0, 100). Received: "
                f"{validation_percent}"
            )
        if shard_size < 1:
            raise ValueError(f"the shard size must be >= 1. Received: {shard_size}")
        self._directory = Path(directory)
        self._config = config
        self._corpus = corpus
        self._limit = validation_percent / 100
        self._shard_writers = {
            split: ShardWriter(self._directory, split, shard_size)
            for split in dataset.SPLITS
        }
        # Of each split the utterance nearest to the limit waits until the end.
        self._held: dict[str, Prepared] = {}
        self._num_frames: collections.Counter[str] = collections.Counter()
        self._num_utterances: collections.Counter[str] = collections.Counter()
        self._phoneme_counts = np.zeros(config.text.num_phonemes, np.int64)
        self._sum_of_squares = 0.0
        self._max_frames = 0
        self._min_frames: int | None = None
        self._hashes: list[tuple[str, bytes]] = []
        self._notes = _Notes(config.audio.sample_rate_hz)
        self.skipped: list[Skipped] = []

    def skip(self, skipped: Skipped) -> None:
        """Lists an utterance that was left out."""
        self.skipped.append(skipped)

    def add(self, utterance: Prepared) -> None:
        """Adds an utterance; its id must not have been added before."""
        self._notes.add(utterance)
        position = split_position(utterance.id)
        split = "validation" if position < self._limit else "train"
        if split in self._held:
            nearer, other = sorted((self._held[split], utterance), key=self._distance)
            self._write(split, other)
            utterance = nearer
        self._held[split] = utterance

    def finish(self) -> dataset.DatasetInfo:
        """Completes the shards, then writes `dataset.json`.

        Raises:
            ValueError: If no utterance was added.
        """
        if not self._held:
            raise ValueError("no utterance was added")
        if "train" not in self._held:
            self._held["train"] = self._held.pop("validation")
        elif "validation" not in self._held and self._num_utterances["train"]:
            self._held["validation"] = self._held.pop("train")
        for split, utterance in self._held.items():
            self._write(split, utterance)
        for writer in self._shard_writers.values():
            writer.finish()
        samples_per_frame = self._config.samples_per_frame
        train_samples = self._num_frames["train"] * samples_per_frame
        info = dataset.DatasetInfo(
            schema_version=schema.SCHEMA_VERSION,
            corpus=self._corpus,
            sample_rate_hz=self._config.audio.sample_rate_hz,
            samples_per_frame=samples_per_frame,
            phonemes=self._config.text.phonemes,
            speakers=self._config.text.speakers,
            audio_rms=math.sqrt(self._sum_of_squares / train_samples),
            min_frames=self._min_frames or 0,
            max_frames=self._max_frames,
            phoneme_counts={
                symbol: int(count)
                for symbol, count in zip(
                    self._config.text.phonemes, self._phoneme_counts, strict=True
                )
            },
            splits={split: self._split(split) for split in dataset.SPLITS},
            skipped=tuple(dataclasses.asdict(skip) for skip in self.skipped),
            warnings=tuple(self._notes.lines()),
            config=json.loads(self._config.to_json()),  # as it will be loaded
            corpus_hash=dataset.corpus_hash(h for _, h in sorted(self._hashes)),
            directory=self._directory,
        )
        info.save(self._directory)
        return info

    def _distance(self, utterance: Prepared) -> float:
        return abs(split_position(utterance.id) - self._limit)

    def _write(self, split: str, utterance: Prepared) -> None:
        record = schema.Record(
            id=utterance.id,
            text=utterance.text,
            speaker_id=utterance.speaker_id,
            phoneme_ids=utterance.phoneme_ids,
            durations=utterance.durations,
            num_frames=utterance.num_frames,
            audio=utterance.audio,
        )
        record.check(
            samples_per_frame=self._config.samples_per_frame,
            num_phonemes=self._config.text.num_phonemes,
            num_speakers=self._config.text.num_speakers,
        )
        serialized = schema.encode(record)
        self._shard_writers[split].add(serialized)
        self._hashes.append((record.id, hashlib.sha256(serialized).digest()))
        self._num_utterances[split] += 1
        self._num_frames[split] += record.num_frames
        self._max_frames = max(self._max_frames, record.num_frames)
        if self._min_frames is None or record.num_frames < self._min_frames:
            self._min_frames = record.num_frames
        if split == "train":
            samples = record.audio.astype(np.float64) / 32768
            self._sum_of_squares += float(np.dot(samples, samples))
            self._phoneme_counts += np.bincount(
                record.phoneme_ids, minlength=len(self._phoneme_counts)
            )

    def _split(self, split: str) -> dataset.Split:
        seconds = self._num_frames[split] / self._config.frames_per_second
        return dataset.Split(
            num_utterances=self._num_utterances[split],
            hours=round(seconds / 3600, 6),
            shards=tuple(self._shard_writers[split].shards),
        )


class _Notes:
    """Collects what was done to utterances that are kept."""

    def __init__(self, sample_rate_hz: int):
        self._sample_rate_hz = sample_rate_hz
        self._resampled: collections.Counter[int] = collections.Counter()
        self._clipped: dict[str, int] = {}
        self._other_word_count: list[str] = []
        self._unknown_words: list[str] = []

    def add(self, utterance: Prepared) -> None:
        if utterance.source_rate_hz != self._sample_rate_hz:
            self._resampled[utterance.source_rate_hz] += 1
        if utterance.num_clipped:
            self._clipped[utterance.id] = utterance.num_clipped
        if utterance.word_counts[0] != utterance.word_counts[1]:
            self._other_word_count.append(utterance.id)
        if utterance.num_unknown_words:
            self._unknown_words.append(utterance.id)

    def lines(self) -> list[str]:
        lines = [
            f"utterances resampled from {rate_hz} Hz to {self._sample_rate_hz} Hz: "
            f"{count}"
            for rate_hz, count in sorted(self._resampled.items())
        ]
        num_clipped = sum(self._clipped.values())
        listed = {
            f"utterances with clipped samples ({num_clipped} in all)": self._clipped,
            "utterances whose text and TextGrid differ in the number of words, so "
            "that their pauses lack the punctuation": self._other_word_count,
            "utterances with words unknown to the aligner, pronounced by the "
            "dictionary with even durations": self._unknown_words,
        }
        lines.extend(
            f"{what}: {len(ids)} ({', '.join(ids)})"
            for what, ids in listed.items()
            if ids
        )
        return lines
