"""Requests that every export must answer as the voice in the exporting process does."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from export.request_logs import Arrays
from wg2.audio import wav
from wg2.inference import Synthesizer
from wg2.utterance import Utterance

_TEXTS = (
    "Hello world.",
    "Dr. Smith paid $3.50 on May 5th; {HH AH0 L OW1} [200ms] he said.",
    "Yes?",
)
_SEEDS = (7, -3, 1 << 40)
_STEPS = (2, 1, 5)
_SCALES = (1.0, 0.8, 1.3)


def golden_requests(
    voice: Synthesizer, sampler: str
) -> Iterator[tuple[str, Arrays, Arrays]]:
    """(signature, inputs, outputs), each row of a batch spoken alone.

    Args:
        voice: The voice in this process.
        sampler: Of the export.
    """
    speakers = _speakers(voice)
    chosen = [speakers[-1 - i % len(speakers)] for i in range(3)] if speakers else []
    spoken = [
        voice.speak(
            [text],
            steps=steps,
            sampler=sampler,
            seed=seed,
            length_scale=scale,
            speaker=chosen[i] if chosen else None,
        )[0]
        for i, (text, seed, steps, scale) in enumerate(
            zip(_TEXTS, _SEEDS, _STEPS, _SCALES, strict=True)
        )
    ]
    settings: dict[str, Any] = {
        "seed": np.array(_SEEDS, np.int64),
        "num_steps": np.array(_STEPS, np.int32),
        "length_scale": np.array(_SCALES, np.float32),
    }
    if chosen:
        settings["speaker"] = np.array(chosen, object)
    answer = _answer(voice, spoken)
    yield "synthesize", {"text": np.array(_TEXTS, object), **settings}, answer
    # A pause that a text asks for is not in its phonemes: rows without one.
    rows = [0, 2]
    answer = _answer(voice, [spoken[row] for row in rows])
    phonemes = {name: answer[name] for name in ("phoneme_ids", "num_phonemes")}
    settings = {name: value[rows] for name, value in settings.items()}
    yield "synthesize_phonemes", {**phonemes, **settings}, answer
    # What is heard without any setting.
    text = np.array(_TEXTS[:1], object)
    default = voice.speak(
        [_TEXTS[0]], sampler=sampler, speaker=speakers[0] if speakers else None
    )
    answer = _answer(voice, default)
    audio = {name: answer[name] for name in ("audio", "num_samples")}
    yield "serving_default", {"text": text}, audio
    samples, _ = wav.to_int16(default[0].audio)
    file = wav.to_bytes(samples, voice.sample_rate_hz)
    yield "wav", {"text": text}, {"wav_bytes": np.array([file], object)}


def warmup_requests(voice: Synthesizer) -> Iterator[tuple[str, Arrays, Arrays]]:
    """One small request for every signature, so that the first client need not wait
    for the graph to be prepared."""
    text = {"text": np.array(["Hello."], object)}
    scale = {"length_scale": np.ones(1, np.float32)}
    noise = {"seed": np.zeros(1, np.int64), "num_steps": np.ones(1, np.int32)}
    speakers = _speakers(voice)
    speaker = {"speaker": np.array(speakers[:1], object)} if speakers else {}
    ids = np.array([voice.frontend.ids("Hello.")], np.int32)
    phonemes = {
        "phoneme_ids": ids,
        "num_phonemes": np.array([ids.shape[1]], np.int32),
    }
    zero, one = np.zeros(1, np.int32), np.ones(1, np.int32)
    window = {
        "features": np.zeros((1, 1, voice.model.encoder.output_channels), np.float32),
        "features_first_frame": zero,
        "num_frames": one,
        "first_frame": zero,
        "window_frames": one,
    }
    requests = {
        "serving_default": text,
        "wav": text,
        "synthesize": text | noise | scale | speaker,
        "synthesize_phonemes": phonemes | noise | scale | speaker,
        "encode": text | scale | speaker,
        "decode_window": window | noise,
    }
    for signature, inputs in requests.items():
        yield signature, inputs, {}


def _speakers(voice: Synthesizer) -> tuple[str, ...]:
    """The speakers to choose from; none where there is no choice."""
    speakers = voice.config.text.speakers
    return speakers if len(speakers) > 1 else ()


def _answer(voice: Synthesizer, spoken: list[Utterance]) -> dict[str, np.ndarray]:
    """What `synthesize` answers for utterances in one batch."""
    inventory = voice.config.text.phonemes
    frames = [
        np.rint(u.end_seconds * voice.config.frames_per_second).astype(int)
        for u in spoken
    ]
    ids = [[inventory.index(symbol) for symbol in u.phonemes] for u in spoken]
    durations = [np.diff(ends, prepend=0) for ends in frames]
    return {
        "audio": _pad([u.audio for u in spoken], np.float32),
        "num_samples": np.array([len(u.audio) for u in spoken], np.int32),
        "phoneme_ids": _pad(ids, np.int32),
        "durations": _pad(durations, np.int32),
        "num_phonemes": np.array(list(map(len, ids)), np.int32),
    }


def _pad(rows: list, dtype: type) -> np.ndarray:
    padded = np.zeros((len(rows), max(map(len, rows))), dtype)
    for row, values in zip(padded, rows, strict=True):
        row[: len(values)] = values
    return padded
