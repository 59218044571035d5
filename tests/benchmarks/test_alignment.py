"""How the boundaries of two aligners are paired and summed up."""

import pytest

from benchmarks.alignment import Errors, _row
from tfrecords_tools.alignment.textgrid import Interval
from tfrecords_tools.alignment.words import AlignedWord


def word(label, start_seconds, *phones):
    """Phones of 0.1 s each."""
    intervals = [
        Interval(start_seconds + 0.1 * i, start_seconds + 0.1 * (i + 1), phone)
        for i, phone in enumerate(phones)
    ]
    return AlignedWord(label, tuple(intervals))


THEIRS = [
    word("We", 0.1, "w", "iy1"),
    word("see", 0.4, "S", "IY1"),
    word("a", 0.6, "AH0"),
    word("dog", 0.9, "D", "AO1", "G"),
]


def test_words_with_other_phones_count_at_word_level_only():
    ours = [
        word("we", 0.11, "W", "IY0"),  # case and stress do not matter
        word("see", 0.42, "S", "IY1"),
        word("a", 0.63, "EY1"),
        word("dog", 0.94, "D", "AO1", "G"),
    ]
    errors = Errors()
    errors.add(ours, THEIRS)
    assert (errors.num_words, errors.num_paired, errors.num_same_phones) == (4, 4, 3)
    expected = [0.01, 0.01, 0.02, 0.02, 0.03, 0.03, 0.04, 0.04]
    assert errors.words == pytest.approx(expected)
    assert errors.phones == pytest.approx([0.01] * 3 + [0.02] * 3 + [0.04] * 4)


def test_words_that_one_side_lacks_are_not_compared():
    errors = Errors()
    errors.add([THEIRS[0], word("red", 0.5, "R"), *THEIRS[2:]], THEIRS)
    assert (errors.num_words, errors.num_paired) == (4, 3)
    assert errors.words == [0.0] * 6


def test_row_has_the_bias_and_what_is_left_without_it():
    number, mean, median, bias, rest, *within, largest = _row([0.01, 0.03, 0.03, -0.06])
    assert (number, mean, median, bias) == ("4", "32.5", "30.0", "+20.0")
    assert rest == "27.5"  # 10, 10, 10 and 80
    assert within == ["25.0%", "25.0%", "75.0%"]
    assert largest == "60"
