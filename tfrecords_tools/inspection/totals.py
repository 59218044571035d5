"""Sums over all records, against the figures of `dataset.json`."""

from __future__ import annotations

import collections
import math

import numpy as np

from tfrecords_tools.inspection.findings import Findings
from wg2.data import schema
from wg2.data.dataset import DatasetInfo
from wg2.text import symbols


class Totals:
    """Sums over the records, and what `dataset.json` says they are."""

    def __init__(self, info: DatasetInfo):
        self._info = info
        self.complete = True
        """Whether every record that is listed was read."""
        self._num_utterances: collections.Counter[str] = collections.Counter()
        self._num_frames: collections.Counter[str] = collections.Counter()
        self._frames_range = [math.inf, 0]
        self._sum_of_squares = 0.0
        self._phonemes = {
            split: np.zeros(len(info.phonemes), np.int64) for split in info.splits
        }
        self._speakers = np.zeros(max(1, len(info.speakers)), np.int64)

    def add(self, record: schema.Record, split: str) -> None:
        self._num_utterances[split] += 1
        self._num_frames[split] += record.num_frames
        low, high = self._frames_range
        self._frames_range = [
            min(low, record.num_frames),
            max(high, record.num_frames),
        ]
        self._phonemes[split] += np.bincount(
            record.phoneme_ids, minlength=len(self._info.phonemes)
        )
        if split == "train":
            self._speakers[record.speaker_id] += 1
            samples = record.audio.astype(np.float64) / 32768
            self._sum_of_squares += float(np.dot(samples, samples))

    def check_coverage(self, findings: Findings) -> None:
        """Phonemes, speakers and splits that lack utterances."""
        if not self._num_utterances["validation"]:
            findings.add("empty-validation", "the split validation has no utterances")
        for i, symbol in enumerate(self._info.phonemes):
            train, validation = (
                self._phonemes[split][i] for split in ("train", "validation")
            )
            if validation and not train:
                findings.add(
                    "validation-phoneme",
                    f"{symbol}: {validation} times in validation, never in training",
                )
            elif not train and symbol != symbols.PAD:
                findings.add("unseen-phoneme", symbol)
        for name, count in zip(self._info.speakers, self._speakers, strict=False):
            if not count:
                findings.add("unheard-speaker", name)

    def check_figures(self, findings: Findings) -> None:
        """Every figure of `dataset.json` that follows from the records."""
        info = self._info

        def compare(name: str, said, found, tolerance: float = 0.0) -> None:
            if not math.isclose(said, found, rel_tol=tolerance, abs_tol=tolerance):
                findings.add(
                    "dataset-figures", f"{name} is {found}, dataset.json says {said}"
                )

        for split, said in info.splits.items():
            compare(
                f"splits.{split}.num_utterances",
                said.num_utterances,
                self._num_utterances[split],
            )
            seconds = self._num_frames[split] / info.frames_per_second
            hours = round(seconds / 3600, 6)
            compare(f"splits.{split}.hours", said.hours, hours, 1.5e-6)
        low, high = self._frames_range
        compare("min_frames", info.min_frames, 0 if math.isinf(low) else low)
        compare("max_frames", info.max_frames, high)
        train_samples = self._num_frames["train"] * info.samples_per_frame
        rms = math.sqrt(self._sum_of_squares / max(1, train_samples))
        compare("audio_rms", info.audio_rms, rms, 1e-6)
        for i, symbol in enumerate(info.phonemes):
            compare(
                f"phoneme_counts[{symbol!r}]",
                info.phoneme_counts.get(symbol, 0),
                int(self._phonemes["train"][i]),
            )
