"""Words and boundaries in the order that models read."""

from __future__ import annotations

import pytest

from wg2.text.sequence import arrange, parse_phonemes


def test_arrange_ends_each_sentence_and_the_utterance():
    words = [["AH0"], ["B", "IY1"], ["S", "IY1"], ["D"]]
    whole = arrange(words, ["sil", "sil", ".", ",", "sil"])
    assert " ".join(whole) == "sil AH0 sil B IY1 . <eos> S IY1 , D sil <eos>"
    two = arrange(words[:2], ["sil", "?", "!"])
    assert " ".join(two) == "sil AH0 ? <eos> B IY1 ! <eos>"


@pytest.mark.parametrize(
    ("words", "boundaries", "message"),
    [
        ([], ["sil"], "at least one word"),
        ([["B"]], ["sil"], "1 boundaries, 1 words"),
        ([["B"]], [",", "sil"], "before the first word"),
        ([["B"], []], ["sil", "sil", "."], "Word 1 of 2 has no phonemes"),
        ([["B"]], ["sil", "<eos>"], "Unknown boundary '<eos>'"),
    ],
)
def test_arrange_refuses_what_does_not_fit(words, boundaries, message):
    with pytest.raises(ValueError, match=message):
        arrange(words, boundaries)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("HH AH0 L OW1", "sil HH AH0 L OW1 sil <eos>"),
        ("hh ah0 sil w er1 .", "sil HH AH0 sil W ER1 . <eos>"),
        ("{HH AH0} {W ER1}, D", "sil HH AH0 sil W ER1 , D sil <eos>"),
        ("B . <eos> D <eos>", "sil B . <eos> D sil <eos>"),
        ("sil B sil , D ? !", "sil B , D ? <eos>"),
        ("B{D}S", "sil B sil D sil S sil <eos>"),
    ],
)
def test_raw_phonemes_become_a_complete_sequence(text, expected):
    assert parse_phonemes(text) == expected.split()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (" ", "phonemes are empty"),
        ("sil , <eos>", "No speech sounds"),
        ("HH AH L", "AH is a vowel"),
        ("HH hello", "Unknown phoneme 'HELLO'"),
        ("B , <eos> D", "<eos> stands where no sentence ends"),
        ("<eos> D .", "<eos> stands where no sentence ends"),
        ("<pad> D", "Unknown phoneme '<PAD>'"),
        ("{B", "Brace without its partner"),
    ],
)
def test_bad_raw_phonemes_are_refused(text, message):
    with pytest.raises(ValueError, match=message):
        parse_phonemes(text)
