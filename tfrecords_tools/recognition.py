"""What a recogniser hears: words or phones, of pocketsphinx's English models.

They are of the 2000s and hear a clean recording far from perfectly.
"""

from __future__ import annotations

import numpy as np

from tfrecords_tools.audio import reading
from tfrecords_tools.decoding import SAMPLE_RATE_HZ, decode
from wg2.audio import wav
from wg2.text import symbols

WORDS, PHONES = "words", "phones"
UNITS = (WORDS, PHONES)

_PHONE_MODEL = "en-us/en-us-phone.lm.bin"


class Recognizer:
    """Free recognition: of words by their trigrams, or of phones by theirs.

    Every utterance is heard as if it were the first.

    Args:
        units: "words" or "phones".
    """

    def __init__(self, units: str):
        import pocketsphinx

        options = {"cmn": "batch", "loglevel": "FATAL", "samprate": SAMPLE_RATE_HZ}
        if units == PHONES:
            # The beams and weight that pocketsphinx's documentation names for phones.
            options |= {
                "lm": None,
                "dict": None,
                "allphone": pocketsphinx.get_model_path(_PHONE_MODEL),
                "lw": 2.0,
                "beam": 1e-20,
                "pbeam": 1e-20,
            }
        self.units = units
        self._decoder = pocketsphinx.Decoder(**options)

    def hear(self, audio: np.ndarray, sample_rate_hz: int) -> list[str]:
        """Words as the recogniser's dictionary writes them (lower case, "f." for a
        letter), or ARPAbet without stress, without silences and noises.

        Args:
            audio: float32 `(samples,)`, full scale = 1.
            sample_rate_hz: int > 0.

        Raises:
            ValueError: If a sample is not finite, or the package soxr is missing.
        """
        audio = reading.resample(audio, sample_rate_hz, SAMPLE_RATE_HZ)
        samples, _ = wav.to_int16(audio)
        if not len(samples):  # a decoder would fail, at the next utterance as well
            return []
        # Or an utterance would begin with what noise left behind.
        self._decoder.reinit_feat()
        decode(self._decoder, samples)
        hypothesis = self._decoder.hyp()
        if hypothesis is None:
            return []
        if self.units == WORDS:
            return hypothesis.hypstr.split()
        heard = (part.word for part in self._decoder.seg())
        return [phone for phone in heard if phone in symbols.UNSTRESSED]
