"""Phones into words, silences into boundaries, unknown words from the dictionary."""

from __future__ import annotations

import pytest

from tests import corpus
from tfrecords_tools.alignment import text_match, textgrid, unknown_words, words
from tfrecords_tools.alignment.textgrid import Interval, TextGridError
from tfrecords_tools.alignment.words import AlignedWord
from tfrecords_tools.utterance import SkipUtterance
from wg2.text.frontend import Word, arrange
from wg2.text.lexicon import Lexicon

WORDS = (
    (0.0, 0.2, ""),
    (0.2, 0.5, "yes"),
    (0.5, 0.6, ""),
    (0.6, 0.9, "no"),
    (0.9, 1.1, "a"),
    (1.1, 1.4, ""),
)
PHONES = (
    (0.0, 0.2, "sil"),
    (0.2, 0.3, "Y"),
    (0.3, 0.4, "EH1"),
    (0.4, 0.5, "S"),
    (0.5, 0.53, "sp"),
    (0.53, 0.6, ""),
    (0.6, 0.7, "N"),
    (0.7, 0.9, "OW1"),
    (0.9, 1.1, "AH0"),
    (1.1, 1.4, "sil"),
)


def align(word_tier=WORDS, phone_tier=PHONES):
    text = corpus.textgrid({"words": word_tier, "phones": phone_tier})
    return words.align_words(textgrid.parse(text))


def times_by_symbol(aligned, boundaries, end_seconds=1.4):
    """(symbol, start, end) of the whole sequence."""
    sequence = arrange(
        [[phone.label for phone in word.phones] for word in aligned], boundaries
    )
    times = words.boundaries_seconds(sequence, aligned, end_seconds)
    assert len(times) == len(sequence) + 1
    return list(zip(sequence, times, times[1:], strict=False))


def test_phones_are_grouped_by_the_words_tier():
    grouped = [(word.label, [p.label for p in word.phones]) for word in align()]
    assert grouped == [("yes", ["Y", "EH1", "S"]), ("no", ["N", "OW1"]), ("a", ["AH0"])]


def test_phone_belongs_to_the_word_around_its_middle():
    phones = [list(p) for p in PHONES]
    phones[7][1] = phones[8][0] = 0.93  # OW1 reaches into the next word
    phones[0][1] = phones[1][0] = 0.17  # Y begins before its word
    aligned = align(phone_tier=[tuple(p) for p in phones])
    assert [len(word.phones) for word in aligned] == [3, 2, 1]
    assert aligned[0].start_seconds == 0.17
    assert aligned[1].end_seconds == 0.93


def test_silences_go_to_their_boundaries():
    assert times_by_symbol(align(), ["sil", ",", "sil", "sil"]) == [
        ("sil", 0.0, 0.2),
        ("Y", 0.2, 0.3),
        ("EH1", 0.3, 0.4),
        ("S", 0.4, 0.5),
        (",", 0.5, 0.6),  # two silences in a row are one
        ("N", 0.6, 0.7),
        ("OW1", 0.7, 0.9),
        ("sil", 0.9, 0.9),
        ("AH0", 0.9, 1.1),
        ("sil", 1.1, 1.1),
        ("<eos>", 1.1, 1.4),  # the silence at the end
    ]


def test_end_inside_takes_no_time_and_the_last_one_all_the_silence():
    timed = times_by_symbol(align(), ["sil", ".", "?", "!"])
    pauses = [entry for entry in timed if entry[0] in (".", "?", "!", "<eos>")]
    assert pauses == [
        (".", 0.5, 0.6),
        ("<eos>", 0.6, 0.6),
        ("?", 0.9, 0.9),
        ("<eos>", 0.9, 0.9),
        ("!", 1.1, 1.1),
        ("<eos>", 1.1, 1.4),
    ]


