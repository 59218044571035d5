"""Long text to sentences."""

from __future__ import annotations

import re

from wg2.text.rules.abbreviations import NO_SENTENCE_END, SENTENCE_STARTERS

_END = re.compile(r"(?:[.!?…]+[\"'”’)\]]*)\s+(?=[\"'“‘(\[{]*[^\W_])|\n\s*\n\s*")
_LAST_WORD = re.compile(r"([A-Za-z]+(?:\.[A-Za-z]+)*)\.[\"'”’)\]]*\s*$")
_FIRST_WORD = re.compile(r"[\"'“‘(\[{]*(\w+)")


def split_sentences(text: str) -> list[str]:
    """Sentences of `text`, in order and without the space between them.

    A mark ends a sentence if space and no small letter follow; the period of an
    abbreviation such as `Dr.` or of an initial does not, and a blank line always does.
    """
    sentences, start = [], 0
    for match in _END.finditer(text):
        if "\n" not in match.group() or not re.search(r"\n\s*\n", match.group()):
            before, after = text[start : match.end()], text[match.end() :]
            if after[:1].islower() or _is_abbreviation(before, after):
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
    initials = all(len(part) == 1 for part in word.group(1).split("."))
    if initials and word.group(1) != "I":
        return not starts
    if word.group(1) in ("No", "no", "Nos", "nos"):
        return after[:1].isdigit()
    return word.group(1) in NO_SENTENCE_END
