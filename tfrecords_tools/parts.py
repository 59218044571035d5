"""A part of a dataset under construction: the records of some utterances.

Processes write parts; when all are there, `writer.assemble` makes shards of them. A
part is `part-00012.tfrecord` and `part-00012.json`, which says what is in it and is
written last: a part that has it is complete. Its contents depend on its utterances
alone, not on who wrote it or when.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from tfrecords_tools.prepare import Prepared
from tfrecords_tools.utterance import Skipped
from wg2 import files
from wg2.config import Config
from wg2.data import schema

_FRAMING_BYTES = 16  # TFRecord: length, its checksum, the checksum of the data
_NOTED = (
    "source_rate_hz",
    "num_channels",
    "num_clipped",
    "num_unknown_words",
    "num_mismatches",
    "trimmed_seconds",
    "kept_quieter",
)
"""What `dataset.json` tells of the utterances that are kept."""


@dataclass(frozen=True, eq=False)
class Entry:
    """What is known of a record without reading it.

    Args:
        id: Of the utterance.
        offset, num_bytes: Where it is in the part, TFRecord's framing included.
        sha256: Of the serialized record.
        num_frames: Of the record.
        sum_of_squares: Over its 16-bit samples, exact.
        phoneme_counts: int64 `(phonemes,)`.
        notes: Values of `_NOTED`.
    """

    id: str
    offset: int
    num_bytes: int
    sha256: str
    num_frames: int
    sum_of_squares: int
    phoneme_counts: np.ndarray
    notes: dict[str, Any]


@dataclass(frozen=True, eq=False)
class Part:
    """A complete part."""

    path: Path
    entries: tuple[Entry, ...]
    skipped: tuple[Skipped, ...]


def part_paths(directory: Path, index: int) -> tuple[Path, Path]:
    """Where the records of a part are, and its description."""
    name = f"part-{index:05d}"
    return directory / f"{name}.tfrecord", directory / f"{name}.json"


class PartWriter:
    """Writes a part; nothing has its final name before `finish`.

    Args:
        directory: Existing folder.
        index: Number of the part.
        config: The config that the utterances were prepared with.
    """

    def __init__(self, directory: Path, index: int, config: Config):
        self._path, self._description = part_paths(directory, index)
        self._config = config
        self._entries: list[dict[str, Any]] = []
        self._skipped: list[Skipped] = []
        self._offset = 0
        # Two processes may write the same part, if one of a killed build lives on.
        descriptor, name = tempfile.mkstemp(
            dir=directory, prefix=f".{self._path.name}."
        )
        os.close(descriptor)
        self._temporary = Path(name)
        with os_errors():
            self._writer = tf.io.TFRecordWriter(name)

    def skip(self, skipped: Skipped) -> None:
        """Lists an utterance that was left out."""
        self._skipped.append(skipped)

    def add(self, utterance: Prepared) -> None:
        """Appends the record of an utterance.

        Raises:
            ValueError: If the record contradicts itself or the config.
            OSError: If it cannot be written.
        """
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
        with os_errors():
            self._writer.write(serialized)
        samples = record.audio.astype(np.int64)
        symbols, counts = np.unique(record.phoneme_ids, return_counts=True)
        num_bytes = len(serialized) + _FRAMING_BYTES
        self._entries.append(
            {
                "id": record.id,
                "offset": self._offset,
                "num_bytes": num_bytes,
                "sha256": hashlib.sha256(serialized).hexdigest(),
                "num_frames": int(record.num_frames),
                "sum_of_squares": int(np.dot(samples, samples)),
                "phonemes": [symbols.tolist(), counts.tolist()],
                "notes": {name: getattr(utterance, name) for name in _NOTED},
            }
        )
        self._offset += num_bytes

    def finish(self) -> None:
        """Completes the part.

        Raises:
            OSError: If it cannot be written.
        """
        with os_errors():
            self._writer.close()
        with open(self._temporary, "rb") as file:
            os.fsync(file.fileno())
        os.replace(self._temporary, self._path)
        skipped = [[skip.id, skip.reason] for skip in self._skipped]
        with files.atomic_write(self._description, "w") as file:
            json.dump({"records": self._entries, "skipped": skipped}, file)

    def discard(self) -> None:
        """Removes what was written, after an error."""
        with contextlib.suppress(tf.errors.OpError):
            self._writer.close()
        self._temporary.unlink(missing_ok=True)


def read_part(directory: Path, index: int, num_phonemes: int) -> Part:
    """Reads the description of a complete part.

    Raises:
        ValueError: If it is damaged.
        FileNotFoundError: If there is none.
    """
    path, description = part_paths(directory, index)
    try:
        values = json.loads(description.read_text(encoding="utf-8"))
        entries = tuple(_entry(entry, num_phonemes) for entry in values["records"])
        skipped = tuple(Skipped(id, reason) for id, reason in values["skipped"])
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(
            f"{description} is damaged ({error}); remove it and build again"
        ) from None
    return Part(path, entries, skipped)


def _entry(values: dict[str, Any], num_phonemes: int) -> Entry:
    symbols, counts = values.pop("phonemes")
    phoneme_counts = np.bincount(symbols, counts, num_phonemes).astype(np.int64)
    return Entry(**values, phoneme_counts=phoneme_counts)


@contextlib.contextmanager
def os_errors() -> Iterator[None]:
    """TensorFlow's file errors (a full disk, say) as Python's."""
    try:
        yield
    except tf.errors.OpError as error:
        raise OSError(f"cannot write records: {error.message}") from None
