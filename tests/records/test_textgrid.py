"""TextGrids in every form that aligners and Praat write."""

from __future__ import annotations

import pytest

from tests import corpus
from tfrecords_tools.alignment import textgrid
from tfrecords_tools.alignment.textgrid import Interval, TextGrid, TextGridError

WORDS = ((0.0, 0.1, ""), (0.1, 0.4, "it's"), (0.4, 0.55, ""))
PHONES = (
    (0.0, 0.1, "sil"),
    (0.1, 0.2, "IH1"),
    (0.2, 0.3, "T"),
    (0.3, 0.4, "S"),
    (0.4, 0.55, ""),
)
LONG = corpus.textgrid({"words": WORDS, "phones": PHONES})
SHORT = """File type = "ooTextFile"
"TextGrid"

0
0.55
<exists>
2
"IntervalTier"
"words"
0
0.55
3
0
0.1
""
0.1
0.4
"it's"
0.4
0.55
""
"IntervalTier"
"phones"
0
0.55
5
0
0.1
"sil"
0.1
0.2
"IH1"
0.2
0.3
"T"
0.3
0.4
"S"
0.4
0.55
""
"""


def check(grid):
    assert grid.end_seconds == 0.55
    assert grid.tier("words") == WORDS
    assert grid.tier("phones") == PHONES


@pytest.mark.parametrize(
    "text",
    [
        LONG,
        SHORT,
        LONG.replace("    ", "\t"),
        LONG.replace("\n", "\r\n"),
        LONG.replace("\n", " \n\n"),
        SHORT.replace("0.1\n", '0.1 ! a comment with 7 and <x> and "y"\n'),
        LONG.replace("item [1]:", "item [1]: the 1st of 2)"),
        SHORT.replace("0.55", "5.5e-1"),
        SHORT.replace("ooTextFile", "ooTextFile short"),
    ],
    ids=[
        "long",
        "short",
        "tabs",
        "crlf",
        "blank lines",
        "comment",
        "decoration",
        "exponent",
        "old",
    ],
)
def test_long_and_short_forms_say_the_same(text):
    check(textgrid.parse(text))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be-bom"])
def test_every_encoding_of_praat_is_read(tmp_path, encoding):
    text = LONG.replace("it's", "naïve")
    data = (
        b"\xfe\xff" + text.encode("utf-16-be")
        if encoding == "utf-16-be-bom"
        else text.encode(encoding)
    )
    (tmp_path / "a.TextGrid").write_bytes(data)
    assert textgrid.read(tmp_path / "a.TextGrid").tier("words")[1].label == "naïve"


def test_tiers_are_found_by_name_in_any_order_and_case():
    check(textgrid.parse(corpus.textgrid({"phones": PHONES, "words": WORDS})))
    check(textgrid.parse(LONG.replace('"words"', '"Words"')))


def test_names_with_the_speaker_are_those_of_the_tiers():
    text = LONG.replace('"words"', '"ann - words"').replace(
        '"phones"', '"ann - phones"'
    )
    check(textgrid.parse(text))


def test_point_tiers_between_are_passed_over():
    points = """    item [1]:
        class = "TextTier"
        name = "marks"
        xmin = 0
        xmax = 0.55
        points: size = 1
        points [1]:
            number = 0.3
            mark = "x"
"""
    text = LONG.replace("item []:\n", "item []:\n" + points)
    check(textgrid.parse(text.replace("size = 2", "size = 3", 1)))


def test_quotes_in_labels_are_doubled():
    grid = textgrid.parse(LONG.replace('"it\'s"', '"say ""it"""'))
    assert grid.tier("words")[1].label == 'say "it"'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the file ends where file type"),
        ("hello world", "the file ends where file type"),
        ('File type = "something"', "not a TextGrid"),
        (LONG.replace('"TextGrid"', '"PitchTier"'), "not a TextGrid"),
        (LONG[: len(LONG) // 2], "the file ends where"),
        (LONG[:-4], "the file ends where|expected"),
        (LONG.replace("xmin = 0.2", "xmin = zero"), "line 44: expected xmax"),
        (LONG.replace("xmax = 0.3\n", "xmax = 0.15\n"), "before its start"),
        (LONG.replace("xmin = 0.3\n", "xmin = 0.25\n"), "before the end of the one"),
        (LONG.replace("xmax = 0.55\n", "xmax = 0.5\n", 1), "ends at 0.55 s, the TextG"),
        (LONG.replace('"phones"', '"words"'), "two tiers are named 'words'"),
        (LONG.replace("size = 2", "size = 2.5", 1), "a whole number"),
        (LONG.replace("IntervalTier", "SoundTier"), "unknown class 'SoundTier'"),
        (LONG.replace("xmin = 0\n", "xmin = 0.1\n", 1), "from 0 to the end"),
    ],
)
def test_broken_file_is_refused_naming_the_path_in_one_line(tmp_path, text, message):
    path = tmp_path / "a.TextGrid"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(TextGridError, match=message) as caught:
        textgrid.read(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


def test_missing_tier_names_those_that_are_there():
    grid = textgrid.parse(LONG.replace('"phones"', '"phonemes"'))
    with pytest.raises(TextGridError, match=r"'phones'.*'words', 'phonemes'"):
        grid.tier("phones")


def test_tiers_of_two_speakers_are_ambiguous():
    text = corpus.textgrid({"ann - words": WORDS, "bob - words": WORDS})
    with pytest.raises(TextGridError, match="expected one tier 'words'"):
        textgrid.parse(text).tier("words")


def test_other_bytes_are_refused(tmp_path):
    (tmp_path / "a.TextGrid").write_bytes(LONG.replace("it's", "é").encode("latin-1"))
    with pytest.raises(TextGridError, match="neither UTF-8 nor UTF-16"):
        textgrid.read(tmp_path / "a.TextGrid")


def test_missing_file_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError):
        textgrid.read(tmp_path / "a.TextGrid")


def test_what_is_written_reads_back(tmp_path):
    tiers = {
        'the "first"': (Interval(0.0, 1 / 3, ""), Interval(1 / 3, 1.0, 'say "ah"')),
        "phones": (Interval(0.0, 1.0, "ÄÖ <x> 7 ! no comment"),),
    }
    grid = TextGrid(1.0, tiers)
    textgrid.write(tmp_path / "a.TextGrid", grid)
    assert textgrid.read(tmp_path / "a.TextGrid") == grid


@pytest.mark.parametrize(
    "intervals",
    [
        (),
        ((0.0, 0.5, "a"),),
        ((0.1, 1.0, "a"),),
        ((0.0, 0.4, "a"), (0.5, 1.0, "b")),
        ((0.0, 0.6, "a"), (0.5, 1.0, "b")),
        ((0.0, 0.0, "a"), (0.0, 1.0, "b")),
    ],
)
def test_tiers_with_gaps_are_not_written(tmp_path, intervals):
    grid = TextGrid(1.0, {"words": tuple(Interval(*i) for i in intervals)})
    with pytest.raises(ValueError, match="'words' must go from 0 to 1"):
        textgrid.write(tmp_path / "a.TextGrid", grid)
    assert list(tmp_path.iterdir()) == []
