"""The phones of a TextGrid grouped into words, and the times of its pauses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tfrecords_tools.alignment.textgrid import Interval, TextGrid, TextGridError
from wg2.text import symbols

SILENCES = frozenset(("", "sil", "sp", "<eps>"))
"""Labels, in lower case, that all mean silence."""
UNKNOWN_PHONES = frozenset(("spn", "<unk>"))
"""What an aligner puts where its dictionary lacks the word."""


@dataclass(frozen=True)
class AlignedWord:
    """One word and its phones, in order; there is at least one."""

    label: str
    phones: tuple[Interval, ...]

    @property
    def start_seconds(self) -> float:
        return self.phones[0].start_seconds

    @property
    def end_seconds(self) -> float:
        return self.phones[-1].end_seconds

    def shifted(self, seconds: float) -> AlignedWord:
        """The same word, later."""
        phones = (
            Interval(start + seconds, end + seconds, label)
            for start, end, label in self.phones
        )
        return AlignedWord(self.label, tuple(phones))

    @property
    def unknown(self) -> bool:
        return any(phone.label.lower() in UNKNOWN_PHONES for phone in self.phones)


def align_words(grid: TextGrid) -> list[AlignedWord]:
    """Words with their phones; a phone belongs to the word around its middle.

    What lies between two words is silence, however many intervals it has.

    Raises:
        TextGridError: If the tiers "words" and "phones" are missing or contradict
            each other.
    """
    words = [w for w in grid.tier("words") if w.label.lower() not in SILENCES]
    phones = [p for p in grid.tier("phones") if p.label.lower() not in SILENCES]
    if not words:
        raise TextGridError("it has no words")
    groups: list[list[Interval]] = [[] for _ in words]
    at = 0
    for phone in phones:
        while at < len(words) and words[at].end_seconds <= phone.middle_seconds:
            at += 1
        if at == len(words) or phone.middle_seconds < words[at].start_seconds:
            raise TextGridError(
                f"phone {phone.label!r} at {phone.start_seconds} s is in no word"
            )
        if groups[at] and phone.start_seconds > groups[at][-1].end_seconds + 1e-3:
            raise TextGridError(
                f"silence inside the word {words[at].label!r} at "
                f"{groups[at][-1].end_seconds} s"
            )
        groups[at].append(phone)
    for word, group in zip(words, groups, strict=True):
        if not group:
            raise TextGridError(
                f"word {word.label!r} at {word.start_seconds} s has no phones"
            )
    return [
        AlignedWord(word.label, tuple(group))
        for word, group in zip(words, groups, strict=True)
    ]


def boundaries_seconds(
    sequence: Sequence[str], words: Sequence[AlignedWord], end_seconds: float
) -> list[float]:
    """When each symbol of a phoneme sequence starts, and when the last one ends.

    The silence before the first word belongs to the first symbol, the silence after a
    word to the boundary that follows it, the silence after the last word to the last
    symbol. Every other `END` takes no time.

    Args:
        sequence: As `wg2.text.sequence.arrange` makes it from `words`.
        words: In order. Where they exceed the audio they are cut off.
        end_seconds: Duration of the audio.

    Returns:
        `len(sequence) + 1` times that do not decrease, from 0 to `end_seconds`.
    """
    starts = [0.0]
    for i, word in enumerate(words):
        starts.extend(phone.start_seconds for phone in word.phones)
        starts.append(word.end_seconds)
        if sequence[len(starts)] == symbols.END:
            last = i + 1 == len(words)
            starts.append(word.end_seconds if last else words[i + 1].start_seconds)
    if len(starts) != len(sequence):
        raise AssertionError(f"{len(starts)} times for the sequence {sequence}")
    starts.append(end_seconds)
    # Neighbours may overlap by the tolerance of the TextGrid reader.
    return np.minimum(np.maximum.accumulate(starts), end_seconds).tolist()
