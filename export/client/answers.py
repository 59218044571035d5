"""Outputs of a wg2 export, checked: what a server sends is not taken on trust."""

from __future__ import annotations

import io
import wave
from dataclasses import dataclass

import numpy as np

from export.client.errors import ServerError
from wg2.audio import wav

Answer = dict[str, np.ndarray]

AUDIO = {"audio": "DT_FLOAT", "num_samples": "DT_INT32"}
FACTS = {
    "sample_rate_hz": "DT_INT32",
    "samples_per_frame": "DT_INT32",
    "margin_frames_per_step": "DT_INT32",
    "default_num_steps": "DT_INT32",
}
"""Outputs to ask for: name -> TensorFlow's type."""


@dataclass(frozen=True)
class Facts:
    """What `encode` says of a voice; see the outputs of that name."""

    sample_rate_hz: int
    samples_per_frame: int
    margin_frames_per_step: int
    default_num_steps: int


def read_row(answer: Answer, name: str):
    """The only row of an output `[1]`."""
    if answer[name].shape != (1,):
        raise ServerError(
            "INTERNAL", f"output {name!r} has the shape {answer[name].shape}, not (1,)"
        )
    return answer[name][0]


def read_facts(answer: Answer) -> Facts:
    facts = Facts(**{name: int(read_row(answer, name)) for name in FACTS})
    for name in ("sample_rate_hz", "samples_per_frame", "default_num_steps"):
        if getattr(facts, name) < 1:
            raise ServerError("INTERNAL", f"{name} is {getattr(facts, name)}")
    return facts


def read_audio(answer: Answer) -> np.ndarray:
    """float32 `(samples,)` of the only row."""
    audio, num_samples = answer["audio"], int(read_row(answer, "num_samples"))
    if audio.ndim != 2 or len(audio) < 1 or not 0 <= num_samples <= audio.shape[1]:
        raise ServerError(
            "INTERNAL",
            f"audio of shape {audio.shape} came back for {num_samples} samples",
        )
    audio = audio[0, :num_samples]
    if not np.all(np.isfinite(audio)):
        raise ServerError("INTERNAL", "the audio is not finite")
    return audio


def read_wav(content: bytes) -> tuple[np.ndarray, int]:
    """float32 `(samples,)` and the sample rate in Hz of a 16-bit mono WAV."""
    try:
        with wave.open(io.BytesIO(content)) as file:
            form = file.getnchannels(), file.getsampwidth()
            num_samples, rate_hz = file.getnframes(), file.getframerate()
            data = file.readframes(num_samples)
    except (wave.Error, EOFError) as error:
        raise ServerError("INTERNAL", f"wav_bytes is no WAV file: {error}") from None
    if form != (1, 2) or len(data) != 2 * num_samples:
        raise ServerError("INTERNAL", "wav_bytes is no complete 16-bit mono WAV file")
    return wav.from_int16(np.frombuffer(data, "<i2")), rate_hz
