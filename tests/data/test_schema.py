"""Records: what is written is what is read, and nothing inconsistent is either."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from wg2.data import schema

SAMPLES_PER_FRAME = 5


def make_record(**changes) -> schema.Record:
    values = {
        "id": "LJ001-0001",
        "text": "naïve – “façade”",
        "speaker_id": 2,
        "phoneme_ids": np.array([2, 40, 11, 1], np.int64),
        "durations": np.array([3, 0, 6, 2], np.int64),
        "num_frames": 11,
        "audio": np.random.default_rng(1).integers(-32768, 32768, 55).astype(np.int16),
    }
    return schema.Record(**{**values, **changes})


def serialize_with(record: schema.Record, **features) -> bytes:
    """The record with int64 features replaced, or removed where None."""
    example = tf.train.Example.FromString(schema.encode(record))
    for name, values in features.items():
        del example.features.feature[name]
        if values is not None:
            example.features.feature[name].int64_list.value.extend(values)
    return example.SerializeToString()


def test_record_parses_back_bit_equal_in_a_graph(tmp_path):
    audio = make_record().audio.copy()
    audio[:4] = [-32768, 32767, 0, -1]
    record = make_record(audio=audio)
    path = str(tmp_path / "one.tfrecord")
    with tf.io.TFRecordWriter(path) as writer:
        writer.write(schema.encode(record))

    (parsed,) = tf.data.TFRecordDataset(path).map(schema.parse)

    assert parsed["id"].numpy().decode() == record.id
    assert parsed["text"].numpy().decode() == record.text
    assert parsed["speaker_id"].numpy() == 2
    assert parsed["num_frames"].numpy() == 11
    for name in ("phoneme_ids", "durations"):
        np.testing.assert_array_equal(parsed[name], getattr(record, name))
        assert parsed[name].dtype == tf.int32
    assert parsed["audio"].dtype == tf.float32
    expected = [int(sample) / 2**15 for sample in audio]  # exact in binary
    assert parsed["audio"].numpy().tolist() == expected


def test_audio_is_little_endian_on_disk():
    record = make_record(audio=np.full(55, 0x0102, np.int16))
    example = tf.train.Example.FromString(schema.encode(record))
    assert example.features.feature["audio"].bytes_list.value[0][:2] == b"\x02\x01"


def test_num_frames_alone_agrees_with_the_record():
    assert schema.parse_num_frames(schema.encode(make_record())).numpy() == 11


def test_equal_records_have_equal_bytes():
    assert schema.encode(make_record()) == schema.encode(make_record())
    other = make_record(durations=np.array([3, 1, 5, 2], np.int64))
    assert schema.encode(make_record()) != schema.encode(other)


@pytest.mark.parametrize(
    ("features", "message"),
    [
        ({"schema_version": [schema.SCHEMA_VERSION + 1]}, "schema version"),
        ({"num_frames": [12]}, "durations do not sum"),
        ({"phoneme_ids": [2, 40, 11]}, "not equally many"),
        ({"num_frames": None}, "num_frames"),
    ],
)
def test_inconsistent_record_is_refused_when_read(features, message):
    serialized = serialize_with(make_record(), **features)
    records = tf.data.Dataset.from_tensors(serialized).map(schema.parse)
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        list(records)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"id": ""}, "`id`"),
        ({"num_frames": 12}, "sum to 11 frames, num_frames=12"),
        ({"durations": np.array([3, -1, 7, 2])}, "negative: -1"),
        ({"durations": np.array([3, 6, 2])}, "equally many"),
        ({"durations": np.array([3.0, 0.0, 6.0, 2.0])}, "integers"),
        ({"audio": np.zeros(55, np.float32)}, "int16"),
        ({"audio": np.zeros((55, 1), np.int16)}, "int16"),
    ],
)
def test_contradictory_record_cannot_be_made(changes, message):
    with pytest.raises(ValueError, match=message):
        make_record(**changes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"samples_per_frame": 4}, "55 audio samples are not 11 frames of 4"),
        ({"num_phonemes": 40}, r"\[1, 40\], the inventory has 40"),
        ({"num_speakers": 2}, "speaker_id=2"),
    ],
)
def test_record_that_does_not_fit_its_dataset_is_refused(changes, message):
    fitting = {
        "samples_per_frame": SAMPLES_PER_FRAME,
        "num_phonemes": 41,
        "num_speakers": 3,
    }
    make_record().check(**fitting)
    with pytest.raises(ValueError, match=message) as caught:
        make_record().check(**{**fitting, **changes})
    assert "LJ001-0001" in str(caught.value)


def test_records_are_immutable():
    with pytest.raises(dataclasses.FrozenInstanceError):
        make_record().num_frames = 3
