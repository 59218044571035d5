"""What a report says of a corpus, gathered in one pass with bounded memory.

Histograms have fixed bins, and of the outliers only the most extreme are kept.
"""

from __future__ import annotations

import collections
import heapq
import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from tfrecords_tools.inspection.histogram import Histogram
from tfrecords_tools.inspection.utterance_statistics import Stretch, UtteranceStatistics
from wg2.data.dataset import DatasetInfo
from wg2.data.schema import Record
from wg2.text import symbols


@dataclass(frozen=True, eq=False)
class Outlier:
    """An utterance worth listening to.

    Args:
        id, text, split, speaker: Of the utterance; `speaker` is "" in a corpus of one.
        value: float, what makes it one.
        statistics: Of the whole utterance.
        place: The stretch that is meant, or None for the whole utterance.
        audio: int16 `(samples,)`, the whole or the part around `place`.
        clip_start_seconds: float, where `audio` begins in the utterance.
    """

    id: str
    text: str
    split: str
    speaker: str
    value: float
    statistics: UtteranceStatistics
    place: Stretch | None
    audio: np.ndarray
    clip_start_seconds: float


@dataclass(frozen=True)
class Extreme:
    """A way to be an outlier: the utterances of the largest `measure`.

    Args:
        title: For people.
        measure: Of statistics; -inf is no outlier at all.
        text: The number in words.
        place: The stretch that is meant, if it is not the whole utterance.
    """

    title: str
    measure: Callable[[UtteranceStatistics], float]
    text: Callable[[UtteranceStatistics], str]
    place: Callable[[UtteranceStatistics], Stretch] | None = None


_FEW_PHONEMES = 10
"""The speaking rate of fewer says little."""


def _rate(statistics: UtteranceStatistics) -> float:
    if statistics.num_phonemes < _FEW_PHONEMES:
        return math.nan
    return statistics.phonemes_per_second


def _rate_text(statistics: UtteranceStatistics) -> str:
    return f"{statistics.phonemes_per_second:.1f} speech sounds per second"


def _stretch_text(stretch: Stretch) -> str:
    return f"{stretch.seconds:.2f} s at {stretch.start_seconds:.2f} s"


def _pause_text(stretch: Stretch) -> str:
    return f"pause “{stretch.symbol}” of {_stretch_text(stretch)}"


EXTREMES = (
    Extreme("Slowest", lambda s: -_rate(s), _rate_text),
    Extreme("Fastest", _rate, _rate_text),
    Extreme("Loudest", lambda s: s.rms_dbfs, lambda s: f"RMS {s.rms_dbfs:.1f} dBFS"),
    Extreme("Quietest", lambda s: -s.rms_dbfs, lambda s: f"RMS {s.rms_dbfs:.1f} dBFS"),
    Extreme("Longest", lambda s: s.seconds, lambda s: f"{s.seconds:.2f} s"),
    Extreme("Shortest", lambda s: -s.seconds, lambda s: f"{s.seconds:.2f} s"),
    Extreme(
        "Longest speech sound",
        lambda s: s.longest_phoneme.seconds or -math.inf,
        lambda s: f"{s.longest_phoneme.symbol} of {_stretch_text(s.longest_phoneme)}",
        lambda s: s.longest_phoneme,
    ),
    Extreme(
        "Longest pause",
        lambda s: s.longest_pause.seconds or -math.inf,
        lambda s: _pause_text(s.longest_pause),
        lambda s: s.longest_pause,
    ),
    Extreme(
        "Loudest pause",
        lambda s: s.loudest_pause_db,
        lambda s: (
            f"{s.loudest_pause_db:+.1f} dB against the speech, "
            f"{_pause_text(s.loudest_pause)}"
        ),
        lambda s: s.loudest_pause,
    ),
    Extreme(
        "Longest silence before the speech",
        lambda s: s.start_silence_seconds or -math.inf,
        lambda s: f"{s.start_silence_seconds:.2f} s",
        lambda s: Stretch("", 0.0, s.start_silence_seconds),
    ),
    Extreme(
        "Longest silence after the speech",
        lambda s: s.end_silence_seconds or -math.inf,
        lambda s: f"{s.end_silence_seconds:.2f} s",
        lambda s: Stretch("", s.seconds - s.end_silence_seconds, s.end_silence_seconds),
    ),
    Extreme(
        "Most samples at full scale",
        lambda s: s.num_full_scale if s.longest_full_scale > 1 else -math.inf,
        lambda s: (
            f"{s.num_full_scale} samples, at most {s.longest_full_scale} in a row"
        ),
    ),
)


