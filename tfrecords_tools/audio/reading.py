"""Sound files -> mono recordings at the config's rate, whoever decodes them.

tensorflow-io decodes what it reads right (see `graph`); libsndfile takes the rest, has
the last word on files that tensorflow-io refuses, and stands in where tensorflow-io
cannot be imported.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

from tfrecords_tools.audio import probe
from tfrecords_tools.audio.probe import SoundFile
from tfrecords_tools.utterance import SkipUtterance

TENSORFLOW_IO, LIBSNDFILE, SOXR = "tensorflow-io", "libsndfile", "soxr"
DECODERS = (TENSORFLOW_IO, LIBSNDFILE)
RESAMPLERS = (SOXR, TENSORFLOW_IO)


@dataclass(frozen=True, eq=False)
class Recording:
    """The sound of one file.

    Args:
        audio: float32 `(samples,)`, the mean of the channels, full scale = 1.
        sample_rate_hz: Of `audio`.
        source_rate_hz, num_channels, end_seconds: Of the file.
    """

    audio: np.ndarray
    sample_rate_hz: int
    source_rate_hz: int
    num_channels: int
    end_seconds: float


def usable_decoder(wanted: str | None) -> tuple[str, str]:
    """The decoder to use, and why it is not tensorflow-io.

    Args:
        wanted: One of `DECODERS`; None takes tensorflow-io if it can be imported.

    Returns:
        One of `DECODERS`, and "" or a line for the user.

    Raises:
        ValueError: If tensorflow-io is wanted and cannot be imported.
    """
    if wanted == LIBSNDFILE:
        return LIBSNDFILE, ""
    try:
        import tensorflow_io  # noqa: F401
    except (ImportError, OSError, RuntimeError, NotImplementedError) as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0][:120]
        reason = f"tensorflow-io cannot be imported here ({reason})"
        if wanted == TENSORFLOW_IO:
            raise ValueError(f"{reason}; use --decoder {LIBSNDFILE}") from None
        return LIBSNDFILE, f"{reason}: sound files are decoded by {LIBSNDFILE}"
    return TENSORFLOW_IO, ""


def read_all(
    paths: Iterable[Path],
    sample_rate_hz: int,
    decoder: str = LIBSNDFILE,
    resampler: str = SOXR,
) -> Iterator[Recording | SkipUtterance]:
    """One recording for each path, in order, or the reason why there is none.

    Args:
        paths: WAV, FLAC, MP3, Ogg, or what else libsndfile reads.
        sample_rate_hz: Of the recordings. Files of a lower rate are skipped.
        decoder: One of `DECODERS`.
        resampler: One of `RESAMPLERS`.

    Raises:
        ValueError: If a package is missing.
    """
    probed: list[SoundFile | SkipUtterance] = []
    for path in paths:
        try:
            file = probe.probe(path)
            if file.sample_rate_hz < sample_rate_hz:
                raise SkipUtterance(
                    "sample rate too low",
                    f"{file.sample_rate_hz} Hz, the config wants {sample_rate_hz} Hz",
                )
            probed.append(file)
        except SkipUtterance as skip:
            probed.append(skip)
    files = [file for file in probed if isinstance(file, SoundFile)]
    audios = _decode_with_tensorflow(files) if decoder == TENSORFLOW_IO else None
    for file in probed:
        if isinstance(file, SkipUtterance):
            yield file
            continue
        try:
            audio = next(audios) if audios else None
            audio = _decode(file) if audio is None else audio
            _check(audio)
        except SkipUtterance as skip:
            yield skip
            continue
        audio = resample(audio, file.sample_rate_hz, sample_rate_hz, resampler)
        end_seconds = file.num_frames / file.sample_rate_hz
        yield Recording(
            audio, sample_rate_hz, file.sample_rate_hz, file.num_channels, end_seconds
        )


def read(path: Path, sample_rate_hz: int) -> Recording:
    """One recording, decoded by libsndfile; raises SkipUtterance."""
    (result,) = read_all([path], sample_rate_hz)
    if isinstance(result, SkipUtterance):
        raise result
    return result


def _decode_with_tensorflow(files: list[SoundFile]) -> Iterator[np.ndarray | None]:
    """Mono samples; None where libsndfile has to decide."""
    import tensorflow as tf

    from tfrecords_tools.audio import graph

    suitable = [graph.kind_of(file) is not None for file in files]
    chosen = [file for file, suits in zip(files, suitable, strict=True) if suits]
    decoded = iter(graph.decoded(chosen)) if chosen else None
    for file, suits in zip(files, suitable, strict=True):
        audio = None
        if suits:
            try:
                audio = next(decoded).numpy()
            except tf.errors.OpError:
                audio = None
            if audio is not None and len(audio) != file.num_frames:
                audio = None
        yield audio


def _decode(file: SoundFile) -> np.ndarray:
    """Mono samples, by libsndfile."""
    try:
        audio, _ = soundfile.read(str(file.path), dtype="float32", always_2d=True)
    except (soundfile.SoundFileError, OSError, ValueError) as error:
        raise probe.unreadable(error, file.path) from None
    file.check_decoded(len(audio))
    return audio.mean(axis=1, dtype=np.float32)


def _check(audio: np.ndarray) -> None:
    if not np.all(np.isfinite(audio)):
        bad = int(np.flatnonzero(~np.isfinite(audio))[0])
        raise SkipUtterance("not finite", f"sample {bad} is {audio[bad]}")
    if not np.any(audio):
        raise SkipUtterance("silent audio", "every sample is zero")


def resample(
    audio: np.ndarray,
    source_rate_hz: int,
    sample_rate_hz: int,
    resampler: str = SOXR,
) -> np.ndarray:
    """`audio` of another rate.

    Args:
        audio: float32 `(samples,)`.
        source_rate_hz, sample_rate_hz: int > 0, of `audio` and of the result.
        resampler: One of `RESAMPLERS`.

    Raises:
        ValueError: If the package soxr is needed and missing.
    """
    if source_rate_hz == sample_rate_hz:
        return audio
    if resampler == TENSORFLOW_IO:
        from tfrecords_tools.audio import graph

        return graph.resample(audio, source_rate_hz, sample_rate_hz)
    try:
        import soxr
    except ImportError:
        raise ValueError(
            f"audio of {source_rate_hz} Hz must be resampled to {sample_rate_hz} Hz, "
            "which needs the package soxr: pip install soxr"
        ) from None
    return soxr.resample(audio, source_rate_hz, sample_rate_hz, quality="HQ")
