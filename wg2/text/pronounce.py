"""How a word of the spoken form is pronounced, whatever it is.

In this order: spelled letters, the lexicon (with stems), capitals and words without a
vowel letter by their letters, compounds of two words of the lexicon, the GRU.
"""

from __future__ import annotations

import re

from wg2.text import word_forms
from wg2.text.lexicon import Lexicon, Pronunciation, with_ending
from wg2.text.packed import unpack

LETTER = "~"
CAPITALS = "^"
_SPELLED = re.compile(word_forms.SPELLED, re.ASCII)


def pronounce(word: str, lexicon: Lexicon) -> tuple[Pronunciation, ...]:
    """Pronunciations of `word`, the usual one first; never empty.

    Args:
        word: Lower-case letters and apostrophes, after `~` one letter (perhaps with
            's), after `^` what was in capitals.
        lexicon: Where to look first.

    Raises:
        FileNotFoundError: If the word is unknown and g2p_en is not installed.
    """
    mark, plain = (
        ("", word) if word[0] not in LETTER + CAPITALS else (word[0], word[1:])
    )
    if mark != LETTER and (found := lexicon.pronunciations(plain)):
        return found
    stem = plain.removesuffix("'s")
    ending = "@S" if stem != plain else ""
    if mark or _SPELLED.fullmatch(stem):
        sounds = spell(stem)
    else:
        sounds = _compound(stem, lexicon) or lexicon.guess(stem)
    return (with_ending(sounds, ending),)


def _compound(word: str, lexicon: Lexicon) -> Pronunciation | None:
    for first, second in word_forms.compound_splits(word):
        heads, tails = lexicon.entries(first), lexicon.entries(second)
        if heads and tails:
            return (*heads[0], *tails[0])
    return None


def spell(letters: str) -> Pronunciation:
    """The names of the letters."""
    return unpack("".join(word_forms.LETTERS[letter] for letter in letters))
