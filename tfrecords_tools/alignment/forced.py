"""Forced alignment: when each word and phone of a known text sounds.

pocketsphinx's English model aligns in two passes. The first runs over a grammar of
the words, with all pronunciations of each and a pause allowed between any two; it
decides on pronunciations, pauses and word boundaries. The second finds the phones
inside of each word. The model has no stress: a pronunciation is looked for without,
and written with, and of those that differ in stress alone the first counts.

Where pocketsphinx's defaults do not suit (5.1.1; figures of `benchmarks.alignment`):

- `bestpath`: its word lattice gives words fewer frames than they have states, and the
  second pass fails (pocketsphinx issue 318 and pull request 500); off.
- The three beams differ, so that words are lost at their ends (pull request 464); one
  value here, wide enough that only a wrong text falls out of it.
- `lw`: a language weight of 6.5 is for recognition; it would make pauses improbable.
- `cmn`: the mean over the whole utterance, not a running one, which would make the
  first second worse and depend on what was aligned before.
- `ds`: the most likely Gaussians are searched for in every other frame (all frames are
  scored). 1.5 times as fast for 1 ms more of mean error.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pocketsphinx

from tfrecords_tools.alignment.textgrid import Interval, TextGrid
from tfrecords_tools.alignment.words import AlignedWord
from tfrecords_tools.decoding import SAMPLE_RATE_HZ, decode
from wg2.text import symbols
from wg2.text.frontend import Word
from wg2.text.lexicon import Pronunciation

SHORTEST_SECONDS, LONGEST_SECONDS = 0.1, 100.0
"""Of a recording. The second pass has memory for all states in all frames: 0.3 GB at
the upper limit, growing with its square."""
FRAMES_PER_SECOND = 100
STATES_PER_PHONE = 3
"""A phone lasts at least as many frames."""

_WINDOW_SECONDS = 0.025625
_FRAME_SECONDS = 1 / FRAMES_PER_SECOND
# Frame i is a window that begins at i frames, so it tells what sounds at its middle,
# and a boundary between two frames lies between their two middles.
_BOUNDARY_OFFSET_SECONDS = 0.5 * (_WINDOW_SECONDS - _FRAME_SECONDS)
_BEAM = 1e-80


@dataclass(frozen=True)
class ForcedWord:
    """A word where it sounds.

    Args:
        word: Its phones, with stress, one of the pronunciations asked for.
        log_ratio: float <= 0, nats per frame: log-likelihood of its states less that
            of the best state which the first pass considered in the same frame.
    """

    word: AlignedWord
    log_ratio: float

    @property
    def seconds(self) -> float:
        return self.word.end_seconds - self.word.start_seconds


@dataclass(frozen=True)
class Alignment:
    """The words of an utterance, in order, and its end."""

    words: tuple[ForcedWord, ...]
    end_seconds: float

    @property
    def log_ratio(self) -> float:
        """Mean over the frames of all words, nats."""
        total = sum(word.log_ratio * word.seconds for word in self.words)
        return total / sum(word.seconds for word in self.words)

    def grid(self) -> TextGrid:
        """The tiers "words" and "phones" as MFA 2 and 3 write them: a silence is an
        interval with an empty label, in both."""
        words = [w.word for w in self.words]
        spans = [Interval(w.start_seconds, w.end_seconds, w.label) for w in words]
        phones = [phone for w in words for phone in w.phones]
        tiers = {"words": spans, "phones": phones}
        return TextGrid(
            self.end_seconds,
            {name: tuple(self._with_silences(tier)) for name, tier in tiers.items()},
        )

    def _with_silences(self, tier: Sequence[Interval]) -> Iterator[Interval]:
        at = 0.0
        for interval in tier:
            if interval.start_seconds > at:
                yield Interval(at, interval.start_seconds, "")
            yield interval
            at = interval.end_seconds
        if at < self.end_seconds:
            yield Interval(at, self.end_seconds, "")


class _Dictionary:
    """The words of one utterance as names for the decoder.

    A name stands for a set of pronunciations without stress; the name of its `i`-th
    one, from 1, ends in `(i)`.
    """

    def __init__(self, words: Sequence[Word]):
        self._stressed: list[dict[Pronunciation, Pronunciation]] = []
        for word in words:
            variants: dict[Pronunciation, Pronunciation] = {}
            for stressed in word.pronunciations:
                variants.setdefault(_without_stress(stressed), stressed)
            self._stressed.append(variants)
        known: dict[tuple[Pronunciation, ...], str] = {}
        self.names = [
            known.setdefault(tuple(variants), f"w{len(known)}")
            for variants in self._stressed
        ]
        self.entries = [
            (name if i == 1 else f"{name}({i})", variant)
            for variants, name in known.items()
            for i, variant in enumerate(variants, start=1)
        ]

    def stressed(self, position: int, name: str) -> Pronunciation:
        """What the decoder's `name` means for the word at `position`."""
        variant = int(name.partition("(")[2].rstrip(")") or 1)
        return list(self._stressed[position].values())[variant - 1]


