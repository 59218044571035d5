"""A wg2 export on a server: its signatures as methods."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass

import numpy as np

from export.client.answers import (
    AUDIO,
    FACTS,
    Facts,
    read_audio,
    read_facts,
    read_row,
    read_wav,
)
from export.client.errors import ServerError
from export.client.transport import STRING, Model, Transport, Version
from export.client.windows import Window

_SIGNATURES = ("wav", "synthesize", "encode", "decode_window")
_ENCODED = {"features": "DT_FLOAT", "num_frames": "DT_INT32"}

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Settings:
    """How to speak.

    Args:
        steps: int in 1..1000, refinement steps; None: the voice's default.
        seed: int of 64 bits; None: 0.
        length_scale: float in [0.1, 10]; above 1 is slower; None: 1.
        speaker: Name, where the voice has several.
    """

    steps: int | None = None
    seed: int | None = None
    length_scale: float | None = None
    speaker: str | None = None

    def __post_init__(self):
        if self.steps is not None and not 1 <= self.steps <= 1000:
            raise ValueError(f"steps must lie in 1..1000. Received: {self.steps}")
        if self.seed is not None and not -(2**63) <= self.seed < 2**63:
            raise ValueError(f"a seed has 64 bits at most. Received: {self.seed}")
        if self.length_scale is not None and not 0.1 <= self.length_scale <= 10:
            raise ValueError(
                f"length_scale must lie in [0.1, 10]. Received: {self.length_scale}"
            )

    def is_default(self) -> bool:
        return self == Settings()


@dataclass(frozen=True, eq=False)
class Encoded:
    """A text on its way to sound.

    Args:
        features: float32 `(1, frames, channels)`.
        num_frames: int.
        facts: `Facts`.
        version: The `Version` that made it, and has to decode it.
    """

    features: np.ndarray
    num_frames: int
    facts: Facts
    version: Version


class Voice:
    """A wg2 export, for one text with one `Settings`. For several threads.

    All requests go to the version that was there at first: two of one voice may sound
    unlike. Where the server has replaced it since, the next sentence goes to the new
    one, unless a certain version was asked for.

    Args:
        transport: `Transport`.
        settings: `Settings`.
        asked: `Version` of the model.
    Raises:
        ServerError: No such server or model.
        ValueError: The model is no wg2 export, or cannot do what `settings` asks.
    """

    def __init__(self, transport: Transport, settings: Settings, asked: Version):
        self.settings = settings
        self._transport = transport
        self._asked = asked
        self._lock = threading.Lock()
        self._version = self._find_version()
        self._rate_hz: int | None = None
        self._facts: Facts | None = None

    def _find_version(self) -> Version:
        model = self._transport.describe(self._asked)
        self._check(model)
        number = model.version
        return self._asked if number is None else Version(number)

    def _check(self, model: Model) -> None:
        missing = [name for name in _SIGNATURES if name not in model.signatures]
        if missing:
            raise ValueError(
                f"the model is not a wg2 export: it has no signature "
                f"{', '.join(missing)}"
            )
        has_speakers = "speaker" in model.signatures["synthesize"].inputs
        if self.settings.speaker is not None and not has_speakers:
            raise ValueError(
                f"the voice has one speaker, without a name, and not "
                f"{self.settings.speaker!r}"
            )
        if self.settings.speaker is None and has_speakers:
            raise ValueError(f"choose a speaker: {self._known_speakers()}")

    def _known_speakers(self) -> str:
        """Only a refusal names them."""
        try:
            inputs = {**self._conditions(), "text": _text("a"), "speaker": _text("")}
            self._transport.predict("encode", inputs, FACTS, self._asked)
        except ServerError as error:
            return error.message
        return "the voice has several"

    def get_facts(self) -> Facts:
        """What `speak` needs to know with settings. Raises `ServerError`."""
        return self._on_a_loaded_version(self._get_facts)

    def speak(self, text: str, seed: int) -> tuple[np.ndarray, int]:
        """Sound of a text.

        Args:
            text: At most `MAX_TEXT_BYTES`.
            seed: int of 64 bits, not used where all settings are the voice's own.
        Returns:
            float32 `(samples,)`, and the sample rate in Hz.
        Raises:
            ServerError: A refusal, or no sense in the answer.
        """
        return self._on_a_loaded_version(
            lambda version: self._speak(text, seed, version)
        )

    def encode(self, text: str) -> Encoded:
        """Features of a text. Raises as `speak` does."""
        return self._on_a_loaded_version(lambda version: self._encode(text, version))

    def decode(self, encoded: Encoded, window: Window, seed: int) -> np.ndarray:
        """Sound of a window: float32 `(samples,)`. Raises as `speak` does."""
        facts = encoded.facts
        steps = self.settings.steps or facts.default_num_steps
        margin = facts.margin_frames_per_step * steps
        first, end = window.with_margin(margin, encoded.num_frames)
        answer = self._transport.predict(
            "decode_window",
            {
                "features": encoded.features[:, first:end],
                "features_first_frame": _int32(first),
                "num_frames": _int32(encoded.num_frames),
                "first_frame": _int32(window.first_frame),
                "window_frames": _int32(window.num_frames),
                "seed": np.array([seed], np.int64),
                "num_steps": _int32(steps),
            },
            AUDIO,
            encoded.version,
        )
        audio = read_audio(answer)
        if len(audio) != window.num_frames * facts.samples_per_frame:
            raise ServerError(
                "INTERNAL",
                f"a window of {window.num_frames} frames of {facts.samples_per_frame} "
                f"samples came back with {len(audio)} samples",
            )
        return audio

    def _on_a_loaded_version(self, request):
        version = self._version
        try:
            return request(version)
        except ServerError as error:
            if error.code != "NOT_FOUND":
                raise
        with self._lock:
            if self._version == version:
                self._version = self._find_version()
                self._facts = None
                _log.warning(
                    "version %s of the model is gone; going on with version %s",
                    version.number,
                    self._version.number,
                )
        return request(self._version)

    def _get_facts(self, version: Version) -> Facts:
        """Asked for once, with a short text: REST cannot leave out the features."""
        with self._lock:
            if self._facts is None:
                inputs = {"text": _text("a"), **self._conditions()}
                answer = self._transport.predict("encode", inputs, FACTS, version)
                self._facts = read_facts(answer)
            return self._facts

    def _speak(self, text: str, seed: int, version: Version) -> tuple[np.ndarray, int]:
        if self.settings.is_default():
            answer = self._transport.predict(
                "wav", {"text": _text(text)}, {"wav_bytes": "DT_STRING"}, version
            )
            audio, rate_hz = read_wav(read_row(answer, "wav_bytes"))
        else:
            facts = self._get_facts(version)
            inputs = {
                "text": _text(text),
                "seed": np.array([seed], np.int64),
                "num_steps": _int32(self.settings.steps or facts.default_num_steps),
                **self._conditions(),
            }
            answer = self._transport.predict("synthesize", inputs, AUDIO, version)
            audio, rate_hz = read_audio(answer), facts.sample_rate_hz
        self._check_rate(rate_hz)
        return audio, rate_hz

    def _encode(self, text: str, version: Version) -> Encoded:
        answer = self._transport.predict(
            "encode",
            {"text": _text(text), **self._conditions()},
            {**_ENCODED, **FACTS},
            version,
        )
        features = answer["features"]
        num_frames = int(read_row(answer, "num_frames"))
        if features.ndim != 3 or not 0 <= num_frames <= features.shape[1]:
            raise ServerError(
                "INTERNAL",
                f"features of shape {features.shape} came back for {num_frames} frames",
            )
        facts = read_facts(answer)
        self._check_rate(facts.sample_rate_hz)
        return Encoded(features[:1, :num_frames], num_frames, facts, version)

    def _conditions(self) -> dict[str, np.ndarray]:
        scale = self.settings.length_scale
        inputs = {"length_scale": np.array([1.0 if scale is None else scale], "<f4")}
        if self.settings.speaker is not None:
            inputs["speaker"] = _text(self.settings.speaker)
        return inputs

    def _check_rate(self, rate_hz: int) -> None:
        if self._rate_hz not in (None, rate_hz):
            raise ServerError(
                "FAILED_PRECONDITION",
                f"the model was replaced by one of {rate_hz} Hz instead of "
                f"{self._rate_hz} Hz",
            )
        self._rate_hz = rate_hz


def _text(text: str) -> np.ndarray:
    return np.array([text.encode()], STRING)


def _int32(value: int) -> np.ndarray:
    return np.array([value], np.int32)
