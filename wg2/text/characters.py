"""Unicode to the characters that the rules know: ASCII and a few symbols.

One character at a time, whatever stands around it, so that a lookup table does the same
inside a graph.
"""

from __future__ import annotations

import functools
import unicodedata

KEPT = frozenset("£€¥₹¢°×÷±≈≤≥≠√∞π§¶©®™µ")
"""Symbols with rules of their own."""

_REPLACED = {
    **dict.fromkeys("’‘ʼʻ‛′`´＇", "'"),
    **dict.fromkeys("“”„‟«»‹›″〝〞「」『』", '"'),
    **dict.fromkeys("–—―‒⸺⸻", "--"),
    **dict.fromkeys("‐‑−⁃", "-"),
    **dict.fromkeys("•·‣◦∙", ","),
    **dict.fromkeys("。．", "."),
    **dict.fromkeys("、，", ","),
    "\u200b": " ", "⁄": "/", "∕": "/", "…": "...", "μ": "µ", "℃": "°C", "℉": "°F",
    **{digit: f"^{n}" for n, digit in enumerate("⁰¹²³⁴⁵⁶⁷⁸⁹")},
    "₤": "£", "₩": " won ", "₽": " rubles ", "₺": " lira ", "₪": " shekels ",
    "№": "No. ", "º": "", "ª": "", "∼": "~",
    "æ": "ae", "Æ": "Ae", "œ": "oe", "Œ": "Oe", "ø": "o", "Ø": "O", "ß": "ss",
    "ẞ": "Ss", "ð": "d", "Ð": "D", "þ": "th", "Þ": "Th", "ł": "l", "Ł": "L",
    "đ": "d", "Đ": "D",
    "ħ": "h", "ı": "i", "ĸ": "k", "ŋ": "ng", "Ŋ": "Ng", "ſ": "s", "→": "->", "←": "<-",
    "−": "-", "⁻": "^-", "₹": "₹", "¿": "", "¡": "",
}  # fmt: skip

_GREEK = [
    "alpha",
    "beta",
    "gamma",
    "delta",
    "epsilon",
    "zeta",
    "eta",
    "theta",
    "iota",
    "kappa",
    "lambda",
    "mu",
    "nu",
    "xi",
    "omicron",
    "pi",
    "rho",
    "sigma",
    "sigma",
    "tau",
    "upsilon",
    "phi",
    "chi",
    "psi",
    "omega",
]


def _fraction(char: str) -> bool:
    return unicodedata.decomposition(char).startswith("<fraction>")


@functools.cache
def to_plain(char: str) -> str:
    """What stands for one character: ASCII, a kept symbol, a space, or nothing.

    Accents go, ligatures and full-width forms come apart, Greek letters are named.
    What cannot be spoken (other scripts, emoji, private use) is a space.
    """
    if char in _REPLACED:
        return _REPLACED[char]
    if char in KEPT or " " <= char <= "~":
        return char
    if char.isspace():
        return " "
    category = unicodedata.category(char)
    if category.startswith("M") or category == "Cf":  # accents, joiners, directions
        return ""
    if "α" <= char <= "ω" or "Α" <= char <= "Ω":
        return f" {_GREEK[ord(char.lower()) - ord('α')]} "
    if category.startswith("C"):
        return " "
    decomposed = unicodedata.normalize("NFKD", char)
    if decomposed == char:
        return " "
    plain = "".join(to_plain(part) for part in decomposed)
    return f" {plain}" if _fraction(char) else plain


def clean(text: str) -> str:
    """`text` in the characters of the rules, with single spaces."""
    return " ".join("".join(map(to_plain, text)).split())


def unspoken(text: str) -> str:
    """Letters and digits of other scripts in `text`: what `clean` would lose."""
    lost = (c for c in text if c.isalnum() and not to_plain(c).strip())
    return "".join(dict.fromkeys(lost))


def ignored(text: str) -> str:
    """Symbols of `text` that `clean` passes over, such as emoji."""
    passed = (
        c for c in text if unicodedata.category(c)[0] == "S" and not to_plain(c).strip()
    )
    return "".join(dict.fromkeys(passed))


@functools.cache
def table() -> dict[str, str]:
    """Every character that becomes anything but a space, for a graph's lookup table."""
    # Planes 2 to 13 are ideographs or empty.
    codes = (*range(1, 0x20000), *range(0xE0000, 0xE1000))
    chars = (chr(code) for code in codes if not 0xD800 <= code <= 0xF8FF)
    return {char: plain for char in chars if (plain := to_plain(char)) != " "}
