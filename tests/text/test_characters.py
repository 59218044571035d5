"""Unicode to the characters of the rules."""

from __future__ import annotations

import sys
import unicodedata

import pytest

from wg2.text import characters


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("“It’s” — café\u00a0naïve…", '"It\'s" -- cafe naive...'),
        ("Cafe\u0301 d’Été", "Cafe d'Ete"),
        ("co\u00adop\u200bt ﬁne ﬀ", "coop t fine ff"),
        ("½ m² ﷺ 中 😀 Привет", "1/2 m^2"),
        ("\ufeffSmørrebrød Łódź ß Æ", "Smorrebrod Lodz ss Ae"),
        ("Ω α\x00b\x07\ue000\uf123", "omega alpha b"),
        ("£5 €6 ¥7 20°C 3×4", "£5 €6 ¥7 20°C 3×4"),
    ],
)  # fmt: skip
def test_clean(text, expected):
    assert characters.clean(text) == expected


def test_every_character_becomes_what_the_rules_know():
    for code in range(sys.maxunicode + 1):
        if 0xD800 <= code <= 0xDFFF or 0x20000 <= code < 0xE0000 or code >= 0xE1000:
            continue
        plain = characters.to_plain(chr(code))
        assert all(" " <= c <= "~" or c in characters.KEPT for c in plain), hex(code)


def test_table_is_complete():
    """Whatever the table leaves out is a space."""
    table = characters.table()
    for code in (*range(1, 0xD800, 7), *range(0xE000, 0x110000, 1013)):
        assert table.get(chr(code), " ") == characters.to_plain(chr(code))


def test_latin_letters_keep_their_letter():
    for code in range(0xC0, 0x250):
        decomposed = unicodedata.normalize("NFD", chr(code))
        if decomposed[0].isascii():
            assert characters.to_plain(chr(code)) == decomposed[0]


def test_unspoken_names_lost_letters_once():
    assert characters.unspoken("Привет, 中中 мир, naïve ½ 😀!") == "Привет中м"


def test_ignored_names_symbols_without_a_spoken_form_once():
    """Those with rules ($, ½, +) and letters of other scripts are not among them."""
    assert characters.ignored("😀 $5 + ½ ♥ 中 é 😀 ☃!") == "😀♥☃"
