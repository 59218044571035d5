"""Words, stress and times of hand-written flite utterances."""

from __future__ import annotations

import numpy as np
import pytest

from tfrecords_tools import flite_labels, flite_phones
from tfrecords_tools.flite import Phone, Speech, Token
from tfrecords_tools.flite_labels import Interval
from tfrecords_tools.flite_phones import LabelError
from wg2.text.lexicon import Lexicon, parse_pronunciation

RATE = 16000


@pytest.fixture(scope="module")
def lexicon() -> Lexicon:
    return Lexicon()


def phones_of(text: str, word: int = 0) -> list[Phone]:
    """`r eh' k er d`: phones of 0.1 s, those with an apostrophe stressed."""
    return [Phone(p.rstrip("'"), 0.1, p.endswith("'"), word) for p in text.split()]


def make_speech(tokens, words, pauses=(0,), seconds=None) -> Speech:
    """Speech in phones of 0.1 s with silence before the words in `pauses`."""
    phones: list[Phone] = []
    for i, word in enumerate(words):
        if i in pauses:
            phones.append(Phone("pau", 0.1))
        phones.extend(phones_of(word, i))
    phones.append(Phone("pau", 0.1))
    ends = 0.1 * np.arange(1, len(phones) + 1)
    timed = tuple(
        Phone(p.name, float(end), p.stressed, p.word)
        for p, end in zip(phones, ends, strict=True)
    )
    total = ends[-1] if seconds is None else seconds
    return Speech(np.zeros(round(total * RATE), np.int16), RATE, tuple(tokens), timed)


@pytest.mark.parametrize(
    ("said", "entries", "expected"),
    [
        # Stress comes from the dictionary, whatever flite's syllables say.
        ("hh ax l ow", ["HH AH0 L OW1"], "HH AH0 L OW1"),
        ("s ih k s t iy'", ["S IH1 K S T IY0"], "S IH1 K S T IY0"),
        # A schwa takes the dictionary's symbol of an unstressed vowel only.
        ("p r ih' n t ax d", ["P R IH1 N T IH0 D"], "P R IH1 N T IH0 D"),
        ("t ax", ["T UW1"], "T AH0"),
        ("s p ih' r ih t", ["S P IH1 R AH0 T"], "S P IH1 R AH0 T"),
        # A full vowel stays as said.
        ("w aa' n t", ["W AO1 N T"], "W AA1 N T"),
        # The nearest pronunciation counts, and the first of equals.
        ("r eh' d", ["R IY1 D", "R EH1 D"], "R EH1 D"),
        ("dh iy", ["DH AH0", "DH IY0", "DH IY1"], "DH IY0"),
        # Stress decides where sounds do not, in words of several syllables.
        ("ih n k r iy' s", ["IH1 N K R IY2 S", "IH0 N K R IY1 S"], "IH0 N K R IY1 S"),
        ("hh er", ["HH ER1", "HH ER0"], "HH ER1"),
        # Missing and surplus sounds do not shift what follows.
        ("f ae' m l iy", ["F AE1 M AH0 L IY0"], "F AE1 M L IY0"),
        ("ae' k ch ax w ax l iy", ["AE2 K CH L IY0"], "AE2 K CH AH0 W AH0 L IY0"),
        # Without an entry, flite's own stress.
        ("z ao' r b l ae k s", [], "Z AO1 R B L AE0 K S"),
    ],
)  # fmt: skip
def test_phones_become_the_notation_of_the_dictionary(said, entries, expected):
    pronunciations = [parse_pronunciation(entry) for entry in entries]
    labels = flite_phones.to_arpabet(phones_of(said), pronunciations)
    assert " ".join(labels) == expected


def test_phone_that_arpabet_lacks_is_named():
    with pytest.raises(LabelError, match="unknown phone: flite's 'dx'"):
        flite_phones.to_arpabet(phones_of("b ah' dx er"), [])