def test_times_never_leave_the_audio():
    timed = times_by_symbol(align(), ["sil", ",", "sil", "."], end_seconds=1.05)
    assert timed[-3:] == [
        ("AH0", 0.9, 1.05),
        (".", 1.05, 1.05),
        ("<eos>", 1.05, 1.05),
    ]
    longer = times_by_symbol(align(), ["sil", ",", "sil", "."], end_seconds=1.44)
    assert longer[-1] == ("<eos>", 1.1, 1.44)


def test_times_do_not_decrease_where_neighbours_overlap_a_little():
    phones = (Interval(0.1, 0.2, "N"), Interval(0.1995, 0.3, "OW1"))
    overlapping = [
        AlignedWord("no", phones),
        AlignedWord("a", (Interval(0.2995, 0.5, "AH0"),)),
    ]
    timed = times_by_symbol(overlapping, ["sil", ".", "."], end_seconds=0.6)
    starts = [start for _, start, _ in timed]
    assert starts == sorted(starts)
    assert timed[2:5] == [
        ("OW1", 0.1995, 0.3),
        (".", 0.3, 0.3),
        ("<eos>", 0.3, 0.3),
    ]


@pytest.mark.parametrize(
    ("word_tier", "phone_tier", "message"),
    [
        (((0.0, 1.4, ""),), PHONES, "no words"),
        ((*WORDS[:3], (0.6, 1.4, "")), PHONES, "phone 'N' at 0.6 s is in no word"),
        (((0.0, 0.2, "oh"), *WORDS[1:]), PHONES, "'oh' at 0.0 s has no phones"),
        (
            WORDS,
            (*PHONES[:2], (0.3, 0.4, "sp"), *PHONES[3:]),
            "silence inside the word 'yes' at 0.3 s",
        ),
    ],
)
def test_tiers_that_contradict_each_other_are_refused(word_tier, phone_tier, message):
    with pytest.raises(TextGridError, match=message):
        align(word_tier, phone_tier)


def with_unknown():
    """ "no" is unknown to the aligner, 0.6 s to 0.9 s."""
    word_tier = tuple((a, b, "<unk>" if w == "no" else w) for a, b, w in WORDS)
    return align(word_tier, (*PHONES[:6], (0.6, 0.9, "spn"), *PHONES[8:]))


def pronounce(aligned, labels):
    lexicon = Lexicon()
    text = [Word(label, lexicon.pronunciations(label)) for label in labels]
    stretches = text_match.match(text, aligned)
    return unknown_words.pronounce_unknown(aligned, text, stretches)


def test_unknown_word_is_pronounced_and_spread_evenly():
    known = pronounce(with_unknown(), ["yes", "dogs", "a"])
    assert [word.label for word in known] == ["yes", "dogs", "a"]
    phones = known[1].phones
    assert [p.label for p in phones] == list(Lexicon().pronounce("dogs"))
    assert [p.start_seconds for p in phones] == pytest.approx([0.6, 0.675, 0.75, 0.825])
    assert known[1].end_seconds == pytest.approx(0.9)
    assert not any(word.unknown for word in known)


def test_one_unknown_word_may_stand_for_several():
    known = pronounce(with_unknown(), ["yes", "i", "e", "a"])
    assert [word.label for word in known] == ["yes", "i", "e", "a"]
    assert known[1].end_seconds == pytest.approx(0.75)


@pytest.mark.parametrize(
    ("text_words", "message"),
    [
        (["yes", "a"], "at 0.6 s the TextGrid has '<unk>', the text 'nothing'"),
        (["oh", "no", "a"], "at 0.2 s the TextGrid has 'yes <unk>', the text 'oh no'"),
        (["yes", "no", "dog"], "the TextGrid has '<unk> a', the text 'no dog'"),
    ],
)
def test_unknown_word_that_cannot_be_told_is_a_skip(text_words, message):
    with pytest.raises(SkipUtterance, match=message) as caught:
        pronounce(with_unknown(), text_words)
    assert str(caught.value).startswith("unknown word: ")
