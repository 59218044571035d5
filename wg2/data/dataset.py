"""`dataset.json`: what a folder of records holds, and for which config.

It is written last, so a folder that has it is complete.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from wg2 import files
from wg2.config import Config
from wg2.data.schema import SCHEMA_VERSION

FILE_NAME = "dataset.json"
SPLITS = ("train", "validation")


@dataclass(frozen=True)
class Corpus:
    """Where the recordings come from; a voice repeats it in its card."""

    name: str
    language: str
    licence: str
    source: str


@dataclass(frozen=True)
class Shard:
    """One TFRecord file, by its name inside the dataset's folder."""

    file: str
    num_utterances: int
    sha256: str


@dataclass(frozen=True)
class Split:
    """The shards of "train" or of "validation"."""

    num_utterances: int = 0
    hours: float = 0.0
    shards: tuple[Shard, ...] = ()


@dataclass(frozen=True)
class DatasetInfo:
    """The contents of `dataset.json`.

    Args:
        schema_version: `wg2.data.schema.SCHEMA_VERSION` of the records.
        corpus: See `Corpus`.
        sample_rate_hz, samples_per_frame: Of every record.
        phonemes, speakers: Names in the order of their ids.
        audio_rms: Root mean square over all training samples, full scale = 1.
        min_frames, max_frames: Frames of the shortest and of the longest utterance in
            any split.
        phoneme_counts: Occurrences of each phoneme in the training split.
        splits: "train" and "validation".
        skipped: `{"id": ..., "reason": ...}` of every utterance left out.
        warnings: What was done to utterances that were kept, one line each.
        config: `Config.to_dict()` that the records were built with.
        corpus_hash: Of all records, whatever the shards and the order.
        build_options: What they were built with besides the config; empty in datasets
            made before it was recorded.
    """

    schema_version: int
    corpus: Corpus
    sample_rate_hz: int
    samples_per_frame: int
    phonemes: tuple[str, ...]
    speakers: tuple[str, ...]
    audio_rms: float
    min_frames: int
    max_frames: int
    phoneme_counts: dict[str, int]
    splits: dict[str, Split]
    skipped: tuple[dict[str, str], ...]
    warnings: tuple[str, ...]
    config: dict[str, Any]
    corpus_hash: str
    build_options: dict[str, Any] = field(default_factory=dict)
    directory: Path = field(default=Path(), compare=False)

    @property
    def num_utterances(self) -> int:
        return sum(split.num_utterances for split in self.splits.values())

    @property
    def frames_per_second(self) -> float:
        return self.sample_rate_hz / self.samples_per_frame

    @classmethod
    def load(cls, directory: str | Path) -> DatasetInfo:
        """Reads `dataset.json` of a folder made by `tfrecords_tools.build`.

        Raises:
            FileNotFoundError: No folder, or no `dataset.json` in it.
            ValueError: Not valid, or of another schema version.
        """
        directory = Path(directory)
        path = directory / FILE_NAME
        if not directory.is_dir():
            raise FileNotFoundError(f"No dataset folder at {directory}")
        if not path.is_file():
            raise FileNotFoundError(
                f"{directory} has no {FILE_NAME}; make it with "
                "`python -m tfrecords_tools.build`"
            )
        try:
            values = json.loads(path.read_text(encoding="utf-8"))
        except ValueError as error:
            raise ValueError(f"{path} is not valid JSON: {error}") from None
        version = values.get("schema_version") if isinstance(values, dict) else None
        if version != SCHEMA_VERSION:
            raise ValueError(
                f"{path}: expected schema_version {SCHEMA_VERSION}, got {version!r}; "
                "build the records again"
            )
        try:
            return cls._from_dict(values, directory)
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(
                f"{path} lacks or has a wrong field: {error}; build the records again"
            ) from None

    @classmethod
    def _from_dict(cls, values: dict[str, Any], directory: Path) -> DatasetInfo:
        splits = {
            name: Split(
                num_utterances=split["num_utterances"],
                hours=split["hours"],
                shards=tuple(Shard(**shard) for shard in split["shards"]),
            )
            for name, split in values["splits"].items()
        }
        info = cls(
            **{
                **values,
                "corpus": Corpus(**values["corpus"]),
                "phonemes": tuple(values["phonemes"]),
                "speakers": tuple(values["speakers"]),
                "splits": {name: splits[name] for name in SPLITS},
                "skipped": tuple(values["skipped"]),
                "warnings": tuple(values["warnings"]),
            },
            directory=directory,
        )
        info._check_types()
        return info

    def _check_types(self) -> None:
        """Raises TypeError where something is not what computations need."""
        if not isinstance(self.config, dict):
            raise TypeError(f"config must be an object, not {self.config!r}")
        counts = {f"phoneme_counts[{s!r}]": n for s, n in self.phoneme_counts.items()}
        for name, split in self.splits.items():
            counts[f"splits.{name}.num_utterances"] = split.num_utterances
            counts |= {shard.file: shard.num_utterances for shard in split.shards}
        counts |= {"min_frames": self.min_frames, "max_frames": self.max_frames}
        for name in ("sample_rate_hz", "samples_per_frame"):
            counts[name] = getattr(self, name) or None  # something is divided by them
        for name, value in counts.items():
            if not isinstance(value, int) or value < 0:
                raise TypeError(f"{name} must be a count, not {value!r}")
        hours = {f"splits.{name}.hours": s.hours for name, s in self.splits.items()}
        for name, value in {**hours, "audio_rms": self.audio_rms}.items():
            if not isinstance(value, int | float) or not value >= 0:
                raise TypeError(f"{name} must be a number, not {value!r}")

    def save(self, directory: str | Path) -> None:
        """Writes `dataset.json` atomically."""
        values = dataclasses.asdict(self)
        del values["directory"]
        with files.atomic_write(Path(directory) / FILE_NAME, "w") as file:
            json.dump(values, file, indent=2, ensure_ascii=False)
            file.write("\n")

    def split(self, name: str) -> Split:
        """The split of that name.

        Raises:
            ValueError: If there is no such split, or it is empty.
        """
        if name not in self.splits:
            raise ValueError(
                f"{self.directory}: no split {name!r}; it has {', '.join(self.splits)}"
            )
        if not self.splits[name].num_utterances:
            raise ValueError(f"{self.directory}: the split {name!r} has no utterances")
        return self.splits[name]

    def shard_paths(self, split: str) -> list[Path]:
        """Paths of a split's shards, in order.

        Raises:
            ValueError: If there is no such split, or it is empty.
            FileNotFoundError: If a shard is missing.
        """
        paths = [self.directory / shard.file for shard in self.split(split).shards]
        for path in paths:
            if not path.is_file():
                raise FileNotFoundError(
                    f"{path} is missing, though {FILE_NAME} lists it; "
                    "build the records again"
                )
        return paths

    def check_shards(self, split: str) -> None:
        """Compares every shard with its checksum (reads the whole split).

        Raises:
            ValueError, FileNotFoundError: Naming the damaged or missing shard.
        """
        shards = self.split(split).shards
        for path, shard in zip(self.shard_paths(split), shards, strict=True):
            if file_sha256(path) != shard.sha256:
                raise ValueError(
                    f"{path} is damaged: its checksum is not the one in {FILE_NAME}; "
                    "build the records again"
                )

    def check_config(self, config: Config) -> None:
        """Whether a model of `config` can learn from these records.

        Raises:
            ValueError: Naming the value that differs, from both sides.
        """
        for name, here, wanted in (
            ("sample_rate_hz", self.sample_rate_hz, config.audio.sample_rate_hz),
            ("samples_per_frame", self.samples_per_frame, config.samples_per_frame),
            ("phonemes", self.phonemes, config.text.phonemes),
            ("speakers", self.speakers, config.text.speakers),
        ):
            if here != wanted:
                raise ValueError(
                    f"the records in {self.directory} do not fit config "
                    f"{config.name!r}: {name} is {_quote(here, wanted)} in the "
                    f"records, {_quote(wanted, here)} in the config; build the records "
                    "with this config"
                )


def file_sha256(path: str | Path) -> str:
    """Hexadecimal SHA-256 of a file."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def corpus_hash(digests: Iterable[bytes]) -> str:
    """Hexadecimal hash of a whole corpus, whatever its shards.

    Args:
        digests: SHA-256 of every serialized record, in the order of the ids.
    """
    digest = hashlib.sha256()
    for record_digest in digests:
        digest.update(record_digest)
    return digest.hexdigest()


def _quote(value: Any, other: Any) -> str:
    """`value` for a message; of two long tuples only what the other lacks."""
    if not isinstance(value, tuple) or len(value) < 8:
        return repr(value)
    lacks = [symbol for symbol in value if symbol not in other]
    if lacks:
        return f"{len(value)} symbols (with {' '.join(lacks)})"
    return f"{len(value)} symbols (in the order {' '.join(value)})"
