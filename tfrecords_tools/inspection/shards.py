"""Shards -> serialized records, one at a time, up to where a file is damaged."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import tensorflow as tf

_FRAME_BYTES = 16
"""Around each record: its length, 8 bytes, and two checksums of 4."""

_BUFFER_BYTES = 1 << 20


class DamagedShardError(ValueError):
    """A file whose records cannot be read from some place on.

    Args:
        path: The file.
        position: int, the first unreadable record, from 0.
        offset: int, bytes; where it begins in the file.
    """

    def __init__(self, path: Path, position: int, offset: int, reason: str):
        super().__init__(
            f"{path} is damaged: record {position}, at byte {offset}, cannot be read "
            f"({reason})"
        )
        self.position = position
        self.offset = offset
        self.reason = reason


def read(path: Path) -> Iterator[bytes]:
    """Yields the serialized records of a shard, in order.

    Raises:
        FileNotFoundError: If there is no such file.
        DamagedShardError: After the records before the damage.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing")
    # `tf.data.TFRecordDataset` traces a function for every file, which takes longer
    # than to read a small one.
    records = tf.data.experimental.from_variant(
        tf.raw_ops.TFRecordDataset(
            filenames=str(path), compression_type="", buffer_size=_BUFFER_BYTES
        ),
        tf.TensorSpec((), tf.string),
    )
    position = offset = 0
    try:
        for serialized in records.as_numpy_iterator():
            yield serialized
            position += 1
            offset += len(serialized) + _FRAME_BYTES
    except tf.errors.OpError as error:
        reason = error.message.partition("\n")[0].partition(" [Op:")[0]
        # "... Error received: corrupted record at 1234 (Is this ...): what is wrong"
        raise DamagedShardError(path, position, offset, _short(reason)) from None


def _short(reason: str) -> str:
    for word in ("truncated", "corrupted"):
        if word in reason:
            return f"{word} record"
    return reason.strip()
