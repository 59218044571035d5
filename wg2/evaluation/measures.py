"""All measures: what they are called and mean, and one utterance's values of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from wg2.config import Config
from wg2.evaluation import distances
from wg2.evaluation.analysis import NUM_COEFFICIENTS, analyze
from wg2.evaluation.durations import duration_errors, pause_frames, speech_frames
from wg2.evaluation.pauses import pause_noise

VERSION = 1
"""Grows when a measure changes: values of two versions are not comparable."""


@dataclass(frozen=True)
class Measure:
    """A column of the results.

    Args:
        name: Key of the values.
        title: Short heading.
        unit: "" for a bare number.
        digits: int, behind the point.
        meaning: A sentence for the report.
        of_recording: The recording alone has one, too.
        pooled: Names of the values whose sums' ratio it is, times `scale`; None: the
            mean of its own values.
        scale: float, of a pooled ratio.
    """

    name: str
    title: str
    unit: str
    digits: int
    meaning: str
    of_recording: bool = False
    pooled: tuple[str, str] | None = None
    scale: float = 1.0


MEASURES = (
    Measure(
        "mcd_db", "MCD", "dB", 2,
        f"Mel-cepstral distortion: {NUM_COEFFICIENTS} coefficients without the zeroth, "
        "from WORLD's spectral envelope, in the recording's speech, frame by frame; "
        "with true durations only.",
    ),
    Measure(
        "mcd_dtw_db", "MCD-DTW", "dB", 2,
        "The same along the path of dynamic time warping over the mel-cepstra.",
    ),
    Measure(
        "log_mel_l1", "mel L1", "", 3,
        "Mean absolute difference of log-mel spectrograms (natural log of magnitudes), "
        "pauses included; frame by frame with true durations, along the warping path "
        "with predicted ones.",
    ),
    Measure(
        "f0_rmse_cents", "F0", "cents", 0,
        "Root mean square error of log F0 (WORLD's DIO and StoneMask) where both have "
        "voice, in the recording's speech, frames paired as for mel L1; a semitone is "
        "100 cents, and 1731 cents are 1 in natural log.",
    ),
    Measure(
        "voicing_error_percent", "V/UV", "%", 1,
        "Share of frames of the recording's speech where one has voice and the other "
        "has none; frames paired as for mel L1.",
    ),
    Measure(
        "duration_mae_ms", "phone", "ms", 1,
        "Mean absolute error of predicted durations of speech sounds.",
    ),
    Measure(
        "pause_mae_ms", "pause", "ms", 1,
        "Mean absolute error of predicted durations of pauses and word boundaries.",
    ),
    Measure(
        "length_error_percent", "length", "%", 1,
        "Error of the utterance's length, above 0 where it is too long (mean: bias).",
    ),
    Measure(
        "length_error_abs_percent", "|length|", "%", 1,
        "The same without its sign.",
    ),
    Measure(
        "noise_floor_dbfs", "floor", "dBFS", 1,
        "Median level of 20 ms in pauses, 50 ms away from speech: the hiss. Where "
        "there are no pauses, in the quietest 5 %. Silence counts as -100 dBFS.",
        of_recording=True,
    ),
    Measure(
        "pause_high_band_dbfs", "floor high", "dBFS", 1,
        "The same above a quarter of the sample rate.",
        of_recording=True,
    ),
    Measure(
        "pause_flatness_db", "flatness", "dB", 1,
        "Spectral flatness in pauses: 0 is white noise.",
        of_recording=True,
    ),
    Measure(
        "word_error_percent", "WER", "%", 1,
        "Word error rate of pocketsphinx (free recognition, English trigrams), all "
        "errors over all words.",
        of_recording=True, pooled=("word_errors", "num_words"), scale=100.0,
    ),
    Measure(
        "phone_error_percent", "PER", "%", 1,
        "Phone error rate of pocketsphinx (phone trigrams), stress left out, all "
        "errors over all phones.",
        of_recording=True, pooled=("phone_errors", "num_phones"), scale=100.0,
    ),
    Measure(
        "real_time_factor", "RTF", "", 2,
        "Seconds of computing for a second of speech, one utterance at a time, after a "
        "first one of that length.",
        pooled=("synthesis_seconds", "seconds"),
    ),
)  # fmt: skip


def recording_values(
    audio: np.ndarray, phonemes: tuple[str, ...], durations: np.ndarray, config: Config
) -> dict[str, float | str]:
    """Values of a recording, or of a synthesis, alone.

    Args:
        audio: float32 `(samples,)`, full scale = 1.
        phonemes: Symbols.
        durations: int `(phonemes,)`, frames.
        config: Of the voice.
    """
    hop, rate = config.samples_per_frame, config.audio.sample_rate_hz
    pauses = [
        (start * hop, end * hop) for start, end in pause_frames(phonemes, durations)
    ]
    return {"seconds": len(audio) / rate, **pause_noise(audio, rate, pauses)._asdict()}


def synthesis_values(
    recording: np.ndarray,
    synthesis: np.ndarray,
    phonemes: tuple[str, ...],
    true_durations: np.ndarray,
    durations: np.ndarray,
    config: Config,
    same_time: bool,
) -> dict[str, float | str]:
    """Values of one synthesized utterance beside its recording.

    Args:
        recording, synthesis: float32 `(samples,)`, full scale = 1.
        phonemes: Symbols.
        true_durations, durations: int `(phonemes,)`, frames, of the recording and of
            the synthesis.
        config: Of the voice.
        same_time: bool; the synthesis has the true durations.
    """
    hop, rate = config.samples_per_frame, config.audio.sample_rate_hz
    first, second = (analyze(audio, rate, hop) for audio in (recording, synthesis))
    cepstra = first.mel_cepstrum, second.mel_cepstrum
    warped = distances.time_warping(*cepstra)
    pairs = distances.same_time(len(first.f0_hz)) if same_time else warped
    # Pauses have measures of their own; noise in them has neither timbre nor pitch.
    speech = speech_frames(phonemes, true_durations)
    spoken, spoken_warped = (p[speech[p[:, 0]]] for p in (pairs, warped))
    pitch = first.f0_hz, second.f0_hz, spoken
    values = recording_values(synthesis, phonemes, durations, config)
    if same_time:
        values["mcd_db"] = distances.mel_cepstral_distortion_db(*cepstra, spoken)
    else:
        values |= duration_errors(
            phonemes, true_durations, durations, config.frames_per_second
        )
        values["length_error_abs_percent"] = abs(values["length_error_percent"])
    return values | {
        "mcd_dtw_db": distances.mel_cepstral_distortion_db(*cepstra, spoken_warped),
        "log_mel_l1": distances.log_mel_l1(
            recording, synthesis, config.audio, hop, pairs
        ),
        "f0_rmse_cents": distances.pitch_rmse_cents(*pitch),
        "voicing_error_percent": distances.voicing_error_percent(*pitch),
    }