def test_tiers_have_words_phones_and_silences_in_order(lexicon):
    tokens = [
        Token("", "", "It's", ",", ("it", "'s")),
        Token(" ", "", "isn't", ".", ("isnt",)),
    ]
    speech = make_speech(tokens, ["ih' t", "s", "ih' s n t"], pauses=(0, 2))
    labels = flite_labels.label("It's, isn't.", speech, lexicon)
    assert labels.text == "It's, isn't."
    rounded = [Interval(round(end, 3), label) for end, label in as_pairs(labels.words)]
    assert rounded == [
        Interval(0.1, ""),
        Interval(0.4, "it's"),
        Interval(0.5, ""),
        Interval(0.9, "isn't"),
        Interval(1.0, ""),
    ]
    phones = " ".join(label for _, label in as_pairs(labels.phones))
    assert phones == "sil IH1 T S sil IH1 S N T sil"
    assert labels.words[-1].end_seconds == labels.phones[-1].end_seconds == 1.0
    assert dict(labels.pronunciations)["it's"] == ("IH1", "T", "S")


def as_pairs(intervals):
    return [(interval.end_seconds, interval.label) for interval in intervals]


def test_neighbouring_silences_are_one(lexicon):
    speech = make_speech([Token("", "", "we", "", ("we",))], ["w iy'"])
    shifted = tuple(
        Phone(p.name, p.end_seconds + 0.1, p.stressed, p.word) for p in speech.phones
    )
    doubled = Speech(
        np.zeros(round(0.5 * RATE), np.int16),
        RATE,
        speech.tokens,
        (Phone("pau", 0.1), *shifted),
    )
    labels = flite_labels.label("we", doubled, lexicon)
    assert [label for _, label in as_pairs(labels.phones)] == ["sil", "W", "IY1", "sil"]
    assert labels.phones[0].end_seconds == pytest.approx(0.2)
    assert [label for _, label in as_pairs(labels.words)] == ["", "we", ""]


def test_what_is_not_spoken_as_written_is_written_as_spoken(lexicon):
    tokens = [
        Token("", '"', "read", "", ("red",)),  # flite's spelling of a homograph
        Token(" ", "", "1a", ",", ("one", "_a")),
        Token(" ", "", "A", '."', ("_a",)),
    ]
    speech = make_speech(tokens, ["r eh' d", "w ah' n", "ey'", "ey'"])
    labels = flite_labels.label('"read 1a, A."', speech, lexicon)
    assert labels.text == '"read one a, A."'
    assert [word for word, _ in labels.pronunciations] == ["read", "one", "a", "a"]


def test_marks_spoken_as_nothing_do_not_shift_the_words(lexicon):
    tokens = [
        Token("", "", "so", "", ("so",)),
        Token(" ", "", ":", "", (":",)),
        Token(" ", "", "we", "", ("we",)),
    ]
    speech = make_speech(tokens, ["s ow'", "", "w iy'"])
    labels = flite_labels.label("so : we", speech, lexicon)
    assert labels.pronunciations == (("so", ("S", "OW1")), ("we", ("W", "IY1")))


WE = (Token("", "", "we", "", ("we",)),)
ITS = (Token("", "", "it's", "", ("it", "'s")),)


@pytest.mark.parametrize(
    ("speech", "text", "message"),
    [
        (make_speech((), []), "", "no words"),
        (make_speech(WE, [""]), "we", "silent word: 'we'"),
        (make_speech(WE, ["w iy'"]), "we two", "word count: 1 words are spoken, 2"),
        (make_speech(ITS, ["ih' t", "s"], (0, 1)), "it's", "pause inside a word"),
        (make_speech(WE, ["w iy'"], seconds=0.45), "we", "duration: phones end at"),
        (make_speech(WE, ["w iy'"], seconds=0.3), "we", "duration: phones end at"),
    ],
)
def test_speech_that_the_text_does_not_explain_is_refused(
    lexicon, speech, text, message
):
    with pytest.raises(LabelError, match=message):
        flite_labels.label(text, speech, lexicon)


def test_audio_that_ends_in_the_last_word_is_refused(lexicon):
    whole = make_speech(WE, ["w iy'"])
    cut = Speech(np.zeros(round(0.27 * RATE), np.int16), RATE, WE, whole.phones[:-1])
    with pytest.raises(LabelError, match=r"end at 0\.300 s, the audio at 0\.270 s"):
        flite_labels.label("we", cut, lexicon)


def test_audio_that_ends_in_the_last_silence_shortens_it(lexicon):
    speech = make_speech(WE, ["w iy'"], seconds=0.35)
    labels = flite_labels.label("we", speech, lexicon)
    assert labels.phones[-1] == Interval(0.35, "sil")
    assert labels.words[-1] == Interval(0.35, "")
