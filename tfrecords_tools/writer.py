"""Parts of a dataset -> sharded TFRecords of even size and `dataset.json`."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import itertools
import json
import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tfrecords_tools.notes import note_lines
from tfrecords_tools.parts import Entry, Part, PartWriter, part_paths, read_part
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


@dataclass(frozen=True)
class Sizes:
    """How utterances are divided.

    Args:
        validation_percent: float in [0, 100), share of the validation split.
        shard_size: int > 0, most utterances of a shard.

    Raises:
        ValueError: If one is out of its range.
    """

    validation_percent: float = 2.0
    shard_size: int = 256

    def __post_init__(self):
        if not 0 <= self.validation_percent < 100:
            raise ValueError(
                "the validation percentage must lie in [0, 100). Received: "
                f"{self.validation_percent}"
            )
        if self.shard_size < 1:
            raise ValueError(
                f"the shard size must be >= 1. Received: {self.shard_size}"
            )


@dataclass(frozen=True)
class _Place:
    """A record and the file that it is in."""

    path: Path
    entry: Entry


def assemble(
    directory: Path,
    parts: Sequence[Part],
    config: Config,
    corpus: dataset.Corpus,
    sizes: Sizes,
    left_out: Sequence[Skipped] = (),
    build_options: dict[str, Any] | None = None,
) -> dataset.DatasetInfo:
    """Moves the records of all parts into shards, then writes `dataset.json`.

    The split follows from the id alone: an utterance whose `split_position` is below
    `validation_percent` is validation. Where that would leave one of the two splits
    empty, the utterance nearest to the limit changes sides (but a single utterance is
    always training). The shards of a split differ by one utterance at most.

    May be interrupted and called again: shards that are there are kept, and a part is
    removed as soon as all its records are in shards.

    Args:
        directory: Existing folder, for the shards.
        parts: In order, as the utterances will be.
        config, corpus, sizes, build_options: For `dataset.json`.
        left_out: Skipped before the parts were made.

    Raises:
        ValueError: If there is no record at all.
        OSError: If the shards cannot be written.
    """
    splits = _divide(parts, sizes.validation_percent / 100)
    # Validation first: it needs all parts, and is small.
    planned = [
        (split, index, records)
        for split in reversed(dataset.SPLITS)
        for index, records in enumerate(_even(splits[split], sizes.shard_size))
    ]
    last_use = {
        place.path: i for i, (_, _, shard) in enumerate(planned) for place in shard
    }
    for part in parts:
        if part.path not in last_use:
            part.path.unlink(missing_ok=True)
    shards: dict[str, list[dataset.Shard]] = {split: [] for split in dataset.SPLITS}
    for i, (split, index, records) in enumerate(planned):
        name = SHARD_NAME.format(split=split, index=index)
        _write_shard(directory / name, records)
        digest = dataset.file_sha256(directory / name)
        shards[split].append(dataset.Shard(name, len(records), digest))
        for path in {place.path for place in records}:
            if last_use[path] == i:
                path.unlink(missing_ok=True)
    skipped = [*left_out, *(skip for part in parts for skip in part.skipped)]
    info = _describe(directory, splits, shards, config, corpus, skipped, build_options)
    info.save(directory)
    return info


def _divide(parts: Sequence[Part], limit: float) -> dict[str, list[_Place]]:
    """The records of each split, in order."""
    places = [_Place(part.path, entry) for part in parts for entry in part.entries]
    if not places:
        raise ValueError("no utterance was added")
    positions = [split_position(place.entry.id) for place in places]
    validation = [position < limit for position in positions]
    if all(validation) or (not any(validation) and len(places) > 1):
        nearest = min(range(len(places)), key=lambda i: abs(positions[i] - limit))
        validation[nearest] = not validation[nearest]
    names = ["validation" if chosen else "train" for chosen in validation]
    return {
        split: [
            place for place, name in zip(places, names, strict=True) if name == split
        ]
        for split in dataset.SPLITS
    }


def _even(records: list[_Place], shard_size: int) -> list[list[_Place]]:
    """Consecutive pieces of at most `shard_size`, that differ by one at most."""
    if not records:
        return []
    num_shards = -(-len(records) // shard_size)
    bounds = [len(records) * i // num_shards for i in range(num_shards + 1)]
    return [records[a:b] for a, b in itertools.pairwise(bounds)]


def _write_shard(path: Path, records: Sequence[_Place]) -> None:
    """Copies records as they are, framing and all, unless the shard is there."""
    if path.exists():
        return
    temporary = path.with_name(f".{path.name}.partial")
    with open(temporary, "wb") as shard, contextlib.ExitStack() as stack:
        opened: dict[Path, Any] = {}
        for place in records:
            if place.path not in opened:
                stack.close()
                opened = {place.path: stack.enter_context(open(place.path, "rb"))}
            source = opened[place.path]
            source.seek(place.entry.offset)
            data = source.read(place.entry.num_bytes)
            if len(data) != place.entry.num_bytes:
                raise OSError(
                    f"{place.path} is cut short; remove {path.parent} and build again"
                )
            shard.write(data)
        shard.flush()
        os.fsync(shard.fileno())
    os.replace(temporary, path)


def _describe(
    directory: Path,
    splits: dict[str, list[_Place]],
    shards: dict[str, list[dataset.Shard]],
    config: Config,
    corpus: dataset.Corpus,
    skipped: Sequence[Skipped],
    build_options: dict[str, Any] | None,
) -> dataset.DatasetInfo:
    train = [place.entry for place in splits["train"]]
    entries = [place.entry for records in splits.values() for place in records]
    num_frames = [entry.num_frames for entry in entries]
    train_samples = sum(entry.num_frames for entry in train) * config.samples_per_frame
    sum_of_squares = sum(entry.sum_of_squares for entry in train)
    counts = np.sum([entry.phoneme_counts for entry in train], axis=0)
    return dataset.DatasetInfo(
        schema_version=schema.SCHEMA_VERSION,
        corpus=corpus,
        sample_rate_hz=config.audio.sample_rate_hz,
        samples_per_frame=config.samples_per_frame,
        phonemes=config.text.phonemes,
        speakers=config.text.speakers,
        audio_rms=math.sqrt(sum_of_squares / train_samples) / 32768,
        min_frames=min(num_frames),
        max_frames=max(num_frames),
        phoneme_counts={
            symbol: int(count)
            for symbol, count in zip(config.text.phonemes, counts, strict=True)
        },
        splits={
            split: _split(records, shards[split], config)
            for split, records in splits.items()
        },
        skipped=tuple(dataclasses.asdict(skip) for skip in skipped),
        warnings=tuple(
            note_lines(
                sorted(entries, key=lambda entry: entry.id), config.audio.sample_rate_hz
            )
        ),
        config=json.loads(config.to_json()),  # as it will be loaded
        corpus_hash=dataset.corpus_hash(
            bytes.fromhex(entry.sha256)
            for entry in sorted(entries, key=lambda entry: entry.id)
        ),
        build_options=build_options or {},
        directory=directory,
    )


def _split(
    records: Sequence[_Place], shards: list[dataset.Shard], config: Config
) -> dataset.Split:
    num_frames = sum(place.entry.num_frames for place in records)
    return dataset.Split(
        num_utterances=len(records),
        hours=round(num_frames / config.frames_per_second / 3600, 6),
        shards=tuple(shards),
    )


class DatasetWriter:
    """Writes a whole dataset into an empty folder, from one stream of utterances.

    Args:
        directory: Existing folder.
        config: The config that the utterances were prepared with.
        corpus: Goes into `dataset.json`.
        validation_percent, shard_size: See `Sizes` and `assemble`.

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
        self._sizes = Sizes(validation_percent, shard_size)
        self._directory = Path(directory)
        self._config = config
        self._corpus = corpus
        self._part = PartWriter(self._directory, 0, config)

    def skip(self, skipped: Skipped) -> None:
        """Lists an utterance that was left out."""
        self._part.skip(skipped)

    def add(self, utterance: Prepared) -> None:
        """Adds an utterance; its id must not have been added before.

        Raises:
            ValueError: If its record contradicts itself or the config; then the
                writer is of no more use, and has removed what it wrote.
            OSError: If it cannot be written.
        """
        try:
            self._part.add(utterance)
        except BaseException:
            self._part.discard()
            raise

    def finish(self) -> dataset.DatasetInfo:
        """Makes the shards, then writes `dataset.json`; see `assemble`."""
        self._part.finish()
        part = read_part(self._directory, 0, self._config.text.num_phonemes)
        remove_descriptions(self._directory, 1)
        return assemble(
            self._directory, [part], self._config, self._corpus, self._sizes
        )


def remove_descriptions(directory: Path, num_parts: int) -> None:
    """Removes what is left of parts when all their records are in shards."""
    for index in range(num_parts):
        part_paths(directory, index)[1].unlink(missing_ok=True)
