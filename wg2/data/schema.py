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

import functools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import tensorflow as tf

SCHEMA_VERSION = 1


RECORD_ERRORS = {
    "unreadable-record": "the record lacks a feature, or is no record at all",
    "schema-version": "the record is of another schema version",
    "empty-id": "the record has no id",
    "phonemes": "phoneme ids outside the inventory, or not as many as durations",
    "durations": "durations that are negative or do not sum to the frames",
    "audio-length": "the audio is not as long as the frames say",
    "speaker": "the speaker is none of the dataset's",
}
"""What can be wrong with a record, by the `kind` of its `RecordError`."""


class RecordError(ValueError):
    """A record that is not what the table says.

    Args:
        kind: A key of `RECORD_ERRORS`.
        message: What was found.
        id: Of the utterance, where it is known.
    """

    def __init__(self, kind: str, message: str, id: str = ""):
        super().__init__(f"record {id!r}: {message}" if id else message)
        self.kind = kind
        self.id = id


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
        RecordError: If the parts disagree with each other, naming the utterance.
    """

    id: str
    text: str
    speaker_id: int
    phoneme_ids: np.ndarray
    durations: np.ndarray
    num_frames: int
    audio: np.ndarray

    def __post_init__(self):
        self._require("empty-id", bool(self.id), "`id` must not be empty")
        self._require(
            "phonemes",
            self.phoneme_ids.ndim == 1
            and len(self.phoneme_ids) > 0
            and self.phoneme_ids.shape == self.durations.shape,
            "phoneme_ids and durations must be equally many, at least one. Received: "
            f"shapes {self.phoneme_ids.shape} and {self.durations.shape}",
        )
        self._require(
            "phonemes",
            self.phoneme_ids.dtype.kind == self.durations.dtype.kind == "i",
            "phoneme_ids and durations must be integers. Received: "
            f"{self.phoneme_ids.dtype} and {self.durations.dtype}",
        )
        self._require(
            "durations",
            self.durations.min() >= 0,
            f"a duration is negative: {self.durations.min()} frames",
        )
        self._require(
            "durations",
            self.num_frames > 0 and self.durations.sum() == self.num_frames,
            f"durations sum to {self.durations.sum()} frames, "
            f"num_frames={self.num_frames}",
        )
        self._require(
            "audio-length",
            self.audio.dtype == np.int16 and self.audio.ndim == 1,
            f"audio must be int16 (samples,). Received: {self.audio.dtype} "
            f"{self.audio.shape}",
        )

    def _require(self, kind: str, condition: bool, message: str) -> None:
        if not condition:
            raise RecordError(kind, message, self.id)

    def check(
        self, *, samples_per_frame: int, num_phonemes: int, num_speakers: int
    ) -> None:
        """Checks the record against what the dataset says of all its records.

        Raises:
            RecordError: Naming the utterance.
        """
        self._require(
            "audio-length",
            len(self.audio) == self.num_frames * samples_per_frame,
            f"{len(self.audio)} audio samples are not {self.num_frames} frames of "
            f"{samples_per_frame} samples",
        )
        low, high = self.phoneme_ids.min(), self.phoneme_ids.max()
        self._require(
            "phonemes",
            low >= 0 and high < num_phonemes,
            f"phoneme ids lie in [{low}, {high}], the inventory has {num_phonemes}",
        )
        self._require(
            "speaker",
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


def decode(serialized: bytes) -> Record:
    """The record of `encode`'s bytes, for tools that look at one at a time.

    Raises:
        RecordError: If it is no record, has another schema version, or lacks or
            contradicts something. `kind` is one of `RECORD_ERRORS`.
    """
    try:
        parsed = _example_parser()(tf.constant(serialized))
    except (tf.errors.InvalidArgumentError, UnicodeDecodeError) as error:
        # TensorFlow quotes the bytes of what is no example; Python may not read them.
        reason = getattr(error, "message", "Could not parse").partition(" [Op:")[0]
        if "Could not parse" in reason:
            reason = "it is no serialized tf.train.Example"
        raise RecordError("unreadable-record", reason.strip()) from None
    values = {name: value.numpy() for name, value in parsed.items()}
    if values["schema_version"] != SCHEMA_VERSION:
        raise RecordError(
            "schema-version",
            f"expected schema_version {SCHEMA_VERSION}, got "
            f"{values['schema_version']}; build the records again",
        )
    id, text = (_utf8(name, values[name]) for name in ("id", "text"))
    if len(values["audio"]) % 2:
        raise RecordError(
            "audio-length",
            f"{len(values['audio'])} bytes of audio are not int16",
            id,
        )
    return Record(
        id=id,
        text=text,
        speaker_id=int(values["speaker_id"]),
        phoneme_ids=values["phoneme_ids"],
        durations=values["durations"],
        num_frames=int(values["num_frames"]),
        audio=np.frombuffer(values["audio"], "<i2").astype(np.int16, copy=False),
    )


# As a function, since each eager call keeps 4 kB for ever (TensorFlow 2.16).
@functools.cache
def _example_parser() -> Callable[[tf.Tensor], dict[str, tf.Tensor]]:
    return tf.function(
        lambda serialized: tf.io.parse_single_example(serialized, _FEATURES),
        input_signature=[tf.TensorSpec((), tf.string)],
        autograph=False,
    )


def _utf8(name: str, value: bytes) -> str:
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        raise RecordError(
            "unreadable-record", f"`{name}` is not UTF-8: {value[:40]!r}"
        ) from None


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
