"""Error counts, and what they are counted against."""

from __future__ import annotations

import pytest

from wg2.evaluation.intelligibility import (
    check_phonemes,
    count_errors,
    plain_words,
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
    assert plain_words(["f.", "b.", "i.", "don't", "well", "'"]) == [
        "f", "b", "i", "don't", "well",
    ]  # fmt: skip
    phonemes = ("sil", "HH", "AH0", "L", "OW1", ",", "W", "ER1", ".", "<eos>")
    assert reference_phones(phonemes) == ["HH", "AH", "L", "OW", "W", "ER"]


def test_other_inventories_are_refused_by_name():
    check_phonemes(symbols.PHONEMES)
    with pytest.raises(ValueError, match=r"also has ʃ œ; use --no-intelligibility"):
        check_phonemes((*symbols.PHONEMES, "ʃ", "œ"))
