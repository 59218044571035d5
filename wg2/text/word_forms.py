"""Words made of others: plurals, possessives, -ed, -ing, compounds, spelled letters.

Rules as data, for the lexicon and for the graph alike. A word that no dictionary has is
sought by its stem (`STEMS`, in their order), whose packed pronunciation gets a mark of
its ending, and `ENDINGS` puts sounds in the place of the mark.
"""

from __future__ import annotations

from typing import NamedTuple

from wg2.text import symbols
from wg2.text.packed import any_of, pack
from wg2.text.rules.rule import Rule

_SIBILANTS = any_of(("S", "Z", "SH", "ZH", "CH", "JH"))
_VOICELESS = any_of(("P", "T", "K", "F", "TH", "S", "SH", "CH"))
_STOPS = any_of(("T", "D"))
VOWELS = any_of(symbols.STRESSED_VOWELS)


class Stem(NamedTuple):
    """A word that `pattern` matches as a whole may be `stem` with an ending."""

    pattern: str
    stem: str
    ending: str


def _doubled(ending: str, mark: str) -> list[Stem]:
    return [
        Stem(rf"([a-z]+){letter}{letter}{ending}", rf"\1{letter}", mark)
        for letter in "bdgklmnprtvz"
    ]


STEMS: tuple[Stem, ...] = (
    Stem(r"([a-z']+[a-z])'s", r"\1", "@S"),
    Stem(r"([a-z']+[a-rtv-z'])s", r"\1", "@S"),
    Stem(r"([a-z']+[a-z])ies", r"\1y", "@S"),
    Stem(r"([a-z']*[a-z](?:s|z|x|sh|ch))es", r"\1", "@S"),
    Stem(r"([a-z']+[a-z])in'", r"\1ing", ""),
    Stem(r"([a-z]{2,}[a-z])ing", r"\1", "@G"),
    Stem(r"([a-z]+[a-z])ing", r"\1e", "@G"),
    *_doubled("ing", "@G"),
    Stem(r"([a-z]{2,}[a-z])ed", r"\1", "@D"),
    Stem(r"([a-z]+[a-z])ed", r"\1e", "@D"),
    Stem(r"([a-z]+[a-z])ied", r"\1y", "@D"),
    *_doubled("ed", "@D"),
)

ENDINGS: tuple[Rule, ...] = (
    Rule(rf"({_SIBILANTS})@S", rf"\1{pack(('IH0', 'Z'))}"),
    Rule(rf"({_VOICELESS})@S", rf"\1{pack('S')}"),
    Rule("@S", pack("Z")),
    Rule(rf"({_STOPS})@D", rf"\1{pack(('IH0', 'D'))}"),
    Rule(rf"({_VOICELESS})@D", rf"\1{pack('T')}"),
    Rule("@D", pack("D")),
    Rule("@G", pack(("IH0", "NG"))),
)

SPELLED = r"[b-df-hj-np-tv-xz']+"
"""Words without a vowel letter are spelled."""

LETTERS: dict[str, str] = {
    letter: pack(sounds.split())
    for letter, sounds in {
        "a": "EY1", "b": "B IY1", "c": "S IY1", "d": "D IY1", "e": "IY1", "f": "EH1 F",
        "g": "JH IY1", "h": "EY1 CH", "i": "AY1", "j": "JH EY1", "k": "K EY1",
        "l": "EH1 L", "m": "EH1 M", "n": "EH1 N", "o": "OW1", "p": "P IY1",
        "q": "K Y UW1", "r": "AA1 R", "s": "EH1 S", "t": "T IY1", "u": "Y UW1",
        "v": "V IY1", "w": "D AH1 B AH0 L Y UW0", "x": "EH1 K S", "y": "W AY1",
        "z": "Z IY1", "'": "",
    }.items()
}  # fmt: skip
"""Packed names of the letters."""

MIN_COMPOUND_PART = 3
MAX_COMPOUND = 24
"""Letters of the shortest part, and of the longest word that is taken apart."""


def compound_splits(word: str) -> list[tuple[str, str]]:
    """Where `word` may be two words, the most balanced split first."""
    if not 2 * MIN_COMPOUND_PART <= len(word) <= MAX_COMPOUND:
        return []
    middle = len(word) / 2
    places = range(MIN_COMPOUND_PART, len(word) - MIN_COMPOUND_PART + 1)
    ordered = sorted(places, key=lambda at: (abs(at - middle), at))
    return [(word[:at], word[at:]) for at in ordered]
