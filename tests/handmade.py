"""Datasets written record by record, so that a test can put anything into them.

The figures of `dataset.json` are worked out here on their own, not by the writer.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf

from wg2.config import Config
from wg2.data import schema
from wg2.data.dataset import Corpus, DatasetInfo, Shard, Split
from wg2.presets import TINY
from wg2.text import symbols

WORDS = tuple(p for p in symbols.PHONEMES if p not in symbols.BOUNDARIES)
"""All speech sounds."""


def config(speakers: Sequence[str] = (), phonemes: Sequence[str] = ()) -> Config:
    """The tiny preset (8 kHz, 40 samples a frame) for these speakers and phonemes.

    By default the inventory has what `record` says, so that nothing goes unseen.
    """
    phonemes = tuple(phonemes) or ("<pad>", "<eos>", "sil", ",", "AA1", "B", "D", "S")
    text = dataclasses.replace(TINY.text, phonemes=phonemes, speakers=tuple(speakers))
    return dataclasses.replace(TINY, text=text)


def record(id: str, seed: int | None = None, **changes) -> schema.Record:
    """An utterance of 12 speech sounds and a pause that no check has to complain of.

    It is `sil 6 sounds , 6 sounds sil <eos>` with 16 frames (80 ms) of each sound and
    40 frames (0.2 s) of each silence; the sounds are noise, other noise for each id.
    """
    seed = sum(id.encode()) if seed is None else seed
    generator = np.random.default_rng(seed)
    phoneme_ids = np.array([2, *[4, 5, 6, 7, 4, 5], 3, *[6, 7, 4, 5, 6, 7], 2, 1])
    durations = np.where(phoneme_ids >= 4, 16, 40) * (phoneme_ids != 1)
    audio = generator.normal(0, 3000, durations.sum() * 40)
    quiet = np.repeat(phoneme_ids < 4, durations * 40)
    audio[quiet] = generator.normal(0, 5, quiet.sum())
    values = {
        "id": id,
        "text": f"The text of {id}.",
        "speaker_id": 0,
        "phoneme_ids": phoneme_ids,
        "durations": durations,
        "num_frames": int(durations.sum()),
        "audio": audio.astype(np.int16),
        **changes,
    }
    return schema.Record(**values)


def write(
    directory: Path,
    train: Sequence[schema.Record | bytes],
    validation: Sequence[schema.Record | bytes] = (),
    *,
    shard_size: int = 16,
    config: Config | None = None,
    **changes,
) -> DatasetInfo:
    """A dataset of these records; serialized ones count, but not in the figures.

    Args:
        directory: New folder.
        train, validation: Its splits.
        shard_size: Records of a file.
        config: By default `config()`.
        changes: Fields of `dataset.json` that say something else.
    """
    config = config or globals()["config"]()
    directory.mkdir(parents=True)
    splits, digests = {}, []
    for name, records in (("train", train), ("validation", validation)):
        shards = []
        for first in range(0, len(records), shard_size):
            path = directory / f"{name}-{len(shards):05d}.tfrecord"
            part = records[first : first + shard_size]
            with tf.io.TFRecordWriter(str(path)) as writer:
                for item in part:
                    raw = item if isinstance(item, bytes) else schema.encode(item)
                    writer.write(raw)
                    id = "" if isinstance(item, bytes) else item.id
                    digests.append((id, hashlib.sha256(raw).digest()))
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
            shards.append(Shard(path.name, len(part), digest))
        frames = sum(r.num_frames for r in records if not isinstance(r, bytes))
        hours = round(frames / 200 / 3600, 6)
        splits[name] = Split(len(records), hours, tuple(shards))
    sound = [r for r in (*train, *validation) if not isinstance(r, bytes)]
    heard = [r for r in train if not isinstance(r, bytes)]
    audio = np.concatenate([r.audio for r in heard]) / 32768
    said = [config.text.phonemes[i] for r in heard for i in r.phoneme_ids]
    info = DatasetInfo(
        schema_version=schema.SCHEMA_VERSION,
        corpus=Corpus("handmade", "en-US", "CC0", "nowhere"),
        sample_rate_hz=8000,
        samples_per_frame=40,
        phonemes=config.text.phonemes,
        speakers=config.text.speakers,
        audio_rms=math.sqrt(float(np.mean(audio**2))),
        min_frames=min(r.num_frames for r in sound),
        max_frames=max(r.num_frames for r in sound),
        phoneme_counts={s: said.count(s) for s in config.text.phonemes},
        splits=splits,
        skipped=(),
        warnings=(),
        config=json.loads(config.to_json()),
        corpus_hash=hashlib.sha256(b"".join(d for _, d in sorted(digests))).hexdigest(),
        directory=directory,
    )
    info = dataclasses.replace(info, **changes)
    info.save(directory)
    return info
