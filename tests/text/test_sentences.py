"""Where sentences end."""

from __future__ import annotations

import pytest

from wg2.text.sentences import split_sentences


@pytest.mark.parametrize(
    "sentences",
    [
        ["Hello there.", "How are you?", "Fine!"],
        ["Dr. Smith met Mr. J. R. Ewing at 5 p.m. on Monday.", "He left."],
        ['He said "No."', "Then he left."],
        ["It cost $3.50 in the U.S. Army.", "No. 5 is alive."],
        ["So did I.", "The end."],
        ["Plan B.", "The end."],
        ["Is it e.g. this?", "(Yes.)", "{HH AY1} there."],
        ["Wait... what?", "No... never."],
        ["No punctuation at all"],
        ["He lives on St. James's St. and works."],
        ["We live on Elm St.", "The house is old."],
        ["She left Jan. 5 after approx. 5 days.", "See Vol. 3."],
        ["Smith et al. (2010) found it, i.e. Jones.", "He did."],
        ["1. Open it.", "2. Close it."],
    ],
)
def test_split(sentences):
    assert split_sentences(" ".join(sentences)) == sentences
    assert split_sentences("\n ".join(sentences)) == sentences


def test_blank_line_always_splits_and_nothing_is_lost():
    text = "A title\n\nA text. more of it, etc. and so on"
    assert split_sentences(text) == ["A title", "A text. more of it, etc. and so on"]
    assert split_sentences("") == [] == split_sentences(" \n\n ")