def align(samples: np.ndarray, words: Sequence[Word]) -> Alignment | None:
    """Aligns the words of an utterance with its sound.

    The result depends on nothing else: every call has a decoder of its own.

    Args:
        samples: int16 `(samples,)` at `SAMPLE_RATE_HZ`, within the limits of length.
        words: At least one, each with at least one pronunciation.

    Returns:
        The alignment; None if no way of saying the words comes near to the sound.

    Raises:
        ValueError: If there are no words, or the recording is too short or too long.
    """
    end_seconds = len(samples) / SAMPLE_RATE_HZ
    if not SHORTEST_SECONDS <= end_seconds <= LONGEST_SECONDS:
        raise ValueError(
            f"expected {SHORTEST_SECONDS:g} to {LONGEST_SECONDS:g} s of sound. "
            f"Received: {end_seconds:.2f} s"
        )
    if not words:
        raise ValueError("expected at least one word. Received none")
    dictionary = _Dictionary(words)
    scores, entries = _two_passes(samples, dictionary)
    spoken = [entry for entry in entries if _is_word(entry.name)]
    if [entry.name.partition("(")[0] for entry in spoken] != dictionary.names:
        return None
    num_frames = entries[-1].end_frame

    def boundary(frame: int) -> float:
        if frame == 0:
            return 0.0
        if frame == num_frames:
            return end_seconds
        return min(frame * _FRAME_SECONDS + _BOUNDARY_OFFSET_SECONDS, end_seconds)

    found = []
    for i, (word, entry) in enumerate(zip(words, spoken, strict=True)):
        bounds = [boundary(f) for f in (*entry.phone_starts, entry.end_frame)]
        labels = dictionary.stressed(i, entry.name)
        phones = map(Interval, bounds[:-1], bounds[1:], labels)
        found.append(ForcedWord(AlignedWord(word.label, tuple(phones)), scores[i]))
    return Alignment(tuple(found), end_seconds)


class _Entry(NamedTuple):
    """A word or silence of the second pass, in frames."""

    name: str
    phone_starts: tuple[int, ...]
    end_frame: int


def _two_passes(
    samples: np.ndarray, dictionary: _Dictionary
) -> tuple[list[float], list[_Entry]]:
    """Log ratios of words, words and silences; both empty if the search died out.

    The log ratios are of the first pass. The second one's are no measure: it never
    forgets a state that it has considered, so they fall with the length of the text.
    """
    decoder = _decoder()
    for name, phones in dictionary.entries:
        decoder.add_word(name, " ".join(phones), update=False)
    try:
        decoder.set_align_text(" ".join(dictionary.names))
        decode(decoder, samples)
        if decoder.hyp() is None:
            return [], []
        scores = [
            # A score is given as the power of 1.0001, though it counts 1024 of them.
            min(0.0, 1024 * math.log(word.ascore))
            / (word.end_frame - word.start_frame + 1)
            for word in decoder.seg()
            if _is_word(word.word)
        ]
        decoder.set_alignment()
        decode(decoder, samples)
        # Not a list of its entries: they die when the iterator moves on.
        entries = [
            _Entry(
                entry.name,
                tuple(phone.start for phone in entry),
                entry.start + entry.duration,
            )
            for entry in decoder.get_alignment()
        ]
    except RuntimeError:
        return [], []
    return scores, entries


def _is_word(name: str) -> bool:
    """Whether it is one of `_Dictionary`, no silence or noise."""
    return name.startswith("w")


def _decoder() -> pocketsphinx.Decoder:
    return pocketsphinx.Decoder(
        lm=None,
        dict=None,
        samprate=SAMPLE_RATE_HZ,
        frate=FRAMES_PER_SECOND,
        wlen=_WINDOW_SECONDS,
        loglevel="FATAL",
        bestpath=False,
        beam=_BEAM,
        pbeam=_BEAM,
        wbeam=_BEAM,
        lw=1.0,
        cmn="batch",
        ds=2,
    )


def _without_stress(pronunciation: Pronunciation) -> Pronunciation:
    return tuple(map(symbols.without_stress, pronunciation))
