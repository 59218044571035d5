"""Which words of a text are which of a TextGrid, and where its marks go."""

from __future__ import annotations

import pytest

from tfrecords_tools.alignment import text_match
from tfrecords_tools.alignment.textgrid import Interval
from tfrecords_tools.alignment.words import AlignedWord
from wg2.text.frontend import Word


def match(text, grid):
    """Mismatches and the boundaries; a text is `word boundary word boundary`."""
    parts = text.split()
    words = [Word(label, ()) for label in parts[::2]]
    aligned = [
        AlignedWord(label, (Interval(0, 1, "spn" if label == "<unk>" else "X"),))
        for label in grid.split()
    ]
    stretches = text_match.match(words, aligned)
    boundaries = text_match.boundaries_of_aligned(stretches, ["sil", *parts[1::2]])
    assert len(boundaries) == len(aligned) + 1
    assert boundaries[0] == "sil"
    mismatches = text_match.count_mismatches(stretches, aligned)
    return mismatches, " ".join(boundaries[1:])


@pytest.mark.parametrize(
    ("text", "grid", "mismatches", "boundaries"),
    [
        ("oh , no !", "oh no", 0, ", !"),
        ("don't sil . .", "DONT .", 0, "sil ."),
        ("café ; yes .", "cafe yes", 0, "; ."),
        ("well sil known , man .", "well-known man", 0, ", ."),
        ("wellknown ; man .", "well known man", 0, "sil ; ."),
        ("yes , eighteen sil ten ; no .", "yes 1810 no", 2, ", ; ."),
        ("yes , mister ; no .", "yes mr no", 1, ", ; ."),
        ("oh , no .", "no", 1, "."),
        ("yes . oh , no ?", "yes no", 1, ", ?"),
        ("yes . no ?", "yes oh no", 1, ". sil ?"),
        ("yes . no ?", "yes no oh", 1, ". sil ?"),
        ("yes , no . dog ?", "yes no", 1, ", ?"),
        ("yes , i sil e ; no .", "yes <unk> no", 0, ", ; ."),
        ("yes , no .", "yes <unk> no", 1, ", sil ."),
        ("yes , red sil dog .", "<unk> <unk>", 0, "sil ."),
        ("one , two .", "red green dog", 3, "sil sil ."),
    ],
)
def test_differences_are_counted_and_marks_stay_where_words_agree(
    text, grid, mismatches, boundaries
):
    assert match(text, grid) == (mismatches, boundaries)
