"""Words that no dictionary has: stems, letters, compounds, the GRU."""

from __future__ import annotations

import pytest

from wg2.text.lexicon import Lexicon, with_ending
from wg2.text.pronounce import pronounce
from wg2.text.word_forms import compound_splits


@pytest.fixture(scope="module")
def lexicon(tmp_path_factory) -> Lexicon:
    path = tmp_path_factory.mktemp("lexicon") / "user.txt"
    path.write_text(
        "glorb G L AO1 R B\nglosh G L AA1 SH\nglet G L EH1 T\nglofe G L OW1 F\n"
    )
    return Lexicon(path)


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("glorbs", "G L AO1 R B Z"),
        ("glorb's", "G L AO1 R B Z"),
        ("gloshes", "G L AA1 SH IH0 Z"),
        ("glosh's", "G L AA1 SH IH0 Z"),
        ("glets", "G L EH1 T S"),
        ("gletted", "G L EH1 T IH0 D"),
        ("gletting", "G L EH1 T IH0 NG"),
        ("glorbed", "G L AO1 R B D"),
        ("gloshed", "G L AA1 SH T"),
        ("glofing", "G L OW1 F IH0 NG"),
        ("glofed", "G L OW1 F T"),
        ("glorbhouse", "G L AO1 R B HH AW1 S"),
        ("glorbhouse's", "G L AO1 R B HH AW1 S IH0 Z"),
        ("xkq", "EH1 K S K EY1 K Y UW1"),
        ("^uv", "Y UW1 V IY1"),
        ("^uv's", "Y UW1 V IY1 Z"),
        ("^glorb", "G L AO1 R B"),
        ("~w", "D AH1 B AH0 L Y UW0"),
        ("~x's", "EH1 K S IH0 Z"),
    ],
)
def test_pronunciation(lexicon, word, expected):
    assert " ".join(pronounce(word, lexicon)[0]) == expected


def test_unknown_possessive_is_that_of_the_stem(lexicon):
    (stem,) = pronounce("zorblav", lexicon)
    (possessive,) = pronounce("zorblav's", lexicon)
    assert possessive == with_ending(stem, "@S")


def test_compounds_are_split_in_the_middle_first():
    splits = compound_splits("abcdefgh")
    assert splits == [("abcd", "efgh"), ("abc", "defgh"), ("abcde", "fgh")]
    assert compound_splits("abcde") == [] and compound_splits("a" * 25) == []
