"""The utterances to evaluate with."""

from __future__ import annotations

import hashlib
import heapq
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from wg2.audio import wav
from wg2.data import schema
from wg2.data.dataset import DatasetInfo
from wg2.data.pipeline import clear_errors


@dataclass(frozen=True, eq=False)
class HeldOut:
    """A recording, and what is said in it.

    Args:
        id, text: Of the record.
        speaker: Name, or None where there is only one without a name.
        phoneme_ids: int `(phonemes,)`.
        phonemes: Their symbols.
        durations: int `(phonemes,)`, frames.
        audio: float32 `(samples,)`, full scale = 1.
    """

    id: str
    text: str
    speaker: str | None
    phoneme_ids: np.ndarray
    phonemes: tuple[str, ...]
    durations: np.ndarray
    audio: np.ndarray


def choose(
    info: DatasetInfo,
    split: str,
    count: int,
    longest_seconds: float | None = None,
    count_options: str = "--utterances",
) -> list[HeldOut]:
    """Utterances of a split: those whose id has the smallest hash, so that they come
    from everywhere in the corpus, and the first of 50 are those of 10.

    Args:
        info: The records.
        split: Name.
        count: int.
        longest_seconds: float or None: longer ones are passed over.
        count_options: What a user made `count` of, for messages.

    Raises:
        ValueError: No or an empty split, fewer utterances than `count`, a length that
            is none, or a damaged record or shard.
        FileNotFoundError: If a shard is missing.
    """
    if longest_seconds is not None and not longest_seconds > 0:
        raise ValueError(
            f"--longest-seconds must be above 0. Received: {longest_seconds:g}"
        )
    available = info.split(split).num_utterances
    if count > available:
        raise ValueError(
            f"{info.directory} has {available} {split} utterances, not {count}: lower "
            f"{count_options}, or build with a larger --validation-percent"
        )
    most = np.inf if longest_seconds is None else longest_seconds * info.sample_rate_hz
    keyed = (
        (_key(record.id), record)
        for record in _records(info, split)
        if len(record.audio) <= most
    )
    chosen = heapq.nsmallest(count, keyed, key=lambda item: item[0])
    if len(chosen) < count:
        raise ValueError(
            f"{info.directory} has {len(chosen)} {split} utterances of at most "
            f"{longest_seconds:g} s, not {count}: lower {count_options}, or raise "
            "--longest-seconds"
        )
    return [_held_out(info, record) for _, record in chosen]


def _key(id: str) -> bytes:
    return hashlib.sha256(id.encode("utf-8")).digest()


def _records(info: DatasetInfo, split: str) -> Iterator[schema.Record]:
    paths = [str(path) for path in info.shard_paths(split)]
    dataset = tf.data.TFRecordDataset(paths).apply(
        tf.data.experimental.assert_cardinality(info.split(split).num_utterances)
    )
    for serialized in clear_errors(iter(dataset), info):
        record = schema.decode(serialized.numpy())
        record.check(
            samples_per_frame=info.samples_per_frame,
            num_phonemes=len(info.phonemes),
            num_speakers=max(1, len(info.speakers)),
        )
        yield record


def _held_out(info: DatasetInfo, record: schema.Record) -> HeldOut:
    return HeldOut(
        id=record.id,
        text=record.text,
        speaker=info.speakers[record.speaker_id] if info.speakers else None,
        phoneme_ids=record.phoneme_ids,
        phonemes=tuple(info.phonemes[i] for i in record.phoneme_ids),
        durations=record.durations,
        audio=wav.from_int16(record.audio),
    )
