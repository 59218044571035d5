"""The phoneme inventory: ARPAbet with stress, pauses, and the end of a sentence.

A model is bound to the order of these symbols, so the tuple is append-only. A
voice carries its own copy (`Config.text.phonemes`); nothing reads this default
once a voice exists.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

PAD = "<pad>"
END = "<eos>"
SILENCE = "sil"
"""Word boundary, and the silence before the first word. Often of zero frames."""
PAUSES = (",", ";", ":", ".", "?", "!")
"""A word boundary that carries a punctuation mark, named after the mark."""

_CONSONANTS = (
    "B", "CH", "D", "DH", "F", "G", "HH", "JH", "K", "L", "M", "N", "NG", "P", "R",
    "S", "SH", "T", "TH", "V", "W", "Y", "Z", "ZH",
)  # fmt: skip
VOWELS = (
    "AA", "AE", "AH", "AO", "AW", "AY", "EH", "ER", "EY", "IH", "IY", "OW", "OY",
    "UH", "UW",
)  # fmt: skip
STRESSED_VOWELS = tuple(vowel + stress for vowel in VOWELS for stress in "012")
UNSTRESSED = frozenset((*_CONSONANTS, *VOWELS))
"""All speech sounds as recognisers name them, which hear no stress."""

PHONEMES: tuple[str, ...] = PAD, END, SILENCE, *PAUSES, *_CONSONANTS, *STRESSED_VOWELS
"""Default inventory; id of a symbol = its index."""

BOUNDARIES = frozenset((PAD, END, SILENCE, *PAUSES))
"""Symbols that are not speech sounds."""


def without_stress(symbol: str) -> str:
    """The vowel of a stressed one; any other symbol as it is."""
    return symbol[:-1] if symbol in STRESSED_VOWELS else symbol


class UnknownPhonemeError(ValueError):
    """A symbol that is not in the voice's inventory."""


def encode(phonemes: Iterable[str], inventory: Sequence[str] = PHONEMES) -> list[int]:
    """Ids of `phonemes` in `inventory`.

    Raises:
        UnknownPhonemeError: Naming the first symbol that the inventory lacks.
    """
    index = {symbol: i for i, symbol in enumerate(inventory)}
    ids = []
    for symbol in phonemes:
        if symbol not in index:
            raise UnknownPhonemeError(
                f"Unknown phoneme {symbol!r}. Expected one of: {' '.join(inventory)}"
            )
        ids.append(index[symbol])
    return ids


def decode(ids: Iterable[int], inventory: Sequence[str] = PHONEMES) -> list[str]:
    """Symbols of `ids`; the inverse of `encode`."""
    return [inventory[i] for i in ids]
