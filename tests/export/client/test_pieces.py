"""Text to pieces, seeds and pauses."""

import re

import numpy as np
import pytest

from export.client.pieces import (
    MAX_TEXT_BYTES,
    Gap,
    longest_piece_bytes,
    piece_seed,
    silence,
    split_text,
)
from wg2.text.frontend import MAX_BYTES


def words(text: str) -> list[str]:
    return re.findall(r"\S+", text)


def test_sentences_and_paragraphs_are_numbered_and_told_apart():
    pieces = split_text("One. Dr. Two!\n \nThree? Four\n\n\n\nFive.\n")
    assert [(p.text, p.sentence, p.gap) for p in pieces] == [
        ("One.", 1, Gap.NOTHING),
        ("Dr. Two!", 2, Gap.SENTENCE),
        ("Three?", 3, Gap.PARAGRAPH),
        ("Four", 4, Gap.SENTENCE),
        ("Five.", 5, Gap.PARAGRAPH),
    ]


@pytest.mark.parametrize("text", ["", " \n\n\t "])
def test_nothing_to_speak_is_refused(text):
    with pytest.raises(ValueError, match="no text"):
        split_text(text)


def test_surrogates_are_refused():
    with pytest.raises(ValueError, match="UTF-8"):
        split_text("caf\udce9")


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        # A semicolon in the later half goes before a comma behind it.
        ("aaa, bbb ccc; ddd, eee fff", ["aaa, bbb ccc;", "ddd, eee fff"]),
        ("aaa bbb ccc, ddd eee fff", ["aaa bbb ccc,", "ddd eee fff"]),
        # One in the first half would leave too short a part.
        ("a, bbb ccc ddd eee fff", ["a, bbb ccc ddd eee", "fff"]),
        ("aaaa bbbb cccc dddd eeee", ["aaaa bbbb cccc dddd", "eeee"]),
        ("a" * 45, ["a" * 20, "a" * 20, "a" * 5]),
        # Two bytes a letter; a letter is never cut in two.
        ("é" * 25 + "x" + "é" * 5, ["é" * 10, "é" * 10, "éééééxéééé", "é"]),
        ("aaaaa bbbb {HH AH0 L OW1} c", ["aaaaa bbbb", "{HH AH0 L OW1} c"]),
    ],
)
def test_long_sentence_is_divided_at_a_sensible_place(text, parts):
    pieces = split_text(text, max_bytes=20)
    assert [p.text for p in pieces] == parts
    assert {p.sentence for p in pieces} == {1}
    assert {p.gap for p in pieces} == {Gap.NOTHING}


def test_no_word_is_lost_and_no_piece_too_long():
    random = np.random.default_rng(3)
    marks = ["", "", "", ",", ";", ".", ".\n\n", " —", "é"]
    text = " ".join(
        "x" * random.integers(1, 12) + marks[random.integers(len(marks))]
        for _ in range(3000)
    )
    for limit in (40, 333, 2048):
        pieces = split_text(text, limit)
        assert max(len(p.text.encode()) for p in pieces) <= limit
        assert words(" ".join(p.text for p in pieces)) == words(text)


def test_limit_is_that_of_the_front_end():
    assert MAX_TEXT_BYTES == MAX_BYTES


def test_slow_speech_gets_shorter_pieces():
    assert longest_piece_bytes(1.0) == longest_piece_bytes(0.1) < MAX_TEXT_BYTES / 2
    assert longest_piece_bytes(10.0) == MAX_TEXT_BYTES // 10


def test_pauses_grow_with_the_gap():
    lengths = [len(silence(gap, 0.2, 1000)) for gap in Gap]
    assert lengths == [0, 200, 500]
    assert silence(Gap.SENTENCE, 0.2, 1000).dtype == np.float32


def test_seeds_differ_fit_64_bits_and_begin_with_the_given_one():
    extremes = (0, 1, -1, 2**63 - 1, -(2**63))
    for seed in extremes:
        assert piece_seed(seed, 0) == seed
    seeds = [piece_seed(s, n) for s in extremes for n in range(1000)]
    assert all(-(2**63) <= s < 2**63 for s in seeds)
    assert len(set(seeds)) == len(seeds)
