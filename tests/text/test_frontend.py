"""Text to the phoneme sequence, by the Python executor."""

from __future__ import annotations

import pytest

from wg2.text import symbols
from wg2.text.frontend import MAX_BYTES, MAX_PHONEMES, Frontend, tokenize
from wg2.text.lexicon import Lexicon


@pytest.fixture(scope="module")
def frontend() -> Frontend:
    return Frontend()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Hello, World.", "hello , world ."),
        ("one; two: three? four! five", "one ; two : three ? four ! five"),
        ("Really?! She said “no.” Yes", "really ? she said no . yes"),
        ("It’s Ann's — 'such' - low-key", "it's ann's , such , low key"),
        ("a--b (as here), and/or", "a , b , as here , and or"),
        ("the guy(s) left", "the guy s left"),
        ("Wait... what? No... Never…", "wait , what ? no . never ."),
        ("Mr. J. Fox, U.S. Army.", "mister ~j fox , ~u ~s army ."),
        ("So did I. He left.Then", "so did i . he left . then"),
        ("'Tis rock 'n' roll, dogs'", "'tis rock 'n roll , dogs"),
        ("...so ,x", "so , x"),
        ("NASA's TTS", "^nasa's ~t ~t ~s"),
        ("", ""),
        (" ?! - \"'", ""),
    ],
)  # fmt: skip
def test_tokens(text, expected):
    assert tokenize(text) == expected.split()


def test_text_becomes_dictionary_phonemes_between_boundaries(frontend):
    phonemes = frontend.phonemes("Hello, world. The dog's")
    assert " ".join(phonemes) == (
        "sil HH AH0 L OW1 , W ER1 L D . <eos> DH AH0 sil D AO1 G Z sil <eos>"
    )


@pytest.mark.parametrize(
    ("text", "at", "expected"),
    [
        ("the end", 0, "DH IY0"),
        ("the start", 0, "DH AH0"),
        ("the, end", 0, "DH AH0"),
        ("go to bed", 1, "T AH0"),
        ("go to Ann", 1, "T UW1"),
        ("go to.", 1, "T UW1"),
        ("I will read it now.", 2, "R IY1 D"),
        ("She has read it.", 2, "R EH1 D"),
        ("They live here.", 1, "L IH1 V"),
        ("a live show", 1, "L AY1 V"),
        ("I refuse to go.", 1, "R AH0 F Y UW1 Z"),
        ("the refuse there", 1, "R EH1 F Y UW2 Z"),
        ("They lead us.", 1, "L IY1 D"),
        ("the lead pipe", 1, "L EH1 D"),
        ("a coffin of lead.", 3, "L EH1 D"),
        ("They take the lead.", 3, "L IY1 D"),
        ("He used to go.", 1, "Y UW1 S T"),
        ("He used a knife.", 1, "Y UW1 Z D"),
        ("I object to it.", 1, "AH0 B JH EH1 K T"),
        ("an object here", 1, "AA1 B JH EH0 K T"),
        ("We don't close it.", 2, "K L OW1 Z"),
        ("He'll close it.", 1, "K L OW1 Z"),
        # A pause is no word to the tagger.
        ("She has [300ms] read it.", 2, "R EH1 D"),
        ("They [300ms] live here.", 1, "L IH1 V"),
        ("I [300ms] refuse to go.", 1, "R AH0 F Y UW1 Z"),
        ("We [300ms] object to it.", 1, "AH0 B JH EH1 K T"),
    ],
)
def test_form_follows_from_context(frontend, text, at, expected):
    word = frontend.transcribe(text).words[at]
    assert " ".join(word.pronunciations[0]) == expected


def test_chosen_form_comes_first_and_the_others_stay(frontend):
    (word,) = (
        w for w in frontend.transcribe("She has read it.").words if w.label == "read"
    )
    assert word.pronunciations[0] == ("R", "EH1", "D")
    assert ("R", "IY1", "D") in word.pronunciations
    assert len(set(word.pronunciations)) == len(word.pronunciations)


def test_user_lexicon_beats_homographs_and_weak_forms(tmp_path):
    path = tmp_path / "lexicon.txt"
    path.write_text("read R AO1 D\nthe Z AH0\nzorblax Z AO1 R\nlead L OW1 D\n")
    frontend = Frontend(Lexicon(path))
    words = frontend.transcribe("He has read the zorblax, the lead pipe.").words
    said = [" ".join(word.pronunciations[0]) for word in words]
    assert said[2:7] == ["R AO1 D", "Z AH0", "Z AO1 R", "Z AH0", "L OW1 D"]


def test_inline_pronunciation_replaces_the_word(frontend):
    phonemes = frontend.phonemes("Say {z ao1 r}!")
    assert " ".join(phonemes) == "sil S EY1 sil Z AO1 R ! <eos>"
    words = frontend.transcribe("Say {z ao1 r}!").words
    assert [word.label for word in words] == ["say", "{Z AO1 R}"]


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
        ("Say 日本 now", ["日 本", "'Say 日本 now'", "{HH AH0 L OW1}"]),
        ("x " * MAX_BYTES, [f"{2 * MAX_BYTES} bytes", str(MAX_BYTES), "sentences"]),
        ("% " * (MAX_BYTES // 2), ["phonemes, the limit is"]),
        ("a {HH AH0", ["Brace without its partner in 'a {HH AH0'"]),
    ],
)
def test_text_that_cannot_be_spoken_is_one_clear_line(frontend, text, messages):
    with pytest.raises(ValueError) as error:
        frontend.encode(text)
    for message in messages:
        assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_the_longest_text_is_taken_and_one_byte_more_is_not(frontend):
    longest = "é " * (MAX_BYTES // 3) + "no"
    assert len(longest.encode()) == MAX_BYTES
    frontend.check(longest)
    with pytest.raises(ValueError, match=f"{MAX_BYTES + 1} bytes"):
        frontend.check(longest + "!")


def test_what_is_too_long_is_cut_where_nothing_is_refused(frontend):
    assert len(tokenize("x " * MAX_BYTES)) == MAX_BYTES // 2
    encoded = frontend.encode("% " * (MAX_BYTES // 2), strict=False)
    assert len(encoded.ids) == MAX_PHONEMES
    assert symbols.decode(encoded.ids[-1:]) == ["<eos>"]
    assert encoded.pauses_seconds == [None] * MAX_PHONEMES


def test_phonemes_of_text_pass_through_raw_input_unchanged(frontend):
    text = 'Well, "did you?" he said; and she: no! - Mr. Smith\'s {B IY1}...'
    phonemes = frontend.phonemes(text)
    assert frontend.encode_phonemes(" ".join(phonemes)).ids == frontend.ids(text)
