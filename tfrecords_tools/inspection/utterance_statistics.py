"""Figures of one record: lengths, loudness, silence, pauses. NumPy only.

`validate` compares them with limits, `report` draws and lists them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from wg2.text import symbols

if TYPE_CHECKING:
    from wg2.data.dataset import DatasetInfo
    from wg2.data.schema import Record

SILENCE_BELOW_DB = 40.0
"""A frame this far below the loud ones is silence ..."""
SILENCE_DBFS = -60.0
"""... and so is every frame below this level."""
_LOUD_PERCENTILE = 95
_FULL_SCALE = 32767
_PAUSE_EDGE_SECONDS = 0.05
"""Of a pause, what may still sound at each side when its level is measured."""


@dataclass(frozen=True)
class Stretch:
    """A part of an utterance. `symbol` is the phoneme, "" for a stretch of audio."""

    symbol: str = ""
    start_seconds: float = 0.0
    seconds: float = 0.0


@dataclass(frozen=True, eq=False)
class UtteranceStatistics:
    """What can be measured on one record.

    Levels are in dB of full scale (1.0 is 0 dB, so a full-scale sine has an RMS of
    -3.01 dB), and -inf if every sample is zero.

    Args:
        seconds: Length of the audio.
        num_phonemes: Speech sounds, i.e. without pauses and sentence ends.
        num_unspoken: Those of no frames.
        speech_seconds: Of the speech sounds together.
        rms_dbfs: Over all samples, without their mean.
        peak_dbfs: Of the largest sample.
        dc_offset: Mean sample, full scale = 1.
        num_full_scale: Samples at the limits of 16 bits.
        longest_full_scale: The longest run of them, in samples.
        start_silence_seconds, end_silence_seconds: Of the audio, whatever the labels.
        inner_silence: The longest silence of the audio between those two.
        longest_phoneme, longest_pause: By their labels; a pause has sounds on both
            sides.
        pauses_seconds: `(pauses,)`, all pauses longer than no frames.
        loudest_pause: The pause whose middle is loudest.
        loudest_pause_db: Its level, relative to the speech sounds; -inf if none.
    """

    seconds: float
    num_phonemes: int
    num_unspoken: int
    speech_seconds: float
    rms_dbfs: float
    peak_dbfs: float
    dc_offset: float
    num_full_scale: int
    longest_full_scale: int
    start_silence_seconds: float
    end_silence_seconds: float
    inner_silence: Stretch
    longest_phoneme: Stretch
    longest_pause: Stretch
    pauses_seconds: np.ndarray
    loudest_pause: Stretch
    loudest_pause_db: float

    @property
    def phonemes_per_second(self) -> float:
        """Articulation rate: speech sounds by their own time; 0 if there are none."""
        return self.num_phonemes / self.speech_seconds if self.speech_seconds else 0.0


def measure(record: Record, info: DatasetInfo) -> UtteranceStatistics:
    """The figures of a record that `Record.check` has passed."""
    audio = record.audio
    mean = audio.mean(dtype=np.float64)
    # Without the offset, which is not heard, and would hide silence.
    heard = (audio - np.float32(mean)).reshape(record.num_frames, -1)
    power = np.square(heard).mean(axis=1, dtype=np.float64) / 32768.0**2
    edges = np.concatenate([[0], np.cumsum(record.durations)])
    at_limit = (audio >= _FULL_SCALE) | (audio <= -_FULL_SCALE)
    start, end, inner = _silences(power, info.frames_per_second)
    labels = _Labels(record, edges, info)
    loudest_pause, loudest_pause_db = labels.loudest_pause(power)
    return UtteranceStatistics(
        seconds=record.num_frames / info.frames_per_second,
        num_phonemes=int(labels.spoken.sum()),
        num_unspoken=int(np.sum(labels.spoken & (record.durations == 0))),
        speech_seconds=labels.seconds_of(labels.spoken),
        rms_dbfs=_decibels(power.mean()),
        peak_dbfs=2 * _decibels(max(int(audio.max()), -int(audio.min())) / 32768.0),
        dc_offset=float(mean) / 32768.0,
        num_full_scale=int(at_limit.sum()),
        longest_full_scale=int(longest_run(at_limit)[1]),
        start_silence_seconds=start,
        end_silence_seconds=end,
        inner_silence=inner,
        longest_phoneme=labels.longest(labels.spoken),
        longest_pause=labels.longest(labels.pauses),
        pauses_seconds=record.durations[labels.pauses] / info.frames_per_second,
        loudest_pause=loudest_pause,
        loudest_pause_db=loudest_pause_db,
    )


def longest_run(flags: np.ndarray) -> tuple[int, int]:
    """Start and length of the longest run of True; the first of equals.

    Args:
        flags: bool `(n,)`.
    """
    if not flags.any():
        return 0, 0
    steps = np.diff(np.concatenate([[0], flags.astype(np.int8), [0]]))
    starts, ends = np.flatnonzero(steps == 1), np.flatnonzero(steps == -1)
    longest = int(np.argmax(ends - starts))
    return int(starts[longest]), int(ends[longest] - starts[longest])


class _Labels:
    """The phonemes of a record and their places."""

    def __init__(self, record: Record, edges: np.ndarray, info: DatasetInfo):
        self._symbols = [info.phonemes[i] for i in record.phoneme_ids]
        self._durations = record.durations
        self._edges = edges
        self._frames_per_second = info.frames_per_second
        self.spoken = np.array([s not in symbols.BOUNDARIES for s in self._symbols])
        # Before the first sound and after the last there is silence, no pause.
        sounds = np.flatnonzero(self.spoken)
        between = np.zeros(len(self.spoken), bool)
        if len(sounds):
            between[sounds[0] : sounds[-1]] = True
        self.pauses = between & ~self.spoken & (record.durations > 0)

    def seconds_of(self, which: np.ndarray) -> float:
        return int(self._durations[which].sum()) / self._frames_per_second

    def stretch(self, i: int) -> Stretch:
        return Stretch(
            self._symbols[i],
            int(self._edges[i]) / self._frames_per_second,
            int(self._durations[i]) / self._frames_per_second,
        )

    def longest(self, which: np.ndarray) -> Stretch:
        if not which.any():
            return Stretch()
        return self.stretch(int(np.argmax(np.where(which, self._durations, -1))))

    def loudest_pause(self, power: np.ndarray) -> tuple[Stretch, float]:
        edge = math.ceil(_PAUSE_EDGE_SECONDS * self._frames_per_second)
        long = np.flatnonzero(self.pauses & (self._durations > 2 * edge))
        speech = power[np.repeat(self.spoken, self._durations)]
        if not len(long) or not speech.any():
            return Stretch(), -math.inf
        levels = [
            power[self._edges[i] + edge : self._edges[i + 1] - edge].mean()
            for i in long
        ]
        loudest = int(np.argmax(levels))
        decibels = _decibels(levels[loudest] / speech.mean())
        return self.stretch(int(long[loudest])), decibels


def _silences(
    power: np.ndarray, frames_per_second: float
) -> tuple[float, float, Stretch]:
    """Seconds of silence at the start and the end, and the longest one between."""
    loud = np.percentile(power, _LOUD_PERCENTILE)
    limit = max(10 ** (SILENCE_DBFS / 10), loud * 10 ** (-SILENCE_BELOW_DB / 10))
    silent = power < limit
    sounds = np.flatnonzero(~silent)
    if not len(sounds):
        seconds = len(power) / frames_per_second
        return seconds, seconds, Stretch()
    first, last = int(sounds[0]), int(sounds[-1])
    start, length = longest_run(silent[first:last])
    inner = Stretch("", (first + start) / frames_per_second, length / frames_per_second)
    if not length:
        inner = Stretch()
    start_seconds = first / frames_per_second
    return start_seconds, (len(power) - 1 - last) / frames_per_second, inner


def _decibels(power: float) -> float:
    return 10 * math.log10(power) if power > 0 else -math.inf
