"""One utterance -> its TextGrid, or the reason why it has none.

Runs in worker processes, so nothing here loads TensorFlow.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tfrecords_tools.alignment import forced, textgrid, words
from tfrecords_tools.alignment.confidence import DEFAULT_LIMITS, Limits, measure
from tfrecords_tools.alignment.outcomes import Outcome
from tfrecords_tools.audio import probe, reading
from tfrecords_tools.decoding import SAMPLE_RATE_HZ
from tfrecords_tools.utterance import SkipUtterance, Utterance
from wg2.audio import wav
from wg2.text.frontend import Frontend, Word
from wg2.text.lexicon import Lexicon

_END_TOLERANCE_SECONDS = 0.05


@dataclass(frozen=True)
class Settings:
    """What a worker needs besides the utterance.

    Args:
        output: Folder of the TextGrids, named `<id>.TextGrid`.
        lexicon: A user lexicon, or None.
        limits: What an alignment has to reach.
        overwrite: Align again what has a TextGrid.
    """

    output: Path
    lexicon: Path | None = None
    limits: Limits = DEFAULT_LIMITS
    overwrite: bool = False

    def path(self, id: str) -> Path:
        return self.output / f"{id}.TextGrid"


def align_utterance(
    utterance: Utterance, previous: Outcome | None, settings: Settings
) -> Outcome:
    """Aligns one utterance and writes its TextGrid; runs in worker processes.

    A complete TextGrid is kept, unless it is one of a text that has changed. Where the
    text turns out not to fit the sound there is none afterwards; but where the sound
    cannot be read, or the text, nothing is known against a TextGrid that was there.

    Args:
        utterance: From a corpus reader.
        previous: Its outcome in an earlier run, if any.
        settings: See `Settings`.
    """
    path = settings.path(utterance.id)
    same_text = previous is None or previous.text == utterance.text
    if not settings.overwrite and same_text and is_complete(path, utterance):
        if previous is None or previous.reason:
            previous = Outcome(utterance.id, utterance.text)
        return replace(previous, kept=True)
    outcome = _align(utterance, path, settings)
    if outcome.reason and outcome.confidence is not None:
        path.unlink(missing_ok=True)
    return outcome


def is_complete(path: Path, utterance: Utterance) -> bool:
    """Whether there is a TextGrid with words and phones as long as its sound."""
    try:
        grid = textgrid.read(path)
        words.align_words(grid)
        sound = probe.probe(utterance.wav_path)
    except (FileNotFoundError, textgrid.TextGridError, SkipUtterance):
        return False
    end_seconds = sound.num_frames / sound.sample_rate_hz
    return abs(grid.end_seconds - end_seconds) <= _END_TOLERANCE_SECONDS


def _align(utterance: Utterance, path: Path, settings: Settings) -> Outcome:
    outcome = Outcome(utterance.id, utterance.text)
    try:
        spoken = _transcribe(utterance.text, settings.lexicon)
        recording = reading.read(utterance.wav_path, SAMPLE_RATE_HZ)
        samples, _ = wav.to_int16(recording.audio)
        _check_length(recording.end_seconds, spoken)
        outcome = replace(outcome, confidence=0.0, seconds=recording.end_seconds)
        alignment = forced.align(samples, spoken)
        if alignment is None:
            raise SkipUtterance(
                "does not align",
                f"no way of saying the {len(spoken)} words comes near to the sound; is "
                "this the text of the recording?",
            )
        found = measure(alignment, samples)
        outcome = replace(
            outcome,
            confidence=found.utterance,
            word_confidence=found.word,
            uncovered_seconds=found.uncovered_seconds,
        )
        found.check(settings.limits)
        textgrid.write(path, alignment.grid())
    except SkipUtterance as skip:
        return replace(outcome, reason=str(skip))
    return outcome


def _transcribe(text: str, lexicon: Path | None) -> tuple[Word, ...]:
    if not text:
        raise SkipUtterance("empty text")
    try:
        return _frontend(lexicon).transcribe(text).words
    except ValueError as error:
        raise SkipUtterance("unreadable text", str(error)) from None


@functools.cache
def _frontend(lexicon: Path | None) -> Frontend:
    return Frontend(Lexicon(lexicon))


def _check_length(seconds: float, spoken: Sequence[Word]) -> None:
    if seconds > forced.LONGEST_SECONDS:
        raise SkipUtterance(
            "too long", f"{seconds:.1f} s, at most {forced.LONGEST_SECONDS:g} s"
        )
    num_phones = sum(min(map(len, word.pronunciations)) for word in spoken)
    shortest = num_phones * forced.STATES_PER_PHONE / forced.FRAMES_PER_SECOND
    shortest = max(shortest, forced.SHORTEST_SECONDS)
    if seconds < shortest:
        raise SkipUtterance(
            "too short",
            f"{seconds:.2f} s for {num_phones} phonemes, at least {shortest:.2f} s",
        )
