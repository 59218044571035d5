"""The recogniser and its error counts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.evaluation.speech import white_noise
from wg2.audio import wav
from wg2.evaluation.intelligibility import (
    Recognizer,
    check_phonemes,
    count_errors,
    reference_phones,
    reference_words,
)
from wg2.text import symbols


@pytest.mark.parametrize(
    ("reference", "heard", "errors"),
    [
        ("a b c d", "a b c d", 0),
        ("a b c d", "a x c", 2),  # one substitution, one deletion
        ("a b", "c a b b", 2),  # two insertions
        ("a b", "", 2),
        ("", "a b c", 3),
        ("", "", 0),
    ],
)
def test_errors_are_the_fewest_edits(reference, heard, errors):
    found = count_errors(reference.split(), heard.split())
    assert found == (errors, len(reference.split()))


def test_references_have_the_form_of_what_is_heard():
    text = "Dr. Smith's FBI file, don't ask, has 12 pages."
    words = "doctor smith's fbi file don't ask has twelve pages"
    assert reference_words(text) == words.split()
    phonemes = ("sil", "HH", "AH0", "L", "OW1", ",", "W", "ER1", ".", "<eos>")
    assert reference_phones(phonemes) == ["HH", "AH", "L", "OW", "W", "ER"]


def test_other_inventories_are_refused_by_name():
    check_phonemes(symbols.PHONEMES)
    with pytest.raises(ValueError, match=r"also has ʃ œ; use --no-intelligibility"):
        check_phonemes((*symbols.PHONEMES, "ʃ", "œ"))


@pytest.fixture(scope="module")
def clips():
    """Two recordings of 22.05 kHz."""
    folder = Path(__file__).parents[1] / "records" / "ljspeech" / "wavs"
    paths = sorted(folder.glob("*.flac"))
    assert len(paths) == 2
    return [wav.read(path) for path in paths]


def test_speech_is_understood_whatever_was_heard_before(clips):
    recognizer = Recognizer()
    alone = [(recognizer.words(*clip), recognizer.phones(*clip)) for clip in clips]
    for words, phones in alone:
        assert words and phones
        assert set(phones) <= {p.rstrip("012") for p in symbols.PHONEMES}
    noise = white_noise(16000, -20, seed=0).astype(np.float32)
    recognizer.words(noise, 16000)
    recognizer.phones(noise, 16000)
    again = [
        (recognizer.words(*clip), recognizer.phones(*clip)) for clip in clips[::-1]
    ]
    assert again[::-1] == alone


def test_a_clear_sentence_is_understood(clips):
    heard = Recognizer().words(*clips[0])
    wanted = reference_words("has never been surpassed.")
    assert count_errors(wanted, heard).num_errors <= 1


def test_silences_and_noises_are_no_phones():
    noise = white_noise(16000, -40, seed=0).astype(np.float32)
    recognizer = Recognizer()
    for audio in (noise, 0 * noise):
        assert set(recognizer.phones(audio, 16000)) <= set(
            reference_phones(symbols.PHONEMES)
        )
