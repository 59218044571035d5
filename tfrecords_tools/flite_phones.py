"""flite's phones in the notation of the CMU dictionary: ARPAbet with stress.

At synthesis, text goes through the CMU dictionary, so labels follow the dictionary's
notation wherever flite says the same thing: stress, and which symbol stands for a
reduced vowel, are taken from the dictionary's pronunciation that is nearest to what
flite said. What flite said differently stays as said.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass

from tfrecords_tools.flite import Phone
from wg2.text import symbols
from wg2.text.lexicon import SPEECH_SOUNDS, Pronunciation

SCHWA = "ax"
_REDUCED = frozenset(("AH", "IH", "UH", "ER", SCHWA))
_SAME_WORD_COST = 0.15
"""Per phone; above it, what was said is not the word that is written."""
_STRESS_COST = 0.05
"""Decides between pronunciations that differ in little but stress."""
_VOICED = {"S": "Z", "T": "D", "K": "G", "P": "B", "F": "V", "TH": "DH", "SH": "ZH"}


class LabelError(ValueError):
    """Speech that cannot be labelled; the message is "kind: details"."""


def to_arpabet(
    phones: Sequence[Phone], pronunciations: Sequence[Pronunciation]
) -> Pronunciation:
    """ARPAbet symbols with stress for the phones of one word.

    A vowel with a counterpart in the nearest of `pronunciations` takes its stress. A
    reduced vowel (schwa, or an IH for the dictionary's AH0) takes its symbol too, if
    it is unstressed there. Vowels without counterpart keep flite's stress.

    Raises:
        LabelError: If flite has used a phone that ARPAbet lacks.
    """
    said = tuple(map(_Sound, phones))
    counterparts: list[str | None] = [None] * len(said)
    lowest = float("inf")
    for pronunciation in pronunciations:
        cost, found = _align(said, pronunciation)
        cost += _STRESS_COST * _count_stress_differences(said, found)
        if cost < lowest:
            lowest, counterparts = cost, found
    return tuple(
        sound.symbol(counterpart)
        for sound, counterpart in zip(said, counterparts, strict=True)
    )


def sounds_like(
    phones: Sequence[Phone], pronunciations: Sequence[Pronunciation]
) -> bool:
    """Whether `phones` may be one of `pronunciations`, reduced or varied a little."""
    said = tuple(map(_Sound, phones))
    costs = [_align(said, pronunciation)[0] for pronunciation in pronunciations]
    return bool(costs) and min(costs) <= _SAME_WORD_COST * len(said)


@dataclass(frozen=True)
class _Sound:
    """A phone of flite, compared with and written in ARPAbet."""

    base: str
    stressed: bool

    def __init__(self, phone: Phone):
        base = phone.name if phone.name == SCHWA else phone.name.upper()
        vowel = base == SCHWA or base in symbols.VOWELS
        if not vowel and base not in SPEECH_SOUNDS:
            raise LabelError(f"unknown phone: flite's {phone.name!r}")
        object.__setattr__(self, "base", base)
        object.__setattr__(self, "stressed", phone.stressed)

    @property
    def is_vowel(self) -> bool:
        return self.base == SCHWA or self.base in symbols.VOWELS

    def symbol(self, counterpart: str | None) -> str:
        """In ARPAbet, given the dictionary's symbol in its place."""
        if not self.is_vowel:
            return self.base
        if counterpart is None or counterpart[-1] not in "012":
            if self.base == SCHWA:
                return "AH0"
            return self.base + ("1" if self.stressed else "0")
        vowel, stress = counterpart[:-1], counterpart[-1]
        if self.base == SCHWA:
            return counterpart if stress == "0" else "AH0"
        if stress == "0" and {self.base, vowel} == {"IH", "AH"}:
            return counterpart
        return self.base + stress


def _count_stress_differences(
    said: Sequence[_Sound], counterparts: Sequence[str | None]
) -> int:
    """Vowels that one stresses and the other does not, in words of many syllables.

    In words of one syllable it is the sentence that makes the difference.
    """
    if sum(sound.is_vowel for sound in said) < 2:
        return 0
    return sum(
        sound.stressed != (symbol[-1] != "0")
        for sound, symbol in zip(said, counterparts, strict=True)
        if sound.is_vowel and symbol and symbol[-1] in "012"
    )


@functools.lru_cache(maxsize=100_000)
def _distance(sound: _Sound, symbol: str) -> float:
    """Cost of taking what flite said for the dictionary's `symbol`."""
    if symbol[-1] in "012":
        vowel = symbol[:-1]
        if not sound.is_vowel:
            return 3.0
        if sound.base == vowel or (sound.base == SCHWA and symbol == "AH0"):
            return 0.0
        if sound.base in _REDUCED and vowel in _REDUCED:
            return 0.1 if symbol[-1] == "0" else 0.3
        return 0.6
    if sound.is_vowel:
        return 3.0
    if sound.base == symbol:
        return 0.0
    related = _VOICED.get(sound.base) == symbol or _VOICED.get(symbol) == sound.base
    return 0.5 if related else 1.5


@functools.lru_cache(maxsize=100_000)
def _align(
    said: tuple[_Sound, ...], pronunciation: Pronunciation
) -> tuple[float, list[str | None]]:
    """Cost of the cheapest alignment, and what each sound is aligned with."""
    rows, columns = len(said) + 1, len(pronunciation) + 1
    cost = [[float(i + j) for j in range(columns)] for i in range(rows)]
    for i in range(1, rows):
        for j in range(1, columns):
            cost[i][j] = min(
                cost[i - 1][j - 1] + _distance(said[i - 1], pronunciation[j - 1]),
                cost[i - 1][j] + 1,
                cost[i][j - 1] + 1,
            )
    counterparts: list[str | None] = [None] * len(said)
    i, j = len(said), len(pronunciation)
    while i and j:
        pair = _distance(said[i - 1], pronunciation[j - 1])
        if cost[i][j] == cost[i - 1][j - 1] + pair:
            i, j = i - 1, j - 1
            counterparts[i] = pronunciation[j]
        elif cost[i][j] == cost[i - 1][j] + 1:
            i -= 1
        else:
            j -= 1
    return cost[-1][-1], counterparts
