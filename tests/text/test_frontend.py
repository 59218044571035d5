"""Words, boundaries and the phoneme sequence of a text."""

from __future__ import annotations

import pytest

from wg2.text import symbols
from wg2.text.frontend import Frontend, arrange, parse_phonemes, split_words


@pytest.fixture(scope="module")
def frontend() -> Frontend:
    return Frontend()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Hello, World.", "hello , world ."),
        ("one; two: three? four! five", "one ; two : three ? four ! five sil"),
        ("Really?! She said “no.” Yes", "really ? she sil said sil no . yes sil"),
        ("It’s Ann's — 'such' - low-key", "it's sil ann's , such , low sil key sil"),
        ("a--b (as here), and/or", "a , b , as sil here , and sil or sil"),
        ("the guy(s) left", "the sil guy sil s sil left sil"),
        ("Wait... what? No... Never…", "wait , what ? no . never ."),
        ("Mr. J. Fox, U.S. Army.", "mr sil j sil fox , u sil s sil army ."),
        ("So did I. He left.Then", "so sil did sil i . he sil left . then sil"),
        ("Fry and Co., Esq.: yes", "fry sil and sil co , esq : yes sil"),
        ("On example.com 9 a.m.", "on sil example sil com sil 9 sil a sil m ."),
        ("In the U.S.", "in sil the sil u sil s ."),
        ("'Tis rock 'n' roll, dogs'", "'tis sil rock sil 'n sil roll , dogs sil"),
        ("...so ,x", "so , x sil"),
        ("A {hh  ah0} b", "a sil {HH_AH0} sil b sil"),
        ("co\u00adop\u200bt ﬁne", "coop sil t sil fine sil"),
        ("9% of R&D", "9 sil % sil of sil r sil & sil d sil"),
        ("Cafe\u0301 d’Été", "café sil d'été sil"),
    ],
)  # fmt: skip
def test_words_and_boundaries(text, expected):
    flat = expected.split()
    words, boundaries = split_words(text)
    assert words == [word.replace("_", " ") for word in flat[::2]]
    assert boundaries == ["sil", *flat[1::2]]


@pytest.mark.parametrize("text", ["", "...", "?! - \"'"])
def test_text_without_words_has_the_leading_boundary_only(text):
    assert split_words(text) == ([], ["sil"])


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


def test_text_becomes_dictionary_phonemes_between_boundaries(frontend):
    phonemes = frontend.phonemes("Hello, world. The dog's")
    assert " ".join(phonemes) == (
        "sil HH AH0 L OW1 , W ER1 L D . <eos> DH AH0 sil D AO1 G Z sil <eos>"
    )


def test_inline_pronunciation_replaces_the_word(frontend):
    phonemes = frontend.phonemes("Say {z ao1 r}!")
    assert " ".join(phonemes) == "sil S EY1 sil Z AO1 R ! <eos>"


def test_ids_are_positions_in_the_voice_inventory(frontend):
    text = "Yes, no."
    assert symbols.decode(frontend.ids(text)) == frontend.phonemes(text)
    backwards = tuple(reversed(symbols.PHONEMES))
    other = Frontend(inventory=backwards)
    assert symbols.decode(other.ids(text), backwards) == frontend.phonemes(text)
    with pytest.raises(symbols.UnknownPhonemeError, match="','"):
        Frontend(inventory=[s for s in symbols.PHONEMES if s != ","]).ids(text)


@pytest.mark.parametrize(
    ("text", "messages"),
    [
        ("", ["The text is empty"]),
        (" \n\t ", ["The text is empty"]),
        ("?!", ["no words in '?!'"]),
        ("Zorblax, 日本: zorblax", ["for 'zorblax', '日本'. Write", "{HH AH0 L OW1}"]),
        ("in 1984 the 3rd", ["'1984', '3rd'", "Spell them out"]),
        ("this & that <", ["'&', '<'", "Write them out"]),
        ("a {HH AH0", ["Brace without its partner in 'a {HH AH0'"]),
        ("a {HH AH}", ["AH is a vowel and needs its stress"]),
        ("a {} b", ["no phonemes"]),
        ("a {sil}", ["Unknown phoneme 'SIL'"]),
    ],
)
def test_text_that_cannot_be_spoken_is_one_clear_line(frontend, text, messages):
    with pytest.raises(ValueError) as error:
        frontend.phonemes(text)
    for message in messages:
        assert message in str(error.value)
    assert "\n" not in str(error.value)


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


def test_phonemes_of_text_pass_through_raw_input_unchanged(frontend):
    text = 'Well, "did you?" he said; and she: no! - Mr. Smith\'s {B IY1}...'
    phonemes = frontend.phonemes(text)
    assert frontend.ids_from_phonemes(" ".join(phonemes)) == frontend.ids(text)


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
def test_bad_raw_phonemes_are_refused(frontend, text, message):
    with pytest.raises(ValueError, match=message):
        frontend.ids_from_phonemes(text)