class CorpusSummary:
    """Takes records one by one; an observer of `examine`.

    Args:
        info: The dataset.
        num_outliers: int, utterances kept for each of `EXTREMES`.
        clip_seconds: float > 0, longest audio kept of one of them.
    """

    def __init__(self, info: DatasetInfo, num_outliers: int, clip_seconds: float):
        self._info = info
        self._num_outliers = num_outliers
        self._clip_seconds = clip_seconds
        self._order = itertools.count()  # heaps compare it instead of outliers
        self._heaps: dict[str, list] = {extreme.title: [] for extreme in EXTREMES}
        self.seconds: collections.Counter[tuple[str, int]] = collections.Counter()
        """Of each split and speaker id."""
        self.utterances: collections.Counter[tuple[str, int]] = collections.Counter()
        self.phonemes = {
            split: np.zeros(len(info.phonemes), np.int64) for split in info.splits
        }
        self.durations = self._times(info.max_frames)
        self.rates = Histogram(0, 40, 160)
        self.loudness = Histogram(-80, 0, 320)
        two_seconds = round(2 * info.frames_per_second)
        self.pauses = self._times(two_seconds)
        self.start_silence = self._times(two_seconds)
        self.end_silence = self._times(two_seconds)

    def add(self, record: Record, statistics: UtteranceStatistics, split: str) -> None:
        """Counts an utterance."""
        key = (split, record.speaker_id)
        self.seconds[key] += statistics.seconds
        self.utterances[key] += 1
        self.phonemes[split] += np.bincount(
            record.phoneme_ids, minlength=len(self._info.phonemes)
        )
        self.durations.add(statistics.seconds)
        if not math.isnan(_rate(statistics)):
            self.rates.add(statistics.phonemes_per_second)
        self.pauses.add(statistics.pauses_seconds)
        if math.isfinite(statistics.rms_dbfs):
            self.loudness.add(statistics.rms_dbfs)
        self.start_silence.add(statistics.start_silence_seconds)
        self.end_silence.add(statistics.end_silence_seconds)
        for extreme in EXTREMES if self._num_outliers else ():
            self._consider(extreme, record, statistics, split)

    def outliers(self, extreme: Extreme) -> list[Outlier]:
        """The most extreme first; of equals the first in the dataset."""
        heap = self._heaps[extreme.title]
        return [outlier for *_, outlier in sorted(heap, key=lambda item: item[:2])][
            ::-1
        ]

    def _times(self, max_frames: int) -> Histogram:
        """One bin for each number of frames, as between frames there are no times."""
        frame_seconds = 1 / self._info.frames_per_second
        # A little lower, as a time may be the rounding of a float below its frame.
        edges = np.array([0, max_frames + 1]) - 1e-3
        return Histogram(*(edges * frame_seconds), max_frames + 1)

    def _consider(
        self,
        extreme: Extreme,
        record: Record,
        statistics: UtteranceStatistics,
        split: str,
    ) -> None:
        value = extreme.measure(statistics)
        # An utterance of zeros is infinitely quiet: an outlier, unlike one that lacks
        # what is measured.
        if math.isnan(value) or value == -math.inf:
            return
        heap = self._heaps[extreme.title]
        if len(heap) == self._num_outliers and value <= heap[0][0]:
            return
        place = extreme.place(statistics) if extreme.place else None
        start, end = self._clip(record, place)
        speakers = self._info.speakers
        outlier = Outlier(
            id=record.id,
            text=record.text,
            split=split,
            speaker=speakers[record.speaker_id] if speakers else "",
            value=value,
            statistics=statistics,
            place=place,
            audio=record.audio[start:end].copy(),  # not the whole record
            clip_start_seconds=start / self._info.sample_rate_hz,
        )
        heapq.heappush(heap, (value, -next(self._order), outlier))
        if len(heap) > self._num_outliers:
            heapq.heappop(heap)

    def _clip(self, record: Record, place: Stretch | None) -> tuple[int, int]:
        """The samples to keep: the middle of `place` is in their middle."""
        rate_hz = self._info.sample_rate_hz
        length = min(len(record.audio), round(self._clip_seconds * rate_hz))
        if place is None:
            return 0, length
        middle = round((place.start_seconds + place.seconds / 2) * rate_hz)
        start = min(max(0, middle - length // 2), len(record.audio) - length)
        return start, start + length


def rare_phonemes(
    info: DatasetInfo, counts: np.ndarray, fewer_than: int
) -> dict[str, int]:
    """Phonemes that training has seldom or never, the rarest first, with counts.

    Args:
        info: For the names.
        counts: int `(phonemes,)`.
        fewer_than: int.
    """
    rare = {
        symbol: int(count)
        for symbol, count in zip(info.phonemes, counts, strict=True)
        if count < fewer_than and symbol != symbols.PAD
    }
    return dict(sorted(rare.items(), key=lambda item: item[1]))
