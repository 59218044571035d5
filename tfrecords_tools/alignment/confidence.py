"""How far an alignment is to be believed: does the text fit the sound?

A forced alignment always puts the words somewhere. Three figures tell a wrong text or
no speech from the right text. Measured on clips of LJSpeech and of flite, with their
own text, with that of another clip, and with one word changed (`benchmarks.alignment`):

- Confidence, exp(mean over the frames of all words of ln(p / p')), where p is the
  likelihood of the model's state that is aligned there and p' that of the best state
  which the search considered. It lies in (0, 1]: right texts have 0.15 to 0.5, those of
  another clip less than 0.03, or no path at all, which is a confidence of 0.
- The same of each word, where one of less than 0.15 s counts as having that length with
  the rest fitting perfectly: in the 30 ms of an "a" a single odd frame weighs too much.
  A word that is not said has less than 2e-3 in most cases, the worst word of a right
  text 3e-3 and more.
- Uncovered sound: the longest stretch between words that is as loud as speech. A text
  that lacks words has it, as does music before or after the speech.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tfrecords_tools.alignment.forced import FRAMES_PER_SECOND, Alignment, ForcedWord
from tfrecords_tools.alignment.textgrid import Interval
from tfrecords_tools.decoding import SAMPLE_RATE_HZ
from tfrecords_tools.utterance import SkipUtterance

_SHORTEST_WORD_SECONDS = 0.15
_LOUD_DB = 12.0
"""Less than this below the speech is as loud as speech."""
_GAP_FRAMES = 3
"""A shorter dip does not end a stretch of sound."""


@dataclass(frozen=True)
class Limits:
    """What an alignment has to reach.

    Args:
        min_confidence, min_word_confidence: float in [0, 1].
        max_uncovered_seconds: float >= 0.

    Raises:
        ValueError: If one is out of its range.
    """

    min_confidence: float = 0.05
    min_word_confidence: float = 0.002
    max_uncovered_seconds: float = 0.25

    def __post_init__(self):
        for name in ("min_confidence", "min_word_confidence"):
            value = getattr(self, name)
            if not 0 <= value <= 1:
                option = "--" + name.replace("_", "-")
                raise ValueError(f"{option} must lie in [0, 1]. Received: {value:g}")
        if not self.max_uncovered_seconds >= 0:
            raise ValueError(
                "--max-uncovered must be 0 or more seconds. Received: "
                f"{self.max_uncovered_seconds:g}"
            )


DEFAULT_LIMITS = Limits()


@dataclass(frozen=True)
class Confidence:
    """The three figures of an alignment.

    Args:
        utterance: Confidence of all words together, in [0, 1].
        word: The least confidence of a word.
        word_label, word_seconds: Which word, and where it begins.
        uncovered: The longest stretch of sound without words; None if there is none.
    """

    utterance: float
    word: float
    word_label: str
    word_seconds: float
    uncovered: Interval | None

    @property
    def uncovered_seconds(self) -> float:
        if self.uncovered is None:
            return 0.0
        return self.uncovered.end_seconds - self.uncovered.start_seconds

    def check(self, limits: Limits) -> None:
        """Raises SkipUtterance for the first limit that is not reached."""
        if self.utterance < limits.min_confidence:
            raise SkipUtterance(
                "low confidence",
                f"{self.utterance:.2g}, at least {limits.min_confidence:g} is wanted; "
                "is this the text of the recording?",
            )
        if self.word < limits.min_word_confidence:
            raise SkipUtterance(
                "doubtful word",
                f"{self.word_label!r} at {self.word_seconds:.2f} s has a confidence of "
                f"{self.word:.1g}, at least {limits.min_word_confidence:g} is wanted; "
                "is it said there?",
            )
        if self.uncovered_seconds > limits.max_uncovered_seconds:
            raise SkipUtterance(
                "sound without words",
                f"{self.uncovered_seconds:.2f} s at {self.uncovered.start_seconds:.2f} "
                "s are as loud as speech, at most "
                f"{limits.max_uncovered_seconds:g} s are allowed; is a word missing in "
                "the text?",
            )


def measure(alignment: Alignment, samples: np.ndarray) -> Confidence:
    """The three figures.

    Args:
        alignment: Of the recording.
        samples: int16 `(samples,)` at `SAMPLE_RATE_HZ`.
    """
    worst = min(alignment.words, key=_word_log_ratio)
    return Confidence(
        utterance=math.exp(alignment.log_ratio),
        word=math.exp(_word_log_ratio(worst)),
        word_label=worst.word.label,
        word_seconds=worst.word.start_seconds,
        uncovered=longest_uncovered(
            samples,
            [(w.word.start_seconds, w.word.end_seconds) for w in alignment.words],
        ),
    )


def _word_log_ratio(word: ForcedWord) -> float:
    """Nats per frame, over at least 0.15 s."""
    return word.log_ratio * min(1.0, word.seconds / _SHORTEST_WORD_SECONDS)


def longest_uncovered(
    samples: np.ndarray, spoken: Sequence[tuple[float, float]]
) -> Interval | None:
    """The longest stretch outside of `spoken` that is as loud as what is inside.

    Loud is what is less than 12 dB below the median level of speech, and nearer to that
    than to the background (the quietest 5 % of the recording), so that steady noise is
    not loud. Levels are of 10 ms; dips of up to 30 ms do not end a stretch.

    Args:
        samples: int16 `(samples,)` at `SAMPLE_RATE_HZ`.
        spoken: Start and end of every word, seconds.
    """
    step = SAMPLE_RATE_HZ // FRAMES_PER_SECOND
    num_frames = len(samples) // step
    frames = samples[: num_frames * step].astype(np.float64).reshape(num_frames, step)
    levels_db = 10 * np.log10(np.mean(frames**2, axis=1) + 1.0)
    inside = np.zeros(num_frames, bool)
    for start, end in spoken:
        first = round(start * FRAMES_PER_SECOND)
        inside[first : round(end * FRAMES_PER_SECOND)] = True
    if not inside.any():
        return None
    speech_db = np.median(levels_db[inside])
    background_db = np.quantile(levels_db, 0.05)
    loud_db = max(speech_db - _LOUD_DB, 0.5 * (speech_db + background_db))
    loud = np.flatnonzero((levels_db > loud_db) & ~inside)
    if len(loud) == 0:
        return None
    # A word in between is more than a dip, however short.
    passed = np.cumsum(inside)
    apart = (np.diff(loud) > _GAP_FRAMES + 1) | (np.diff(passed[loud]) > 0)
    stretches = np.split(loud, np.flatnonzero(apart) + 1)
    longest = max(stretches, key=lambda stretch: stretch[-1] - stretch[0])
    return Interval(
        longest[0] / FRAMES_PER_SECOND, (longest[-1] + 1) / FRAMES_PER_SECOND, ""
    )
