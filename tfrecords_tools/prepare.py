"""One utterance -> the contents of its record, or the reason why it has none."""

from __future__ import annotations

import functools
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from tfrecords_tools.alignment import (
    durations,
    text_match,
    textgrid,
    unknown_words,
    words,
)
from tfrecords_tools.audio import loudness, reading, silence
from tfrecords_tools.audio.reading import Recording
from tfrecords_tools.utterance import Skipped, SkipUtterance, Utterance
from wg2.audio import wav
from wg2.config import Config
from wg2.text import sequence as sequences
from wg2.text import symbols
from wg2.text.frontend import Frontend

END_TOLERANCE_SECONDS = 0.05
"""How far a TextGrid may end from its audio."""


@dataclass(frozen=True)
class Options:
    """What a build does besides what the config says.

    Args:
        skip_unknown_words: Leave out an utterance with a word that the aligner did
            not know, instead of pronouncing it by the front end.
        max_mismatch_percent: Leave out an utterance of whose words more than this
            differ between text and TextGrid.
        loudness_lufs: Bring every utterance to this loudness; None: leave it.
        trim_silence_db: Cut off what is this far below the loudest part at both ends;
            None: nothing.
        decoder, resampler: See `audio.reading`.
    """

    skip_unknown_words: bool = False
    max_mismatch_percent: float = 50.0
    loudness_lufs: float | None = None
    trim_silence_db: float | None = None
    decoder: str = reading.LIBSNDFILE
    resampler: str = reading.SOXR

    def check(self) -> None:
        """Raises ValueError if a value makes no sense or lacks its package."""
        loudness.check(self.loudness_lufs)
        silence.check(self.trim_silence_db)
        if not 0 <= self.max_mismatch_percent <= 100:
            raise ValueError(
                "--max-mismatch must lie in [0, 100] percent. Received: "
                f"{self.max_mismatch_percent:g}"
            )


DEFAULTS = Options()


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
    num_unknown_words: int = 0
    num_mismatches: int = 0
    """Words that differ between text and TextGrid."""
    num_channels: int = 1
    trimmed_seconds: float = 0.0
    kept_quieter: bool = False
    """Whether it would have been clipped at the loudness asked for."""


def prepare(
    utterance: Utterance,
    alignment: Path | None,
    config: Config,
    options: Options = DEFAULTS,
    recording: Recording | SkipUtterance | None = None,
) -> Prepared | Skipped:
    """Turns audio and alignment of one utterance into frames.

    Args:
        utterance: From a corpus reader.
        alignment: Its TextGrid; None if there is none.
        config: Sample rate, frame length, phonemes, speakers, longest utterance.
        options: What else to do.
        recording: Its audio at the config's rate, or why there is none; if None it is
            read from `utterance.wav_path`.
    """
    try:
        return _prepare(utterance, alignment, config, options, recording)
    except SkipUtterance as skip:
        return Skipped(utterance.id, str(skip))


def _prepare(
    utterance: Utterance,
    alignment: Path | None,
    config: Config,
    options: Options,
    recording: Recording | SkipUtterance | None,
) -> Prepared:
    if not utterance.text:
        raise SkipUtterance("empty text")
    speaker_id = _speaker_id(utterance, config)
    if isinstance(recording, SkipUtterance):
        raise recording
    if alignment is None:
        raise SkipUtterance("missing TextGrid", f"{utterance.id}.TextGrid")
    try:
        grid = textgrid.read(alignment)
        aligned = words.align_words(grid)
    except (textgrid.TextGridError, OSError) as error:
        raise SkipUtterance("broken TextGrid", _without(error, alignment)) from None
    if recording is None:
        recording = reading.read(utterance.wav_path, config.audio.sample_rate_hz)
    if abs(grid.end_seconds - recording.end_seconds) > END_TOLERANCE_SECONDS:
        raise SkipUtterance(
            "TextGrid does not fit its audio",
            f"it ends at {grid.end_seconds:.3f} s, "
            f"the audio at {recording.end_seconds:.3f} s",
        )
    num_unknown = sum(word.unknown for word in aligned)
    if num_unknown and options.skip_unknown_words:
        raise SkipUtterance(unknown_words.KIND, f"{num_unknown} in the TextGrid (spn)")
    aligned, boundaries, num_mismatches = _match(utterance.text, aligned, options)
    sequence, phoneme_ids = _encode(aligned, boundaries, config)

    sound = _process(recording, aligned, options)
    samples, num_clipped = wav.to_int16(sound.audio)
    num_frames = math.ceil(len(samples) / config.samples_per_frame)
    _check_length(num_frames, sum(len(word.phones) for word in sound.aligned), config)
    times = words.boundaries_seconds(sequence, sound.aligned, sound.end_seconds)
    # The last frame is completed with zeros.
    missing = num_frames * config.samples_per_frame - len(samples)
    return Prepared(
        id=utterance.id,
        text=utterance.text,
        speaker_id=speaker_id,
        phoneme_ids=phoneme_ids,
        durations=durations.frame_durations(
            times, num_frames, config.frames_per_second
        ),
        num_frames=num_frames,
        audio=np.pad(samples, (0, missing)),
        source_rate_hz=recording.source_rate_hz,
        num_clipped=num_clipped,
        num_unknown_words=num_unknown,
        num_mismatches=num_mismatches,
        num_channels=recording.num_channels,
        trimmed_seconds=sound.trimmed_seconds,
        kept_quieter=sound.kept_quieter,
    )


