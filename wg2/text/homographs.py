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
    "blessed": ("B L EH1 S T", "B L EH1 S IH0 D", "V"),
    "combats": ("K AH0 M B AE1 T S", "K AA1 M B AE0 T S", "V"),
    "counterbalance": (
        "K AW2 N T ER0 B AE1 L AH0 N S",
        "K AW1 N T ER0 B AE2 L AH0 N S",
        "V",
    ),
    "curate": ("K Y UH1 R EY0 T", "K Y UH1 R AH0 T", "V"),
    "dogged": ("D AO1 G D", "D AO1 G IH0 D", "V"),
    "entrance": ("EH0 N T R AE1 N S", "EH1 N T R AH0 N S", "V"),
    "entrances": ("EH0 N T R AE1 N S IH0 Z", "EH1 N T R AH0 N S IH0 Z", "V"),
    "exploit": ("EH2 K S P L OY1 T", "EH1 K S P L OY2 T", "V"),
    "exploits": ("EH2 K S P L OY1 T S", "EH1 K S P L OY2 T S", "V"),
    "fragment": ("F R AE0 G M EH1 N T", "F R AE1 G M AH0 N T", "V"),
    "imprint": ("IH2 M P R IH1 N T", "IH1 M P R IH0 N T", "V"),
    "interchange": ("IH2 N T ER0 CH EY1 N JH", "IH1 N T ER0 CH EY2 N JH", "V"),
    "interchanges": (
        "IH2 N T ER0 CH EY1 N JH IH0 Z",
        "IH1 N T ER0 CH EY2 N JH IH0 Z",
        "V",
    ),
    "learned": ("L ER1 N IH0 D", "L ER1 N D", "J"),
    "misconduct": ("M IH2 S K AH0 N D AH1 K T", "M IH2 S K AA1 N D AH0 K T", "V"),
    "misuse": ("M IH0 S Y UW1 Z", "M IH0 S Y UW1 S", "V"),
    "pontificate": ("P AA0 N T IH1 F AH0 K EY2 T", "P AA0 N T IH1 F AH0 K AH0 T", "V"),
    "precipitate": ("P R IH0 S IH1 P IH0 T EY2 T", "P R IH0 S IH1 P IH0 T AH0 T", "V"),
    "predicate": ("P R EH1 D AH0 K EY2 T", "P R EH1 D IH0 K AH0 T", "V"),
    "rebel": ("R IH0 B EH1 L", "R EH1 B AH0 L", "V"),
    "segment": ("S EH0 G M EH1 N T", "S EH1 G M AH0 N T", "V"),
    "subcontract": ("S AH2 B K AA0 N T R AE1 K T", "S AH0 B K AA1 N T R AE2 K T", "V"),
    "torment": ("T AO0 R M EH1 N T", "T AO1 R M EH2 N T", "V"),
    # An adjective stresses the end, a noun the beginning.
    "upset": ("AH1 P S EH2 T", "AH0 P S EH1 T", "NN"),
    # Missing there.
    "address": ("AH0 D R EH1 S", "AE1 D R EH2 S", "V"),
    "affiliate": ("AH0 F IH1 L IY0 EY2 T", "AH0 F IH1 L IY0 AH0 T", "V"),
    "affiliates": ("AH0 F IH1 L IY0 EY2 T S", "AH0 F IH1 L IY0 AH0 T S", "V"),
    "update": ("AH0 P D EY1 T", "AH1 P D EY2 T", "V"),
    "updates": ("AH0 P D EY1 T S", "AH1 P D EY2 T S", "V"),
    "lead": ("L EH1 D", "L IY1 D", ""),  # the metal is told by its neighbours
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

# One pronunciation will do: where the list is wrong (to process, prefixes, mouths), or
# the tagger more often than the word is rare (a collect, to envelope).
_NONE = frozenset(
    ("affect", "affects", "certificate", "certificates", "closes", "collect",
     "collects", "crooked", "envelope", "envelopes", "instinct", "inverse", "jagged",
     "mandate", "mouths", "prefix", "prefixes", "presage", "presages", "process",
     "processes", "processing", "quadruple", "quadruples", "ragged")
)  # fmt: skip


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
        if first != second and fields[0].lower() not in _NONE:
            found[fields[0].lower()] = Homograph(first, second, (tag,))
    for word, (first, second, tags) in _OWN.items():
        entry = Homograph(
            pack(first.split()), pack(second.split()), tuple(tags.split())
        )
        found[word] = entry
    return {word: entry for word, entry in found.items() if entry.first != entry.second}


_LEAD_BEFORE = [
    "pipe",
    "pipes",
    "piping",
    "paint",
    "paints",
    "poisoning",
    "bullet",
    "bullets",
    "acid",
    "glass",
    "pencil",
    "pencils",
    "shot",
    "weight",
    "weights",
    "oxide",
    "ore",
    "ores",
    "mine",
    "mines",
    "miner",
    "miners",
    "crystal",
    "foil",
    "plate",
    "plates",
    "roof",
    "sheet",
    "sheets",
    "solder",
    "coffin",
    "balls",
    "lined",
    "based",
    "free",
]

NEIGHBOURS: dict[str, tuple[int, str]] = {
    **{f"lead {after}": (0, pack(("L", "EH1", "D"))) for after in _LEAD_BEFORE},
    **{
        f"{before} lead": (1, pack(("L", "EH1", "D")))
        for before in ("molten", "sheet", "melted", "white", "red", "of")
    },
    "used to": (0, pack(("Y", "UW1", "S", "T"))),
    **{
        f"minute {after}": (0, pack(("M", "AY0", "N", "UW1", "T")))
        for after in ("detail", "details", "quantities", "amounts", "particles")
    },
}
"""Two words in a row -> which of them (0 or 1) sounds how, whatever its tag."""


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
