"""What a recogniser understands: words and phones of pocketsphinx's English models.

They are of the 2000s and hear a clean recording far from perfectly, so that the error
rates say something only beside those of the recordings themselves.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from wg2.audio import wav
from wg2.text import symbols
from wg2.text.frontend import spoken_words

SAMPLE_RATE_HZ = 16000
"""That of the acoustic model."""

_PHONE_MODEL = "en-us/en-us-phone.lm.bin"
_STRESS = re.compile(r"(?<=[A-Z])[012]$")
_SPEECH = frozenset(
    _STRESS.sub("", p) for p in symbols.PHONEMES if p not in symbols.BOUNDARIES
)


class Errors(NamedTuple):
    """Substitutions, deletions and insertions, and how much was to be understood."""

    num_errors: int
    num_reference: int


class Recognizer:
    """Free recognition of words (trigram model) and of phones (phone trigram).

    Every utterance is heard as if it were the first.
    """

    def __init__(self):
        import pocketsphinx

        common = {"cmn": "batch", "loglevel": "FATAL", "samprate": SAMPLE_RATE_HZ}
        self._words = pocketsphinx.Decoder(**common)
        # The beams and weight that pocketsphinx's documentation names for phones.
        self._phones = pocketsphinx.Decoder(
            lm=None,
            dict=None,
            allphone=pocketsphinx.get_model_path(_PHONE_MODEL),
            lw=2.0,
            beam=1e-20,
            pbeam=1e-20,
            **common,
        )

    def words(self, audio: np.ndarray, sample_rate_hz: int) -> list[str]:
        """Words of float `(samples,)`, lower case."""
        heard = _decode(self._words, audio, sample_rate_hz)
        hypothesis = heard.hyp()
        return _plain_words(hypothesis.hypstr.split()) if hypothesis else []

    def phones(self, audio: np.ndarray, sample_rate_hz: int) -> list[str]:
        """ARPAbet without stress, without silences and noises."""
        heard = _decode(self._phones, audio, sample_rate_hz)
        if heard.hyp() is None:
            return []
        return [part.word for part in heard.seg() if part.word in _SPEECH]


def count_errors(reference: Sequence[str], heard: Sequence[str]) -> Errors:
    """The fewest edits that make one sequence of words or phones the other."""
    import jiwer

    if not reference:
        return Errors(len(heard), 0)
    found = jiwer.process_words(" ".join(reference), " ".join(heard))
    edits = found.substitutions + found.deletions + found.insertions
    return Errors(edits, len(reference))


def reference_words(text: str) -> list[str]:
    """What is to be understood of a text, in the form of `Recognizer.words`."""
    return _plain_words(spoken_words(text))


def reference_phones(phonemes: Sequence[str]) -> list[str]:
    """What is to be understood of phonemes, in the form of `Recognizer.phones`."""
    plain = (_STRESS.sub("", symbol) for symbol in phonemes)
    return [symbol for symbol in plain if symbol not in symbols.BOUNDARIES]


def check_phonemes(inventory: Sequence[str]) -> None:
    """Refuses voices whose phonemes the recogniser does not know.

    Raises:
        ValueError: Naming some of them.
    """
    unknown = [p for p in inventory if p not in symbols.BOUNDARIES]
    unknown = [p for p in unknown if _STRESS.sub("", p) not in _SPEECH]
    if unknown:
        raise ValueError(
            "the recogniser knows English ARPAbet only, the voice also has "
            f"{' '.join(unknown[:8])}; use --no-intelligibility"
        )


def _plain_words(words: Sequence[str]) -> list[str]:
    """Letters as in "f." and words as in "don't", written in one way."""
    plain = (re.sub(r"[^a-z']", "", word.lower()).strip("'") for word in words)
    return [word for word in plain if word]


def _decode(decoder, audio: np.ndarray, sample_rate_hz: int):
    import soxr

    if sample_rate_hz != SAMPLE_RATE_HZ:
        audio = soxr.resample(audio, sample_rate_hz, SAMPLE_RATE_HZ, quality="HQ")
    samples, _ = wav.to_int16(audio)
    decoder.reinit_feat()  # or an utterance would begin with what noise left behind
    decoder.start_utt()
    decoder.process_raw(samples.astype("<i2").tobytes(), full_utt=True)
    decoder.end_utt()
    return decoder
