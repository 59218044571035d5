"""The record: the features of one utterance, shared by writer and reader.

| feature | type | meaning |
|---|---|---|
| schema_version | int64 | `SCHEMA_VERSION` |
| id, text | bytes | UTF-8 |
| speaker_id | int64 | position in the dataset's speakers; 0 if there are none |
| phoneme_ids | int64[n] | positions in the dataset's phonemes |
| durations | int64[n] | frames of each phoneme; they sum to `num_frames` |
| num_frames | int64 | |
| audio | bytes | int16 little-endian mono, `num_frames * samples_per_frame` samples |
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import tensorflow as tf

SCHEMA_VERSION = 1


@dataclass(frozen=True, eq=False)
class Record:
    """One utterance, checked when it is made.

    Args:
        id: Name of the utterance, not empty.
        text: What is said, as written in the corpus.
        speaker_id: int >= 0.
        phoneme_ids: int `(phonemes,)`.
        durations: int `(phonemes,)`, frames; they sum to `num_frames`.
        num_frames: int > 0.
        audio: int16 `(num_frames * samples_per_frame,)`.

    Raises:
        ValueError: If the parts disagree with each other, naming the utterance.
    """

    id: str
    text: str
    speaker_id: int
    phoneme_ids: np.ndarray
    durations: np.ndarray
    num_frames: int
    audio: np.ndarray

    def __post_init__(self):
        self._require(bool(self.id), "`id` must not be empty")
        self._require(
            self.phoneme_ids.ndim == 1
            and len(self.phoneme_ids) > 0
            and self.phoneme_ids.shape == self.durations.shape,
            "phoneme_ids and durations must be equally many, at least one. Received: "
            f"shapes {self.phoneme_ids.shape} and {self.durations.shape}",
        )
        self._require(
            self.phoneme_ids.dtype.kind == self.durations.dtype.kind == "i",
            "phoneme_ids and durations must be integers. Received: "
            f"{self.phoneme_ids.dtype} and {self.durations.dtype}",
        )
        self._require(
            self.durations.min() >= 0,
            f"a duration is negative: {self.durations.min()} frames",
        )
        self._require(
            self.num_frames > 0 and self.durations.sum() == self.num_frames,
            f"durations sum to {self.durations.sum()} frames, "
            f"num_frames={self.num_frames}",
        )
        self._require(
            self.audio.dtype == np.int16 and self.audio.ndim == 1,
            f"audio must be int16 (samples,). Received: {self.audio.dtype} "
            f"{self.audio.shape}",
        )

    def _require(self, condition: bool, message: str) -> None:
        if not condition:
            raise ValueError(f"record {self.id!r}: {message}")

    def check(
        self, *, samples_per_frame: int, num_phonemes: int, num_speakers: int
    ) -> None:
        """Checks the record against what the dataset says of all its records.

        Raises:
            ValueError: Naming the utterance.
        """
        self._require(
            len(self.audio) == self.num_frames * samples_per_frame,
            f"{len(self.audio)} audio samples are not {self.num_frames} frames of "
            f"{samples_per_frame} samples",
        )
        low, high = self.phoneme_ids.min(), self.phoneme_ids.max()
        self._require(
            low >= 0 and high < num_phonemes,
            f"phoneme ids lie in [{low}, {high}], the inventory has {num_phonemes}",
        )
        self._require(
            0 <= self.speaker_id < num_speakers,
            f"speaker_id={self.speaker_id}, the dataset has {num_speakers} speaker(s)",
        )


def encode(record: Record) -> bytes:
    """The serialized `tf.train.Example` of a record."""

    def ints(values) -> tf.train.Feature:
        return tf.train.Feature(int64_list=tf.train.Int64List(value=values))

    def raw(value: bytes) -> tf.train.Feature:
        return tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))

    features = {
        "schema_version": ints([SCHEMA_VERSION]),
        "id": raw(record.id.encode("utf-8")),
        "text": raw(record.text.encode("utf-8")),
        "speaker_id": ints([record.speaker_id]),
        "phoneme_ids": ints(record.phoneme_ids.tolist()),
        "durations": ints(record.durations.tolist()),
        "num_frames": ints([record.num_frames]),
        "audio": raw(record.audio.astype("<i2").tobytes()),
    }
    example = tf.train.Example(features=tf.train.Features(feature=features))
    # Maps have no order of their own: the same record must give the same bytes.
    return example.SerializeToString(deterministic=True)


def _scalar(dtype: tf.DType) -> tf.io.FixedLenFeature:
    return tf.io.FixedLenFeature((), dtype)


def _sequence() -> tf.io.FixedLenSequenceFeature:
    return tf.io.FixedLenSequenceFeature((), tf.int64, allow_missing=True)


_FEATURES = {
    "schema_version": _scalar(tf.int64),
    "id": _scalar(tf.string),
    "text": _scalar(tf.string),
    "speaker_id": _scalar(tf.int64),
    "phoneme_ids": _sequence(),
    "durations": _sequence(),
    "num_frames": _scalar(tf.int64),
    "audio": _scalar(tf.string),
}


def parse(serialized: tf.Tensor) -> dict[str, tf.Tensor]:
    """Decodes one serialized record; works in graphs.

    Args:
        serialized: Scalar string tensor.

    Returns:
        `id`, `text` (string scalars), `speaker_id`, `num_frames` (int32 scalars),
        `phoneme_ids`, `durations` (int32 `(phonemes,)`), and `audio` (float32
        `(samples,)`, full scale = 1).

    Raises:
        tf.errors.InvalidArgumentError: When it runs, if the record has another
            schema version, lacks a feature, or contradicts itself.
    """
    parsed = tf.io.parse_single_example(serialized, _FEATURES)
    durations = tf.cast(parsed["durations"], tf.int32)
    num_frames = tf.cast(parsed["num_frames"], tf.int32)
    checks = [
        tf.debugging.assert_equal(
            parsed["schema_version"],
            tf.constant(SCHEMA_VERSION, tf.int64),
            message="record of another schema version; build the records again",
        ),
        tf.debugging.assert_equal(
            tf.reduce_sum(durations),
            num_frames,
            message="durations do not sum to num_frames",
        ),
        tf.debugging.assert_equal(
            tf.size(durations),
            tf.size(parsed["phoneme_ids"]),
            message="durations and phoneme_ids are not equally many",
        ),
    ]
    with tf.control_dependencies(checks):
        samples = tf.io.decode_raw(parsed["audio"], tf.int16, little_endian=True)
    return {
        "id": parsed["id"],
        "text": parsed["text"],
        "speaker_id": tf.cast(parsed["speaker_id"], tf.int32),
        "phoneme_ids": tf.cast(parsed["phoneme_ids"], tf.int32),
        "durations": durations,
        "num_frames": num_frames,
        "audio": tf.cast(samples, tf.float32) / 32768.0,
    }


def parse_num_frames(serialized: tf.Tensor) -> tf.Tensor:
    """Only `num_frames` (int32 scalar) of a record, without decoding its audio."""
    parsed = tf.io.parse_single_example(
        serialized, {"num_frames": _FEATURES["num_frames"]}
    )
    return tf.cast(parsed["num_frames"], tf.int32)
