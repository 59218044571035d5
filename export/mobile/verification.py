"""Whether a package speaks as its voice does, by TensorFlow's own interpreter."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import tensorflow as tf

from export.mobile.package import MODES
from export.mobile.synthesizer import MobileSynthesizer
from wg2.evaluation.distances import log_mel_l1
from wg2.inference import Synthesizer
from wg2.voice import Voice

TEXT = "Doctor Zylka read 12 lines, [200ms] then she {R EH1 S T IH0 D}."
"""A number, a pause, a pronunciation, and a word that no dictionary has."""
MAX_DIFFERENCE = 1e-3
"""Of samples in float32; other precisions are audio of their own."""
MAX_SHIFT_FRAMES = 3
"""Of phonemes' ends: what is half a frame is rounded by its last digits."""
MAX_LOG_MEL_DISTANCE = 0.5
"""Nepers, mean over bands and frames; noise at every level of a voice is above 1."""


def verify(
    folder: Path, voice: Voice, lexicon: Path | None, sampler: str | None
) -> dict[str, float]:
    """Speaks a sentence with the voice and with every mode of its package.

    Returns:
        For every mode the mean absolute difference of log-mel spectra, nepers.
    Raises:
        RuntimeError: A mode does not speak, or otherwise.
    """
    settings = {"seed": 3, "length_scale": 1.1}
    if voice.config.text.speakers:
        settings["speaker"] = voice.config.text.speakers[-1]
    synthesizer = Synthesizer(voice, lexicon)
    (own,) = synthesizer.speak([TEXT], sampler=sampler, **settings)
    distances = {}
    for mode in MODES:
        mobile = MobileSynthesizer(folder, mode=mode, interpreter=tf.lite.Interpreter)
        try:
            actual = mobile.speak([TEXT], **settings)[0]
        except (ValueError, RuntimeError) as error:
            raise RuntimeError(f"the mode {mode} does not speak: {error}") from error
        precision = mobile.package.facts["precision"]
        if actual.phonemes != own.phonemes:
            raise RuntimeError(f"the mode {mode} reads other phonemes than the voice")
        ends, own_ends = np.cumsum(actual.durations), np.cumsum(own.durations)
        shift = np.abs(ends - own_ends).max()
        if shift > MAX_SHIFT_FRAMES:
            raise RuntimeError(
                f"the mode {mode} speaks at another pace: phonemes end up to {shift} "
                "frames apart from the voice's"
            )
        expected = own
        if shift:  # sounds can be compared only where they are at the same time
            (expected,) = synthesizer.speak_phonemes(
                [synthesizer.frontend.encode(TEXT).ids],
                [actual.durations],
                sampler=sampler,
                **settings,
            )
        difference = np.abs(actual.audio - expected.audio).max()
        if precision == "float32" and not difference <= MAX_DIFFERENCE:
            raise RuntimeError(
                f"the mode {mode} differs from the voice by {difference:.2g}, more "
                f"than {MAX_DIFFERENCE}"
            )
        distances[mode] = log_mel_l1(
            expected.audio,
            actual.audio,
            voice.config.audio,
            voice.config.samples_per_frame,
        )
        if not distances[mode] <= MAX_LOG_MEL_DISTANCE:
            raise RuntimeError(
                f"the precision {precision} spoils this voice: its log-mel spectra "
                f"differ by {distances[mode]:.2f} nepers, more than "
                f"{MAX_LOG_MEL_DISTANCE}. Choose another --precision"
            )
    return distances
