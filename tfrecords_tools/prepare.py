"""One utterance -> the contents of its record, or the reason why it has none.

Runs in worker processes, so nothing here loads TensorFlow.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tfrecords_tools.alignment import durations, textgrid, unknown_words, words
from tfrecords_tools.utterance import Skipped, SkipUtterance, Utterance
from wg2.audio import wav
from wg2.config import Config
from wg2.text import frontend, symbols
from wg2.text.lexicon import Lexicon

END_TOLERANCE_SECONDS = 0.05
"""How far a TextGrid may end from its audio."""


@dataclass(frozen=True, eq=False)
class Prepared:
    """The parts of a record (see `wg2.data.schema`), and what was done to get them."""

    id: str
    text: str
    speaker_id: int
    phoneme_ids: np.ndarray
    durations: np.ndarray
    num_frames: int
    audio: np.ndarray
    source_rate_hz: int
    num_clipped: int
    word_counts: tuple[int, int]
    """Words of the text and of the TextGrid."""
    num_unknown_words: int


def prepare(
    utterance: Utterance,
    alignment: Path | None,
    config: Config,
    skip_unknown_words: bool = False,
) -> Prepared | Skipped:
    """Reads audio and alignment of one utterance and turns them into frames.

    Args:
        utterance: From a corpus reader.
        alignment: Its TextGrid; None if there is none.
        config: Sample rate, frame length, phonemes, speakers, longest utterance.
        skip_unknown_words: Leave out an utterance with a word that the aligner did
            not know, instead of pronouncing it by the dictionary.
    """
    try:
        return _prepare(utterance, alignment, config, skip_unknown_words)
    except SkipUtterance as skip:
        return Skipped(utterance.id, str(skip))


def _prepare(
    utterance: Utterance, alignment: Path | None, config: Config, skip_unknown: bool
) -> Prepared:
    if not utterance.text:
        raise SkipUtterance("empty text")
    speaker_id = _speaker_id(utterance, config)
    if alignment is None:
        raise SkipUtterance("missing TextGrid", f"{utterance.id}.TextGrid")
    try:
        grid = textgrid.read(alignment)
        aligned = words.align_words(grid)
    except (textgrid.TextGridError, OSError) as error:
        raise SkipUtterance("broken TextGrid", _without(error, alignment)) from None
    audio, source_rate_hz = _read_audio(utterance.wav_path)
    end_seconds = len(audio) / source_rate_hz
    if abs(grid.end_seconds - end_seconds) > END_TOLERANCE_SECONDS:
        raise SkipUtterance(
            "TextGrid does not fit its audio",
            f"it ends at {grid.end_seconds:.3f} s, the audio at {end_seconds:.3f} s",
        )

    text_words, boundaries = _split(utterance.text)
    num_unknown = sum(word.unknown for word in aligned)
    word_counts = (len(text_words), len(aligned))
    if num_unknown:
        if skip_unknown:
            raise SkipUtterance(
                unknown_words.KIND, f"{num_unknown} in the TextGrid (spn)"
            )
        aligned = unknown_words.pronounce_unknown(aligned, text_words, _lexicon())
        word_counts = (len(text_words), len(aligned))
    if len(text_words) != len(aligned):
        boundaries = [symbols.SILENCE] * (len(aligned) + 1)
    sequence, phoneme_ids = _encode(aligned, boundaries, config)

    audio, num_clipped = _resample(audio, source_rate_hz, config.audio.sample_rate_hz)
    num_frames = math.ceil(len(audio) / config.samples_per_frame)
    num_phones = sum(len(word.phones) for word in aligned)
    if num_frames < num_phones:
        raise SkipUtterance(
            "too short", f"{num_frames} frames for {num_phones} phonemes"
        )
    if num_frames > config.training.max_frames:
        raise SkipUtterance(
            "too long",
            f"{num_frames} frames, training.max_frames is {config.training.max_frames}",
        )
    times = words.boundaries_seconds(sequence, aligned, end_seconds)
    # The last frame is completed with zeros.
    missing = num_frames * config.samples_per_frame - len(audio)
    return Prepared(
        id=utterance.id,
        text=utterance.text,
        speaker_id=speaker_id,
        phoneme_ids=phoneme_ids,
        durations=durations.frame_durations(
            times, num_frames, config.frames_per_second
        ),
        num_frames=num_frames,
        audio=np.pad(audio, (0, missing)),
        source_rate_hz=source_rate_hz,
        num_clipped=num_clipped,
        word_counts=word_counts,
        num_unknown_words=num_unknown,
    )


def _speaker_id(utterance: Utterance, config: Config) -> int:
    speakers = config.text.speakers
    if utterance.speaker in speakers:
        return speakers.index(utterance.speaker)
    if utterance.speaker is None and len(speakers) <= 1:
        return 0
    raise SkipUtterance(
        "unknown speaker",
        f"{utterance.speaker!r}; the config has {', '.join(speakers) or 'none'}",
    )


def _split(text: str) -> tuple[list[str], list[str]]:
    try:
        return frontend.split_words(text)
    except ValueError as error:
        raise SkipUtterance("unreadable text", str(error)) from None


def _encode(
    aligned: list[words.AlignedWord], boundaries: list[str], config: Config
) -> tuple[list[str], np.ndarray]:
    """The phoneme sequence and its ids."""
    inventory = config.text.phonemes
    spoken = []
    for word in aligned:
        spoken.append([])
        for phone in word.phones:
            symbol = phone.label
            if symbol not in inventory:
                symbol = symbol.upper()  # some dictionaries are in lower case
            if symbol not in inventory or symbol in symbols.BOUNDARIES:
                raise SkipUtterance(
                    "unknown phoneme",
                    f"{phone.label!r} in the word {word.label!r} at "
                    f"{phone.start_seconds} s is not in the config's inventory",
                )
            spoken[-1].append(symbol)
    sequence = frontend.arrange(spoken, boundaries)
    try:
        return sequence, np.array(symbols.encode(sequence, inventory), np.int64)
    except symbols.UnknownPhonemeError as error:  # a pause that the voice lacks
        raise SkipUtterance("unknown phoneme", str(error)) from None


def _read_audio(path: Path) -> tuple[np.ndarray, int]:
    try:
        audio, sample_rate_hz = wav.read(path)
    except FileNotFoundError:
        raise SkipUtterance("missing WAV", str(path)) from None
    except (ValueError, OSError) as error:
        raise SkipUtterance(_without(error, path)) from None
    if len(audio) == 0:
        raise SkipUtterance("empty audio")
    if not np.all(np.isfinite(audio)):
        bad = int(np.flatnonzero(~np.isfinite(audio))[0])
        raise SkipUtterance("not finite", f"sample {bad} is {audio[bad]}")
    if not np.any(audio):
        raise SkipUtterance("silent audio", "every sample is zero")
    return audio, sample_rate_hz


def _resample(
    audio: np.ndarray, source_rate_hz: int, sample_rate_hz: int
) -> tuple[np.ndarray, int]:
    """int16 samples at the config's rate, and how many were clipped."""
    if source_rate_hz < sample_rate_hz:
        raise SkipUtterance(
            "sample rate too low",
            f"{source_rate_hz} Hz, the config wants {sample_rate_hz} Hz",
        )
    if source_rate_hz > sample_rate_hz:
        try:
            import soxr
        except ImportError:
            raise ValueError(
                f"audio of {source_rate_hz} Hz must be resampled to {sample_rate_hz} "
                "Hz, which needs the package soxr: pip install soxr"
            ) from None
        audio = soxr.resample(audio, source_rate_hz, sample_rate_hz, quality="HQ")
    return wav.to_int16(audio)


@functools.cache
def _lexicon() -> Lexicon:
    return Lexicon()


def _without(error: Exception, path: Path) -> str:
    """The message of `error` without the path, which the utterance's id implies."""
    return str(error).removeprefix(f"{path}: ")
