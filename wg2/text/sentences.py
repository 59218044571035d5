"""Long text to sentences."""

from __future__ import annotations

import re

from wg2.text.rules.abbreviations import (
    BEFORE_NUMBERS,
    NO_SENTENCE_END,
    SENTENCE_STARTERS,
)
from wg2.text.rules.calendar_dates import MONTHS
from wg2.text.rules.measures import POINTED_UNITS

_END = re.compile(
    r"(?:(?<![.!?…])[.!?…]+[\"'”’)\]]*)\s+(?=[\"'“‘(\[{]*[^\W_])|\n\s*\n\s*"
)
_LAST_WORD = re.compile(r"([A-Za-z]+(?:\.[A-Za-z]+)*)\.[\"'”’)\]]*\s*$")
_NUMBER = re.compile(r"[\"'“‘(\[{]*\d")
_ITEM = re.compile(r"\s*\(?\d{1,3}\.\s*")
_NEVER = frozenset(
    ("e.g", "E.g", "i.e", "I.e", "cf", "Cf", "vs", "v", "viz", "approx", "ca")
)
_DATED = frozenset((*(month[:3] for month in MONTHS), "Sept"))
_NEAR = 60  # characters: as far as an abbreviation and the word behind it reach
_FIRST_WORD = re.compile(r"[\"'“‘(\[{]*(\w+)")


def split_sentences(text: str) -> list[str]:
    """Sentences of `text`, in order and without the space between them.

    A mark ends a sentence if space and no small letter follow; the period of an
    abbreviation such as `Dr.`, of an initial or of an item's number does not, and a
    blank line always does.
    """
    sentences, start = [], 0
    for match in _END.finditer(text):
        if "\n" not in match.group() or not re.search(r"\n\s*\n", match.group()):
            end = match.end()
            before, after = text[max(start, end - _NEAR) : end], text[end : end + _NEAR]
            item = end - start < _NEAR and _ITEM.fullmatch(before)
            if after[:1].islower() or item or _is_abbreviation(before, after):
                continue
        sentences.append(text[start : match.end()].strip())
        start = match.end()
    sentences.append(text[start:].strip())
    return [sentence for sentence in sentences if sentence]


def _is_abbreviation(before: str, after: str) -> bool:
    word = _LAST_WORD.search(before)
    if not word:
        return False
    following = _FIRST_WORD.match(after)
    starts = bool(following) and re.fullmatch(SENTENCE_STARTERS, following.group(1))
    short = word.group(1)
    if short in _NEVER or (short == "al" and after[:1] == "("):
        return True
    if _NUMBER.match(after) and (short in BEFORE_NUMBERS | _DATED | POINTED_UNITS):
        return True
    if short == "St":
        return not starts
    initials = all(len(part) == 1 for part in short.split("."))
    if initials and short != "I":
        return not starts
    if short in ("No", "no", "Nos", "nos"):
        return after[:1].isdigit()
    return short in NO_SENTENCE_END
