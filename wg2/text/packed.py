"""Phonemes and pauses as characters, so that sequences of them are strings.

Phoneme `i` of `symbols.PHONEMES` is U+E000 + i, a pause of `n` hundredths of a second
is U+F000 + n: both in Unicode's private use area, which `characters.clean` empties. So
the rules that set words and boundaries into a sequence are rules like any other, and
run in Python and in a graph.
"""

from __future__ import annotations

from collections.abc import Iterable

from wg2.text import symbols

PHONEME_BASE = 0xE000
PAUSE_BASE = 0xF000
MAX_PAUSE = 1000
"""Hundredths of a second: the longest pause is ten seconds."""

_CHARS = {symbol: chr(PHONEME_BASE + i) for i, symbol in enumerate(symbols.PHONEMES)}
_SYMBOLS = {char: symbol for symbol, char in _CHARS.items()}

PAUSE = f"[{chr(PAUSE_BASE)}-{chr(PAUSE_BASE + MAX_PAUSE)}]"
"""Pattern of one pause."""


def pack(phonemes: Iterable[str]) -> str:
    """`("HH", "AH0")` as two characters."""
    return "".join(_CHARS[phoneme] for phoneme in phonemes)


def unpack(packed: str) -> tuple[str, ...]:
    """The inverse of `pack`."""
    return tuple(_SYMBOLS[char] for char in packed)


def any_of(phonemes: Iterable[str]) -> str:
    """A pattern of one of these phonemes."""
    return f"[{pack(phonemes)}]"


def pack_pause(seconds: float) -> str:
    """A pause; what is longer than the longest is that long."""
    hundredths = int(seconds * 100 + 0.5)
    return chr(PAUSE_BASE + min(hundredths, MAX_PAUSE))


def is_pause(char: str) -> bool:
    return PAUSE_BASE <= ord(char) <= PAUSE_BASE + MAX_PAUSE


def pause_seconds(char: str) -> float:
    """The length of a packed pause."""
    return (ord(char) - PAUSE_BASE) / 100
