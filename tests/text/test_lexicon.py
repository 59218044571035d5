"""The dictionary, the rules for -s, and the user's lexicon."""

from __future__ import annotations

import lzma
import re
import subprocess
import sys
from importlib import resources

import pytest

from tests.text import cases
from wg2.text import characters, symbols
from wg2.text import lexicon as lexicon_module
from wg2.text.lexicon import (
    Lexicon,
    parse_pronunciation,
    read_user_lexicon,
    with_ending,
)


@pytest.fixture(scope="module")
def dictionary() -> Lexicon:
    return Lexicon()


def test_known_words_have_their_usual_pronunciation_first(dictionary):
    assert dictionary.pronounce("hello") == ("HH", "AH0", "L", "OW1")
    assert dictionary.pronounce("wavegrad") is None


def test_all_pronunciations_of_a_homograph_are_kept(dictionary):
    found = dictionary.pronunciations("read")
    assert found[0] != found[1]
    assert set(found) == {("R", "EH1", "D"), ("R", "IY1", "D")}


def test_whole_dictionary_uses_only_known_phonemes():
    allowed = set(symbols.PHONEMES) - symbols.BOUNDARIES
    used = set(" ".join(lexicon_module._dictionary().values()).split())
    assert used <= allowed
    assert len(lexicon_module._dictionary()) > 120_000


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("widget's", "W IH1 JH IH0 T S"),
        ("foxtrots", "F AA1 K S T R AA0 T S"),  # voiceless: S
        ("chlorophylls", "K L AO1 R AH0 F IH0 L Z"),  # voiced: Z
        ("radish's", "R AE1 D IH0 SH IH0 Z"),  # sibilant: IH0 Z
        ("crèches", "K R EH1 SH AH0 Z"),
    ],
)
def test_words_in_s_fall_back_to_their_stem(dictionary, word, expected):
    assert not dictionary.entries(word)  # else this tests the dictionary only
    assert dictionary.pronounce(word) == tuple(expected.split())


@pytest.mark.parametrize(
    ("stem", "ending"),
    [("P", ["S"]), ("D", ["Z"]), ("OW1", ["Z"]), ("CH", ["IH0", "Z"])],
)
def test_ending_s_agrees_with_the_sound_before(stem, ending):
    assert with_ending(("AH0", stem), "@S") == ("AH0", stem, *ending)


def test_singular_words_in_ss_and_us_are_no_plurals(dictionary):
    assert dictionary.pronounce("zorss") is None
    assert dictionary.entries("abiquiu")
    assert dictionary.pronounce("abiquius") is None


def test_accents_fall_away_only_if_a_word_results(dictionary):
    assert dictionary.pronounce("café") == dictionary.pronounce("cafe") is not None
    assert dictionary.pronounce("façades") == with_ending(
        dictionary.pronounce("facade"), "@S"
    )
    assert dictionary.pronounce("zörblax") is None


def test_user_words_come_before_the_dictionary(tmp_path):
    path = tmp_path / "words.txt"
    path.write_text(
        "\ufeff# my words\n"
        "hello   hh ah1 l ow0  # as here\n"
        "\n"
        "Zorblax Z AO1 R B L AE2 K S\n"
        "zorblax(2) Z AO1 R B L AH0 K S\n",
        encoding="utf-8",
    )
    mine = Lexicon(path)
    assert mine.pronunciations("hello") == (("HH", "AH1", "L", "OW0"),)
    assert [p[5] for p in mine.pronunciations("zorblax")] == ["AE2", "AH0"]
    assert mine.pronounce("zorblax's")[-2:] == ("IH0", "Z")
    assert mine.pronounce("world") == Lexicon().pronounce("world")


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("json", "JH EY1 S AH0 N"),
        ("jpegs", "JH EY1 P EH2 G Z"),
        ("lidar", "L AY1 D AA2 R"),
        ("wifi", "W AY1 F AY2"),
        ("kilopascals", "K IH2 L OW0 P AE0 S K AE1 L Z"),
    ],
)
def test_words_newer_than_the_dictionary_are_known(dictionary, word, expected):
    assert dictionary.pronounce(word) == tuple(expected.split())


def test_supplement_replaces_nothing_and_a_user_replaces_it(tmp_path):
    data = resources.files("wg2.text") / "data"
    original = lzma.decompress((data / "cmudict.txt.xz").read_bytes()).decode("ascii")
    original = {line.partition("\t")[0] for line in original.splitlines()}
    added = set(lexicon_module._dictionary()) - original
    text = (data / "supplement.txt").read_text(encoding="utf-8")
    lines = [line.split() for line in text.splitlines() if line[:1] not in ("", "#")]
    assert [line[0] for line in lines if line[0] not in added] == []
    path = tmp_path / "mine.txt"
    path.write_text("json JH EY1 S AA2 N\n")
    assert Lexicon(path).pronounce("json") == ("JH", "EY1", "S", "AA2", "N")


def test_every_word_that_the_rules_write_is_known(dictionary):
    """No guess of the GRU at a word that nobody wrote."""
    for written, spoken in cases.read():
        own = set(re.findall(r"[a-z]+", characters.clean(written).lower()))
        words = set(re.findall(r"[a-z']+", spoken)) - own
        unknown = [word for word in words if not dictionary.pronounce(word)]
        assert not unknown, (written, unknown)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("two-part T UW1", "'two-part' is not one word"),
        ("hello", "'hello' has no pronunciation"),
        ("hello HH AH L OW1", "AH is a vowel and needs its stress"),
        ("hello HH XX1", "Unknown phoneme 'XX1'"),
        ("hello HH . AH0", "Unknown phoneme '.'"),
    ],
)
def test_bad_user_entry_is_named_with_file_and_line(tmp_path, line, message):
    path = tmp_path / "words.txt"
    path.write_text(f"# comment\nfine F AY1 N\n{line}\n")
    with pytest.raises(ValueError) as error:
        read_user_lexicon(path)
    assert f"{path}:3: " in str(error.value)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_missing_or_binary_user_lexicon_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="No such user lexicon"):
        Lexicon(tmp_path / "nothing.txt")
    (tmp_path / "binary.txt").write_bytes(b"\xff\xfe\x00\x80")
    with pytest.raises(ValueError, match="not UTF-8"):
        Lexicon(tmp_path / "binary.txt")


def test_parse_pronunciation_refuses_an_empty_one():
    assert parse_pronunciation(" hh  Ah0 ") == ("HH", "AH0")
    with pytest.raises(ValueError, match="no phonemes"):
        parse_pronunciation("  ")


def test_import_and_lexicon_without_words_load_nothing():
    code = (
        "import sys; from wg2.text import lexicon; lexicon.Lexicon();"
        "assert lexicon._dictionary.cache_info().currsize == 0;"
        "assert 'tensorflow' not in sys.modules and 'keras' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