@dataclass(frozen=True, eq=False)
class _Sound:
    """What goes into the record: audio, and the words at its times."""

    audio: np.ndarray
    aligned: list[words.AlignedWord]
    end_seconds: float
    trimmed_seconds: float = 0.0
    kept_quieter: bool = False


def _process(
    recording: Recording, aligned: list[words.AlignedWord], options: Options
) -> _Sound:
    """Trims, shifting the words, and then normalises the loudness."""
    sound = _Sound(recording.audio, aligned, recording.end_seconds)
    rate_hz = recording.sample_rate_hz
    if options.trim_silence_db is not None:
        first, last = aligned[0].start_seconds, aligned[-1].end_seconds
        start, end = silence.speech_samples(
            sound.audio, rate_hz, options.trim_silence_db, first, last
        )
        trimmed = len(sound.audio) - (end - start)
        sound = _Sound(
            sound.audio[start:end],
            [word.shifted(-start / rate_hz) for word in aligned],
            (end - start) / rate_hz,
            trimmed / rate_hz,
        )
    if options.loudness_lufs is not None:
        audio, kept_quieter = loudness.normalise(
            sound.audio, rate_hz, options.loudness_lufs
        )
        sound = replace(sound, audio=audio, kept_quieter=kept_quieter)
    return sound


def _check_length(num_frames: int, num_phones: int, config: Config) -> None:
    if num_frames < num_phones:
        raise SkipUtterance(
            "too short", f"{num_frames} frames for {num_phones} phonemes"
        )
    if num_frames > config.training.max_frames:
        raise SkipUtterance(
            "too long",
            f"{num_frames} frames, training.max_frames is {config.training.max_frames}",
        )


def _match(
    text: str, aligned: list[words.AlignedWord], options: Options
) -> tuple[list[words.AlignedWord], list[str], int]:
    """Known words, the boundaries around them, and how many the text has otherwise."""
    try:
        text_words, boundaries, _ = _frontend().transcribe(text)
    except ValueError as error:
        raise SkipUtterance("unreadable text", str(error)) from None
    stretches = text_match.match(text_words, aligned)
    mismatches = text_match.count_mismatches(stretches, aligned)
    total = max(len(text_words), len(aligned))
    if 100 * mismatches > options.max_mismatch_percent * total:
        raise SkipUtterance(
            "wrong transcript",
            f"{mismatches} of {total} words differ; the TextGrid has "
            f"{_quote(word.label for word in aligned)}, the text "
            f"{_quote(word.label for word in text_words)}",
        )
    if any(word.unknown for word in aligned):
        known = unknown_words.pronounce_unknown(aligned, text_words, stretches)
        stretches = text_match.match(text_words, known)
        aligned = known
    placed = text_match.boundaries_of_aligned(stretches, boundaries)
    return aligned, placed, mismatches


def _quote(labels: Iterable[str]) -> str:
    text = " ".join(labels)
    return repr(text if len(text) <= 30 else text[:27] + "...")


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


def _encode(
    aligned: Sequence[words.AlignedWord], boundaries: list[str], config: Config
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
    sequence = sequences.arrange(spoken, boundaries)
    try:
        return sequence, np.array(symbols.encode(sequence, inventory), np.int64)
    except symbols.UnknownPhonemeError as error:  # a pause that the voice lacks
        raise SkipUtterance("unknown phoneme", str(error)) from None


@functools.cache
def _frontend() -> Frontend:
    return Frontend()


def _without(error: Exception, path: Path) -> str:
    """The message of `error` without the path, which the utterance's id implies."""
    return str(error).removeprefix(f"{path}: ")
