"""What synthesis returns, and what it may be asked for; without TensorFlow."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from wg2.text.characters import ignored
from wg2.text.frontend import Encoded, Frontend

logger = logging.getLogger(__name__)

MAX_SECONDS = 3600.0
"""Longest utterance: pauses that a text asks for could fill any memory."""


@dataclass(frozen=True, eq=False)
class Utterance:
    """What was synthesized.

    Args:
        audio: float32 `(samples,)`, full scale = 1; not clipped.
        sample_rate_hz: int.
        phonemes: symbols `(phonemes,)`.
        end_seconds: float64 `(phonemes,)`, when each phoneme ends.
        durations: int32 `(phonemes,)`, frames of each phoneme.
    """

    audio: np.ndarray
    sample_rate_hz: int
    phonemes: tuple[str, ...]
    end_seconds: np.ndarray
    durations: np.ndarray


def check_settings(seeds: Iterable[int], length_scale: float) -> None:
    """Raises ValueError where synthesis cannot follow."""
    if not 0.1 <= length_scale <= 10:
        raise ValueError(
            f"length_scale must lie in [0.1, 10]. Received: {length_scale}"
        )
    for seed in seeds:
        if not -(2**63) <= seed < 2**63:
            raise ValueError(f"a seed has 64 bits at most. Received: {seed}")


def check_length(seconds: float) -> None:
    """Raises ValueError if an utterance would be too long."""
    if seconds > MAX_SECONDS:
        raise ValueError(
            f"An utterance would last {seconds:.0f} s, the limit is {MAX_SECONDS:.0f}. "
            "Split its text, or ask for shorter pauses"
        )


def encode_input(frontend: Frontend, text: str, phonemes: bool) -> Encoded:
    """Ids of a text, or of phonemes; what of it is not spoken is said in the log.

    Raises:
        ValueError: If it cannot be spoken.
    """
    if phonemes:
        return frontend.encode_phonemes(text)
    encoded = frontend.encode(text)
    if symbols := ignored(text):
        logger.warning("Not spoken: %s", " ".join(symbols))
    return encoded


def pauses_to_seconds(pauses: Sequence[float | None]) -> np.ndarray:
    """float32 `(phonemes,)`, as `wg2.generation.encode_text` wants them."""
    asked = [-1.0 if seconds is None else seconds for seconds in pauses]
    return np.array(asked, np.float32)


def speaker_id(speakers: Sequence[str], speaker: str | None) -> int:
    """Index of a speaker by name.

    Raises:
        ValueError: If there is none, or a name is needed.
    """
    if speaker is None:
        if len(speakers) > 1:
            raise ValueError(
                f"This voice has several speakers, choose one: {', '.join(speakers)}"
            )
        return 0
    if speaker not in speakers:
        known = ", ".join(speakers) or "none (it has one speaker without a name)"
        raise ValueError(f"Unknown speaker {speaker!r}. The voice has: {known}")
    return list(speakers).index(speaker)
