"""Words whose pronunciation follows from the part of speech, and from what comes next.

The list is g2p_en's, `homographs.en`, with its slips put right and the words added that
it lacks.
"""

from __future__ import annotations

import functools
from typing import NamedTuple

from wg2.text import g2p
from wg2.text.packed import pack


class Homograph(NamedTuple):
    """`first` (packed) where the tag begins with one of `tags`, otherwise `second`."""

    first: str
    second: str
    tags: tuple[str, ...]

    def pronounce(self, tag: str) -> str:
        return self.first if tag.startswith(self.tags) else self.second


_OWN = {
    # Reversed or wrong in the list.
    "read": ("R EH1 D", "R IY1 D", "VBD VBN"),
    "object": ("AH0 B JH EH1 K T", "AA1 B JH EH0 K T", "V"),
    "articulate": ("AA0 R T IH1 K Y AH0 L EY2 T", "AA0 R T IH1 K Y AH0 L AH0 T", "V"),
    "baths": ("B AE1 DH Z", "B AE1 TH S", "V"),
    "close": ("K L OW1 Z", "K L OW1 S", "V"),
    # "He used a knife" and "he used to" have one tag; the second is the rarer.
    "used": ("Y UW1 Z D", "Y UW1 Z D", "V"),
    "estimate": ("EH1 S T AH0 M EY2 T", "EH1 S T AH0 M AH0 T", "V"),
    # Missing there.
    "lead": ("L EH1 D", "L IY1 D", "NN"),
    "live": ("L IH1 V", "L AY1 V", "V"),
    "lives": ("L IH1 V Z", "L AY1 V Z", "V"),
    "wind": ("W AY1 N D", "W IH1 N D", "V"),
    "winds": ("W AY1 N D Z", "W IH1 N D Z", "V"),
    "wound": ("W AW1 N D", "W UW1 N D", "VBD VBN"),
    "tear": ("T EH1 R", "T IH1 R", "V"),
    "tears": ("T EH1 R Z", "T IH1 R Z", "V"),
    "bow": ("B AW1", "B OW1", "V"),
    "bows": ("B AW1 Z", "B OW1 Z", "V"),
    "sow": ("S OW1", "S AW1", "V"),
    "does": ("D OW1 Z", "D AH1 Z", "NNS"),
    "dove": ("D OW1 V", "D AH1 V", "V"),
    "minute": ("M AY0 N UW1 T", "M IH1 N AH0 T", "J"),
    "invalid": ("IH1 N V AH0 L AH0 D", "IH0 N V AE1 L AH0 D", "N"),
    "deliberate": ("D IH0 L IH1 B ER0 EY2 T", "D IH0 L IH1 B ER0 AH0 T", "V"),
    "moderate": ("M AA1 D ER0 EY2 T", "M AA1 D ER0 AH0 T", "V"),
    "graduate": ("G R AE1 JH AH0 W EY2 T", "G R AE1 JH AH0 W AH0 T", "V"),
    "intimate": ("IH1 N T AH0 M EY2 T", "IH1 N T AH0 M AH0 T", "V"),
    "subject": ("S AH0 B JH EH1 K T", "S AH1 B JH EH0 K T", "V"),
    "conduct": ("K AH0 N D AH1 K T", "K AA1 N D AH0 K T", "V"),
    "conflict": ("K AH0 N F L IH1 K T", "K AA1 N F L IH0 K T", "V"),
    "console": ("K AH0 N S OW1 L", "K AA1 N S OW0 L", "V"),
    "desert": ("D IH0 Z ER1 T", "D EH1 Z ER0 T", "V"),
    "project": ("P R AH0 JH EH1 K T", "P R AA1 JH EH0 K T", "V"),
    "refuse": ("R AH0 F Y UW1 Z", "R EH1 F Y UW2 Z", "V"),
    "excuse": ("IH0 K S K Y UW1 Z", "IH0 K S K Y UW1 S", "V"),
    "house": ("HH AW1 Z", "HH AW1 S", "V"),
    "mouth": ("M AW1 DH", "M AW1 TH", "V"),
}


@functools.cache
def table() -> dict[str, Homograph]:
    """Lower-case word -> its two pronunciations.

    Raises:
        FileNotFoundError: If g2p_en is not installed.
    """
    found = {}
    for line in g2p.data_file("homographs.en").read_text(encoding="utf-8").splitlines():
        fields = line.strip().split("|")
        if line.startswith("#") or len(fields) != 4:
            continue
        tag = {"ADJ": "J"}.get(fields[3], fields[3])
        first, second = (pack(field.split()) for field in fields[1:3])
        if first != second:
            found[fields[0].lower()] = Homograph(first, second, (tag,))
    for word, (first, second, tags) in _OWN.items():
        entry = Homograph(
            pack(first.split()), pack(second.split()), tuple(tags.split())
        )
        found[word] = entry
    return {word: entry for word, entry in found.items() if entry.first != entry.second}


class WeakForm(NamedTuple):
    """Packed forms of a word, by what the next word begins with, if one follows."""

    before_vowel: str
    before_consonant: str
    before_pause: str


WEAK_FORMS: dict[str, WeakForm] = {
    word: WeakForm(*(pack(form.split()) for form in forms))
    for word, forms in {
        "the": ("DH IY0", "DH AH0", "DH AH0"),
        "to": ("T UW1", "T AH0", "T UW1"),
    }.items()
}
"""Words that sound otherwise before a vowel."""
